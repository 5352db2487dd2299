// @ts-check
// Drives the call's state machine: has it know what time it is, does what it says, and keeps the line to the server. What
// the new state means for devices and page is not its business.

import { serverOf } from "./address.js";
import { Ahead } from "./ahead.js";
import { SignalingSocket, patienceFor } from "./signaling.js";

/** @typedef {import("../../strings/dictionary").Said} Said */
/** @typedef {import("./call").Input} Input */

/**
 * @typedef {object} DriverNews
 * @property {(input: Input) => void} onInput something came from the server
 * @property {() => void} onTimeout the state may be another one, as time went by
 * @property {() => void} onJoined the server let us in, or in again
 * @property {(code: import("../../types/engine").NoticeCode, said: Said, text?: string) => void} onNotice
 */

/** @type {Input} */
const CLOSED = { type: "signaling_closed", said: { key: "server_lost", values: {} } };

export class Driver {
  #call;
  #links;
  #news;
  /** @type {SignalingSocket | null} */
  #signaling = null;
  #ahead = new Ahead();
  /** @type {number | null} how long it took to reach the server, the last time */
  #reachedIn = null;
  /** @type {number | undefined} */
  #timer;

  /** @param {import("./call").Call} call @param {import("./links").Links} links @param {DriverNews} news */
  constructor(call, links, news) {
    this.#call = call;
    this.#links = links;
    this.#news = news;
  }

  /** @param {Input} input */
  handle(input) {
    this.#call.handle(performance.now(), input);
    this.perform();
  }

  /** Does what the state machine says. */
  perform() {
    if (this.#call.joined) this.#links.setIceServers(this.#call.joined.ice_servers);
    for (let output = this.#call.poll(); output; output = this.#call.poll()) {
      switch (output.type) {
        case "open_signaling":
          this.#openSignaling();
          break;
        case "close_signaling":
          this.hangUp();
          // Nobody else tells: a socket that was closed from here is silent.
          if (this.#call.state === "leaving") this.#call.handle(performance.now(), CLOSED);
          break;
        case "probe_signaling":
          if (this.#call.me !== null) this.#signaling?.probe(this.#call.me);
          break;
        case "send":
          this.#signaling?.send(output.message);
          break;
        case "open_connection":
          this.#links.open(output.peer, output.generation, this.#takes(output.peer));
          break;
        case "order":
          this.#links.order(output.peer, output.generation, output.order);
          break;
        case "close_connection":
          this.#links.close(output.peer, output.generation);
          break;
        case "notice":
          this.#news.onNotice(output.code, output.said, output.text);
      }
    }
  }

  /** Wakes the state machine when it wants to be. */
  schedule() {
    window.clearTimeout(this.#timer);
    const deadline = this.#call.nextDeadline;
    if (deadline === null) return;
    this.#timer = window.setTimeout(
      () => {
        this.#call.handleTimeout(performance.now());
        this.#news.onTimeout();
      },
      Math.max(0, deadline - performance.now()),
    );
  }

  /** @param {boolean} soon somebody may join soon */
  expect(soon) {
    if (soon && this.#call.state === "idle") this.#ahead.expect(performance.now(), serverOf(document.baseURI));
    else this.#ahead.close();
  }

  /** Ends the line to the server, which is told nothing. */
  hangUp() {
    this.#signaling?.close();
    this.#signaling = null;
  }

  #openSignaling() {
    this.hangUp();
    const { onInput, onJoined } = this.#news;
    const socket = new SignalingSocket({
      url: serverOf(document.baseURI),
      patience: patienceFor(this.#reachedIn),
      ahead: this.#ahead.take(),
      onOpen: (took) => {
        this.#reachedIn = took;
        onInput({ type: "signaling_open" });
      },
      onMessage: (message) => {
        onInput({ type: "server", message });
        if (message.type === "joined") onJoined();
      },
      onClosed: (said) => {
        if (this.#signaling === socket) this.#signaling = null;
        onInput({ type: "signaling_closed", said });
      },
    });
    this.#signaling = socket;
  }

  /** @param {string} peer */
  #takes(peer) {
    const { files = false, screen = false } = this.#call.peers.find(({ id }) => id === peer)?.info.capabilities ?? {};
    return { files, screen };
  }
}
