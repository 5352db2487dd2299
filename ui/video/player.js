// @ts-check
// One tile's pictures: opens the stream, chooses how to paint it, keeps the stream's size at the tile's,
// and changes over when a way of painting breaks.

import { SoftwarePainter } from "./software.js";
import { EncodedPainter, canDecode } from "./webcodecs.js";
import { WebglPainter } from "./webgl.js";

/** @typedef {import("../backend/backend").Frame} Frame */
/** @typedef {import("../backend/backend").VideoStream} VideoStream */
/** @typedef {{ paint(frame: Frame): void, shown(): void, close(): void }} Painter */

/** More than any picture has, in pixels. */
const LARGEST = { width: 3840, height: 2160 };

/** A window that is being resized asks for a new size once it rests this long. */
const RESIZE_REST_MS = 150;

/** Between attempts to open a stream that was refused; doubles up to the second value. */
const RETRY_MS = [500, 8000];

/** After so many lost graphics contexts no further one is tried. */
const CONTEXTS_LOST_LIMIT = 3;

export class Player {
  #host;
  #source;
  #which;
  #openVideo;
  #onPicture;
  #encoded;
  #decoderBroken = false;
  #contextsLost = 0;
  /** Pictures as large as they are. */
  #whole = false;
  /** Raised whenever a stream is given up: what still comes of it is ignored. */
  #generation = 0;
  /** @type {VideoStream | null} */
  #stream = null;
  /** @type {Painter | null} */
  #painter = null;
  /** @type {HTMLCanvasElement | null} */
  #canvas = null;
  /** Frames and wishes from before the backend said that the stream is open. */
  #early = { acknowledge: 0, keyFrame: false };
  /** In device pixels; this guess stands until the tile was laid out once. */
  #size = { width: 640, height: 360 };
  /** @type {number | undefined} */
  #resizeTimer;
  /** @type {number | undefined} */
  #retryTimer;
  #observer;
  /** No stream is open because nobody sees it. */
  #resting = false;
  #closed = false;

