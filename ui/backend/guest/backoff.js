// @ts-check
// How long to wait before the next attempt to reach the server. Pure; chance is given to it.

const FIRST_MS = 200;
const LONGEST_MS = 8000;

/**
 * Doubles from 0.2 s to 8 s, each wait spread by ±25 %, so that the clients of a server that was
 * restarted do not come back all at once.
 */
export class Backoff {
  #attempt = 0;
  #floor = 0;
  #random;

  /** @param {() => number} random from 0 up to 1 */
  constructor(random) {
    this.#random = random;
  }

  reset() {
    this.#attempt = 0;
    this.#floor = 0;
  }

  /**
   * The server asked for this much patience before the next attempt.
   * @param {number} ms
   */
  atLeast(ms) {
    this.#floor = ms;
  }

  /** In milliseconds. */
  next() {
    const wait = Math.min(FIRST_MS * 2 ** Math.min(this.#attempt, 10), LONGEST_MS);
    const spread = 0.75 + 0.5 * this.#random();
    const floor = this.#floor;
    this.#attempt += 1;
    this.#floor = 0;
    return Math.max(wait * spread, floor);
  }
}
