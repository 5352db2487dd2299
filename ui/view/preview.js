// @ts-check
// Whether the own camera and microphone are open before a call: while somebody is there to see them. A window that is
// out of sight lets go of them, and so does its light.

/** @typedef {import("../types/engine").Command} Command */

/** Out of sight for less than this is on the way to another window and back. */
const AWAY_MS = 2000;

export class Preview {
  #command;
  #idle = false;
  #away = false;
  /** What was asked for last; a call ends it without being asked. */
  #on = false;
  /** @type {number | undefined} */
  #timer;

  /**
   * @param {object} options
   * @param {(command: Command) => void} options.command
   * @param {boolean} options.guest a browser may ask the person again for what was let go of: so it is kept
   */
  constructor({ command, guest }) {
    this.#command = command;
    if (!guest) document.addEventListener("visibilitychange", () => this.#seen(!document.hidden));
  }

  /** @param {boolean} idle there is no call */
  render(idle) {
    this.#idle = idle;
    this.#follow();
  }

  /** @param {boolean} seen */
  #seen(seen) {
    window.clearTimeout(this.#timer);
    const settle = () => {
      this.#away = !seen;
      this.#follow();
    };
    if (seen) settle();
    else this.#timer = window.setTimeout(settle, AWAY_MS);
  }

  #follow() {
    const wanted = this.#idle && !this.#away;
    if (wanted === this.#on) return;
    this.#on = wanted;
    if (this.#idle) this.#command({ type: "preview", on: wanted });
  }
}
