// @ts-check
// Decodes a peer's H.264 in the window (WebCodecs) and paints it into a 2D canvas.

import { decoderConfiguration, lengthPrefixed, nalUnits, sameBytes } from "./avc.js";
import { DecoderHealth } from "./health.js";

/** @typedef {import("../backend/backend").Frame} Frame */
/** @typedef {import("./decoder").WebCodecs} WebCodecs */
/** @typedef {import("./decoder").Decoder} Decoder */
/** @typedef {import("./decoder").Picture} Picture */

/** Constrained baseline 3.1: what every Maru sends at 720p. */
const PROBE_CODEC = "avc1.42E01F";

/** A decoder that holds a frame back this long gets the next one anyway; else both sides would wait. */
const HELD_BACK_MS = 150;

/** At most one key frame is asked for in this span: an answer takes a round trip. */
const KEY_FRAME_SPAN_MS = 500;

/** @returns {WebCodecs | null} */
function webCodecs() {
  const holder = /** @type {Partial<WebCodecs>} */ (/** @type {unknown} */ (globalThis));
  return holder.VideoDecoder && holder.EncodedVideoChunk ? /** @type {WebCodecs} */ (holder) : null;
}

/** @type {Promise<boolean> | undefined} */
let supported;

/** Whether this window can decode Maru's video. Asked once. */
export function canDecode() {
  supported ??= (async () => {
    try {
      const answer = await webCodecs()?.VideoDecoder.isConfigSupported({
        codec: PROBE_CODEC,
        optimizeForLatency: true,
      });
      return answer?.supported === true;
    } catch {
      return false;
    }
  })();
  return supported;
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
  /** @type {Uint8Array | null} the parameter sets that the decoder was configured with */
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
    const units = nalUnits(frame.data);
    if (frame.key) this.#prepare(units);
    if (this.#closed) return undefined;
    const codecs = webCodecs();
    if (!codecs || !this.#decoder || (this.#needsKey && !frame.key)) {
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
          data: lengthPrefixed(units),
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
   * Makes the decoder fit the key frame: at the start, and when the sender changes the picture's size.
   * @param {Uint8Array[]} units
   */
  #prepare(units) {
    const configuration = decoderConfiguration(units);
    if (!configuration) return;
    if (this.#decoder && sameBytes(configuration.description, this.#description)) return;
    try {
      this.#decoder ??= this.#create();
      this.#decoder?.configure({ ...configuration, optimizeForLatency: true });
      this.#description = configuration.description;
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
