// @ts-check
// One peer connection: orders in, news out, media beside it. The only module that knows RTCPeerConnection.
// Whether to offer and when to start over is the state machine's business (`peer.js`).

import { CHAT_LABEL, chatWire, parseChat } from "./chat.js";
import { preferredVideo } from "./codecs.js";
import { FILES_LABEL } from "./files/files.js";
import { withIceServers } from "./ice.js";

/** @typedef {import("./peer").ConnectionEvent} ConnectionEvent */
/** @typedef {import("./peer").ConnectionOrder} ConnectionOrder */
/** @typedef {import("./codecs").Codec} Codec */
/** @typedef {import("../../types/engine").VideoKind} VideoKind */
/** @typedef {"audio" | VideoKind} Kind */
/** @typedef {{ maxBitrate: number, maxFramerate: number, scaleResolutionDownBy: number }} VideoLimits */

/** What gives way first: a camera's picture as a whole, of a screen the number of pictures, as its text has to be read. */
const DEGRADATION = { camera: "balanced", screen: "maintain-resolution" };

/** Orders that may wait, candidates of a peer with many interfaces included. */
const ORDER_LIMIT = 256;
/** Candidates that may come before the description they belong to. */
const EARLY_CANDIDATES = 128;
/** Chat that may wait for the channel to open. */
const EARLY_CHAT = 32;
/** Chat that may wait for one slow peer, in bytes. */
const CHAT_BUFFER = 256 * 1024;

export class Connection {
  #pc;
  /** @type {RTCConfiguration} what does not change */
  #configuration;
  #onEvent;
  #onChat;
  #onTrack;
  /** @type {((channel: RTCDataChannel) => void) | null} where the peer takes files */
  #onFiles;
  #hasFiles = false;
  /** @type {Kind[]} in the order of their sections */
  #kinds;
  #stream = new MediaStream();
  /** Of its own: nothing is spoken to a screen's pictures. */
  #screenStream = new MediaStream();
  /** @type {Record<Kind, MediaStreamTrack | null>} what is to be sent */
  #tracks;
  /** @type {Partial<Record<Kind, RTCRtpTransceiver>>} */
  #transceivers = {};
  /** @type {Record<VideoKind, VideoLimits> | null} */
  #limits = null;
  /** @type {RTCDataChannel | null} */
  #chat = null;
  /** @type {string[]} */
  #earlyChat = [];
  /** @type {RTCIceCandidateInit[]} */
  #earlyCandidates = [];
  /** @type {ConnectionOrder[]} */
  #orders = [];
  #working = false;
  #closed = false;
  #wasConnected = false;

  /**
   * @param {object} options
   * @param {RTCIceServer[]} options.iceServers
   * @param {RTCIceTransportPolicy} options.paths which it may take
   * @param {Record<Kind, MediaStreamTrack | null>} options.tracks what to send from the start
   * @param {boolean} options.screen whether there is a second section for pictures, for a screen's
   * @param {(event: ConnectionEvent) => void} options.onEvent
   * @param {(text: string) => void} options.onChat
   * @param {(kind: Kind, track: MediaStreamTrack) => void} options.onTrack what comes from the peer
   * @param {((channel: RTCDataChannel) => void) | null} options.onFiles takes the channel for files; null where the
   *   peer takes none
   */
  constructor({ iceServers, paths, tracks, screen, onEvent, onChat, onTrack, onFiles }) {
    this.#onEvent = onEvent;
    this.#onChat = onChat;
    this.#onTrack = onTrack;
    this.#onFiles = onFiles;
    this.#kinds = screen ? ["audio", "camera", "screen"] : ["audio", "camera"];
    this.#tracks = { ...tracks };
    this.#configuration = { bundlePolicy: "max-bundle", iceTransportPolicy: paths };
    const pc = (this.#pc = withIceServers(iceServers, (servers) => {
      return new RTCPeerConnection({ ...this.#configuration, iceServers: servers });
    }));
    pc.onicecandidate = ({ candidate }) => this.#ownCandidate(candidate);
    pc.onnegotiationneeded = () => {
      // The first negotiation is ordered; later ones come from the browser's own wish.
      if (pc.remoteDescription && pc.signalingState === "stable") this.#event({ type: "negotiation_needed" });
    };
    pc.onconnectionstatechange = () => this.#stateChanged();
    pc.ondatachannel = ({ channel }) => this.#channelCame(channel);
  }

