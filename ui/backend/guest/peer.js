// @ts-check
// One other participant: who offers, when to restart, when it is gone. Told the time, like the call it
// belongs to; the same rules as in the app's engine (`call/peer.rs`), so that the two never wait for each other.
//
//       offer made or came       answer          path found         path lost
// New ───────────────▶ Negotiating ───▶ Connecting ──────▶ Connected ───────▶ Restarting
//                          │                │                 ▲                  │
//                          └── too long, failed: once more, from the start ◀─────┘ found again
//                                           │
//                                  too often ▼
//                                         Closed
//
// Who was in the room first makes every offer; the newcomer asks for one with `restart`. So offers never collide
// between two of us, also when both want to negotiate anew at once. A foreign peer that offers all the same is
// handled by the rules of perfect negotiation (W3C WebRTC 1.0, section 10.7): we are impolite where we offer, and
// where we answer we have no offer out that we would have to take back. Taking one back is best avoided: in
// Chromium (seen in 156) the other's picture stands still for good after a rollback.

/** @typedef {import("../../types/protocol").PeerInfo} PeerInfo */
/** @typedef {import("../../types/protocol").Signal} Signal */
/** @typedef {import("../../types/protocol").Status} Status */
/** @typedef {import("../../types/engine").PeerState} PeerState */
/** @typedef {import("./call").Output} Output */

/**
 * What a peer connection is told.
 * An offer has a number, which its answer repeats.
 * @typedef {{ type: "offer", restart: boolean, number: number }
 *   | { type: "remote", description: { type: "offer" | "answer", sdp: string }, offer?: number }
 *   | { type: "candidate", candidate: string, sdp_mid: string | null, sdp_m_line_index: number | null }} ConnectionOrder
 */

/**
 * What a peer connection reports. `negotiation_needed` comes only once the first negotiation is done.
 * `channel_closed`: the chat's channel was closed over there.
 * @typedef {{ type: "description", description: { type: "offer" | "answer", sdp: string }, offer?: number }
 *   | { type: "candidate", candidate: string, sdp_mid: string | null, sdp_m_line_index: number | null }
 *   | { type: "end_of_candidates" } | { type: "negotiation_needed" } | { type: "channel_closed" }
 *   | { type: "connected" } | { type: "disconnected" } | { type: "failed", problem: string }} ConnectionEvent
 */

/**
 * What the peers of one call share.
 * @typedef {object} Surroundings
 * @property {boolean} signaling whether the server can be told something now
 * @property {number | null} heard when something last came from the server
 * @property {string | null} me the own id
 * @property {() => number} generation the next one
 * @property {(output: Output) => void} put
 */

/** From the first signal to a connected path. */
const CONNECT_TIMEOUT_MS = 12_000;
/** How long a member that was there first may take to offer; then it is asked to. */
const OFFER_TIMEOUT_MS = 3000;
/** How long who answers waits for a silent path before it asks for another. */
const ASK_AFTER_MS = 1500;
/**
 * How long who offers waits to be asked. A restart gives the old path up, so the peer has to be there for it:
 * whoever cannot ask has no network, and then the old path is the first to work again. By the end of this the
 * server has noticed that, too, and says that the peer is away.
 */
const RESTART_AFTER_MS = 7500;
/** How long a path may be silent until the peer, which the server lost as well, is gone. */
const GONE_AFTER_MS = 15_000;
/** How long a restart may take before the next try. Until then its paths are tried over and over. */
const RESTART_TIMEOUT_MS = 10_000;
/** Where a restart has to wait for the server or the peer, how often to look. */
const LOOK_AGAIN_MS = 250;
/** After a failure, so that what failed for bad input does not fail again just as fast. */
const FAILED_REST_MS = 1000;
/**
 * Tries without a connection in between, after which a peer that never was connected is given up, and one that
 * was gets a new connection.
 */
const MAX_ATTEMPTS = 4;

