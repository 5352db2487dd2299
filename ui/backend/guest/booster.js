// @ts-check
// Plays somebody louder than it comes, which an `<audio>` cannot. Only who is wanted louder goes this way: an
// echo canceller hears an `<audio>` in every browser, Web Audio only in newer ones.

/** The most that anything is multiplied by. */
const MOST_GAIN = 2;
/** Up to here the sound is as it was; from here on it is bent, so that it never breaks off flat. */
const BENDS_AT = 0.7;
const CURVE_POINTS = 2049;
/** A gain changes in this time, in seconds, by two thirds: too slow to click. */
const GLIDE_S = 0.01;
/** With nothing to boost it rests after this time; not at once, as there may be another track in a moment. */
const REST_AFTER_MS = 1000;

/** @param {number} amplitude @returns {number} below 1 */
export function soften(amplitude) {
  const level = Math.abs(amplitude);
  if (level <= BENDS_AT) return amplitude;
  const room = 1 - BENDS_AT;
  return Math.sign(amplitude) * (BENDS_AT + room * Math.tanh((level - BENDS_AT) / room));
}

/** From −{@link MOST_GAIN} to {@link MOST_GAIN}, for a node that takes −1 to 1. */
function curve() {
  const half = (CURVE_POINTS - 1) / 2;
  return Float32Array.from({ length: CURVE_POINTS }, (_, point) => soften((point / half - 1) * MOST_GAIN));
}

/**
 * Lets it go on, also after a call on the phone: iOS has a state of its own for that, which no standard knows.
 * @param {AudioContext} context
 */
export function wake(context) {
  if (context.state !== "running" && context.state !== "closed") context.resume().catch(() => {});
}

/**
 * One boosted sound.
 * @typedef {object} Boost
 * @property {(gain: number) => void} setGain
 * @property {() => void} end
 */

export class Booster {
  /** @type {AudioContext | null} */
  #context = null;
  #speaker = "";
  #onChange;
  #boosts = 0;
  /** It was sent to rest from here: nobody wants it to go on, until somebody asks whether it works. */
  #resting = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #restTimer;

  /** @param {() => void} onChange it can do now, or not any more, what {@link works} says */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  /**
   * Whether what is boosted is heard, from the chosen speaker; asked by who has something to boost. A browser may
   * want a touch of the page first.
   */
  get works() {
    const context = this.#open();
    if (!context || (this.#speaker !== "" && !("setSinkId" in context))) return false;
    // It may still be on its way to rest, and say that it runs.
    if (this.#resting) context.resume().catch(() => {});
    else wake(context);
    this.#resting = false;
    return context.state === "running";
  }

  /** @param {string} id empty for the system's */
  setSpeaker(id) {
    this.#speaker = id;
    if (this.#context) this.#aim(this.#context);
  }

  /** Once more; called while a tap or a key is handled. */
  resume() {
    if (this.#context && !this.#resting) wake(this.#context);
  }

  /** @param {MediaStreamTrack} track @param {number} gain @returns {Boost | null} */
  boost(track, gain) {
    const context = this.#open();
    if (!context) return null;
    const source = context.createMediaStreamSource(new MediaStream([track]));
    const scaled = new GainNode(context, { gain: gain / MOST_GAIN });
    source.connect(scaled).connect(new WaveShaperNode(context, { curve: curve() })).connect(context.destination);
    this.#boosts++;
    return {
      setGain: (gain) => scaled.gain.setTargetAtTime(gain / MOST_GAIN, context.currentTime, GLIDE_S),
      end: () => {
        source.disconnect();
        scaled.disconnect();
        this.#boosts--;
        this.#restSoon(context);
      },
    };
  }

  /**
   * Silence costs as much as sound does, while it runs.
   * @param {AudioContext} context
   */
  #restSoon(context) {
    clearTimeout(this.#restTimer);
    this.#restTimer = setTimeout(() => {
      // One that does not run is either resting or about to be asked to go on.
      if (this.#boosts > 0 || context.state !== "running") return;
      this.#resting = true;
      context.suspend().catch(() => {});
    }, REST_AFTER_MS);
  }

  #open() {
    if (this.#context) return this.#context;
    try {
      const context = new AudioContext({ latencyHint: "interactive" });
      context.onstatechange = () => {
        this.#onChange();
        // Who asked for it may want nothing any more.
        if (this.#boosts === 0) this.#restSoon(context);
      };
      this.#context = context;
      this.#aim(context);
    } catch {
      // No Web Audio here: the loudest is as it comes.
    }
    return this.#context;
  }

  /** @param {AudioContext} context */
  #aim(context) {
    if (!("setSinkId" in context)) return;
    // A speaker that cannot be used is told of by whoever plays the others.
    /** @type {Promise<void>} */ (/** @type {any} */ (context).setSinkId(this.#speaker)).catch(() => {});
  }
}
