// @ts-check
// The small window: one tile, of the screen that somebody shares or of whoever speaks, and two switches. The call is the
// other window's; this one only shows it. When it is closed, that window's tile gets its pictures back.

import { miniBackend } from "../backend/tauri.js";
import { ShareChoice } from "../view/choice.js";
import { byId, fillIn, setAttribute } from "../view/dom.js";
import { peerTile, screenTile } from "../view/participants.js";
import { Tile } from "../view/tile.js";
import { SpeakerChoice } from "./speaker.js";

/** @typedef {import("../backend/backend").Backend} Backend */
/** @typedef {import("../types/engine").CallView} CallView */
/** @typedef {import("../types/engine").VideoKind} VideoKind */

class Mini {
  #backend;
  #encoded;
  /** @type {CallView} */
  #view;
  #choice = new SpeakerChoice();
  #shares = new ShareChoice();
  /** @type {{ id: string, stream: VideoKind, tile: Tile } | null} */
  #shown = null;
  #host = byId("mini-tile", HTMLElement);
  #mute = byId("mini-mute", HTMLButtonElement);

  /** @param {Backend} backend @param {import("../backend/backend").Start} start */
  constructor(backend, { view, settings, flags }) {
    this.#backend = backend;
    this.#encoded = flags.webcodecs && !settings.force_fallback;
    this.#view = view;
    this.#mute.addEventListener("click", () => {
      void backend.command({ type: "set_muted", muted: !this.#view.me.muted });
    });
    byId("mini-leave", HTMLButtonElement).addEventListener("click", () => void backend.command({ type: "leave" }));
    byId("mini-back", HTMLButtonElement).addEventListener("click", () => void backend.desktop?.showWindow());
    this.#render(view);
  }

  /** @param {import("../types/engine").Event} event */
  handle(event) {
    if (event.type === "view") this.#render(event.view);
    if (event.type !== "levels") return;
    const speaking = event.levels.peers.filter((peer) => peer.speaking).map((peer) => peer.id);
    this.#choose(speaking);
    this.#shown?.tile.setSpeaking(speaking.includes(this.#shown.id) && this.#shown.stream === "camera");
  }

  /** @param {CallView} view */
  #render(view) {
    this.#view = view;
    this.#shares.update(view.peers.filter((peer) => peer.sharing).map((peer) => peer.id));
    setAttribute(this.#mute, "aria-pressed", view.me.muted);
    this.#choose([]);
    const peer = view.peers.find((other) => other.id === this.#shown?.id);
    if (peer && this.#shown) this.#shown.tile.update(stateOf(peer, this.#shown.stream));
  }

  /** @param {string[]} speaking */
  #choose(speaking) {
    const speaker = this.#choice.next(this.#view.peers.map((peer) => peer.id), speaking, performance.now());
    if (this.#shares.shown === null) this.#show(speaker, "camera");
    else this.#show(this.#shares.shown, "screen");
  }

  /** @param {string | null} id @param {VideoKind} stream */
  #show(id, stream) {
    if (id === (this.#shown?.id ?? null) && (id === null || stream === this.#shown?.stream)) return;
    this.#shown?.tile.close();
    this.#shown = null;
    const peer = this.#view.peers.find((other) => other.id === id);
    if (!peer) return;
    const tile = new Tile({
      backend: this.#backend,
      source: peer.id,
      stream,
      attributes: { "data-peer": peer.id },
      encoded: this.#encoded,
    });
    this.#shown = { id: peer.id, stream, tile };
    this.#host.append(tile.element);
    tile.update(stateOf(peer, stream));
  }
}

/** @param {import("../types/engine").PeerView} peer @param {VideoKind} stream */
function stateOf(peer, stream) {
  return stream === "screen" ? screenTile(peer) : peerTile(peer);
}

async function run() {
  fillIn(document);
  const backend = miniBackend();
  if (!backend) return;
  /** @type {Mini | undefined} */
  let mini;
  const start = await backend.start((event) => mini?.handle(event), () => {}, () => {});
  mini = new Mini(backend, start);
}

void run();
