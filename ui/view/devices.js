// @ts-check
// The camera, microphone and speaker pickers with the level meter and the speaker's test. They exist once and
// move between the join screen and the panel in the call.

import { strings } from "../strings.js";
import { byId, element, setAttribute } from "./dom.js";
import { meterFraction } from "./levels.js";

/** @typedef {import("../types/engine").CallView} CallView */
/** @typedef {import("../types/media").DeviceInfo} DeviceInfo */
/** @typedef {import("../types/media").DeviceKind} DeviceKind */

/** Levels come ten times a second while there is sound; after this long without, the meter is empty. */
const LEVELS_END_MS = 500;

/**
 * A chosen device that is in no list: one that is away, or a file that stands in for one.
 * @param {string} id
 */
function unlisted(id) {
  if (!id.startsWith("file:")) return element("option", { value: id, text: strings.missingDevice, disabled: "" });
  return element("option", { value: id, text: id.split(/[:/\\]/).at(-1) });
}

/** @param {DeviceInfo} device */
const labelOf = ({ name, follows_system }) => (follows_system ? strings.systemDefault(name) : name);

export class DevicePickers {
  #root = byId("pickers", HTMLElement);
  #meter = byId("meter", HTMLElement);
  #fill = /** @type {HTMLElement} */ (this.#meter.firstElementChild);
  /** @type {number | undefined} */
  #quietTimer;
  /** @type {Record<DeviceKind, HTMLSelectElement>} */
  #selects = {
    camera: byId("camera-select", HTMLSelectElement),
    microphone: byId("microphone-select", HTMLSelectElement),
    speaker: byId("speaker-select", HTMLSelectElement),
  };
  /** What each picker's options were made from. */
  #made = new Map();

  #test = byId("test-speaker", HTMLButtonElement);
  #testing = false;

  /**
   * @param {(kind: DeviceKind, id: string | null) => void} onSelect
   * @param {() => void} onTest the person wants to hear the speaker
   */
  constructor(onSelect, onTest) {
    this.#test.addEventListener("click", () => {
      if (!this.#testing) onTest();
    });
    for (const [kind, select] of Object.entries(this.#selects)) {
      select.addEventListener("change", () =>
        onSelect(/** @type {DeviceKind} */ (kind), select.value === "" ? null : select.value),
      );
    }
  }

  /** @param {HTMLElement} host */
  moveTo(host) {
    if (this.#root.parentElement !== host) host.append(this.#root);
  }

  focus() {
    this.#selects.camera.focus();
  }

  /** @param {DeviceKind} kind */
  focusOn(kind) {
    this.#selects[kind].focus();
  }

  /** @param {CallView} view */
  render({ devices, me }) {
    this.#fillPicker("camera", devices.cameras, me.camera, strings.noCamera);
    this.#fillPicker("microphone", devices.microphones, me.microphone, strings.noMicrophone);
    this.#fillPicker("speaker", devices.speakers, me.speaker, strings.noSpeaker);
    setAttribute(this.#meter, "data-muted", me.muted || me.microphone === null);
    // Not disabled while it plays: that would take the focus away.
    this.#testing = me.speaker_test;
    setAttribute(this.#test, "aria-disabled", me.speaker_test);
    this.#test.disabled = me.speaker === null;
  }

  /** @param {number} dbfs of the own microphone */
  renderLevel(dbfs) {
    this.#show(meterFraction(dbfs));
    window.clearTimeout(this.#quietTimer);
    this.#quietTimer = window.setTimeout(() => this.#show(0), LEVELS_END_MS);
  }

  /** @param {number} fraction */
  #show(fraction) {
    this.#fill.style.transform = `scaleX(${fraction.toFixed(3)})`;
    setAttribute(this.#meter, "aria-valuenow", String(Math.round(fraction * 100)));
  }

  /**
   * Remakes the options only when they differ: a picker that is open keeps its list.
   * @param {DeviceKind} kind
   * @param {DeviceInfo[]} devices
   * @param {string | null} chosen
   * @param {string} none
   */
  #fillPicker(kind, devices, chosen, none) {
    const select = this.#selects[kind];
    const missing = chosen !== null && !devices.some((device) => device.id === chosen);
    const key = JSON.stringify([devices, missing ? chosen : null]);
    if (this.#made.get(kind) !== key) {
      this.#made.set(kind, key);
      const options = devices.map((device) => element("option", { value: device.id, text: labelOf(device) }));
      if (missing && chosen !== null) options.unshift(unlisted(chosen));
      options.push(element("option", { value: "", text: none }));
      select.replaceChildren(...options);
    }
    const value = chosen ?? "";
    if (select.value !== value) select.value = value;
  }
}
