// @ts-check
// How loud one participant is for this one: a button on its tile that opens a slider and a switch. What is set
// lives in the backend; here is only what is not answered yet.

import { language } from "../language.js";
import { strings } from "../strings.js";
import { element, setAttribute, setText } from "./dom.js";
import { icon } from "./icons.js";

/** @typedef {import("../types/engine").Command} Command */

/** The loudest, in percent, and what is as loud as it comes: the same as in the app's engine. */
const LOUDEST = 200;
const UNCHANGED = 100;
const STEP = 5;

const PERCENT = new Intl.NumberFormat(language, { style: "percent" });

/**
 * What the backend says of a participant's sound here.
 * @typedef {object} Heard
 * @property {number} volume in percent
 * @property {boolean} muted for this participant only
 */

let count = 0;

export class VolumeControl {
  #send;
  #peer;
  #toggle = iconButton("sound-toggle", "close");
  #mute = iconButton("sound-mute");
  #slider = /** @type {HTMLInputElement} */ (
    element("input", { class: "sound-slider", type: "range", min: "0", max: `${LOUDEST}`, step: `${STEP}` })
  );
  #value = element("span", { class: "sound-value", "aria-hidden": "true" });
  #panel;
  /** @type {Heard} */
  #heard = { volume: UNCHANGED, muted: false };
  /** @type {number | null} what was asked for and is not in any view yet */
  #asked = null;
  /** @param {PointerEvent} event */
  #outside = ({ target }) => {
    if (!(target instanceof Node && this.element.contains(target))) this.#setOpen(false);
  };

  /**
   * @param {string} peer
   * @param {(command: Command) => Promise<boolean>} send whether it was taken
   */
  constructor(peer, send) {
    this.#peer = peer;
    this.#send = send;
    const id = `sound-${++count}`;
    this.#panel = element("div", { class: "sound-panel", role: "group", id }, this.#mute, this.#slider, this.#value);
    this.#panel.hidden = true;
    setAttribute(this.#toggle, "aria-controls", id);
    setAttribute(this.#toggle, "aria-expanded", false);
    this.element = element("div", { class: "sound" }, this.#toggle, this.#panel);

    this.#toggle.addEventListener("click", () => this.#setOpen(this.#panel.hidden));
    this.#mute.addEventListener("click", () => this.#askMuted(!this.#heard.muted));
    this.#slider.addEventListener("input", () => this.#askVolume(this.#slider.valueAsNumber));
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.#panel.hidden) return;
      event.preventDefault();
      this.#setOpen(false);
      this.#toggle.focus();
    });
    // Who leaves by the keyboard; a hand that touches elsewhere, or another window, moves the focus nowhere here.
    this.element.addEventListener("focusout", ({ relatedTarget }) => {
      if (relatedTarget instanceof Node && !this.element.contains(relatedTarget)) this.#setOpen(false);
    });
  }

  /** @param {string} name @param {Heard} heard */
  render(name, heard) {
    this.#heard = heard;
    setAttribute(this.#toggle, "aria-label", strings.volumeOf(name));
    setAttribute(this.#panel, "aria-label", strings.volumeOf(name));
    setAttribute(this.#slider, "aria-label", strings.volumeOf(name));
    setAttribute(this.#mute, "aria-label", strings.muteForMe(name));
    setAttribute(this.#mute, "aria-pressed", heard.muted);
    setAttribute(this.element, "data-muted", heard.muted);
    setAttribute(this.element, "data-changed", heard.muted || heard.volume !== UNCHANGED);
    // A view that is older than what the hand on the slider did must not take it back.
    if (this.#asked === heard.volume) this.#asked = null;
    if (this.#asked === null) this.#slider.value = String(heard.volume);
    this.#showValue();
  }

  close() {
    this.#setOpen(false);
  }

  /** @param {boolean} open */
  #setOpen(open) {
    if (open === !this.#panel.hidden) return;
    this.#panel.hidden = !open;
    setAttribute(this.#toggle, "aria-expanded", open);
    if (open) {
      document.addEventListener("pointerdown", this.#outside);
      this.#slider.focus();
    } else {
      document.removeEventListener("pointerdown", this.#outside);
    }
  }

  /** @param {boolean} muted */
  #askMuted(muted) {
    void this.#send({ type: "set_peer_muted", peer: this.#peer, muted });
  }

  /** @param {number} volume */
  async #askVolume(volume) {
    this.#asked = volume;
    this.#showValue();
    // Who moves the slider wants to hear something.
    if (this.#heard.muted && volume > 0) this.#askMuted(false);
    if (await this.#send({ type: "set_peer_volume", peer: this.#peer, volume })) return;
    if (this.#asked !== volume) return;
    this.#asked = null;
    this.#slider.value = String(this.#heard.volume);
    this.#showValue();
  }

  #showValue() {
    const text = PERCENT.format((this.#asked ?? this.#heard.volume) / 100);
    setText(this.#value, text);
    setAttribute(this.#slider, "aria-valuetext", text);
  }
}

/**
 * With a speaker that is heard, one that is not, and what else it may show.
 * @param {string} name @param {string[]} more
 */
function iconButton(name, ...more) {
  const icons = ["speaker", "speaker-off", ...more].map((name) => icon(name));
  return /** @type {HTMLButtonElement} */ (
    element("button", { class: `icon-button ${name}`, type: "button" }, ...icons)
  );
}
