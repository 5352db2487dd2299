// @ts-check
// What one kind's choice means while devices come and go. Pure; the same rules as in the app's engine
// (`actor/chosen.rs`), but that what stands in for a device that is gone is whatever the browser prefers, and that
// a device that never opened is not tried again by itself: a browser may ask the person each time.

import { ANY_DEVICE, insteadOf, preferredOf, replaced } from "./instead.js";

/** @typedef {import("../../types/media").DeviceInfo} DeviceInfo */
/** @typedef {import("../../types/media").DeviceKind} DeviceKind */
/** @typedef {import("../../strings/dictionary").Said} Said */

/** In the settings, "no device" is a choice; `null` there is none made yet. */
export const NO_DEVICE = "none";

/** A device that is still listed but broke is tried again after this long, and then after twice as long … */
const RETRY_AFTER_MS = 5000;
/** … so many times. */
const RETRIES = 3;

/**
 * What to open: a device, or whichever the browser prefers; null for nothing.
 * @typedef {{ id: string | null, facing: "user" | "environment" | null } | null} Wish
 */

/** One kind's choice. */
export class Chosen {
  #kind;
  /** @type {"preferred" | "none" | "device"} */
  #choice = "preferred";
  /** @type {string | null} what the choice means with the devices there are; the one to return to */
  #device = null;
  /** @type {string | null} what is open */
  #open = null;
  /** Nothing of the kind works: not tried again until something changes. */
  #failed = false;
  /** What the browser preferred was unplugged: the next list says what it prefers now. */
  #lost = false;
  /** The chosen one is gone, and what the browser prefers is used instead. */
  #away = false;
  /** It is not in the list: when it is there again, it is back. */
  #unlisted = false;
  /** @type {string | null} what the browser would use instead, when it was last looked for */
  #instead = null;
  /** @type {string | null} what stands in for sure, where what the browser prefers did not open */
  #kept = null;
  /** It is being opened again. */
  #returning = false;
  #tries = 0;
  /** @type {number | null} */
  #retryAt = null;
  /** Of the chosen device, once it was seen. */
  #name = "";
  /** @type {"user" | "environment" | null} on a phone, the side */
  #facing = null;
  /** @type {DeviceInfo[]} */
  #devices = [];

  /** @param {DeviceKind} kind @param {string | null} id */
  constructor(kind, id) {
    this.#kind = kind;
    this.choose(id);
  }

