// @ts-check
// How loud everybody is, from the browser's own analysers. What counts as speaking is the same as in the app
// (`media::audio::level`).

import { wake } from "./booster.js";

/** @typedef {import("../../types/engine").Levels} Levels */

/** What counts as silence: no level is below. */
export const FLOOR_DBFS = -100;
/** Whoever is this much above the noise speaks, … */
const SPEAKS_ABOVE_NOISE_DB = 16;
/** … and goes on speaking while this much above it. */
const SPEAKS_ON_ABOVE_NOISE_DB = 10;
/** Noise is never thought to be quieter, … */
const LEAST_NOISE_DBFS = -56;
/** … nor louder: what goes on and on at such a level is music, not a fan. */
const MOST_NOISE_DBFS = -40;
/** What goes on and on is noise; the pauses between words show how much of the sound is. */
const NOISE_RISES_DB_PER_S = 3;
const NOISE_FALLS_DB_PER_S = 30;
/** What ends before is a click, not a word. Shorter than the time between two updates, which come every 100 ms. */
const WORD_MS = 80;
/** For this long after the last loud moment: pauses between words do not flicker. */
const HOLD_MS = 500;
/** Below this there is silence, which is shown once and not ten times a second. */
const SILENCE_DBFS = -70;
/** Looked at each time: 85 ms at 48 kHz, nearly all that came since the last time. */
const WINDOW = 4096;

/** @param {Float32Array} samples the peak in dBFS */
export function peakDbfs(samples) {
  let peak = 0;
  for (const sample of samples) peak = Math.max(peak, Math.abs(sample));
  return peak > 0 ? Math.max(FLOOR_DBFS, 20 * Math.log10(peak)) : FLOOR_DBFS;
}

/** Whether somebody speaks, from a level every 100 ms: not for a click, nor for noise that goes on and on. */
export class Speaking {
  #noise = LEAST_NOISE_DBFS;
  /** @type {number | null} */
  #updated = null;
  /** @type {number | null} since when it is loud */
  #loud = null;
  /** When it was last a voice. */
  #heard = -Infinity;

  /** @param {number} now in milliseconds @param {number} dbfs */
  update(now, dbfs) {
    const elapsed = (now - (this.#updated ?? now)) / 1000;
    this.#updated = now;
    const lowest = Math.max(LEAST_NOISE_DBFS, this.#noise - NOISE_FALLS_DB_PER_S * elapsed);
    const highest = Math.min(MOST_NOISE_DBFS, this.#noise + NOISE_RISES_DB_PER_S * elapsed);
    this.#noise = Math.min(Math.max(dbfs, lowest), highest);

    const speaks = now < this.#heard + HOLD_MS;
    if (dbfs <= this.#noise + (speaks ? SPEAKS_ON_ABOVE_NOISE_DB : SPEAKS_ABOVE_NOISE_DB)) {
      this.#loud = null;
      return speaks;
    }
    this.#loud ??= now;
    if (!speaks && now - this.#loud < WORD_MS) return false;
    this.#heard = now;
    return true;
  }
}

class Meter {
  speaking = new Speaking();
  #source;
  #analyser;
  #samples = new Float32Array(WINDOW);

  /** @param {AudioContext} context @param {MediaStreamTrack} track */
  constructor(context, track) {
    this.track = track;
    this.#source = context.createMediaStreamSource(new MediaStream([track]));
    this.#analyser = new AnalyserNode(context, { fftSize: WINDOW });
    this.#source.connect(this.#analyser);
  }

  take() {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    return peakDbfs(this.#samples);
  }

  close() {
    this.#source.disconnect();
  }
}

/** The own microphone's meter, beside those of the peers. */
const OWN = "";

export class LevelMeters {
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {Map<string, Meter>} */
  #meters = new Map();
  #silent = true;

  /** @param {MediaStreamTrack | null} track */
  setMicrophone(track) {
    this.#set(OWN, track);
  }

  /** @param {string} id @param {MediaStreamTrack | null} track */
  setPeer(id, track) {
    this.#set(id, track);
  }

  /** Browsers let no sound be looked at before the person touched the page; called while that is handled. */
  resume() {
    if (this.#context) wake(this.#context);
  }

  /**
   * The levels now; null in lasting silence.
   * @param {number} now in milliseconds
   * @returns {Levels | null}
   */
  take(now) {
    let microphone_dbfs = FLOOR_DBFS;
    let ownSpeaking = false;
    const peers = [];
    for (const [id, meter] of this.#meters) {
      const dbfs = meter.take();
      const speaking = meter.speaking.update(now, dbfs);
      if (id !== OWN) peers.push({ id, dbfs, speaking });
      else [microphone_dbfs, ownSpeaking] = [dbfs, speaking];
    }
    const silent =
      microphone_dbfs < SILENCE_DBFS && !ownSpeaking && peers.every(({ dbfs, speaking }) => dbfs < SILENCE_DBFS && !speaking);
    const told = this.#silent && silent;
    this.#silent = silent;
    return told ? null : { microphone_dbfs, speaking: ownSpeaking, peers };
  }

  /** @param {string} id @param {MediaStreamTrack | null} track */
  #set(id, track) {
    const before = this.#meters.get(id);
    if (before?.track === track) return;
    before?.close();
    this.#meters.delete(id);
    if (!track) return;
    try {
      this.#context ??= new AudioContext({ latencyHint: "playback" });
      this.resume();
      this.#meters.set(id, new Meter(this.#context, track));
    } catch {
      // No Web Audio here: nobody's level is shown, everybody is heard.
    }
  }
}
