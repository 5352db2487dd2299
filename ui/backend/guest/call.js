// @ts-check
// The room as one participant sees it: a state machine that is told what happened and when, and says what to
// do. The same rules as in the app's engine (`call/mod.rs`). It knows the protocol and the order of things; it
// refuses to know sockets, clocks, WebRTC objects and devices. Times are in milliseconds.
//
//          Join             joined
// Idle ─────────▶ Joining ─────────▶ InCall ◀───── joined ──────┐
//   ▲               │                  │  └─ signaling lost ─▶ Reconnecting
//   │  error        │           Leave  ▼                         │ Leave
//   ├───────────────┘               Leaving ◀────────────────────┘
//   └── closed, or 1 s ────────────────┘
//
// Media does not depend on the server: while reconnecting every peer connection stays as it is.

import { Backoff } from "./backoff.js";
import { Peer } from "./peer.js";

/** @typedef {import("../../types/engine").CallState} CallState */
/** @typedef {import("../../types/engine").NoticeCode} NoticeCode */
/** @typedef {import("../../types/protocol").Capabilities} Capabilities */
/** @typedef {import("../../types/protocol").ClientInfo} ClientInfo */
/** @typedef {import("../../types/protocol").ClientMessage} ClientMessage */
/** @typedef {import("../../types/protocol").ErrorCode} ErrorCode */
/** @typedef {import("../../types/protocol").PeerInfo} PeerInfo */
/** @typedef {import("../../types/protocol").ServerMessage} ServerMessage */
/** @typedef {import("../../types/protocol").Status} Status */
/** @typedef {import("../../strings/dictionary").Said} Said */
/** @typedef {import("./peer").ConnectionEvent} ConnectionEvent */
/** @typedef {import("./peer").ConnectionOrder} ConnectionOrder */
/** @typedef {import("./peer").Surroundings} Surroundings */

/**
 * What happened.
 * @typedef {{ type: "join", room: string, name: string, resume: string | null }
 *   | { type: "leave" } | { type: "status", status: Status } | { type: "network_changed", came: boolean }
 *   | { type: "signaling_open" } | { type: "signaling_closed", said: Said }
 *   | { type: "server", message: ServerMessage }
 *   | { type: "connection", peer: string, generation: number, event: ConnectionEvent }} Input
 */

/**
 * What to do.
 * `probe_signaling`: make sure that the connection to the server works; it is closed if not.
 * @typedef {{ type: "open_signaling" } | { type: "close_signaling" } | { type: "probe_signaling" }
 *   | { type: "send", message: ClientMessage }
 *   | { type: "open_connection", peer: string, generation: number }
 *   | { type: "order", peer: string, generation: number, order: ConnectionOrder }
 *   | { type: "close_connection", peer: string, generation: number }
 *   | { type: "notice", code: NoticeCode, said: Said, text?: string }} Output
 */

/** How long a connection to the server may take, and the server's answer after that. */
const JOIN_TIMEOUT_MS = 10_000;
/** How long `leave` may take to reach the server. */
const LEAVE_TIMEOUT_MS = 1000;
/** The longest patience that a server may ask for. */
const LONGEST_RETRY_S = 60;

export class Call {
  #identity;
  /** @type {CallState} */
  #state = "idle";
  /** @type {Status} */
  #status = { muted: false, camera_off: false, sharing: false };
  /** @type {string | null} */
  #room = null;
  #name = "";
  /** @type {string | null} */
  #me = null;
  /** @type {string | null} */
  #resume = null;
  /** @type {Extract<ServerMessage, { type: "joined" }> | null} */
  #joined = null;
  /** @type {Peer[]} */
  #peers = [];
  /**
   * Gone by our own judgement, while the server still keeps their place; and whether we waited for an offer.
   * @type {Map<string, { info: PeerInfo, waitedFor: boolean }>}
   */
  #gone = new Map();
  #generations = 0;
  #backoff;
  /** @type {number | null} */
  #deadline = null;
  #signalingOpen = false;
  /** @type {number | null} when something last came from the server */
  #heard = null;
  /** @type {Output[]} */
  #outputs = [];

  /**
   * @param {{ client: ClientInfo, capabilities: Capabilities, token?: string }} identity
   * @param {() => number} random spreads the reconnects of many clients
   */
  constructor(identity, random) {
    this.#identity = identity;
    this.#backoff = new Backoff(random);
  }

  get state() {
    return this.#state;
  }

  get room() {
    return this.#room;
  }

  get me() {
    return this.#me;
  }

  get peers() {
    return this.#peers;
  }

  /** The proof with which this place can be taken back. */
  get resume() {
    return this.#resume;
  }

  /** The server's last `joined`. */
  get joined() {
    return this.#joined;
  }

  /** What to do next; undefined when all is said. */
  poll() {
    return this.#outputs.shift();
  }

