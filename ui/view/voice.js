// @ts-check
// What is done to the own voice before it is sent: beside the pickers, and like them on both screens.

import { strings } from "../strings.js";
import { byId, element } from "./dom.js";

/** @typedef {import("../types/media").EchoCancellation} EchoCancellation */
/** @typedef {import("../types/media").VoiceSettings} VoiceSettings */

export class VoicePanel {
  #echo = byId("voice-echo", HTMLSelectElement);
  #noise = byId("voice-noise", HTMLInputElement);
  #gain = byId("voice-gain", HTMLInputElement);

  /**
   * @param {object} options
   * @param {VoiceSettings} options.voice
   * @param {boolean} options.browser a browser cancels the echo or does not; the app also tells whether there is one
   * @param {(voice: VoiceSettings) => void} options.onChange
   */
  constructor({ voice, browser, onChange }) {
    /** @type {[EchoCancellation, string][]} */
    const choices = browser
      ? [["auto", strings.voiceOn], ["off", strings.voiceOff]]
      : [["auto", strings.voiceAuto], ["on", strings.voiceOn], ["off", strings.voiceOff]];
    this.#echo.append(...choices.map(([value, text]) => element("option", { value, text })));
    this.#echo.value = browser && voice.echo === "on" ? "auto" : voice.echo;
    this.#noise.checked = voice.noise;
    this.#gain.checked = voice.gain;
    for (const field of [this.#echo, this.#noise, this.#gain]) {
      field.addEventListener("change", () => onChange(this.#chosen));
    }
  }

  /** @returns {VoiceSettings} */
  get #chosen() {
    const echo = /** @type {EchoCancellation} */ (this.#echo.value);
    return { echo, noise: this.#noise.checked, gain: this.#gain.checked };
  }
}
