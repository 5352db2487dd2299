// @ts-check
// A connection to the server that is open before anybody joins, while a person looks at the join screen; the
// counterpart of the app's (`signaling/ahead.rs`). Whoever takes it finds out whether it still works.

import { SUBPROTOCOL, isFarewell } from "./signaling.js";
import { readServerMessage } from "./messages.js";

/** How long it is kept after the last sign of the person. */
const LASTS_MS = 5 * 60_000;
/** One that could not be opened, or was lost, is not opened again sooner. */
const PAUSE_MS = 10_000;

/**
 * @typedef {object} Taken
 * @property {WebSocket} socket open
 * @property {number} took how long it took to open it, in milliseconds
 */

export class Ahead {
  /** @type {WebSocket | null} */
  #socket = null;
  #took = 0;
  /** No other one is opened before. */
  #notBefore = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #over;

  /**
   * Somebody may join soon; to be said again at each sign of the person, since it ends by itself.
   * @param {number} now in milliseconds
   * @param {string} url of the server
   */
  expect(now, url) {
    clearTimeout(this.#over);
    this.#over = setTimeout(() => this.close(), LASTS_MS);
    if (this.#socket || now < this.#notBefore) return;
    this.#notBefore = now + PAUSE_MS;
    const began = performance.now();
    const socket = (this.#socket = new WebSocket(url, SUBPROTOCOL));
    socket.onopen = () => (this.#took = performance.now() - began);
    socket.onmessage = ({ data }) => {
      const message = readServerMessage(data);
      if (!message || !isFarewell(message)) return;
      const wait = message.type === "closing" ? 1000 * (message.retry_after ?? 0) : 0;
      this.#notBefore = Math.max(this.#notBefore, performance.now() + wait);
      this.#drop();
    };
    socket.onclose = () => this.#drop();
  }

  /**
   * It, for joining, where it is open.
   * @returns {Taken | null}
   */
  take() {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN) {
      this.close();
      return null;
    }
    this.#socket = null;
    this.close();
    return { socket, took: this.#took };
  }

  /** Nobody joins soon, or what was open is not to be trusted any more. */
  close() {
    clearTimeout(this.#over);
    this.#drop();
  }

  #drop() {
    const socket = this.#socket;
    if (!socket) return;
    this.#socket = null;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
}
