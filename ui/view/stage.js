// @ts-check
// The tiles of a call: one per peer, kept as long as the peer stays, laid out over the whole stage, or beside the
// screen that somebody shares.

import { later, loadSheet } from "../later.js";
import { shareLayout, stageLayout } from "./layout.js";
import { peerTile, selfTile } from "./participants.js";
import { Tile } from "./tile.js";
import { setAttribute } from "./dom.js";

/** @typedef {import("../backend/backend").Backend} Backend */
/** @typedef {import("../types/engine").CallView} CallView */
/** @typedef {import("../types/engine").Levels} Levels */

/** Between tiles, in CSS pixels. */
const GAP = 10;

const loadShareView = later(new URL("share.js", import.meta.url), async () => {
  const [{ ShareView }] = await Promise.all([import("./share.js"), loadSheet("share")]);
  return ShareView;
});

/** Levels come ten times a second while there is sound; after this long without, nobody speaks. */
const LEVELS_END_MS = 500;

export class Stage {
  #backend;
  #stage;
  #joinHost;
  #encoded;
  #send;
  #onConnection;
  /** @type {Map<string, Tile>} by peer id, in the order of the view */
  #tiles = new Map();
  #self;
  #attempt;
  /** @type {import("./share").ShareView | null} from the first shared screen on */
  #share = null;
  /** Who shared a screen at the last look. */
  #sharing = "";
  /** @type {import("../types/engine").PeerView[]} as of the newest view */
  #peers = [];
  /** @type {number | undefined} */
  #quietTimer;
  #inCall = false;
  /** @type {string | null} the camera that gave no picture, until it gives one or another is chosen */
  #failedCamera = null;

