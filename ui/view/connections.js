// @ts-check
// The connections of a call as they are shown: marks on tiles, and the panel of the one that somebody looks at.

import { ConnectionPanel } from "./connection.js";
import { byId } from "./dom.js";
import { peerTile } from "./participants.js";
import { QualityWatch } from "./quality/watch.js";

/** @typedef {import("../types/engine").CallView} CallView */

export class Connections {
  /** @type {string | null} whose panel is, or was last, shown */
  shown = null;
  #watch = new QualityWatch();
  #panel = new ConnectionPanel();
  #stage;
  #relayWanted;

  /** @param {import("./stage").Stage} stage @param {() => boolean} relayWanted */
  constructor(stage, relayWanted) {
    this.#stage = stage;
    this.#relayWanted = relayWanted;
  }

  /** @param {number} nowMs @param {import("../types/engine").CallStats} stats @param {CallView} view */
  take(nowMs, stats, view) {
    this.#watch.take(nowMs, stats, view.peers.map(({ id }) => id));
    this.#stage.renderQuality((peer) => this.#qualityOf(peer, view));
    this.render(view);
  }

  /** @param {string | null} peer @param {CallView} view */
  show(peer, view) {
    this.shown = peer ?? this.shown;
    this.render(view);
  }

  /** @param {CallView} view @returns {boolean} whether there is somebody whose panel it is */
  render(view) {
    const peer = view.peers.find(({ id }) => id === this.shown);
    if (!peer) return false;
    const { sentence, grade } = this.#qualityOf(peer.id, view);
    this.#panel.render(peer.name, sentence, grade, this.#watch.history(peer.id));
    return true;
  }

  /** @param {string} peer @param {CallView} view what is known of a peer's connection */
  known(peer, view) {
    const history = this.#watch.history(peer);
    return history && { stats: history.stats, sentence: this.#qualityOf(peer, view).sentence };
  }

  focus() {
    byId("connection-close", HTMLButtonElement).focus();
  }

  focusTile() {
    if (this.shown !== null) this.#stage.focusConnection(this.shown);
  }

  /** @param {string} id @param {CallView} view @returns {import("./quality/watch").Quality} */
  #qualityOf(id, view) {
    const peer = view.peers.find((other) => other.id === id);
    // Where there is no path, what was measured on it says nothing; the tile tells of that by itself.
    const { status } = peer && peer.state !== "connected" ? peerTile(peer) : { status: "" };
    if (status !== "") return { grade: "fair", sentence: status, marked: false };
    return this.#watch.of(id, peer?.name ?? "", this.#relayWanted());
  }
}