export class Peer {
  /** @type {PeerInfo} */
  #info;
  /** @type {"offering" | "answering"} */
  #role;
  /** @type {PeerState} */
  #state = "new";
  /** @type {number | null} the connection that counts; events of older ones are ignored */
  #generation = null;
  /** An offer of ours is out and not answered. */
  #offerPending = false;
  /** The number of our newest offer. */
  #offers = 0;
  /** @type {string | null} the certificate of the last remote description: another one means another connection */
  #remoteCertificate = null;
  /** We offer only because it asked. */
  #onRequest = false;
  /** The server lost it. */
  #away = false;
  /** It closed the chat's channel. */
  #channelClosed = false;
  #attempts = 0;
  #wasConnected = false;
  /** When the path was lost, or a new one last asked for. */
  #asked;
  /** @type {number | null} since when the path is silent */
  #lost = null;
  /** @type {number | null} */
  #deadline = null;

  /**
   * @param {"offering" | "answering"} role
   * @param {PeerInfo} info
   * @param {number} now
   * @param {number} patience until the first step of its own
   */
  constructor(role, info, now, patience) {
    this.#role = role;
    this.#info = info;
    this.#asked = now;
    this.#deadline = now + patience;
  }

  /**
   * A member that was there before us: it will offer. A page that was loaded anew asks at once, for who
   * knew the page before may not know that it has forgotten everything.
   * @param {number} now @param {PeerInfo} info @param {boolean} ask
   */
  static answering(now, info, ask) {
    return new Peer("answering", info, now, ask ? 0 : OFFER_TIMEOUT_MS);
  }

  /**
   * A newcomer: we offer.
   * @param {number} now @param {PeerInfo} info @param {Surroundings} around
   */
  static offering(now, info, around) {
    const peer = new Peer("offering", info, now, CONNECT_TIMEOUT_MS);
    peer.#start(now, around);
    return peer;
  }

  get id() {
    return this.#info.id;
  }

  get info() {
    return this.#info;
  }

  get state() {
    return this.#state;
  }

  get deadline() {
    return this.#deadline;
  }

  /** Whether there is a connection that works or may work again by itself. */
  get alive() {
    return this.#state === "connected";
  }

  /**
   * Whether both the server and the path have lost it. Who closes the channel and the line to the server has
   * left, seconds before the silence on the path says so.
   * @param {number} now
   */
  isGone(now) {
    const silent = this.#state !== "connected" && (this.#lost === null || now - this.#lost >= GONE_AFTER_MS);
    return this.#away && (silent || this.#channelClosed);
  }

  /** Whether it was there before us, and there has been no connection yet. */
  get waitedFor() {
    return this.#role === "answering" && !this.#wasConnected;
  }

  /** @param {Status} status */
  setStatus(status) {
    this.#info = { ...this.#info, status };
  }

  /** @param {PeerInfo} info */
  update(info) {
    this.#info = info;
  }