  /**
   * @param {object} options
   * @param {Backend} options.backend
   * @param {HTMLElement} options.stage
   * @param {HTMLElement} options.joinHost where the own tile is before a call
   * @param {boolean} options.encoded decode the others' video in the window
   * @param {(command: import("../types/engine").Command) => Promise<boolean>} options.send
   * @param {(peer: string) => void} options.onConnection opens the panel of the connection to a peer
   * @param {(attempt: () => Promise<void>) => void} options.attempt does it, and lets the person try again where it fails
   */
  constructor({ backend, stage, joinHost, encoded, send, onConnection, attempt }) {
    this.#backend = backend;
    this.#stage = stage;
    this.#joinHost = joinHost;
    this.#encoded = encoded;
    this.#send = send;
    this.#onConnection = onConnection;
    this.#attempt = attempt;
    // The own picture is never encoded on its way here.
    this.#self = new Tile({
      backend,
      source: "preview",
      stream: "camera",
      attributes: { "data-self": "" },
      encoded: false,
    });
    joinHost.append(this.#self.element);
    new ResizeObserver(() => this.#layOut()).observe(stage);
  }

  /** @param {boolean} encoded */
  setEncoded(encoded) {
    this.#encoded = encoded;
    this.#share?.setEncoded(encoded);
    for (const tile of this.#tiles.values()) tile.setEncoded(encoded);
  }

  /**
   * @param {CallView} view
   * @param {boolean} inCall
   */
  render(view, inCall) {
    const peers = inCall ? view.peers : [];
    const before = this.#tiles.size;
    const present = new Set(peers.map((peer) => peer.id));
    for (const [id, tile] of this.#tiles) {
      if (present.has(id)) continue;
      this.#tiles.delete(id);
      tile.close();
    }
    for (const peer of peers) {
      let tile = this.#tiles.get(peer.id);
      if (!tile) {
        tile = new Tile({
          backend: this.#backend,
          source: peer.id,
          stream: "camera",
          attributes: { "data-peer": peer.id },
          encoded: this.#encoded,
          send: this.#send,
          onConnection: () => this.#onConnection(peer.id),
        });
        this.#tiles.set(peer.id, tile);
        this.#stage.append(tile.element);
      }
      tile.update(peerTile(peer));
    }
    const { camera, camera_live } = view.me;
    if (camera_live || camera !== this.#failedCamera) this.#failedCamera = null;
    if (!camera_live && view.notice?.code === "camera") this.#failedCamera = camera;
    this.#self.update(selfTile(view, !inCall, this.#failedCamera !== null));
    if (inCall !== this.#inCall) this.#moveSelf(inCall);
    if (before !== this.#tiles.size) this.#animate();
    this.#renderShare(peers);
    this.#layOut();
  }

  /** @param {import("../types/engine").PeerView[]} peers */
  #renderShare(peers) {
    this.#peers = peers;
    const share = this.#share;
    if (!share) return this.#awaitShare();
    const shared = share.isShown;
    share.render(peers);
    if (shared === share.isShown) return;
    // What is shared comes first, to read as to look at.
    if (share.isShown) this.#stage.prepend(share.element);
    else share.element.remove();
    this.#animate();
  }

  /** Has loaded what shows a screen, once for each that somebody begins to share. */
  #awaitShare() {
    const sharing = this.#peers.filter((peer) => peer.sharing).map(({ id }) => id).join(" ");
    if (sharing === this.#sharing) return;
    this.#sharing = sharing;
    if (sharing === "") return;
    this.#attempt(async () => {
      const ShareView = await loadShareView();
      this.#share ??= new ShareView({ backend: this.#backend, encoded: this.#encoded, onChange: () => this.#layOut() });
      this.#renderShare(this.#peers);
      this.#layOut();
    });
  }

  /**
   * @param {Levels} levels
   * @param {boolean} muted
   */
  renderLevels(levels, muted) {
    for (const { id, speaking } of levels.peers) this.#tiles.get(id)?.setSpeaking(speaking);
    this.#self.setSpeaking(levels.speaking && !muted && this.#inCall);
    window.clearTimeout(this.#quietTimer);
    this.#quietTimer = window.setTimeout(() => {
      for (const tile of [this.#self, ...this.#tiles.values()]) tile.setSpeaking(false);
    }, LEVELS_END_MS);
  }

  /** @param {(peer: string) => import("./quality/watch").Quality} qualityOf */
  renderQuality(qualityOf) {
    for (const [id, tile] of this.#tiles) tile.setQuality(qualityOf(id));
  }

  /** @param {string} peer */
  focusConnection(peer) {
    this.#tiles.get(peer)?.focusConnection();
  }

  /** @param {boolean} inCall */
  #moveSelf(inCall) {
    this.#inCall = inCall;
    if (inCall) {
      this.#stage.append(this.#self.element);
    } else {
      this.#self.unplace();
      setAttribute(this.#self.element, "data-corner", false);
      this.#joinHost.append(this.#self.element);
    }
    this.#self.setSpeaking(false);
  }

  /** Lets tiles glide when somebody comes or goes, but not while the window is dragged larger. */
  #animate() {
    this.#stage.classList.add("gliding");
    window.setTimeout(() => this.#stage.classList.remove("gliding"), 320);
  }

  #layOut() {
    if (!this.#inCall) return;
    const { clientWidth, clientHeight } = this.#stage;
    if (this.#share?.isShown) return this.#layOutShare(this.#share, clientWidth, clientHeight);
    const places = stageLayout(this.#tiles.size, clientWidth, clientHeight, GAP);
    const tiles = [...this.#tiles.values()];
    places.peers.forEach((place, index) => tiles[index]?.place(place));
    if (places.self) this.#self.place(places.self);
    setAttribute(this.#self.element, "data-corner", places.corner);
  }

  /** @param {import("./share").ShareView} view @param {number} width @param {number} height of the stage */
  #layOutShare(view, width, height) {
    const all = [...this.#tiles.values(), this.#self];
    const { share, tiles } = shareLayout(all.length, view.aspect, width, height, GAP);
    view.place(share);
    tiles.forEach((place, index) => all[index]?.place(place));
    setAttribute(this.#self.element, "data-corner", false);
  }
}
