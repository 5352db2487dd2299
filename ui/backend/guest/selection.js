// @ts-check
// Which devices the person chose, and which should be open because of it. Pure; the same rules as in the app's
// engine (`actor/selection.rs`).

/** @typedef {import("../../types/media").DeviceInfo} DeviceInfo */
/** @typedef {import("../../types/media").DeviceKind} DeviceKind */
/** @typedef {import("../../types/media").DeviceList} DeviceList */
/** @typedef {import("../../types/protocol").Status} Status */
/** @typedef {import("../../strings/dictionary").Said} Said */

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
 * @property {string | null} device what the choice means with the devices there are; the one to return to
 * @property {string | null} open what is open
 * @property {boolean} failed nothing of the kind works: not tried again until something changes
 * @property {boolean} lost what the browser preferred was unplugged: the next list says what it prefers now
 * @property {boolean} away the chosen one is gone, and what the browser prefers is used instead
 * @property {boolean} unlisted it is not in the list: when it is there again, it is back
 * @property {string} name of the chosen device, once it was seen
 * @property {"user" | "environment" | null} facing on a phone, the side
 */

/** @param {string | null} id @returns {Chosen} */
function chosenBy(id) {
  const blank = {
    open: null, failed: false, lost: false, away: false, unlisted: false, name: "",
    facing: /** @type {null} */ (null),
  };
  if (id === null || id === ANY_DEVICE) return { ...blank, choice: "preferred", device: id };
  if (id === NO_DEVICE) return { ...blank, choice: "none", device: null };
  return { ...blank, choice: "device", device: id };
}

/** @type {Record<DeviceKind, keyof DeviceList>} */
const LISTS = { camera: "cameras", microphone: "microphones", speaker: "speakers" };

/** @type {DeviceKind[]} */
const KINDS = ["camera", "microphone", "speaker"];

/** @param {DeviceInfo[]} devices */
const preferredOf = (devices) => devices.find((device) => device.default) ?? null;

export class Selection {
  preview = false;
  muted;
  cameraOff;
  /** @type {Record<DeviceKind, Chosen>} */
  #chosen;
  /** @type {DeviceList} */
  #list = { cameras: [], microphones: [], speakers: [] };
  /**
   * The microphone was unmuted since the preview or the call began. From then on muting does not close it: opening
   * it again takes a while, and some browsers ask the person again.
   */
  #microphoneWarm = false;
  #inCall = false;

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
    const { open, device, failed, away } = this.#chosen[kind];
    if (open !== null || failed) return open;
    return away ? preferredOf(this.#list[LISTS[kind]])?.id ?? null : device;
  }

  /** @param {DeviceKind} kind whether whatever the browser prefers is used */
  follows(kind) {
    const { choice, away } = this.#chosen[kind];
    return choice === "preferred" || away;
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
   * There may be other devices than before.
   * @param {DeviceList} list
   * @returns {{ kind: DeviceKind, said: Said }[]} what the person should hear about it
   */
  listed(list) {
    this.#list = list;
    return KINDS.flatMap((kind) => {
      const chosen = this.#chosen[kind];
      const devices = list[LISTS[kind]];
      if (chosen.lost) chosen.failed = false;
      chosen.lost = false;
      if (chosen.choice === "preferred") this.#follow(chosen, devices);
      const said = chosen.choice === "device" ? this.#look(kind, chosen, devices) : null;
      return said ? [{ kind, said }] : [];
    });
  }

  /**
   * Who follows the browser's choice may get another device. What works is not changed under the person's hands.
   * @param {Chosen} chosen @param {DeviceInfo[]} devices
   */
  #follow(chosen, devices) {
    const preferred = preferredOf(devices)?.id ?? null;
    if (chosen.open !== null || chosen.device === preferred) return;
    chosen.device = preferred;
    chosen.failed = false;
  }

  /**
   * The chosen device may have come or gone.
   * @param {DeviceKind} kind @param {Chosen} chosen @param {DeviceInfo[]} devices
   * @returns {Said | null}
   */
  #look(kind, chosen, devices) {
    // Before the person allowed anything, a browser names no device.
    if (devices.every(({ id }) => id === ANY_DEVICE)) return null;
    const found = devices.find(({ id }) => id === chosen.device);
    const { name } = chosen;
    if (!found) {
      chosen.unlisted = true;
      if (chosen.away) return null;
      chosen.away = true;
      chosen.failed = false;
      return name === "" ? null : this.replaced(kind, name);
    }
    chosen.name = found.name;
    if (!chosen.unlisted) return null;
    chosen.unlisted = false;
    chosen.away = false;
    chosen.failed = false;
    return { key: "device_back", values: { kind, name: found.name } };
  }

  /**
   * What to say about a device that is gone: what the browser prefers is used instead, if there is anything.
   * @param {DeviceKind} kind @param {string} name
   * @returns {Said}
   */
  replaced(kind, name) {
    const others = this.#list[LISTS[kind]].filter((device) => device.name !== name);
    const instead = preferredOf(others) ?? others[0];
    if (!instead) return { key: "device_lost", values: { kind, name } };
    const { follows_system } = instead;
    return { key: "device_replaced", values: { kind, name, instead: instead.name, follows_system } };
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
   * The chosen device is not there, or does not work: what the browser prefers takes over.
   * @param {DeviceKind} kind
   * @returns {boolean} false where that is what does not work
   */
  stepAside(kind) {
    const chosen = this.#chosen[kind];
    if (chosen.choice !== "device" || chosen.away) return false;
    chosen.away = true;
    chosen.open = null;
    return true;
  }

  /**
   * The new choice does not work, but what was open before still does.
   * @param {DeviceKind} kind @param {string} id
   */
  kept(kind, id) {
    this.#chosen[kind] = { ...chosenBy(id), open: id };
  }

  /**
   * It was unplugged: what the browser now prefers takes over, once the list is there.
   * @param {DeviceKind} kind
   */
  lost(kind) {
    if (this.stepAside(kind)) return;
    const chosen = this.#chosen[kind];
    chosen.open = null;
    chosen.failed = true;
    chosen.lost = true;
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
    const ended = this.#inCall && !inCall;
    this.#inCall = inCall;
    this.#microphoneWarm = capturing && ((this.#microphoneWarm && !ended) || !this.muted);
    return {
      camera: capturing && !this.cameraOff ? this.#wish("camera") : null,
      microphone: this.#microphoneWarm ? this.#wish("microphone") : null,
    };
  }

  /** @param {DeviceKind} kind @returns {Wish} */
  #wish(kind) {
    const { choice, device, failed, facing, away } = this.#chosen[kind];
    if (failed || device === null) return null;
    return { id: choice === "device" && !away ? device : null, facing };
  }
}
