// @ts-check
// Files as the session knows them. The desk where they are sent and received is loaded with the first channel for them,
// or the first file that is picked; what comes before that is kept for it.

import { later } from "../../../later.js";

/** @typedef {import("../../../strings/dictionary").Said} Said */
/** @typedef {import("../../../types/shell").Picked} Picked */
/** @typedef {import("./desk").FileDesk} FileDesk */

/** The data channel's label. */
export const FILES_LABEL = "maru.files";

/** Messages of one peer that wait for the desk: offers, as no bytes come that nobody accepted. */
const EARLY_LIMIT = 32;
/** A desk that could not be loaded while somebody has a channel for files is tried again after that. */
const AGAIN_MS = 5000;

const loadDesk = later(new URL("desk.js", import.meta.url), () => import("./desk.js"));

/** @typedef {{ name: string, channel: RTCDataChannel, early: unknown[] }} Line */

export class Files {
  #onChange;
  /** @type {FileDesk | null} */
  #desk = null;
  /** @type {Map<string, Line>} by peer, until there is a desk */
  #waiting = new Map();
  /** @type {number | undefined} */
  #timer;

  /** @param {() => void} onChange there is something new to show */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  get views() {
    return this.#desk?.views ?? [];
  }

  /** Whether bytes are on their way, so that there is progress to show. */
  get isMoving() {
    return this.#desk?.isMoving === true;
  }

  /**
   * Takes in files that the person picked.
   * @param {File[]} files
   * @returns {Promise<Picked>}
   */
  async pick(files) {
    if (files.length === 0) return { files: [], problem: null };
    try {
      return (await this.#open()).pick(files);
    } catch (problem) {
      return { files: [], problem: /** @type {Picked["problem"]} */ (problem) };
    }
  }

  /**
   * Offers a picked file; what is wrong, where it is not offered to all of them.
   * @param {number} handle
   * @param {{ id: string, name: string }[]} peers
   * @returns {Said | null}
   */
  offer(handle, peers) {
    return this.#desk ? this.#desk.offer(handle, peers) : { key: "file_not_picked", values: {} };
  }

  /** @param {number} file */
  accept(file) {
    this.#desk?.accept(file);
  }

  /** @param {number} file */
  cancel(file) {
    this.#desk?.cancel(file);
  }

  /** A new call begins. */
  clear() {
    this.#desk?.clear();
  }

  /** @param {string[]} peers who is still there */
  retain(peers) {
    for (const peer of [...this.#waiting.keys()]) {
      if (!peers.includes(peer)) this.#waiting.delete(peer);
    }
    this.#desk?.retain(peers);
  }

  /** @param {string} peer @param {string} name @param {RTCDataChannel} channel that opens soon */
  line(peer, name, channel) {
    if (this.#desk) return this.#desk.line(peer, name, channel);
    /** @type {unknown[]} */
    const early = [];
    channel.binaryType = "arraybuffer";
    channel.onmessage = ({ data }) => void (early.length < EARLY_LIMIT && early.push(data));
    this.#waiting.set(peer, { name, channel, early });
    this.#prepare();
  }

  /** @param {string} peer its connection was given up */
  drop(peer) {
    this.#waiting.delete(peer);
    this.#desk?.drop(peer);
  }

  /** Has the desk ready for those who wait for it. */
  #prepare() {
    window.clearTimeout(this.#timer);
    if (this.#waiting.size === 0) return;
    this.#open().catch(() => (this.#timer = window.setTimeout(() => this.#prepare(), AGAIN_MS)));
  }

  async #open() {
    const { FileDesk } = await loadDesk();
    if (this.#desk) return this.#desk;
    const desk = (this.#desk = new FileDesk(this.#onChange));
    for (const [peer, { name, channel, early }] of this.#waiting) {
      desk.line(peer, name, channel);
      for (const data of early) channel.onmessage?.(new MessageEvent("message", { data }));
    }
    this.#waiting.clear();
    return desk;
  }
}
