// @ts-check
// One WebSocket to a Maru server, or the attempts at one. When to connect and what to say is the call's business.

import { readServerMessage } from "./messages.js";

/** @typedef {import("../../types/protocol").ClientMessage} ClientMessage */
/** @typedef {import("../../types/protocol").ServerMessage} ServerMessage */

const SUBPROTOCOL = "maru.v1";
/** What may wait for a server that does not read; more means that the line is dead. In bytes. */
const UNSENT_LIMIT = 1024 * 1024;
/** No attempt gets less time than this. */
const SHORTEST_ATTEMPT_MS = 600;
/** What the first attempt gets, while nobody knows how far away the server is. */
const FIRST_ATTEMPT_MS = 2000;
/** How long the answer to a probe may take. */
const PROBE_TIMEOUT_MS = 3000;

/**
 * How long to wait for the first attempt before the next one. What gets lost at the beginning of a connection is
 * repeated only after a second, then after two more (RFC 6298), so a fresh attempt is sooner through.
 * @param {number | null} took what the last one took that got through
 */
export function patienceFor(took) {
  return took === null ? FIRST_ATTEMPT_MS : Math.max(SHORTEST_ATTEMPT_MS, 2 * took);
}

export class SignalingSocket {
  /** @type {WebSocket | null} */
  #socket = null;
  #options;
  #opened = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} until the next attempt */
  #next;
  /** @type {ReturnType<typeof setTimeout> | undefined} until the answer to a probe is due */
  #due;

  /**
   * @param {object} options
   * @param {string} options.url
   * @param {number} options.patience as {@link patienceFor} says
   * @param {(took: number) => void} options.onOpen
   * @param {(message: ServerMessage) => void} options.onMessage
   * @param {(said: import("../../strings/dictionary").Said) => void} options.onClosed once, unless
   *   it was closed from here
   */
  constructor(options) {
    this.#options = options;
    this.#attempt(options.patience);
  }

  /** @param {ClientMessage} message */
  send(message) {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN) return;
    socket.send(JSON.stringify(message));
    if (socket.bufferedAmount > UNSENT_LIMIT) this.#lost();
  }

  /**
   * Asks for a sign of life: a message comes of it, or the end in short time. A page cannot ping; but what goes to
   * oneself comes back as refused.
   * @param {string} me the own id
   */
  probe(me) {
    if (!this.#opened || this.#due !== undefined) return;
    this.#due = setTimeout(() => this.#lost(), PROBE_TIMEOUT_MS);
    this.send({ type: "signal", to: me, signal: { kind: "end_of_candidates" } });
  }

  /** Closes after what was sent before, and says no more. */
  close() {
    clearTimeout(this.#next);
    clearTimeout(this.#due);
    const socket = this.#socket;
    if (!socket) return;
    this.#socket = null;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  /**
   * The next attempt takes the place of one that hangs: a browser lets only one connect at a time (RFC 6455, section
   * 4.1). Each gets twice the time of the one before, so that a far server is reached too; how long all of them may
   * take says the call.
   * @param {number} patience
   */
  #attempt(patience) {
    const { url, onOpen, onMessage } = this.#options;
    const began = performance.now();
    const socket = (this.#socket = new WebSocket(url, SUBPROTOCOL));
    this.#next = setTimeout(() => {
      this.close();
      this.#attempt(2 * patience);
    }, patience);
    socket.onopen = () => {
      clearTimeout(this.#next);
      this.#opened = true;
      onOpen(performance.now() - began);
    };
    socket.onmessage = ({ data }) => {
      clearTimeout(this.#due);
      this.#due = undefined;
      const message = readServerMessage(data);
      if (message) onMessage(message);
    };
    // Why, a browser tells nobody. Its `error` is always followed by this.
    socket.onclose = () => this.#lost();
  }

  #lost() {
    this.close();
    if (this.#opened) this.#options.onClosed({ key: "server_lost", values: {} });
    else this.#options.onClosed({ key: "server_timed_out", values: { host: new URL(this.#options.url).host } });
  }
}
