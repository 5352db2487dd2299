// @ts-check
// Whom a window with room for one shows. Pure, told the time.

/** Whoever is shown stays for this long, so that two who talk do not flicker. */
const STAY_MS = 2000;

export class SpeakerChoice {
  /** @type {string | null} */
  #shown = null;
  #since = -Infinity;

  /**
   * @param {string[]} present
   * @param {string[]} speaking
   * @param {number} nowMs
   * @returns {string | null} nobody, when nobody is there
   */
  next(present, speaking, nowMs) {
    const here = this.#shown !== null && present.includes(this.#shown);
    if (here && (speaking.length === 0 || speaking.includes(/** @type {string} */ (this.#shown)))) return this.#shown;
    if (here && nowMs - this.#since < STAY_MS) return this.#shown;
    const other = speaking.find((id) => present.includes(id)) ?? (here ? this.#shown : present[0]) ?? null;
    if (other !== this.#shown) {
      this.#shown = other;
      this.#since = nowMs;
    }
    return other;
  }
}