  /** When {@link Call.handleTimeout} wants to be called at the latest. */
  get nextDeadline() {
    const all = [this.#deadline, ...this.#peers.map((peer) => peer.deadline)].filter((at) => at !== null);
    return all.length === 0 ? null : Math.min(.../** @type {number[]} */ (all));
  }

  /** @param {number} now */
  handleTimeout(now) {
    if (this.#deadline !== null && now >= this.#deadline) {
      this.#deadline = null;
      switch (this.#state) {
        case "idle":
        case "in_call":
          break;
        case "joining":
          this.#fail("server", { key: "server_silent", values: {} });
          break;
        case "reconnecting":
          // Either a connection is due, or the one under way takes too long: the shell replaces it.
          this.#openSignaling(now);
          break;
        case "leaving":
          this.#end();
      }
    }
    for (const peer of this.#peers) peer.handleTimeout(now, this.#around);
    this.#sweep(now);
  }

  /** @param {number} now @param {Input} input */
  handle(now, input) {
    switch (input.type) {
      case "join":
        return this.#join(now, input);
      case "leave":
        return this.#leave(now);
      case "status":
        return this.#setStatus(input.status);
      case "network_changed":
        return this.#networkChanged(now, input.came);
      case "signaling_open":
        return this.#onSignalingOpen();
      case "signaling_closed":
        return this.#onSignalingClosed(now, input.said);
      case "server":
        this.#heard = now;
        return this.#server(now, input.message);
      case "connection":
        this.#peer(input.peer)?.connectionEvent(now, input.generation, input.event, this.#around);
        return this.#sweep(now);
    }
  }

  get #signalingUsable() {
    return this.#signalingOpen && this.#state === "in_call";
  }

  /** @returns {Surroundings} */
  get #around() {
    return {
      signaling: this.#signalingUsable,
      heard: this.#heard,
      me: this.#me,
      generation: () => ++this.#generations,
      put: (output) => this.#outputs.push(output),
    };
  }

