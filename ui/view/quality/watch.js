// @ts-check
// Follows all connections of a call: takes what is measured of them, and knows what is to be said of each.

import { History } from "./history.js";
import { Judge } from "./rules.js";
import { sentenceOf } from "./words.js";

/** @typedef {import("../../types/engine").CallStats} CallStats */
/** @typedef {import("./rules").Grade} Grade */

/**
 * What is said of one connection.
 * @typedef {object} Quality
 * @property {Grade} grade
 * @property {string} sentence
 * @property {boolean} marked whether something is wrong with the connection itself
 */

export class QualityWatch {
  /** @type {Map<string, { history: History, judge: Judge }>} by peer */
  #peers = new Map();

  /** @param {number} nowMs @param {CallStats} stats @param {string[]} present who is in the room */
  take(nowMs, { peers }, present) {
    for (const id of this.#peers.keys()) if (!present.includes(id)) this.#peers.delete(id);
    // One that says nothing for a second, as its path is lost, is remembered.
    for (const stats of peers) {
      const known = this.#peers.get(stats.id) ?? { history: new History(), judge: new Judge() };
      this.#peers.set(stats.id, known);
      known.history.take(nowMs, stats);
    }
    for (const { id, outboundVideo, path } of peers) {
      const { history, judge } = /** @type {{ history: History, judge: Judge }} */ (this.#peers.get(id));
      const sends = (history.now.fpsSent ?? 0) > 0;
      judge.take({
        figures: history.now,
        others: [...this.#peers].filter(([other]) => other !== id).map(([, other]) => other.history.now),
        tooSlow: sends && outboundVideo?.qualityLimitationReason === "cpu",
        relayed: path?.kind === "relay",
      });
    }
  }

  /** @param {string} peer */
  history(peer) {
    return this.#peers.get(peer)?.history ?? null;
  }

  /**
   * @param {string} peer @param {string} name @param {boolean} relayWanted
   * @returns {Quality}
   */
  of(peer, name, relayWanted) {
    const verdict = this.#peers.get(peer)?.judge.said ?? null;
    const grade = verdict?.grade ?? "good";
    const sentence = sentenceOf(verdict, name, relayWanted);
    return { grade, sentence, marked: grade !== "good" && verdict?.key !== "cpu" };
  }
}
