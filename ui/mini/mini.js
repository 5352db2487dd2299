// @ts-check
// The small window: one tile, of whoever speaks, and two switches. The call is the other window's; this one only
// shows it. When it is closed, that window's tile gets its pictures back.

import { miniBackend } from "../backend/tauri.js";
import { byId, fillIn, setAttribute } from "../view/dom.js";
import { peerTile } from "../view/participants.js";
import { Tile } from "../view/tile.js";
import { SpeakerChoice } from "./speaker.js";

/** @typedef {import("../backend/backend").Backend} Backend */
/** @typedef {import("../types/engine").CallView} CallView */

class Mini {
  #backend;
  #encoded;
  /** @type {CallView} */
  #view;
  #choice = new SpeakerChoice();
  /** @type {{ id: string, tile: Tile } | null} */
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
    this.#show(this.#choice.next(this.#view.peers.map((peer) => peer.id), speaking, performance.now()));
    this.#shown?.tile.setSpeaking(speaking.includes(this.#shown.id));
  }

  /** @param {CallView} view */
  #render(view) {
    this.#view = view;
    setAttribute(this.#mute, "aria-pressed", view.me.muted);
    this.#show(this.#choice.next(view.peers.map((peer) => peer.id), [], performance.now()));
    const peer = view.peers.find((other) => other.id === this.#shown?.id);
    if (peer) this.#shown?.tile.update(peerTile(peer));
  }

  /** @param {string | null} id */
  #show(id) {
    if (id === (this.#shown?.id ?? null)) return;
    this.#shown?.tile.close();
    this.#shown = null;
    const peer = this.#view.peers.find((other) => other.id === id);
    if (!peer) return;
    const tile = new Tile({
      backend: this.#backend,
      source: peer.id,
      attributes: { "data-peer": peer.id },
      encoded: this.#encoded,
    });
    this.#shown = { id: peer.id, tile };
    this.#host.append(tile.element);
    tile.update(peerTile(peer));
  }
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
