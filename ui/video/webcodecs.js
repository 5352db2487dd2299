// @ts-check
// Decodes a peer's H.264 or VP8 in the window (WebCodecs) and paints it into a 2D canvas.

import { decoderConfiguration, lengthPrefixed, nalUnits, sameBytes } from "./avc.js";
import { DecoderHealth } from "./health.js";

/** @typedef {import("../backend/backend").Frame} Frame */
/** @typedef {import("./decoder").WebCodecs} WebCodecs */
/** @typedef {import("./decoder").Decoder} Decoder */
/** @typedef {import("./decoder").Picture} Picture */

/** Constrained baseline 3.1: what every Maru sends at 720p, unless a peer has VP8 alone. */
const H264 = "avc1.42E01F";
const VP8 = "vp8";

/** A decoder that holds a frame back this long gets the next one anyway; else both sides would wait. */
const HELD_BACK_MS = 150;

/** At most one key frame is asked for in this span: an answer takes a round trip. */
const KEY_FRAME_SPAN_MS = 500;

/** @returns {WebCodecs | null} */
function webCodecs() {
  const holder = /** @type {Partial<WebCodecs>} */ (/** @type {unknown} */ (globalThis));
  return holder.VideoDecoder && holder.EncodedVideoChunk ? /** @type {WebCodecs} */ (holder) : null;
}

/** @type {Map<string, Promise<boolean>>} */
const supported = new Map();

/** Whether this window can decode a codec, without a word what Maru usually sends. Asked once for each. */
export function canDecode(codec = H264) {
  const ask = async () => {
    try {
      const answer = await webCodecs()?.VideoDecoder.isConfigSupported({ codec, optimizeForLatency: true });
      return answer?.supported === true;
    } catch {
      return false;
    }
  };
  const answer = supported.get(codec) ?? ask();
  supported.set(codec, answer);
  return answer;
}

/**
 * What a decoder has to be configured with for this key frame; null when it does not say.
 * @param {Frame} frame
 * @param {Uint8Array[]} units of an H.264 frame
 * @returns {{ codec: string, description?: Uint8Array } | null}
 */
function configurationFor(frame, units) {
  return frame.kind === "vp8" ? { codec: VP8 } : decoderConfiguration(units);
}

/**
 * Takes encoded frames, one at a time; every frame is acknowledged exactly once, after its picture was
 * painted or it was dropped.
 */
export class EncodedPainter {
  #canvas;
  #context;
  #events;
  #health = new DecoderHealth();
  /** @type {Decoder | null} */
  #decoder = null;
  /** @type {Frame["kind"] | null} what the decoder was configured for */
  #kind = null;
  /** @type {Uint8Array | null} the parameter sets that it was configured with, for H.264 */
  #description = null;
  #needsKey = true;
  #keyAskedAt = -Infinity;
  /** Frames in the decoder that are not acknowledged yet. */
  #held = 0;
  /** @type {number | undefined} */
  #heldTimer;
  /** Counts frames: decoders want rising timestamps, and RTP's wrap around. */
  #sequence = 0;
  #closed = false;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {object} events
   * @param {() => void} events.painted
   * @param {() => void} events.acknowledge
   * @param {() => void} events.requestKeyFrame
   * @param {() => void} events.broken the decoder does not work here; take decoded pictures instead
   */
  constructor(canvas, events) {
    const context = canvas.getContext("2d", { alpha: false });
    if (!context) throw new Error("no 2D canvas");
    canvas.dataset.paint = "webcodecs";
    this.#canvas = canvas;
    this.#context = context;
    this.#events = events;
  }

