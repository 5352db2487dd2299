// @ts-check
// What a page has to put up with: it is put to sleep, shown again, loaded anew, closed; the network comes and
// goes; the screen goes dark. Turns all that into a few words.

/**
 * @typedef {object} PageNews
 * @property {(came: boolean) => void} onNetwork what was open may be dead, and where `came` there may be a network that
 *   there was not
 * @property {() => void} onHide the page goes; nobody can tell whether for good or to be loaded anew
 * @property {() => void} onTouch a tap or a key is being handled
 */

/** Looks at the clock this often. */
const LOOK_MS = 5000;
/** A page whose timers stood still for this long was asleep, and its connections with it. */
const ASLEEP_MS = 15_000;
/** The same in the background, where browsers allow a page a timer in a minute. */
const ASLEEP_BEHIND_MS = 90_000;
/** A page that was out of sight for this long may have been put to sleep there, on a phone above all. */
const OUT_OF_SIGHT_MS = 20_000;

/** Notices that the page, or the machine under it, was asleep. Told the time of day, in milliseconds, and pure. */
export class Wakefulness {
  #looked;
  /** @type {number | null} */
  #hidden = null;

  /** @param {number} now */
  constructor(now) {
    this.#looked = now;
  }

  /**
   * Whether the page slept since it looked last; to be asked every {@link LOOK_MS}.
   * @param {number} now
   */
  slept(now) {
    const limit = this.#hidden === null ? ASLEEP_MS : ASLEEP_BEHIND_MS;
    const slept = now - this.#looked > limit;
    this.#looked = now;
    return slept;
  }

  /** @param {number} now the page went out of sight */
  hide(now) {
    this.#hidden ??= now;
  }

  /**
   * It is in sight again.
   * @param {number} now
   * @returns whether it was out of sight for long
   */
  show(now) {
    const long = this.#hidden !== null && now - this.#hidden > OUT_OF_SIGHT_MS;
    this.#hidden = null;
    this.#looked = now;
    return long;
  }
}

/** @param {PageNews} news */
export function watchPage({ onNetwork, onHide, onTouch }) {
  window.addEventListener("pagehide", onHide);
  // Shown again from the browser's memory, with everything closed: what it was is in its place.
  window.addEventListener("pageshow", ({ persisted }) => {
    if (persisted) window.location.reload();
  });
  window.addEventListener("online", () => onNetwork(true));
  document.addEventListener("resume", () => onNetwork(true));
  watchNetwork(onNetwork);
  for (const touch of ["pointerdown", "keydown"]) window.addEventListener(touch, onTouch, { capture: true });
  const wakefulness = new Wakefulness(Date.now());
  if (document.hidden) wakefulness.hide(Date.now());
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) wakefulness.hide(Date.now());
    else if (wakefulness.show(Date.now())) onNetwork(true);
  });
  window.setInterval(() => {
    if (wakefulness.slept(Date.now())) onNetwork(true);
  }, LOOK_MS);
}

/**
 * Not every browser has this. Some tell only how fast the network seems, which may be another one or none.
 * @param {(came: boolean) => void} onNetwork
 */
function watchNetwork(onNetwork) {
  const { connection } = /** @type {{ connection?: EventTarget & { type?: string } }} */ (navigator);
  let type = connection?.type;
  connection?.addEventListener("change", () => {
    const came = connection.type !== type && connection.type !== "none";
    type = connection.type;
    if (type !== "none") onNetwork(came);
  });
}

/** Whether this page was in the room a moment ago: it was loaded anew, or the browser had thrown it out. */
export function wasReloaded() {
  const [entry] = performance.getEntriesByType("navigation");
  const type = /** @type {PerformanceNavigationTiming | undefined} */ (entry)?.type;
  return type === "reload" || /** @type {any} */ (document).wasDiscarded === true;
}

/** Whether this is a device that one holds, with a camera on either side. */
export function mayHaveTwoCameras() {
  const knows = navigator.mediaDevices?.getSupportedConstraints?.().facingMode === true;
  return knows && navigator.maxTouchPoints > 0 && window.matchMedia("(pointer: coarse)").matches;
}

/** @typedef {{ release(): Promise<void>, released: boolean }} Lock */

/** Keeps the screen on. */
export class WakeLock {
  #wanted = false;
  /** @type {Lock | null} */
  #lock = null;

  constructor() {
    document.addEventListener("visibilitychange", () => void this.#acquire());
  }

  /** @param {boolean} wanted */
  want(wanted) {
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    if (wanted) void this.#acquire();
    else void this.#lock?.release().catch(() => {});
  }

  /** The browser takes it back whenever the page is hidden. */
  async #acquire() {
    const held = this.#lock !== null && !this.#lock.released;
    const { wakeLock } = /** @type {{ wakeLock?: { request(type: "screen"): Promise<Lock> } }} */ (navigator);
    if (!this.#wanted || held || document.hidden || !wakeLock) return;
    try {
      const lock = await wakeLock.request("screen");
      this.#lock = lock;
      if (!this.#wanted) await lock.release();
    } catch {
      // Refused, for a low battery: the screen goes dark as it always does.
    }
  }
}
