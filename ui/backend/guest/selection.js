// @ts-check
// Which devices the person chose, and which should be open because of it. Pure; the same rules as in the app's
// engine (`actor/selection.rs`). What becomes of a choice while devices come and go is `chosen.js`'s business.

import { Chosen, NO_DEVICE } from "./chosen.js";

/** @typedef {import("../../types/media").DeviceKind} DeviceKind */
/** @typedef {import("../../types/media").DeviceList} DeviceList */
/** @typedef {import("../../types/protocol").Status} Status */
/** @typedef {import("../../strings/dictionary").Said} Said */
/** @typedef {import("./chosen").Wish} Wish */

/** @type {Record<DeviceKind, keyof DeviceList>} */
const LISTS = { camera: "cameras", microphone: "microphones", speaker: "speakers" };

/** @type {DeviceKind[]} */
const KINDS = ["camera", "microphone", "speaker"];

export class Selection {
  preview = false;
  muted;
  cameraOff;
  /** @type {Record<DeviceKind, Chosen>} */
  #chosen;
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
    this.#chosen = {
      camera: new Chosen("camera", camera),
      microphone: new Chosen("microphone", microphone),
      speaker: new Chosen("speaker", speaker),
    };
  }

  /**
   * The device to show as chosen.
   * @param {DeviceKind} kind
   */
  device(kind) {
    return this.#chosen[kind].device;
  }

  /**
   * The device that should be open, which need not be the one that is.
   * @param {DeviceKind} kind
   */
  wished(kind) {
    return this.#chosen[kind].wish?.id ?? this.device(kind);
  }

  /** @param {DeviceKind} kind whether whatever the browser prefers is used */
  follows(kind) {
    return this.#chosen[kind].follows;
  }

  /**
   * Whether a notice still holds now that a device of the kind opened: what stands in says nothing of the chosen one,
   * but shows that the browser lets us use them.
   * @param {DeviceKind} kind @param {string} key of the notice
   */
  leaves(kind, key) {
    if (key === "device_back" || key === "device_replaced") return true;
    return this.#chosen[kind].isAway && key !== "permission_denied";
  }

  /** @param {DeviceKind} kind */
  isOpen(kind) {
    return this.#chosen[kind].isOpen;
  }

  /** @param {DeviceKind} kind */
  hasFailed(kind) {
    return this.#chosen[kind].hasFailed;
  }

  /** @param {DeviceKind} kind @param {string | null} id null for none at all */
  choose(kind, id) {
    this.#chosen[kind].choose(id ?? NO_DEVICE);
  }

  /** The side that the camera was told to look to. */
  get facing() {
    return this.#chosen.camera.facing;
  }

  /** @param {"user" | "environment"} facing the side that the camera should look to */
  face(facing) {
    this.#chosen.camera.face(facing);
  }

  /**
   * Lets what failed be tried again.
   * @param {DeviceKind} kind
   */
  retry(kind) {
    this.#chosen[kind].retry();
  }

  /**
   * There may be other devices than before.
   * @param {DeviceList} list
   * @returns {{ kind: DeviceKind, said: Said }[]} what the person should hear about it
   */
  listed(list) {
    return KINDS.flatMap((kind) => {
      const said = this.#chosen[kind].listed(list[LISTS[kind]], this.#needs(kind));
      return said ? [{ kind, said }] : [];
    });
  }

  /**
   * @param {DeviceKind} kind @param {string | null} id what is open now
   * @returns {Said | null} what the person should hear about it
   */
  opened(kind, id) {
    return this.#chosen[kind].opened(id);
  }

  /**
   * What was wished for did not open.
   * @param {DeviceKind} kind
   * @param {number} now in milliseconds
   * @param {boolean} denied the person does not want it
   * @param {string | null} kept what is open all the same
   * @returns {boolean} whether the person should hear about it
   */
  refused(kind, now, denied, kept) {
    return this.#chosen[kind].refused(now, denied, kept);
  }

  /**
   * What was open was unplugged: what the browser now prefers takes over, once the list is there.
   * @param {DeviceKind} kind @param {number} now in milliseconds @param {string} name @param {string} id
   * @returns {Said | null} what the person should hear about it
   */
  lost(kind, now, name, id) {
    return this.#chosen[kind].lost(now, name, id);
  }

  /**
   * Lets what broke be tried again when it is time to.
   * @param {number} now in milliseconds
   * @returns {boolean} whether something changed
   */
  tick(now) {
    return KINDS.filter((kind) => this.#chosen[kind].tick(now)).length > 0;
  }

  /**
   * What the others should see beside our name.
   * @returns {Status}
   */
  get status() {
    return {
      muted: this.muted || this.#chosen.microphone.wish === null,
      camera_off: this.cameraOff || this.#chosen.camera.wish === null,
      sharing: false,
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
      camera: this.#needs("camera") ? this.#chosen.camera.wish : null,
      microphone: this.#needs("microphone") ? this.#chosen.microphone.wish : null,
    };
  }

  /** @param {DeviceKind} kind whether one is to be open now; who plays opens the speaker, when there is something */
  #needs(kind) {
    if (kind === "microphone") return this.#microphoneWarm;
    return kind === "camera" && (this.#inCall || this.preview) && !this.cameraOff;
  }
}
