// @ts-check
// One WebSocket to a Maru server, or the attempt at one. When to connect and what to say is the call's business.

import { readServerMessage } from "./messages.js";

/** @typedef {import("../../types/protocol").ClientMessage} ClientMessage */
/** @typedef {import("../../types/protocol").ServerMessage} ServerMessage */

const SUBPROTOCOL = "maru.v1";
/** What may wait for a server that does not read; more means that the line is dead. In bytes. */
const UNSENT_LIMIT = 1024 * 1024;

export class SignalingSocket {
  #socket;
  #opened = false;
  #onClosed;

  /**
   * @param {object} options
   * @param {string} options.url
   * @param {() => void} options.onOpen
   * @param {(message: ServerMessage) => void} options.onMessage
   * @param {(said: import("../../strings/dictionary").Said) => void} options.onClosed once, unless
   *   it was closed from here
   */
  constructor({ url, onOpen, onMessage, onClosed }) {
    this.#onClosed = onClosed;
    const socket = (this.#socket = new WebSocket(url, SUBPROTOCOL));
    socket.onopen = () => {
      this.#opened = true;
      onOpen();
    };
    socket.onmessage = ({ data }) => {
      const message = readServerMessage(data);
      if (message) onMessage(message);
    };
    // Why, a browser tells nobody. Its `error` is always followed by this.
    socket.onclose = () => this.#lost(new URL(url).host);
  }

  /** @param {ClientMessage} message */
  send(message) {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#socket.send(JSON.stringify(message));
    if (this.#socket.bufferedAmount > UNSENT_LIMIT) this.#lost(new URL(this.#socket.url).host);
  }

  /** Closes after what was sent before, and says no more. */
  close() {
    const socket = this.#socket;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  /** @param {string} host */
  #lost(host) {
    this.close();
    if (this.#opened) this.#onClosed({ key: "server_lost", values: {} });
    else this.#onClosed({ key: "server_timed_out", values: { host } });
  }
}