  /** @param {Frame} frame */
  paint(frame) {
    const now = performance.now();
    if (this.#health.silent(now)) return this.#giveUp();
    if (document.hidden) {
      // Nobody sees it: decode nothing, and start again at a key frame.
      this.#needsKey = true;
      return this.#events.acknowledge();
    }
    const units = frame.kind === "vp8" ? [] : nalUnits(frame.data);
    if (frame.key) this.#prepare(frame, units);
    if (this.#closed) return undefined;
    const codecs = webCodecs();
    if (!codecs || !this.#decoder || frame.kind !== this.#kind || (this.#needsKey && !frame.key)) {
      this.#askForKey(now);
      return this.#events.acknowledge();
    }
    this.#needsKey = false;
    this.#held += 1;
    this.#health.submitted(now);
    try {
      this.#decoder.decode(
        new codecs.EncodedVideoChunk({
          type: frame.key ? "key" : "delta",
          timestamp: this.#sequence++ * 1000,
          data: frame.kind === "vp8" ? frame.data : lengthPrefixed(units),
        }),
      );
      this.#watchHeld();
    } catch {
      this.#failed();
    }
    return undefined;
  }

  /** The page is seen again. */
  shown() {
    if (this.#needsKey) this.#askForKey(performance.now());
  }

  close() {
    this.#closed = true;
    this.#drop();
  }

  /**
   * Makes the decoder fit the key frame: at the start, when the sender changes the codec, and for H.264
   * also when it changes the picture's size.
   * @param {Frame} frame
   * @param {Uint8Array[]} units
   */
  #prepare(frame, units) {
    const configuration = configurationFor(frame, units);
    if (!configuration) return;
    const description = configuration.description ?? null;
    const same = description === null || sameBytes(description, this.#description);
    if (this.#decoder && frame.kind === this.#kind && same) return;
    if (frame.kind === "vp8") {
      void canDecode(VP8).then((can) => {
        if (!can && !this.#closed) this.#giveUp();
      });
    }
    try {
      this.#decoder ??= this.#create();
      this.#decoder?.configure({ ...configuration, optimizeForLatency: true });
      this.#description = description;
      this.#kind = frame.kind;
    } catch {
      this.#failed();
    }
  }

  #create() {
    const codecs = webCodecs();
    if (!codecs) return null;
    /** @type {Decoder} */
    const decoder = new codecs.VideoDecoder({
      output: (picture) => {
        if (decoder === this.#decoder) this.#show(picture);
        else picture.close();
      },
      error: () => {
        if (decoder === this.#decoder) this.#failed();
      },
    });
    return decoder;
  }

  /** @param {Picture} picture */
  #show(picture) {
    this.#health.produced();
    const { displayWidth: width, displayHeight: height } = picture;
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas.width = width;
      this.#canvas.height = height;
    }
    this.#context.drawImage(/** @type {any} */ (picture), 0, 0, width, height);
    picture.close();
    this.#events.painted();
    this.#release();
  }

  #release() {
    if (this.#held === 0) return;
    this.#held -= 1;
    this.#events.acknowledge();
    window.clearTimeout(this.#heldTimer);
    this.#heldTimer = undefined;
    this.#watchHeld();
  }

  #watchHeld() {
    if (this.#held === 0 || this.#heldTimer !== undefined) return;
    this.#heldTimer = window.setTimeout(() => {
      this.#heldTimer = undefined;
      this.#release();
    }, HELD_BACK_MS);
  }

  #failed() {
    if (this.#closed) return;
    if (this.#health.failed(performance.now()) === "give_up") return this.#giveUp();
    this.#drop();
    this.#askForKey(performance.now());
  }

  #giveUp() {
    this.close();
    this.#events.broken();
  }

  /** Lets go of the decoder and of all that is in it. */
  #drop() {
    window.clearTimeout(this.#heldTimer);
    this.#heldTimer = undefined;
    const decoder = this.#decoder;
    this.#decoder = null;
    this.#description = null;
    this.#kind = null;
    this.#needsKey = true;
    if (decoder && decoder.state !== "closed") decoder.close();
    for (; this.#held > 0; this.#held -= 1) this.#events.acknowledge();
  }

  /** @param {number} now */
  #askForKey(now) {
    this.#needsKey = true;
    if (now - this.#keyAskedAt < KEY_FRAME_SPAN_MS) return;
    this.#keyAskedAt = now;
    this.#events.requestKeyFrame();
  }
}
