// @ts-check
// The peer connections of one call and the media on them: what is sent goes to all of them, what comes is
// handed to whoever shows or plays it.

import { videoLimits } from "./codecs.js";
import { Connection } from "./connection.js";
import { StatsReader } from "./stats.js";

/** @typedef {import("../backend").OnPictures} OnPictures */
/** @typedef {import("../../types/engine").AddressPolicy} AddressPolicy */
/** @typedef {import("./connection").Kind} Kind */
/** @typedef {import("./peer").ConnectionEvent} ConnectionEvent */
/** @typedef {import("./peer").ConnectionOrder} ConnectionOrder */

/** The own camera, as a source of pictures. */
const PREVIEW = "preview";
/** Pictures that have not come for so many counts do not come any more. */
const COUNTS_TO_STOP = 3;

/**
 * @typedef {object} Link
 * @property {number} generation
 * @property {Connection} connection
 * @property {StatsReader} reader
 * @property {MediaStream | null} pictures
 * @property {number} frames decoded at the last count
 * @property {number} still counts since there was a new one
 */

export class Links {
  #news;
  /** @type {Map<string, Link>} by peer */
  #links = new Map();
  /** @type {Record<Kind, MediaStreamTrack | null>} */
  #tracks = { audio: null, video: null };
  /** @type {Map<string, Set<OnPictures>>} by source */
  #watchers = new Map();
  #peers = 0;
  /** @type {RTCIceServer[]} */
  #iceServers = [];
  /** @type {RTCIceTransportPolicy} */
  #paths = "all";

  /**
   * @param {object} news
   * @param {(peer: string, generation: number, event: ConnectionEvent) => void} news.onEvent
   * @param {(peer: string, text: string) => void} news.onChat
   * @param {(peer: string, track: MediaStreamTrack | null) => void} news.onSound
   * @param {() => void} news.onPictures somebody's began or ended
   * @param {(peer: string, channel: RTCDataChannel | null) => void} news.onFiles the channel for files; null when the
   *   connection was given up
   */
  constructor(news) {
    this.#news = news;
  }

  /** @param {string} peer @param {number} generation @param {boolean} files whether the peer takes files */
  open(peer, generation, files) {
    const { onEvent, onChat, onSound, onPictures, onFiles } = this.#news;
    try {
      const connection = new Connection({
        iceServers: this.#iceServers,
        paths: this.#paths,
        tracks: this.#tracks,
        onEvent: (event) => onEvent(peer, generation, event),
        onChat: (text) => onChat(peer, text),
        onFiles: files ? (channel) => onFiles(peer, channel) : null,
        onTrack: (kind, track) => {
          if (this.#links.get(peer)?.generation !== generation) return;
          if (kind === "audio") return onSound(peer, track);
          track.onunmute = () => this.#counted(link, link.frames + 1);
          link.pictures = new MediaStream([track]);
          this.#pictures(peer);
          onPictures();
        },
      });
      /** @type {Link} */
      const link = { generation, connection, reader: new StatsReader(), pictures: null, frames: 0, still: COUNTS_TO_STOP };
      this.#links.set(peer, link);
      connection.setLimits(videoLimits(this.#peers));
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      queueMicrotask(() => onEvent(peer, generation, { type: "failed", problem }));
    }
  }

  /** @param {string} peer @param {number} generation @param {ConnectionOrder} order */
  order(peer, generation, order) {
    const link = this.#links.get(peer);
    if (link?.generation !== generation || link.connection.order(order)) return;
    queueMicrotask(() => this.#news.onEvent(peer, generation, { type: "failed", problem: "overrun" }));
  }

  /** @param {string} peer @param {number} generation */
  close(peer, generation) {
    const link = this.#links.get(peer);
    if (link?.generation !== generation) return;
    this.#links.delete(peer);
    link.connection.close();
    this.#news.onFiles(peer, null);
    this.#news.onSound(peer, null);
    this.#pictures(peer);
  }

  /** @param {RTCIceServer[]} iceServers what connections use when they look for a path anew */
  setIceServers(iceServers) {
    if (this.#iceServers === iceServers) return;
    this.#iceServers = iceServers;
    for (const { connection } of this.#links.values()) connection.setIceServers(iceServers);
  }

  /**
   * From the next connection on. Private addresses a browser hides, or shows, as it sees fit.
   * @param {AddressPolicy} addresses
   */
  setAddresses(addresses) {
    this.#paths = addresses === "relay_only" ? "relay" : "all";
  }

  closeAll() {
    for (const [peer, { generation }] of [...this.#links]) this.close(peer, generation);
  }

  /** @param {string[]} peers who is there, with or without a connection */
  setPeers(peers) {
    if (peers.length === this.#peers) return;
    this.#peers = peers.length;
    for (const { connection } of this.#links.values()) connection.setLimits(videoLimits(this.#peers));
  }

  /** @param {Kind} kind @param {MediaStreamTrack | null} track what all get from now on */
  setTrack(kind, track) {
    if (this.#tracks[kind] === track) return;
    this.#tracks = { ...this.#tracks, [kind]: track };
    for (const { connection } of this.#links.values()) connection.setTrack(kind, track);
    if (kind === "video") this.#pictures(PREVIEW);
  }

  /** @param {string} text */
  say(text) {
    for (const { connection } of this.#links.values()) connection.say(text);
  }

  /** @param {string} peer whether pictures of it arrive */
  hasPictures(peer) {
    return (this.#links.get(peer)?.still ?? COUNTS_TO_STOP) < COUNTS_TO_STOP;
  }

  /** Looks whether new pictures came. */
  async count() {
    for (const link of [...this.#links.values()]) {
      const frames = await link.connection.framesDecoded();
      if (frames !== null) this.#counted(link, frames);
    }
  }

  /** How the connections are. @returns {Promise<import("../../types/engine").CallStats>} */
  async stats() {
    const peers = await Promise.all(
      [...this.#links].map(async ([peer, { connection, reader }]) => {
        const report = await connection.stats();
        return report ? [reader.read(peer, report)] : [];
      }),
    );
    return { peers: peers.flat() };
  }

  /**
   * @param {string} source `"preview"` or a peer's id
   * @param {OnPictures} onPictures
   * @returns {() => void} ends it
   */
  watch(source, onPictures) {
    const watchers = this.#watchers.get(source) ?? new Set();
    this.#watchers.set(source, watchers.add(onPictures));
    onPictures(...this.#picturesOf(source));
    return () => {
      watchers.delete(onPictures);
      if (watchers.size === 0 && this.#watchers.get(source) === watchers) this.#watchers.delete(source);
    };
  }

  /** @param {Link} link @param {number} frames */
  #counted(link, frames) {
    const before = link.still < COUNTS_TO_STOP;
    link.still = frames > link.frames ? 0 : Math.min(link.still + 1, COUNTS_TO_STOP);
    link.frames = frames;
    if (before !== link.still < COUNTS_TO_STOP) this.#news.onPictures();
  }

  /** @param {string} source */
  #pictures(source) {
    for (const onPictures of this.#watchers.get(source) ?? []) onPictures(...this.#picturesOf(source));
  }

  /** @param {string} source @returns {Parameters<OnPictures>} */
  #picturesOf(source) {
    if (source !== PREVIEW) return [this.#links.get(source)?.pictures ?? null, { mirrored: false }];
    const track = this.#tracks.video;
    // One sees oneself as in a mirror, but not what the camera at the back looks at.
    const mirrored = track?.getSettings().facingMode !== "environment";
    return [track && new MediaStream([track]), { mirrored }];
  }
}