  /**
   * False when it is so far behind that it must be given up.
   * @param {ConnectionOrder} order
   */
  order(order) {
    if (this.#closed) return true;
    if (this.#orders.length >= ORDER_LIMIT) return false;
    this.#orders.push(order);
    void this.#work();
    return true;
  }

  /**
   * Says something, now or as soon as the channel is open.
   * @param {string} text
   */
  say(text) {
    const chat = this.#chat;
    if (chat?.readyState !== "open") {
      this.#earlyChat = [...this.#earlyChat, text].slice(-EARLY_CHAT);
      return;
    }
    if (chat.bufferedAmount > CHAT_BUFFER) return; // it does not read: what is said meanwhile is lost
    try {
      chat.send(chatWire(text));
    } catch {
      // It closed under our hands; the connection's own state tells the rest.
    }
  }

  /**
   * What is connected stays so; a restart uses these.
   * @param {RTCIceServer[]} iceServers
   */
  setIceServers(iceServers) {
    if (this.#closed) return;
    try {
      withIceServers(iceServers, (servers) => {
        this.#pc.setConfiguration({ ...this.#configuration, iceServers: servers });
      });
    } catch {
      // A browser that cannot: the next connection uses them.
    }
  }

  /**
   * From now on this is sent; null for nothing. Nothing is negotiated for it.
   * @param {Kind} kind
   * @param {MediaStreamTrack | null} track
   */
  setTrack(kind, track) {
    this.#tracks[kind] = track;
    this.#send(kind);
  }

  /** @param {Record<VideoKind, VideoLimits>} limits */
  setLimits(limits) {
    this.#limits = limits;
    this.#applyLimits();
  }

  /**
   * Pictures decoded so far; null where there is nothing to count.
   * @param {VideoKind} kind
   */
  async framesDecoded(kind) {
    const receiver = this.#transceivers[kind]?.receiver;
    if (!receiver || this.#closed) return null;
    try {
      for (const stats of (await receiver.getStats()).values()) {
        if (stats.type === "inbound-rtp" && stats.kind === "video") return Number(stats.framesDecoded ?? 0);
      }
    } catch {
      // It is being closed.
    }
    return null;
  }

  /** The section of the screens; null where there is none. */
  get screenMid() {
    return this.#transceivers.screen?.mid ?? null;
  }

  /** All that the browser measures; null where there is nothing. */
  async stats() {
    if (this.#closed) return null;
    try {
      return [...(await this.#pc.getStats()).values()];
    } catch {
      return null; // it is being closed
    }
  }

  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#orders = [];
    const pc = this.#pc;
    pc.onicecandidate = pc.onnegotiationneeded = pc.onconnectionstatechange = pc.ondatachannel = null;
    if (this.#chat) this.#chat.onopen = this.#chat.onmessage = this.#chat.onclose = null;
    pc.close();
  }

  /** @param {ConnectionEvent} event */
  #event(event) {
    if (!this.#closed) this.#onEvent(event);
  }

  /** One order after the other: each of them is several steps for the browser. */
  async #work() {
    if (this.#working) return;
    this.#working = true;
    for (let order = this.#orders.shift(); order && !this.#closed; order = this.#orders.shift()) {
      try {
        await this.#perform(order);
      } catch (error) {
        this.#orders = [];
        this.#event({ type: "failed", problem: error instanceof Error ? error.message : String(error) });
      }
    }
    this.#working = false;
  }

  /** @param {ConnectionOrder} order */
  async #perform(order) {
    switch (order.type) {
      case "offer":
        return this.#offer(order);
      case "remote":
        return this.#remote(order);
      case "candidate": {
        const { candidate, sdp_mid: sdpMid, sdp_m_line_index: sdpMLineIndex } = order;
        const init = { candidate, sdpMid, sdpMLineIndex };
        if (this.#pc.remoteDescription) return this.#addCandidate(init);
        if (this.#earlyCandidates.length < EARLY_CANDIDATES) this.#earlyCandidates.push(init);
      }
    }
  }

  /** @param {{ restart: boolean, number: number }} order */
  async #offer({ restart, number }) {
    const pc = this.#pc;
    if (!pc.remoteDescription && pc.getTransceivers().length === 0) this.#prepare();
    if (restart) pc.restartIce();
    await pc.setLocalDescription();
    this.#sendLocal(number);
  }

  /** @param {{ description: { type: "offer" | "answer", sdp: string }, offer?: number }} order */
  async #remote({ description, offer }) {
    const pc = this.#pc;
    await pc.setRemoteDescription(description);
    if (this.#closed) return;
    if (description.type === "offer") {
      this.#adopt();
      await pc.setLocalDescription();
      this.#sendLocal(offer);
    }
    for (const candidate of this.#earlyCandidates.splice(0)) await this.#addCandidate(candidate);
    this.#applyLimits();
    // A path that was looked for anew while the old one held does not change the state.
    if (!this.#closed && pc.connectionState === "connected") this.#event({ type: "connected" });
  }

  /** @param {number | undefined} offer the number of the offer that it is or answers */
  #sendLocal(offer) {
    const { type, sdp } = this.#pc.localDescription ?? {};
    if (sdp && (type === "offer" || type === "answer")) {
      this.#event({ type: "description", description: { type, sdp }, offer });
    }
  }

  /**
   * A bad candidate is one path less, not the end of the connection.
   * @param {RTCIceCandidateInit} candidate
   */
  async #addCandidate(candidate) {
    await this.#pc.addIceCandidate(candidate).catch(() => {});
  }

  /** What the offering side sends and takes: all of it from the start, so that nothing is negotiated later. */
  #prepare() {
    for (const kind of this.#kinds) {
      const media = kind === "audio" ? "audio" : "video";
      this.#use(kind, this.#pc.addTransceiver(media, { direction: "sendrecv", streams: [this.#streamOf(kind)] }));
    }
    this.#useChannel(this.#pc.createDataChannel(CHAT_LABEL));
    if (this.#onFiles) this.#useFileChannel(this.#pc.createDataChannel(FILES_LABEL));
  }

  /** Sends on what the other side offered. Of its sections for pictures the first is the camera's, the second a screen's. */
  #adopt() {
    for (const transceiver of this.#pc.getTransceivers()) {
      if (transceiver.direction === "stopped" || transceiver.mid === null) continue;
      if (Object.values(this.#transceivers).includes(transceiver)) continue;
      const media = transceiver.receiver.track.kind;
      const kind = this.#kinds.find((kind) => !this.#transceivers[kind] && (kind === "audio") === (media === "audio"));
      if (!kind) continue;
      if (transceiver.direction !== "sendrecv") transceiver.direction = "sendrecv";
      transceiver.sender.setStreams?.(this.#streamOf(kind));
      this.#use(kind, transceiver);
    }
  }

  /** @param {Kind} kind */
  #streamOf(kind) {
    return kind === "screen" ? this.#screenStream : this.#stream;
  }

  /** @param {Kind} kind @param {RTCRtpTransceiver} transceiver */
  #use(kind, transceiver) {
    this.#transceivers[kind] = transceiver;
    if (kind !== "audio") {
      const codecs = preferredVideo(RTCRtpReceiver);
      try {
        if (codecs.length > 0) transceiver.setCodecPreferences(codecs);
      } catch {
        // The browser's own order stands: the description decides in any case.
      }
    }
    this.#send(kind);
    this.#onTrack(kind, transceiver.receiver.track);
  }

  /** @param {Kind} kind */
  #send(kind) {
    const sender = this.#transceivers[kind]?.sender;
    if (!sender || this.#closed) return;
    const track = this.#tracks[kind];
    // Refused only for a connection that is being closed.
    sender.replaceTrack(track).catch(() => {});
  }

  #applyLimits() {
    for (const kind of /** @type {const} */ (["camera", "screen"])) void this.#limit(kind);
  }

  /** @param {VideoKind} kind */
  async #limit(kind) {
    const sender = this.#transceivers[kind]?.sender;
    if (!sender || !this.#limits || this.#closed) return;
    const parameters = sender.getParameters();
    const encoding = parameters.encodings?.[0];
    if (!encoding) return; // not negotiated yet
    Object.assign(encoding, this.#limits[kind]);
    Object.assign(parameters, { degradationPreference: DEGRADATION[kind] });
    // Browsers differ in what they take; the rate that they choose themselves is no disaster.
    await sender.setParameters(parameters).catch(() => {});
  }

  /** @param {RTCIceCandidate | null} candidate */
  #ownCandidate(candidate) {
    if (!candidate) return this.#event({ type: "end_of_candidates" });
    if (candidate.candidate === "") return; // the end of one generation
    const { candidate: line, sdpMid, sdpMLineIndex } = candidate;
    this.#event({ type: "candidate", candidate: line, sdp_mid: sdpMid, sdp_m_line_index: sdpMLineIndex });
  }

  #stateChanged() {
    switch (this.#pc.connectionState) {
      case "connected":
        this.#wasConnected = true;
        return this.#event({ type: "connected" });
      case "disconnected":
        return this.#event({ type: "disconnected" });
      case "failed":
        // A path that was there can be looked for anew, or come back, within the same connection; keys cannot.
        if (this.#wasConnected && this.#pc.sctp?.transport?.state !== "failed") return this.#event({ type: "disconnected" });
        return this.#event({ type: "failed", problem: "path_lost" });
      case "closed":
        return this.#event({ type: "failed", problem: "closed" });
    }
  }

  /** @param {RTCDataChannel} channel */
  #channelCame(channel) {
    if (channel.label === CHAT_LABEL && this.#chat?.readyState !== "open") this.#useChannel(channel);
    else if (channel.label === FILES_LABEL && this.#onFiles && !this.#hasFiles) this.#useFileChannel(channel);
    else channel.close(); // of a later version, or one too many
  }

  /** @param {RTCDataChannel} channel what files are about is not this module's business */
  #useFileChannel(channel) {
    this.#hasFiles = true;
    this.#onFiles?.(channel);
  }

  /** @param {RTCDataChannel} channel from now on the chat goes over it */
  #useChannel(channel) {
    if (this.#chat) this.#chat.onopen = this.#chat.onmessage = this.#chat.onclose = null;
    this.#chat = channel;
    channel.binaryType = "arraybuffer";
    const opened = () => {
      for (const text of this.#earlyChat.splice(0)) this.say(text);
    };
    channel.onopen = opened;
    channel.onmessage = ({ data }) => {
      const text = parseChat(data);
      if (text !== null && !this.#closed) this.#onChat(text);
    };
    channel.onclose = () => {
      // With the transport under it: the other side closed the connection, and will not say so otherwise.
      if (this.#pc.sctp?.state === "closed") this.#event({ type: "failed", problem: "closed_there" });
      else this.#event({ type: "channel_closed" });
    };
    if (channel.readyState === "open") opened();
  }
}