  /**
   * @param {import("../backend/backend").PicturesOptions & { openVideo: import("../backend/backend").OpenVideo }} options
   */
  constructor({ openVideo, source, stream, host, encoded, onPicture }) {
    this.#openVideo = openVideo;
    this.#source = source;
    this.#which = stream;
    this.#host = host;
    this.#encoded = encoded;
    this.#onPicture = onPicture;
    this.#observer = new ResizeObserver(() => this.#sizeChanged());
    this.#observer.observe(host);
    window.addEventListener("resize", this.#sizeChanged); // also when the window moves to a denser screen
    document.addEventListener("visibilitychange", this.#visibilityChanged);
    const size = this.#hostSize();
    if (size.width > 0 && size.height > 0) this.#size = size;
    void this.#open();
  }

  /**
   * Decode here, or have the backend decode.
   * @param {boolean} encoded
   */
  setEncoded(encoded) {
    if (this.#encoded === encoded || this.#closed) return;
    this.#encoded = encoded;
    void this.#open();
  }

  /**
   * Decoded pictures come as large as they are, or no larger than the host.
   * @param {boolean} whole
   */
  setWhole(whole) {
    this.#whole = whole;
    this.#sizeChanged();
  }

  close() {
    this.#closed = true;
    this.#giveUp();
    this.#observer.disconnect();
    window.removeEventListener("resize", this.#sizeChanged);
    document.removeEventListener("visibilitychange", this.#visibilityChanged);
    window.clearTimeout(this.#resizeTimer);
    this.#canvas?.remove();
  }

  #giveUp() {
    this.#generation += 1;
    window.clearTimeout(this.#retryTimer);
    this.#stream?.close();
    this.#stream = null;
    this.#painter?.close();
    this.#painter = null;
    this.#early = { acknowledge: 0, keyFrame: false };
  }

  /** @param {number} [retryMs] */
  async #open(retryMs = RETRY_MS[0] ?? 500) {
    this.#giveUp();
    const generation = this.#generation;
    const stale = () => generation !== this.#generation;
    const encoded = this.#encoded && !this.#decoderBroken && (await canDecode());
    if (stale()) return;
    this.#replaceCanvas(encoded);
    this.#resting = !encoded && document.hidden;
    if (this.#resting) return;
    const options = { decoded: !encoded, ...this.#size };
    try {
      const stream = await this.#openVideo(this.#source, this.#which, options, (frame) => {
        if (!stale()) this.#painter?.paint(frame);
      });
      if (stale()) return stream.close();
      this.#stream = stream;
      for (; this.#early.acknowledge > 0; this.#early.acknowledge -= 1) stream.acknowledge();
      if (this.#early.keyFrame) stream.requestKeyFrame();
      const { width, height } = this.#size;
      if (width !== options.width || height !== options.height) stream.resize(width, height);
    } catch {
      // The peer may not be known to the media side yet, or be gone; then this player is closed soon.
      if (stale()) return;
      const next = Math.min(retryMs * 2, RETRY_MS[1] ?? retryMs);
      this.#retryTimer = window.setTimeout(() => void this.#open(next), retryMs);
    }
  }

  /**
   * A canvas keeps its kind of context for good: a new way of painting needs a new canvas.
   * @param {boolean} encoded
   */
  #replaceCanvas(encoded) {
    const old = this.#canvas;
    const generation = this.#generation;
    const make = () => {
      const canvas = document.createElement("canvas");
      canvas.dataset.frames = "0";
      return canvas;
    };
    let canvas = make();
    let frames = 0;
    const events = {
      painted: () => {
        canvas.dataset.frames = String(++frames);
        this.#onPicture({ width: canvas.width, height: canvas.height });
      },
      acknowledge: () => {
        if (generation !== this.#generation) return;
        if (this.#stream) this.#stream.acknowledge();
        else this.#early.acknowledge += 1;
      },
      requestKeyFrame: () => {
        if (generation !== this.#generation) return;
        if (this.#stream) this.#stream.requestKeyFrame();
        else this.#early.keyFrame = true;
      },
    };
    if (encoded) {
      const broken = () => {
        this.#decoderBroken = true;
        if (!this.#closed) void this.#open();
      };
      this.#painter = new EncodedPainter(canvas, { ...events, broken });
    } else {
      const broken = () => {
        this.#contextsLost += 1;
        if (!this.#closed && generation === this.#generation) void this.#open();
      };
      try {
        if (this.#contextsLost >= CONTEXTS_LOST_LIMIT) throw new Error("WebGL does not last here");
        this.#painter = new WebglPainter(canvas, { ...events, broken });
      } catch {
        canvas = make();
        this.#painter = new SoftwarePainter(canvas, events);
      }
    }
    this.#canvas = canvas;
    if (old) old.replaceWith(canvas);
    else this.#host.prepend(canvas);
  }

  /**
   * What nobody sees is not painted. Decoded pictures are not even sent then; encoded ones go on, so that a
   * window that is seen again has to wait for a key frame only.
   */
  #visibilityChanged = () => {
    if (document.hidden && this.#canvas?.dataset.paint !== "webcodecs") {
      this.#resting = true;
      this.#giveUp();
    } else if (!document.hidden && this.#resting) {
      void this.#open();
    } else if (!document.hidden) {
      this.#painter?.shown();
    }
  };

  #sizeChanged = () => {
    window.clearTimeout(this.#resizeTimer);
    this.#resizeTimer = window.setTimeout(() => {
      const size = this.#hostSize();
      const same = size.width === this.#size.width && size.height === this.#size.height;
      if (same || size.width === 0 || size.height === 0) return;
      this.#size = size;
      this.#stream?.resize(size.width, size.height);
    }, RESIZE_REST_MS);
  };

  /** In device pixels. */
  #hostSize() {
    if (this.#whole) return LARGEST;
    const scale = window.devicePixelRatio;
    return {
      width: Math.round(this.#host.clientWidth * scale),
      height: Math.round(this.#host.clientHeight * scale),
    };
  }
}
