// @ts-check
// One WebSocket to a Maru server, or the attempts at one. When to connect and what to say is the call's business.

import { readServerMessage } from "./messages.js";

/** @typedef {import("../../types/protocol").ClientMessage} ClientMessage */
/** @typedef {import("../../types/protocol").ServerMessage} ServerMessage */

export const SUBPROTOCOL = "maru.v1";
/** What may wait for a server that does not read; more means that the line is dead. In bytes. */
const UNSENT_LIMIT = 1024 * 1024;
/** No attempt gets less time than this. */
const SHORTEST_ATTEMPT_MS = 600;
/** What the first attempt gets, while nobody knows how far away the server is. */
const FIRST_ATTEMPT_MS = 2000;
/** A connection that was opened ahead gets so long for an answer, or twice what it took to open it: it may be dead. */
const AHEAD_TIMEOUT_MS = 1000;
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

/**
 * Whether the server ends a connection with this on which nobody joined.
 * @param {ServerMessage} message
 */
export function isFarewell(message) {
  return message.type === "closing" || (message.type === "error" && message.fatal);
}

/**
 * Whether it is about the time before anybody joined.
 * @param {ServerMessage} message
 */
function isEarly(message) {
  return message.type === "closing" || (message.type === "error" && message.code === "join_timeout");
}

/** A number that nobody can guess, as the server writes them; also for pages that are not secure. */
function randomToken() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
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
  /** @type {number | null} how long the connection took that was opened ahead, until something came over it */
  #doubted = null;
  /** @type {ClientMessage | null} what was said over that one, to be said again where it is dead */
  #join = null;

  /**
   * @param {object} options
   * @param {string} options.url
   * @param {number} options.patience as {@link patienceFor} says
   * @param {import("./ahead").Taken | null} [options.ahead] is used for as long as it works
   * @param {(took: number) => void} options.onOpen
   * @param {(message: ServerMessage) => void} options.onMessage
   * @param {(said: import("../../strings/dictionary").Said) => void} options.onClosed once, unless
   *   it was closed from here
   */
  constructor(options) {
    this.#options = options;
    if (options.ahead) this.#goOn(options.ahead);
    else this.#attempt(options.patience);
  }

  /** @param {ClientMessage} message */
  send(message) {
    const socket = this.#socket;
    if (this.#doubted !== null && message.type === "join") {
      // By the same identity wherever it is said again: it takes the same place if it was heard after all.
      this.#join = message = { ...message, resume: message.resume ?? randomToken() };
      this.#due = setTimeout(() => this.#lost(), Math.max(AHEAD_TIMEOUT_MS, 2 * this.#doubted));
    }
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
    const { url, onOpen } = this.#options;
    const began = performance.now();
    const socket = (this.#socket = new WebSocket(url, SUBPROTOCOL));
    this.#next = setTimeout(() => {
      this.close();
      this.#attempt(2 * patience);
    }, patience);
    socket.onopen = () => {
      clearTimeout(this.#next);
      this.#opened = true;
      if (this.#join) this.send(this.#join);
      else onOpen(performance.now() - began);
    };
    this.#listen(socket);
  }

  /** @param {import("./ahead").Taken} ahead goes on from there, once whoever made this can hear of it */
  #goOn({ socket, took }) {
    this.#socket = socket;
    this.#doubted = took;
    this.#listen(socket);
    queueMicrotask(() => {
      if (this.#socket !== socket) return;
      this.#opened = true;
      this.#options.onOpen(took);
    });
  }

  /** @param {WebSocket} socket */
  #listen(socket) {
    socket.onmessage = ({ data }) => {
      const message = readServerMessage(data);
      // Said before the server heard of who joins.
      if (message && this.#doubted !== null && isEarly(message)) return this.#lost();
      this.#doubted = this.#join = null;
      clearTimeout(this.#due);
      this.#due = undefined;
      if (message) this.#options.onMessage(message);
    };
    // Why, a browser tells nobody. Its `error` is always followed by this.
    socket.onclose = () => this.#lost();
  }

  #lost() {
    this.close();
    if (this.#doubted !== null) {
      this.#doubted = null;
      this.#due = undefined;
      this.#opened = false;
      return this.#attempt(this.#options.patience);
    }
    if (this.#opened) this.#options.onClosed({ key: "server_lost", values: {} });
    else this.#options.onClosed({ key: "server_timed_out", values: { host: new URL(this.#options.url).host } });
  }
}