  /** @param {string} id */
  #peer(id) {
    return this.#peers.find((peer) => peer.id === id);
  }

  /** @param {number} now @param {Extract<Input, { type: "join" }>} input */
  #join(now, { room, name, resume }) {
    // The old room has been left for all that matters: do not make the person wait.
    if (this.#state === "leaving") this.#end();
    if (this.#state !== "idle") return this.#notice("server", { key: "in_a_room_already", values: {} });
    this.#room = room;
    this.#name = name;
    this.#resume = resume;
    this.#state = "joining";
    this.#openSignaling(now);
  }

  /** @param {number} now */
  #leave(now) {
    switch (this.#state) {
      case "idle":
      case "leaving":
        return;
      case "joining":
      case "reconnecting":
        return this.#end();
      case "in_call":
        this.#closeAll();
        this.#outputs.push({ type: "send", message: { type: "leave" } }, { type: "close_signaling" });
        this.#state = "leaving";
        this.#resume = null;
        this.#deadline = now + LEAVE_TIMEOUT_MS;
    }
  }

  /** @param {Status} status */
  #setStatus(status) {
    const { muted, camera_off, sharing } = this.#status;
    if (status.muted === muted && status.camera_off === camera_off && status.sharing === sharing) return;
    this.#status = status;
    if (this.#signalingUsable) this.#outputs.push({ type: "send", message: { type: "status", ...status } });
  }

  /**
   * Which network it is a browser does not tell: the line to the server is in doubt. Who waits for a path looks for
   * one at once, when there may be another network.
   * @param {number} now @param {boolean} came
   */
  #networkChanged(now, came) {
    if (this.#state === "in_call") this.#outputs.push({ type: "probe_signaling" });
    if (!came) return;
    if (this.#state === "reconnecting") {
      this.#signalingOpen = false;
      this.#backoff.reset();
      this.#openSignaling(now);
    }
    for (const peer of this.#peers) peer.networkCame(now, this.#around);
  }

  /** @param {number} now */
  #openSignaling(now) {
    this.#deadline = now + JOIN_TIMEOUT_MS;
    this.#outputs.push({ type: "open_signaling" });
  }

  #onSignalingOpen() {
    const room = this.#room;
    if ((this.#state !== "joining" && this.#state !== "reconnecting") || room === null) {
      this.#outputs.push({ type: "close_signaling" });
      return;
    }
    this.#signalingOpen = true;
    const resume = this.#resume === null ? {} : { resume: this.#resume };
    this.#outputs.push({
      type: "send",
      message: { type: "join", room, name: this.#name, ...this.#identity, status: this.#status, ...resume },
    });
  }

  /** @param {number} now @param {Said} said why */
  #onSignalingClosed(now, said) {
    this.#signalingOpen = false;
    switch (this.#state) {
      case "idle":
        return;
      case "joining":
        return this.#fail("server", said);
      case "in_call":
      case "reconnecting":
        this.#state = "reconnecting";
        this.#deadline = now + this.#backoff.next();
        return;
      case "leaving":
        return this.#end();
    }
  }

  /** @param {number} now @param {ServerMessage} message */
  #server(now, message) {
    switch (message.type) {
      case "joined":
        if (this.#state === "joining" || this.#state === "reconnecting") this.#onJoined(now, message);
        return;
      case "peer_joined":
        return this.#peerJoined(now, message.peer);
      case "peer_left":
        this.#gone.delete(message.peer);
        return this.#remove(message.peer);
      case "peer_away":
        this.#peer(message.peer)?.setAway(now, true);
        return this.#sweep(now);
      case "peer_back": {
        const gone = this.#gone.get(message.peer);
        this.#gone.delete(message.peer);
        // For it we are the newcomer: it offers, and two offers would collide.
        if (gone?.waitedFor) this.#peers.push(Peer.answering(now, gone.info, false));
        else if (gone) this.#peerJoined(now, gone.info);
        else this.#peer(message.peer)?.setAway(now, false);
        return;
      }
      case "signal":
        // A signal from somebody unknown comes from who left in the meantime: of no use.
        this.#peer(message.from)?.signal(now, message.signal, this.#around);
        return this.#sweep(now);
      case "status":
        return this.#peer(message.from)?.setStatus(message.status);
      case "ice_servers":
        if (this.#joined) this.#joined = { ...this.#joined, ice_servers: message.ice_servers };
        return;
      case "error":
        return this.#refused(message);
      case "closing":
        return this.#closing(message);
    }
  }

  /** @param {number} now @param {Extract<ServerMessage, { type: "joined" }>} message */
  #onJoined(now, message) {
    const first = this.#state === "joining";
    this.#me = message.you;
    this.#resume = message.resume;
    this.#room = message.room;
    this.#joined = message;
    this.#state = "in_call";
    this.#deadline = null;
    this.#backoff.reset();
    this.#gone.clear();
    // A server that was restarted knows only who came back so far: who is missing is away, and gone for
    // good only when the connection to it dies too.
    for (const peer of this.#peers) {
      peer.setAway(now, !message.peers.some((member) => member.id === peer.id));
    }
    for (const member of message.peers) {
      const known = this.#peer(member.id);
      if (known && (message.resumed || known.alive)) known.update(member);
      else {
        // It gave us up while we were away, as we would it: for it we are a newcomer, so it offers.
        if (known) this.#remove(member.id);
        // It was there before us, so it makes the offer; unless we were here and forgot: then it is asked.
        this.#peers.push(Peer.answering(now, member, first && message.resumed));
      }
    }
    this.#sweep(now);
  }

  /** @param {number} now @param {PeerInfo} info */
  #peerJoined(now, info) {
    if (this.#state !== "in_call" || info.id === this.#me) return;
    this.#gone.delete(info.id);
    const known = this.#peer(info.id);
    if (known?.alive) {
      // Both of us came back to a server that had forgotten us: nothing to negotiate.
      known.setAway(now, false);
      return known.update(info);
    }
    if (known) this.#remove(info.id);
    this.#peers.push(Peer.offering(now, info, this.#around));
  }

  /** @param {{ code: ErrorCode, message: string, fatal: boolean }} error */
  #refused({ code, message, fatal }) {
    // It left while our signal was on its way: its `peer_left` tells all there is to tell.
    if (code === "no_such_peer" && !fatal) return;
    /** @type {NoticeCode} */
    let notice = "server";
    if (code === "room_full") notice = "room_full";
    else if (code === "bad_room_name" || code === "bad_display_name") notice = "bad_name";
    // A call that goes on waits as long as `closing` says; whoever is only joining is told to.
    const later = code === "too_many_joins" || code === "overloaded";
    if ((fatal && code !== "internal") || (later && this.#state === "joining")) this.#end();
    this.#outputs.push({ type: "notice", code: notice, said: { key: "refused", values: { code } }, text: message });
  }

  /** @param {Extract<ServerMessage, { type: "closing" }>} message */
  #closing({ reason, retry_after }) {
    if (reason === "replaced") this.#fail("server", { key: "joined_elsewhere", values: {} });
    else if (retry_after === undefined) this.#fail("server", { key: "server_ended", values: {} });
    else this.#backoff.atLeast(Math.min(retry_after, LONGEST_RETRY_S) * 1000);
  }

  /**
   * Takes out the peers whose connection died while they were away.
   * @param {number} now
   */
  #sweep(now) {
    for (const peer of this.#peers.filter((peer) => peer.isGone(now))) {
      this.#gone.set(peer.id, { info: peer.info, waitedFor: peer.waitedFor });
      this.#remove(peer.id);
    }
  }

  /** @param {string} id */
  #remove(id) {
    this.#peer(id)?.close(this.#around);
    this.#peers = this.#peers.filter((peer) => peer.id !== id);
  }

  #closeAll() {
    for (const peer of this.#peers) peer.close(this.#around);
    this.#peers = [];
    this.#gone.clear();
  }

  #end() {
    this.#closeAll();
    if (this.#state !== "idle") this.#outputs.push({ type: "close_signaling" });
    this.#state = "idle";
    this.#deadline = null;
    this.#signalingOpen = false;
    this.#me = null;
    this.#resume = null;
    this.#joined = null;
    this.#backoff.reset();
  }

  /** @param {NoticeCode} code @param {Said} said */
  #fail(code, said) {
    this.#end();
    this.#notice(code, said);
  }

  /** @param {NoticeCode} code @param {Said} said */
  #notice(code, said) {
    this.#outputs.push({ type: "notice", code, said });
  }
}
