// @ts-check
// Decides when a tile gives up on the window's own decoder and takes decoded pictures from the
// backend instead. Pure; told the time in milliseconds.

/** Frames go in and nothing has come out for this long: the decoder does not work. */
const SILENCE_MS = 2000;

/** One error in this span can be a damaged frame; two cannot. */
const ERROR_SPAN_MS = 10_000;

export class DecoderHealth {
  /** @type {number | null} the first frame that went in since the last one that came out */
  #waitingSince = null;
  #everWorked = false;
  #lastError = -Infinity;

  /**
   * A frame goes in.
   * @param {number} now
   */
  submitted(now) {
    this.#waitingSince ??= now;
  }

  /** A picture came out. */
  produced() {
    this.#everWorked = true;
    this.#waitingSince = null;
  }

  /**
   * The decoder failed: try it once more, or give up on it?
   * @param {number} now
   * @returns {"retry" | "give_up"}
   */
  failed(now) {
    const again = now - this.#lastError < ERROR_SPAN_MS;
    this.#lastError = now;
    this.#waitingSince = null;
    return this.#everWorked && !again ? "retry" : "give_up";
  }

  /**
   * Whether frames have been going in for too long without a picture.
   * @param {number} now
   */
  silent(now) {
    return this.#waitingSince !== null && now - this.#waitingSince >= SILENCE_MS;
  }
}
