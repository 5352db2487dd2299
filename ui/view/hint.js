// @ts-check
// Tells whoever speaks into a muted microphone that nobody hears it. Nothing of it leaves the machine.

import { strings } from "../strings.js";
import { byId } from "./dom.js";

/** Speaking is told with a hold of half a second, so this is 300 ms of it. */
const SPEAKS_MS = 800;
/** Not again sooner. */
const PAUSE_MS = 12_000;
/** Levels come ten times a second while there is sound; after this long without, there is none. */
const SILENT_MS = 500;
/** How long the hint stays. */
const SHOWN_MS = 5000;

/** When the hint is due. Pure; told the time in milliseconds. */
export class MutedSpeech {
  /** @type {number | null} since when the person speaks */
  #since = null;
  #updated = -Infinity;
  #told = -Infinity;

  /**
   * @param {number} now
   * @param {boolean} speaks into the muted microphone, in a call
   */
  update(now, speaks) {
    if (now - this.#updated > SILENT_MS) this.#since = null;
    this.#updated = now;
    this.#since = speaks ? (this.#since ?? now) : null;
    if (this.#since === null || now - this.#since < SPEAKS_MS || now - this.#told < PAUSE_MS) return false;
    this.#told = now;
    return true;
  }
}

/** The hint above the switch that undoes the muting. */
export class MutedHint {
  #root = byId("muted-hint", HTMLElement);
  #speech = new MutedSpeech();
  #say;
  /** @type {number | undefined} */
  #timer;

  /** @param {(text: string) => void} say to people who listen to the screen */
  constructor(say) {
    this.#say = say;
  }

  /**
   * @param {boolean} speaks whether the person does
   * @param {boolean} unheard muted, and others are there to hear
   */
  update(speaks, unheard) {
    if (!this.#speech.update(performance.now(), speaks && unheard)) return;
    this.#root.hidden = false;
    this.#say(strings.mutedHint);
    window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.hide(), SHOWN_MS);
  }

  /** The person is heard again, or nobody is there any more. */
  hide() {
    window.clearTimeout(this.#timer);
    this.#root.hidden = true;
  }
}