  /** @param {number} now @param {boolean} away */
  setAway(now, away) {
    this.#away = away;
    // What was tried while it was away went nowhere.
    if (!away && this.#state === "restarting") this.#deadline = now;
  }

  /** @param {Surroundings} around */
  close(around) {
    this.#state = "closed";
    this.#deadline = null;
    this.#dropConnection(around);
  }

  /**
   * There is a network that there was not: a path that is looked for may begin there.
   * @param {number} now @param {Surroundings} around
   */
  networkCame(now, around) {
    if (this.#state === "restarting" && around.signaling && !this.#away) this.#restart(now, around);
  }

  /** @param {number} now @param {Surroundings} around */
  handleTimeout(now, around) {
    if (this.#deadline === null || now < this.#deadline) return;
    this.#deadline = null;
    if (this.#state === "connected" || this.#state === "closed") return;
    if (!around.signaling) this.#deadline = now + LOOK_AGAIN_MS;
    else if (this.#state === "restarting" && !this.#canRestart(around)) this.#deadline = now + LOOK_AGAIN_MS;
    else if (this.#state === "restarting" && this.#attempts < MAX_ATTEMPTS) this.#restart(now, around);
    else if (this.#hopeless) this.#giveUp(around);
    else this.#start(now, around);
  }

  /**
   * Whether both the peer and the server are there for it. Where the server is silent too, our own network is:
   * the old path will be the first to work. A line that broke looks usable for long, so it is asked.
   * @param {Surroundings} around
   */
  #canRestart(around) {
    if (this.#away) return false;
    if (around.heard !== null && around.heard > this.#asked) return true;
    around.put({ type: "probe_signaling" });
    return false;
  }

  get #hopeless() {
    return this.#attempts >= MAX_ATTEMPTS && !this.#wasConnected;
  }

  /** @param {number} now @param {Signal} signal @param {Surroundings} around */
  signal(now, signal, around) {
    switch (signal.kind) {
      case "description":
        if (signal.type === "offer") this.#offered(now, signal, around);
        else this.#answered(now, signal, around);
        return;
      case "candidate": {
        const { candidate, sdp_mid, sdp_m_line_index } = signal;
        return this.#order({ type: "candidate", candidate, sdp_mid, sdp_m_line_index }, around);
      }
      case "restart":
        return this.#askedToRestart(now, around);
      case "end_of_candidates":
    }
  }

  /** @param {number} now @param {{ sdp: string, offer?: number }} signal @param {Surroundings} around */
  #offered(now, { sdp, offer }, around) {
    const certificate = certificateOf(sdp);
    const other = this.#remoteCertificate !== certificate;
    if (this.#offerPending) {
      // A collision, and we are the impolite one: ours stands.
      if (!this.#onRequest && (this.#remoteCertificate === null || !other)) return;
      // It asked for an offer and made one itself meanwhile, as when both pages were loaded anew at once. Or it gave
      // us up while we were away: what we offered was to go on with a connection that it has no more.
      this.#role = "answering";
      this.#onRequest = false;
    }
    if (this.#generation === null || other) {
      // The first offer, or the peer began anew: its old connection is no more.
      this.#open(around);
      this.#deadline = now + CONNECT_TIMEOUT_MS;
      this.#state = "negotiating";
    }
    this.#remoteCertificate = certificate;
    this.#order({ type: "remote", description: { type: "offer", sdp }, offer }, around);
  }

  /** @param {number} now @param {{ sdp: string, offer?: number }} signal @param {Surroundings} around */
  #answered(now, { sdp, offer }, around) {
    // To an offer that was given up.
    if (!this.#offerPending || (typeof offer === "number" && offer !== this.#offers)) return;
    this.#offerPending = false;
    this.#onRequest = false;
    const certificate = certificateOf(sdp);
    if (this.#remoteCertificate !== null && this.#remoteCertificate !== certificate) {
      // It began anew, with other keys: our old connection fits nothing there.
      return this.#start(now, around);
    }
    this.#remoteCertificate = certificate;
    if (this.#state === "negotiating") this.#state = "connecting";
    this.#order({ type: "remote", description: { type: "answer", sdp }, offer }, around);
  }

  /** @param {number} now @param {Surroundings} around */
  #askedToRestart(now, around) {
    if (!around.signaling) return;
    if (this.#role === "answering") {
      // Both of us wait for an offer: one makes it, and both know who.
      if (this.#state === "new" && around.me !== null && around.me < this.id) return;
      // It forgot that it was there first.
      this.#role = "offering";
      this.#onRequest = true;
      return this.#start(now, around);
    }
    // It lost the path, or waits for an offer that was lost with its old line to the server.
    if (this.#state === "connected" || this.#state === "restarting") {
      this.#state = "restarting";
      this.#lost ??= now;
      return this.#restart(now, around);
    }
    if (this.#state === "negotiating" && this.#offerPending) return; // It gets one just now.
    this.#attempts = Math.min(this.#attempts, MAX_ATTEMPTS - 1);
    this.#start(now, around);
  }

  /**
   * @param {number} now @param {number} generation @param {ConnectionEvent} event
   * @param {Surroundings} around
   */
  connectionEvent(now, generation, event, around) {
    if (this.#generation !== generation) return;
    switch (event.type) {
      case "description":
        if (event.description.type === "answer" && this.#state === "negotiating") this.#state = "connecting";
        return this.#send({ kind: "description", ...event.description, offer: event.offer }, around);
      case "candidate": {
        const { candidate, sdp_mid, sdp_m_line_index } = event;
        return this.#send({ kind: "candidate", candidate, sdp_mid, sdp_m_line_index }, around);
      }
      case "end_of_candidates":
        return this.#send({ kind: "end_of_candidates" }, around);
      case "negotiation_needed":
        if (!around.signaling || this.#offerPending || this.#state !== "connected") return;
        if (this.#role === "offering") this.#offer(false, around);
        else this.#send({ kind: "restart" }, around);
        return;
      case "connected":
        this.#state = "connected";
        this.#attempts = 0;
        this.#wasConnected = true;
        this.#lost = null;
        this.#deadline = null;
        return;
      case "disconnected":
        if (this.#state === "connected") this.#pathLost(now, around);
        return;
      case "channel_closed":
        this.#channelClosed = true;
        return;
      case "failed":
        if (this.#hopeless) return this.#giveUp(around, event.problem);
        // It was closed on purpose: no silence has to be sat out.
        if (event.problem === "closed_there") this.#lost = null;
        this.#dropConnection(around);
        this.#state = "new";
        this.#deadline = now + FAILED_REST_MS;
    }
  }

  /** @param {number} now @param {Surroundings} around */
  #pathLost(now, around) {
    this.#state = "restarting";
    this.#asked = this.#lost = now;
    this.#deadline = now + (this.#role === "offering" ? RESTART_AFTER_MS : ASK_AFTER_MS);
    around.put({ type: "probe_signaling" });
  }

  /**
   * From the start, by whoever offers.
   * @param {number} now @param {Surroundings} around
   */
  #start(now, around) {
    this.#attempts += 1;
    this.#deadline = now + CONNECT_TIMEOUT_MS;
    if (this.#role === "offering") {
      this.#open(around);
      this.#offer(false, around);
      this.#state = "negotiating";
    } else {
      this.#dropConnection(around);
      this.#send({ kind: "restart" }, around);
      this.#state = "new";
    }
  }

  /**
   * Looks for a new path within the same connection.
   * @param {number} now @param {Surroundings} around
   */
  #restart(now, around) {
    this.#attempts += 1;
    this.#asked = now;
    this.#deadline = now + RESTART_TIMEOUT_MS;
    if (this.#role === "offering") this.#offer(true, around);
    else this.#send({ kind: "restart" }, around);
  }

  /** @param {boolean} restart @param {Surroundings} around */
  #offer(restart, around) {
    this.#offerPending = true;
    this.#offers += 1;
    this.#order({ type: "offer", restart, number: this.#offers }, around);
  }

  /** @param {Surroundings} around @param {string} [problem] what went wrong; nothing when no path was found */
  #giveUp(around, problem) {
    this.close(around);
    const { name } = this.#info;
    /** @type {import("../../strings/dictionary").Said} */
    const said =
      problem === undefined
        ? { key: "peer_no_path", values: { name } }
        : { key: "peer_failed", values: { name, problem } };
    around.put({ type: "notice", code: "peer", said });
  }

  /** @param {Surroundings} around */
  #open(around) {
    this.#dropConnection(around);
    this.#generation = around.generation();
    around.put({ type: "open_connection", peer: this.id, generation: this.#generation });
  }

  /** @param {Surroundings} around */
  #dropConnection(around) {
    if (this.#generation !== null) {
      around.put({ type: "close_connection", peer: this.id, generation: this.#generation });
      this.#generation = null;
    }
    this.#offerPending = false;
    this.#channelClosed = false;
    this.#remoteCertificate = null;
  }

  /** @param {ConnectionOrder} order @param {Surroundings} around */
  #order(order, around) {
    if (this.#generation === null) return;
    around.put({ type: "order", peer: this.id, generation: this.#generation, order });
  }

  /** @param {Signal} signal @param {Surroundings} around */
  #send(signal, around) {
    around.put({ type: "send", message: { type: "signal", to: this.id, signal } });
  }
}

/**
 * The fingerprint of the certificate in a description: each connection of a peer has its own, and keeps it. The
 * session id in `o=` should do the same (RFC 8829, section 5.2.1), but not everybody keeps that.
 * @param {string} sdp
 */
function certificateOf(sdp) {
  return /^a=fingerprint:(.+)$/m.exec(sdp)?.[1]?.trim() ?? null;
}
