// @ts-check
// Which devices the person chose, and which should be open because of it. Pure; the same rules as in the app's
// engine (`actor/selection.rs`).

/** @typedef {import("../../types/media").DeviceInfo} DeviceInfo */
/** @typedef {import("../../types/media").DeviceKind} DeviceKind */
/** @typedef {import("../../types/media").DeviceList} DeviceList */
/** @typedef {import("../../types/protocol").Status} Status */

/** Opens whichever the browser prefers. */
export const ANY_DEVICE = "default";

/** In the settings, "no device" is a choice; `null` there is none made yet. */
const NO_DEVICE = "none";

/**
 * What to open: a device, or whichever the browser prefers; null for nothing.
 * @typedef {{ id: string | null, facing: "user" | "environment" | null } | null} Wish
 */

/**
 * One kind's choice.
 * @typedef {object} Chosen
 * @property {"preferred" | "none" | "device"} choice
 * @property {string | null} device what the choice means with the devices there are
 * @property {string | null} open what is open
 * @property {boolean} failed it could not be opened, or was lost: not tried again until another choice is made
 * @property {"user" | "environment" | null} facing on a phone, the side
 */

/** @param {string | null} id @returns {Chosen} */
function chosenBy(id) {
  const blank = { open: null, failed: false, facing: null };
  if (id === null || id === ANY_DEVICE) return { ...blank, choice: "preferred", device: id };
  if (id === NO_DEVICE) return { ...blank, choice: "none", device: null };
  return { ...blank, choice: "device", device: id };
}

/** @type {Record<DeviceKind, keyof DeviceList>} */
const LISTS = { camera: "cameras", microphone: "microphones", speaker: "speakers" };

export class Selection {
  preview = false;
  muted;
  cameraOff;
  /** @type {Record<DeviceKind, Chosen>} */
  #chosen;

  /** @param {import("../../types/shell").Settings} settings */
  constructor({ camera, microphone, speaker, muted, camera_off }) {
    this.muted = muted;
    this.cameraOff = camera_off;
    this.#chosen = { camera: chosenBy(camera), microphone: chosenBy(microphone), speaker: chosenBy(speaker) };
  }

  /**
   * The device to show as chosen.
   * @param {DeviceKind} kind
   */
  device(kind) {
    const { open, device, failed } = this.#chosen[kind];
    return open ?? (failed ? null : device);
  }

  /** @param {DeviceKind} kind */
  isOpen(kind) {
    return this.#chosen[kind].open !== null;
  }

  /** @param {DeviceKind} kind */
  hasFailed(kind) {
    return this.#chosen[kind].failed;
  }

  /** @param {DeviceKind} kind @param {string | null} id null for none at all */
  choose(kind, id) {
    const { open } = this.#chosen[kind];
    this.#chosen[kind] = { ...chosenBy(id ?? NO_DEVICE), open };
  }

  /** The side that the camera was told to look to. */
  get facing() {
    return this.#chosen.camera.facing;
  }

  /** @param {"user" | "environment"} facing the side that the camera should look to */
  face(facing) {
    this.#chosen.camera = { ...chosenBy(ANY_DEVICE), open: this.#chosen.camera.open, facing };
  }

  /**
   * Lets what failed be tried again.
   * @param {DeviceKind} kind
   */
  retry(kind) {
    this.#chosen[kind].failed = false;
  }

  /**
   * There are other devices than before: who follows the browser's choice may get another one.
   * @param {DeviceList} list
   */
  listed(list) {
    for (const kind of /** @type {DeviceKind[]} */ (["camera", "microphone", "speaker"])) {
      const chosen = this.#chosen[kind];
      const preferred = list[LISTS[kind]].find((device) => device.default)?.id ?? null;
      // What works is not changed under the person's hands.
      if (chosen.choice !== "preferred" || chosen.open !== null || chosen.device === preferred) continue;
      chosen.device = preferred;
      chosen.failed = false;
    }
  }

  /** @param {DeviceKind} kind @param {string | null} id what is open now */
  opened(kind, id) {
    const chosen = this.#chosen[kind];
    chosen.open = id;
    if (id !== null && chosen.choice === "preferred") chosen.device = id;
  }

  /** @param {DeviceKind} kind */
  failed(kind) {
    this.#chosen[kind] = { ...this.#chosen[kind], open: null, failed: true };
  }

  /**
   * The new choice does not work, but what was open before still does.
   * @param {DeviceKind} kind @param {string} id
   */
  kept(kind, id) {
    this.#chosen[kind] = { ...chosenBy(id), open: id };
  }

  /**
   * It was unplugged: what the browser now prefers takes over, once the list is there; not the lost one.
   * @param {DeviceKind} kind
   */
  lost(kind) {
    const { device } = this.#chosen[kind];
    this.#chosen[kind] = { ...chosenBy(null), device, failed: true };
  }

  /**
   * What the others should see beside our name.
   * @returns {Status}
   */
  get status() {
    return {
      muted: this.muted || this.#wish("microphone") === null,
      camera_off: this.cameraOff || this.#wish("camera") === null,
    };
  }

  /**
   * What should be open.
   * @param {boolean} inCall
   * @returns {{ camera: Wish, microphone: Wish }}
   */
  wanted(inCall) {
    const capturing = inCall || this.preview;
    return {
      camera: capturing && !this.cameraOff ? this.#wish("camera") : null,
      microphone: capturing && !this.muted ? this.#wish("microphone") : null,
    };
  }

  /** @param {DeviceKind} kind @returns {Wish} */
  #wish(kind) {
    const { choice, device, failed, facing } = this.#chosen[kind];
    if (failed || device === null) return null;
    return { id: choice === "device" ? device : null, facing };
  }
}
