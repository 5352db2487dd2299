// @ts-check
// The peer connections of one call and the media on them: what is sent goes to all of them, what comes is
// handed to whoever shows or plays it.

import { later } from "../../later.js";
import { screenLimits, videoLimits } from "./codecs.js";
import { Connection } from "./connection.js";

/** @typedef {import("../backend").OnPictures} OnPictures */
/** @typedef {import("../../types/engine").AddressPolicy} AddressPolicy */
/** @typedef {import("./connection").Kind} Kind */
/** @typedef {import("../../types/engine").VideoKind} VideoKind */
/** @typedef {import("./peer").ConnectionEvent} ConnectionEvent */
/** @typedef {import("./peer").ConnectionOrder} ConnectionOrder */

/** The own camera, as a source of pictures. */
const PREVIEW = "preview";
/** Pictures that have not come for so many counts do not come any more. */
const COUNTS_TO_STOP = 3;

/**
 * Pictures that come from a peer.
 * @typedef {object} Arriving
 * @property {MediaStream | null} pictures
 * @property {number} frames decoded at the last count
 * @property {number} still counts since there was a new one
 */

/**
 * @typedef {{ generation: number, connection: Connection, reader: StatsReader | null, arriving: Record<VideoKind, Arriving> }} Link
 */

/** @typedef {import("./stats").StatsReader} StatsReader */

const loadStats = later(new URL("stats.js", import.meta.url), () => import("./stats.js"));

/** @type {VideoKind[]} */
const KINDS = ["camera", "screen"];

/** @param {number} peers what goes to each of them */
const limits = (peers) => ({ camera: videoLimits(peers), screen: screenLimits(peers) });

/** @returns {Arriving} */
const nothing = () => ({ pictures: null, frames: 0, still: COUNTS_TO_STOP });

export class Links {
  #news;
  /** @type {Map<string, Link>} by peer */
  #links = new Map();
  /** @type {Record<Kind, MediaStreamTrack | null>} */
  #tracks = { audio: null, camera: null, screen: null };
  /** @type {Map<string, Set<OnPictures>>} by stream and source */
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

  /**
   * @param {string} peer @param {number} generation
   * @param {{ files: boolean, screen: boolean }} takes whether the peer takes files, and a screen's pictures
   */
  open(peer, generation, { files, screen }) {
    const { onEvent, onChat, onSound, onPictures, onFiles } = this.#news;
    try {
      const connection = new Connection({
        iceServers: this.#iceServers,
        paths: this.#paths,
        tracks: this.#tracks,
        screen,
        onEvent: (event) => onEvent(peer, generation, event),
        onChat: (text) => onChat(peer, text),
        onFiles: files ? (channel) => onFiles(peer, channel) : null,
        onTrack: (kind, track) => {
          if (this.#links.get(peer)?.generation !== generation) return;
          if (kind === "audio") return onSound(peer, track);
          const arriving = link.arriving[kind];
          track.onunmute = () => this.#counted(kind, arriving, arriving.frames + 1);
          arriving.pictures = new MediaStream([track]);
          this.#pictures(peer, kind);
          onPictures();
        },
      });
      /** @type {Link} */
      const link = { generation, connection, reader: null, arriving: { camera: nothing(), screen: nothing() } };
      this.#links.set(peer, link);
      connection.setLimits(limits(this.#peers));
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
    for (const kind of KINDS) this.#pictures(peer, kind);
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
    for (const { connection } of this.#links.values()) connection.setLimits(limits(this.#peers));
  }

  /** @param {string[]} peers who shows a screen: what the others showed is over */
  setSharing(peers) {
    for (const [peer, { arriving }] of this.#links) {
      if (!peers.includes(peer)) arriving.screen.still = COUNTS_TO_STOP;
    }
  }

  /** @param {Kind} kind @param {MediaStreamTrack | null} track what all get from now on */
  setTrack(kind, track) {
    if (this.#tracks[kind] === track) return;
    this.#tracks = { ...this.#tracks, [kind]: track };
    for (const { connection } of this.#links.values()) connection.setTrack(kind, track);
    if (kind === "camera") this.#pictures(PREVIEW, kind);
  }

  /** @param {string} text */
  say(text) {
    for (const { connection } of this.#links.values()) connection.say(text);
  }

  /** @param {string} peer @param {VideoKind} kind whether its pictures arrive */
  hasPictures(peer, kind) {
    return (this.#links.get(peer)?.arriving[kind].still ?? COUNTS_TO_STOP) < COUNTS_TO_STOP;
  }

  /** Looks whether new pictures came. */
  async count() {
    for (const { connection, arriving } of [...this.#links.values()]) {
      for (const kind of KINDS) {
        const frames = await connection.framesDecoded(kind);
        if (frames !== null) this.#counted(kind, arriving[kind], frames);
      }
    }
  }

  /** How the connections are. Rejects where that cannot be read yet. @returns {Promise<import("../../types/engine").CallStats>} */
  async stats() {
    const { StatsReader } = await loadStats();
    const peers = await Promise.all(
      [...this.#links].map(async ([peer, link]) => {
        const { connection } = link;
        const report = await connection.stats();
        link.reader ??= new StatsReader();
        return report ? [link.reader.read(peer, report, connection.screenMid)] : [];
      }),
    );
    return { peers: peers.flat() };
  }

  /**
   * @param {string} source `"preview"` or a peer's id
   * @param {VideoKind} kind
   * @param {OnPictures} onPictures
   * @returns {() => void} ends it
   */
  watch(source, kind, onPictures) {
    const key = keyOf(source, kind);
    const watchers = this.#watchers.get(key) ?? new Set();
    this.#watchers.set(key, watchers.add(onPictures));
    onPictures(...this.#picturesOf(source, kind));
    return () => {
      watchers.delete(onPictures);
      if (watchers.size === 0 && this.#watchers.get(key) === watchers) this.#watchers.delete(key);
    };
  }

  /** @param {VideoKind} kind @param {Arriving} arriving @param {number} frames */
  #counted(kind, arriving, frames) {
    const before = arriving.still < COUNTS_TO_STOP;
    if (frames > arriving.frames) arriving.still = 0;
    // A screen on which nothing happens gives no new pictures, and the last one holds.
    else if (kind === "camera") arriving.still = Math.min(arriving.still + 1, COUNTS_TO_STOP);
    arriving.frames = frames;
    if (before !== arriving.still < COUNTS_TO_STOP) this.#news.onPictures();
  }

  /** @param {string} source @param {VideoKind} kind */
  #pictures(source, kind) {
    for (const onPictures of this.#watchers.get(keyOf(source, kind)) ?? []) {
      onPictures(...this.#picturesOf(source, kind));
    }
  }

  /** @param {string} source @param {VideoKind} kind @returns {Parameters<OnPictures>} */
  #picturesOf(source, kind) {
    if (source !== PREVIEW) return [this.#links.get(source)?.arriving[kind].pictures ?? null, { mirrored: false }];
    const track = this.#tracks.camera;
    // One sees oneself as in a mirror, but not what the camera at the back looks at.
    const mirrored = track?.getSettings().facingMode !== "environment";
    return [track && new MediaStream([track]), { mirrored }];
  }
}

/** @param {string} source @param {VideoKind} kind */
function keyOf(source, kind) {
  return `${kind} ${source}`;
}
