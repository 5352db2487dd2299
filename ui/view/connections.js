// @ts-check
// The connections of a call as they are shown: marks on tiles, and the panel of the one that somebody looks at. How they
// are judged and drawn is loaded when there is something to judge.

import { later, loadSheet } from "../later.js";
import { byId } from "./dom.js";
import { peerTile } from "./participants.js";

/** @typedef {import("../types/engine").CallView} CallView */

const load = later(new URL("connection.js", import.meta.url), async () => {
  const [{ QualityWatch }, { ConnectionPanel }] = await Promise.all([
    import("./quality/watch.js"),
    import("./connection.js"),
    loadSheet("connection"),
  ]);
  return { watch: new QualityWatch(), panel: new ConnectionPanel() };
});

export class Connections {
  /** @type {string | null} whose panel is, or was last, shown */
  shown = null;
  /** @type {Awaited<ReturnType<typeof load>> | null} */
  #loaded = null;
  #stage;
  #relayWanted;

  /** @param {import("./stage").Stage} stage @param {() => boolean} relayWanted */
  constructor(stage, relayWanted) {
    this.#stage = stage;
    this.#relayWanted = relayWanted;
  }

  /** Until then nothing is known of any connection. */
  async load() {
    this.#loaded = await load();
  }

  /** @param {number} nowMs @param {import("../types/engine").CallStats} stats @param {CallView} view */
  take(nowMs, stats, view) {
    if (!this.#loaded) {
      this.load().catch(() => {}); // the next figures try again
      return;
    }
    this.#loaded.watch.take(nowMs, stats, view.peers.map(({ id }) => id));
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
    this.#loaded?.panel.render(peer.name, sentence, grade, this.#loaded.watch.history(peer.id));
    return true;
  }

  /** @param {string} peer @param {CallView} view what is known of a peer's connection */
  known(peer, view) {
    const history = this.#loaded?.watch.history(peer);
    return history ? { stats: history.stats, sentence: this.#qualityOf(peer, view).sentence } : null;
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
    return this.#loaded?.watch.of(id, peer?.name ?? "", this.#relayWanted()) ?? UNKNOWN;
  }
}

/** @type {import("./quality/watch").Quality} */
const UNKNOWN = { grade: "good", sentence: "", marked: false };
