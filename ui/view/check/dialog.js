// @ts-check
// The check before a call: camera, microphone and speaker, and what the network lets through. Each step ends in time,
// and all of them when the dialog is closed.

import { strings } from "../../strings.js";
import { byId, element, setAttribute, setText } from "../dom.js";
import { icon } from "../icons.js";
import { HEARD_DBFS, cameraOutcome, microphoneOutcome, networkOutcomes, speakerOutcome } from "./outcome.js";

/** @typedef {import("../../types/engine").CallView} CallView */
/** @typedef {import("./outcome").Outcome} Outcome */
/** @typedef {import("./outcome").Step} Step */

/** @type {Step[]} */
const STEPS = ["camera", "microphone", "speaker", "server", "udp", "relay"];
/** How long a camera may take to open, and for how long its pictures are counted. */
const CAMERA_OPENS_MS = 5000;
const CAMERA_COUNTED_MS = 2000;
/** How long the person has to say something. */
const MICROPHONE_MS = 4000;
/** How long the person has to say whether the sound was heard. */
const SPEAKER_MS = 30_000;
/** What the network has not said by then is silence. */
const NETWORK_MS = 30_000;
/** What is waited for is looked at this often. */
const LOOK_MS = 100;

export class CheckDialog {
  #dialog = byId("check", HTMLDialogElement);
  #list = byId("check-steps", HTMLElement);
  #again = byId("check-again", HTMLButtonElement);
  #backend;
  #view;
  #command;
  /** @type {Record<Step, { row: HTMLElement, text: HTMLElement, buttons: HTMLElement }>} */
  #rows;
  /** @type {[Step, (signal: AbortSignal) => Promise<Outcome>][]} one after the other, as the person has a part in each */
  #devices = [
    ["camera", (signal) => this.#tryCamera(signal)],
    ["microphone", (signal) => this.#tryMicrophone(signal)],
    ["speaker", (signal) => this.#trySpeaker(signal)],
  ];
  /** The loudest since the microphone is listened to. */
  #loudest = -100;
  /** @type {AbortController | null} */
  #running = null;

  /**
   * @param {object} options
   * @param {import("../../backend/backend").Backend} options.backend
   * @param {() => CallView} options.view
   * @param {(command: import("../../types/engine").Command) => Promise<boolean>} options.command
   */
  constructor({ backend, view, command }) {
    this.#backend = backend;
    this.#view = view;
    this.#command = command;
    const rows = STEPS.map((step) => {
      const text = element("p", { class: "check-text", role: "status" });
      const buttons = element("div", { class: "check-buttons" });
      const icons = ["check", "alert", "close"].map((name) => icon(name));
      const mark = element("span", { class: "check-mark", "aria-hidden": "true" }, element("span", { class: "spinner" }), ...icons);
      const row = element("li", { "data-step": step }, mark, element("h3", { text: strings.check.steps[step] }), text, buttons);
      this.#list.append(row);
      return [step, { row, text, buttons }];
    });
    this.#rows = Object.fromEntries(rows);
    byId("check-close", HTMLButtonElement).addEventListener("click", () => this.#dialog.close());
    this.#again.addEventListener("click", () => void this.#run());
    this.#dialog.addEventListener("close", () => this.#running?.abort());
  }

  /** @param {number} dbfs of the own microphone */
  renderLevel(dbfs) {
    this.#loudest = Math.max(this.#loudest, dbfs);
  }

  /** A call begins: what was being tried is used now. */
  close() {
    if (this.#dialog.open) this.#dialog.close();
  }

  open() {
    if (this.#dialog.open) return;
    this.#dialog.showModal();
    void this.#run();
  }

  async #run() {
    this.#running?.abort();
    const { signal } = (this.#running = new AbortController());
    this.#again.hidden = true;
    for (const step of STEPS) this.#show(step, "waiting", strings.check.waiting);
    await Promise.all([this.#tryNetwork(signal), this.#tryDevices(signal)]);
    if (!signal.aborted) this.#again.hidden = false;
  }

  /** @param {AbortSignal} signal */
  async #tryDevices(signal) {
    for (const [step, attempt] of this.#devices) {
      const found = await attempt(signal);
      if (signal.aborted) return;
      this.#show(step, found.grade, found.text);
    }
  }

  /** @param {AbortSignal} signal */
  async #tryCamera(signal) {
    const { me } = this.#view();
    const [chosen, off] = [me.camera !== null, me.camera_off];
    if (off || !chosen) return cameraOutcome({ chosen, off, live: false, fps: 0 });
    this.#show("camera", "running", strings.check.cameraOpens);
    await until(() => this.#view().me.camera_live && ownPictures() > 0, CAMERA_OPENS_MS, signal);
    const [before, began] = [ownPictures(), performance.now()];
    await until(() => false, CAMERA_COUNTED_MS, signal);
    const fps = Math.round(((ownPictures() - before) * 1000) / (performance.now() - began));
    return cameraOutcome({ chosen, off, live: this.#view().me.camera_live, fps: Math.max(0, fps) });
  }

  /** @param {AbortSignal} signal */
  async #tryMicrophone(signal) {
    const { me } = this.#view();
    const [chosen, live] = [me.microphone !== null, me.microphone_live];
    if (!chosen || !live) return microphoneOutcome({ chosen, live, loudestDbfs: -100 });
    this.#show("microphone", "running", strings.check.microphoneSpeak);
    this.#loudest = -100;
    await until(() => this.#loudest > HEARD_DBFS, MICROPHONE_MS, signal);
    return microphoneOutcome({ chosen, live, loudestDbfs: this.#loudest });
  }

  /** @param {AbortSignal} signal */
  async #trySpeaker(signal) {
    if (this.#view().me.speaker === null || signal.aborted) return speakerOutcome(false, null);
    this.#show("speaker", "running", strings.check.speakerAsk);
    void this.#command({ type: "test_speaker" });
    /** @type {boolean | null} */
    let heard = null;
    const answers = [true, false].map((answer) => {
      const text = answer ? strings.check.yes : strings.check.no;
      const button = element("button", { class: "button", type: "button", text, "data-answer": String(answer) });
      button.addEventListener("click", () => (heard = answer));
      return button;
    });
    this.#rows.speaker.buttons.replaceChildren(...answers);
    await until(() => heard !== null, SPEAKER_MS, signal);
    return speakerOutcome(true, heard);
  }

  /** @param {AbortSignal} signal */
  async #tryNetwork(signal) {
    /** @type {Set<Step>} */
    const open = new Set(["server", "udp", "relay"]);
    for (const step of open) this.#show(step, "running", strings.check.running);
    const cancel = this.#backend.checkNetwork((finding) => {
      if (signal.aborted) return;
      for (const [step, { grade, text }] of networkOutcomes(finding)) {
        if (open.delete(step)) this.#show(step, grade, text);
      }
    });
    await until(() => open.size === 0, NETWORK_MS, signal);
    cancel();
    if (signal.aborted) return;
    for (const step of open) this.#show(step, "bad", strings.check.noAnswer);
  }

  /** @param {Step} step @param {string} state @param {string} text */
  #show(step, state, text) {
    const { row, text: said, buttons } = this.#rows[step];
    setAttribute(row, "data-state", state);
    setText(said, text);
    // Whoever just answered by the keyboard is not left without a place.
    if (buttons.contains(document.activeElement)) byId("check-close", HTMLButtonElement).focus();
    buttons.replaceChildren();
  }
}

/** Pictures of the own camera that this page has shown so far. */
function ownPictures() {
  const picture = /** @type {HTMLElement | null} */ (document.querySelector("[data-self] :is(canvas, video)"));
  return Number(picture?.dataset.frames ?? 0);
}

/**
 * Waits until it is so, but no longer than that.
 * @param {() => boolean} isSo @param {number} ms @param {AbortSignal} signal
 */
async function until(isSo, ms, signal) {
  const end = performance.now() + ms;
  while (!isSo() && !signal.aborted && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
