// @ts-check
// How fast a transfer is. Told the time, in milliseconds; the same as in the app's engine (`files/pace.rs`).

const SPAN_MS = 3000;
const APART_MS = 200;

export class Pace {
  /** @type {{ at: number, moved: number }[]} */
  #samples = [];

  /** It stood still, or goes on from elsewhere. */
  restart() {
    this.#samples = [];
  }

  /** @param {number} now @param {number} moved */
  note(now, moved) {
    while (this.#samples.length > 1 && now - this.#samples[1].at >= SPAN_MS) this.#samples.shift();
    const last = this.#samples.at(-1);
    if (!last || now - last.at >= APART_MS) this.#samples.push({ at: now, moved });
  }

  /**
   * Bytes per second; 0 while that is not known.
   * @param {number} now @param {number} moved
   */
  speed(now, moved) {
    const first = this.#samples[0];
    if (!first || now - first.at < APART_MS) return 0;
    return Math.floor((Math.max(0, moved - first.moved) * 1000) / (now - first.at));
  }
}
