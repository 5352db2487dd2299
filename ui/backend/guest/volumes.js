// @ts-check
// How loud this participant wants everybody, for as long as the call goes on: whoever comes back is as loud as
// before, and so is everybody when the page is loaded anew. Nobody is told. The counterpart of the app's
// `actor/volumes.rs`.

/** The loudest, in percent. */
const LOUDEST = 200;
const UNCHANGED = 100;
/** More peers than anybody sets: what is kept with the page's place has an end. */
const MOST = 256;

/** @typedef {{ volume: number, muted: boolean }} Wanted */

/** @param {unknown} volume @returns {volume is number} */
const isVolume = (volume) => typeof volume === "number" && volume >= 0 && volume <= LOUDEST;

export class Volumes {
  /** @type {Map<string, Wanted>} by peer */
  #wanted = new Map();

  /** @param {unknown} kept as {@link kept} gave it, or anything */
  constructor(kept = null) {
    for (const entry of Array.isArray(kept) ? kept.slice(0, MOST) : []) {
      const [peer, volume, muted] = Array.isArray(entry) ? entry : [];
      if (typeof peer === "string" && isVolume(volume)) this.#wanted.set(peer, { volume, muted: muted === true });
    }
  }

  /** @param {string} peer @returns {Wanted} */
  of(peer) {
    return this.#wanted.get(peer) ?? { volume: UNCHANGED, muted: false };
  }

  /** @param {string} peer what its samples are multiplied by */
  gain(peer) {
    const { volume, muted } = this.of(peer);
    return muted ? 0 : volume / 100;
  }

  /** @param {string} peer @param {number} volume in percent; what is no volume changes nothing */
  setVolume(peer, volume) {
    if (isVolume(volume)) this.#set(peer, { ...this.of(peer), volume: Math.round(volume) });
  }

  /** @param {string} peer @param {boolean} muted not to be heard; the volume is kept for later */
  setMuted(peer, muted) {
    this.#set(peer, { ...this.of(peer), muted });
  }

  /** A new call begins: nobody in it is known. */
  clear() {
    this.#wanted.clear();
  }

  /** For {@link constructor}. @returns {[string, number, boolean][]} */
  kept() {
    return [...this.#wanted].map(([peer, { volume, muted }]) => [peer, volume, muted]);
  }

  /** @param {string} peer @param {Wanted} wanted */
  #set(peer, wanted) {
    if (this.#wanted.size < MOST || this.#wanted.has(peer)) this.#wanted.set(peer, wanted);
  }
}