  /** The device to show as chosen. */
  get device() {
    if (this.#open !== null || this.#failed) return this.#open;
    return this.isAway ? this.#kept ?? insteadOf(this.#devices, this.#device) : this.#device;
  }

  /** Whether whatever the browser prefers is used. */
  get follows() {
    return this.#choice === "preferred" || this.isAway;
  }

  /** Whether another device stands in for the chosen one. */
  get isAway() {
    return this.#away && !this.#returning;
  }

  get isOpen() {
    return this.#open !== null;
  }

  get hasFailed() {
    return this.#failed;
  }

  /** The side that the camera was told to look to. */
  get facing() {
    return this.#facing;
  }

  /**
   * What should be open where one is needed.
   * @returns {Wish}
   */
  get wish() {
    if (this.#failed || this.#device === null) return null;
    const instead = this.isAway ? this.#kept : null;
    return { id: this.follows ? instead : this.#device, facing: this.#facing };
  }

  /** @param {string | null} id null for no choice */
  choose(id) {
    const none = id === NO_DEVICE;
    this.#choice = id === null || id === ANY_DEVICE ? "preferred" : none ? "none" : "device";
    this.#device = none ? null : id;
    this.#failed = this.#lost = false;
    this.#settle();
    this.#name = this.#devices.find((device) => device.id === id)?.name ?? "";
    this.#facing = null;
  }

  /** @param {"user" | "environment"} facing the side that the camera should look to */
  face(facing) {
    this.choose(ANY_DEVICE);
    this.#facing = facing;
  }

  /** Lets what failed be tried again. */
  retry() {
    this.#failed = false;
  }

  /**
   * There may be other devices than before.
   * @param {DeviceInfo[]} devices
   * @param {boolean} needed whether what is wished for is opened now
   * @returns {Said | null} what the person should hear about it
   */
  listed(devices, needed) {
    this.#devices = devices;
    if (this.#lost) this.#failed = false;
    this.#lost = false;
    if (this.#choice === "preferred") this.#follow();
    if (this.#choice !== "device") return null;
    return this.#look(needed);
  }

  /** Who follows the browser's choice may get another device. What works is not changed under the person's hands. */
  #follow() {
    const preferred = preferredOf(this.#devices)?.id ?? null;
    if (this.#open !== null || this.#device === preferred) return;
    this.#device = preferred;
    this.#failed = false;
  }

  /**
   * The chosen device may have come or gone.
   * @param {boolean} needed
   * @returns {Said | null}
   */
  #look(needed) {
    // Before the person allowed anything, a browser names no device; an empty list says that it is gone.
    if (this.#devices.length > 0 && this.#devices.every(({ id }) => id === ANY_DEVICE)) return null;
    const found = this.#devices.find(({ id }) => id === this.#device);
    if (!found) return this.#miss();
    this.#name = found.name;
    if (!this.#unlisted) return null;
    this.#unlisted = this.#failed = false;
    if (needed && this.#open !== this.#device) {
      this.#returning = true; // said once it is open
      return null;
    }
    return this.#back();
  }

  /**
   * The chosen device is used again.
   * @returns {Said}
   */
  #back() {
    this.#settle();
    return { key: "device_back", values: { kind: this.#kind, name: this.#name } };
  }

  /** What is chosen is what is used, or nothing is known against it. */
  #settle() {
    this.#away = this.#returning = this.#unlisted = false;
    this.#kept = this.#retryAt = null;
    this.#tries = 0;
  }

  /**
   * The chosen device is not in the list.
   * @returns {Said | null}
   */
  #miss() {
    this.#unlisted = true;
    this.#returning = false;
    if (!this.#devices.some(({ id }) => id === this.#kept)) this.#kept = null;
    const instead = insteadOf(this.#devices, this.#device);
    // What stands in did not work, but this is another one.
    if (instead !== null && instead !== this.#instead) this.#failed = false;
    this.#instead = instead;
    if (this.#away) return null;
    this.#away = true;
    this.#failed = false;
    return this.#name === "" ? null : replaced(this.#kind, this.#name, this.#devices);
  }

  /**
   * @param {string | null} id what is open now
   * @returns {Said | null} what the person should hear about it
   */
  opened(id) {
    this.#open = id;
    if (id !== null && this.#choice === "preferred") this.#device = id;
    // What the browser prefers may be the very device that broke.
    if (!this.#away || id === null || id !== this.#device) return null;
    return this.#back();
  }

  /** Nothing of the kind works. */
  #fail() {
    this.#open = null;
    this.#failed = true;
  }

  /**
   * The chosen device is not there, or does not work: what the browser prefers takes over.
   * @returns {boolean} false where that is what does not work
   */
  #stepAside() {
    if (this.#choice !== "device" || this.#away) return false;
    this.#away = true;
    this.#instead = insteadOf(this.#devices, this.#device);
    this.#open = null;
    return true;
  }

  /**
   * What was wished for did not open.
   * @param {number} now in milliseconds
   * @param {boolean} denied the person does not want it: as would be any other
   * @param {string | null} kept what is open all the same
   * @returns {boolean} whether the person should hear about it
   */
  refused(now, denied, kept) {
    this.#open = kept;
    if (this.#returning) {
      this.#returning = false;
      const again = !denied && this.#tries < RETRIES;
      this.#retryAt = again ? now + RETRY_AFTER_MS * 2 ** this.#tries : null;
      this.#tries++;
      return false;
    }
    if (kept === null) {
      if (denied || !this.#stepAside()) this.#fail();
    } else if (this.#away) {
      this.#kept = kept;
    } else {
      this.choose(kept); // it still works
    }
    return true;
  }

  /**
   * What was open was unplugged: what the browser now prefers takes over, once the list is there.
   * @param {number} now in milliseconds
   * @param {string} name @param {string} id
   * @returns {Said | null} what the person should hear about it
   */
  lost(now, name, id) {
    this.#open = null;
    if (this.#returning) return null;
    // The list was faster and the person was told; or it is what was open before the choice. Another one is being
    // opened in any case.
    if (this.#choice === "device" && this.#away === (id === this.#device)) return null;
    if (this.#stepAside()) {
      // Where the next list still has it, it only broke.
      this.#retryAt = now + RETRY_AFTER_MS;
      this.#tries = 1;
      return replaced(this.#kind, name, this.#devices);
    }
    this.#fail();
    this.#lost = true;
    this.#kept = null;
    return { key: "device_lost", values: { kind: this.#kind, name } };
  }

  /**
   * Lets a device that broke be tried again when it is time to.
   * @param {number} now in milliseconds
   * @returns {boolean} whether something changed
   */
  tick(now) {
    if (this.#retryAt === null || now < this.#retryAt || this.#unlisted) return false;
    this.#retryAt = null;
    this.#returning = true;
    this.#failed = false;
    return true;
  }
}
