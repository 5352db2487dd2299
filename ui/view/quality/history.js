// @ts-check
// From one connection's counters, taken once a second, to figures: what flows, what is lost, how long it takes.
// Pure, told the time. The app's engine and a guest's browser give the same counters.

/** @typedef {import("../../types/engine").PeerStats} PeerStats */

/** Seconds that are kept, for plots. */
export const KEPT = 60;
/** Losses are counted over this many seconds: one alone jumps about. */
const WINDOW = 5;
/** Of fewer packets nothing can be said. */
const ENOUGH_PACKETS = 25;
/** Of less sound nothing can be said, in samples: a quarter of a second. */
const ENOUGH_SAMPLES = 12_000;

/**
 * One second. Null is what nobody knows, or what there was too little of.
 * @typedef {object} Figures
 * @property {number | null} roundTripMs
 * @property {number | null} lossSent a share, 0 to 1, of the last seconds
 * @property {number | null} lossReceived
 * @property {number | null} kbpsSent
 * @property {number | null} kbpsReceived
 * @property {number | null} fps of the pictures that come
 * @property {number | null} fpsSent
 * @property {number | null} concealed the share of sound that was made up, of the last seconds
 */

/**
 * What was counted between two samples.
 * @typedef {object} Step
 * @property {number} seconds
 * @property {Record<"sent" | "received", { bytes: number, packets: number, lost: number }>} traffic
 * @property {number} frames
 * @property {number} framesSent
 * @property {number} samples
 * @property {number} concealed
 */

/** @type {Figures} */
export const NO_FIGURES = {
  roundTripMs: null,
  lossSent: null,
  lossReceived: null,
  kbpsSent: null,
  kbpsReceived: null,
  fps: null,
  fpsSent: null,
  concealed: null,
};

export class History {
  /** @type {{ at: number, stats: PeerStats } | null} */
  #last = null;
  /** @type {Step[]} */
  #steps = [];
  /** @type {Figures[]} */
  #figures = [];

  /** The newest sample as it came. */
  get stats() {
    return this.#last?.stats ?? null;
  }

  /** The newest figures. */
  get now() {
    return this.#figures.at(-1) ?? NO_FIGURES;
  }

  /** Those of the last minute, the oldest first. */
  get kept() {
    return this.#figures;
  }

  /** @param {number} nowMs @param {PeerStats} stats */
  take(nowMs, stats) {
    const before = this.#last;
    this.#last = { at: nowMs, stats };
    const step = before && between(before.stats, stats, (nowMs - before.at) / 1000);
    if (step) this.#steps = [...this.#steps, step].slice(-WINDOW);
    else this.#steps = []; // the first one, or a connection that was made anew
    this.#figures = [...this.#figures, figuresOf(stats, step, this.#steps)].slice(-KEPT);
  }
}

/** @param {PeerStats} a @param {PeerStats} b @param {number} seconds @returns {Step | null} null where they do not go on */
function between(a, b, seconds) {
  if (seconds <= 0) return null;
  let goesOn = true;
  /** @param {number | undefined} from @param {number | undefined} to */
  const more = (from, to) => {
    if ((to ?? 0) < (from ?? 0)) goesOn = false;
    return (to ?? 0) - (from ?? 0);
  };
  /** @param {import("../../types/engine").Traffic} from @param {import("../../types/engine").Traffic} to */
  const traffic = (from, to) => ({
    bytes: more(from.bytes, to.bytes),
    packets: more(from.packets, to.packets),
    lost: Math.max(0, to.lost - from.lost), // what comes late after all is not lost any more
  });
  const step = {
    seconds,
    traffic: { sent: traffic(a.sent, b.sent), received: traffic(a.received, b.received) },
    frames: more(a.inboundVideo?.framesDecoded, b.inboundVideo?.framesDecoded),
    // Of all peers' encoder: it does not begin anew with one of them.
    framesSent: Math.max(0, (b.outboundVideo?.framesEncoded ?? 0) - (a.outboundVideo?.framesEncoded ?? 0)),
    samples: more(a.inboundAudio.totalSamplesReceived, b.inboundAudio.totalSamplesReceived),
    concealed: Math.max(0, b.inboundAudio.concealedSamples - a.inboundAudio.concealedSamples),
  };
  return goesOn ? step : null;
}

/** @param {PeerStats} stats @param {Step | null} step @param {Step[]} steps @returns {Figures} */
function figuresOf(stats, step, steps) {
  const rtt = stats.currentRoundTripTime;
  const roundTripMs = rtt === null ? null : rtt * 1000;
  if (!step) return { ...NO_FIGURES, roundTripMs };
  const { seconds, traffic, frames, framesSent } = step;
  /** @param {(step: Step) => number} count */
  const sum = (count) => steps.reduce((total, one) => total + count(one), 0);
  /** @param {number} part @param {number} all @param {number} enough */
  const share = (part, all, enough) => (all < enough ? null : Math.min(1, part / all));
  /** @param {"sent" | "received"} way */
  const loss = (way) =>
    share(sum((one) => one.traffic[way].lost), sum((one) => one.traffic[way].packets), ENOUGH_PACKETS);
  return {
    roundTripMs,
    lossSent: loss("sent"),
    lossReceived: loss("received"),
    kbpsSent: (traffic.sent.bytes * 8) / 1000 / seconds,
    kbpsReceived: (traffic.received.bytes * 8) / 1000 / seconds,
    fps: stats.inboundVideo ? frames / seconds : null,
    fpsSent: stats.outboundVideo ? framesSent / seconds : null,
    concealed: share(sum((one) => one.concealed), sum((one) => one.samples), ENOUGH_SAMPLES),
  };
}
