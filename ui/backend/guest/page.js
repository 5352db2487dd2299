// @ts-check
// What a page has to put up with: it is put to sleep, shown again, loaded anew, closed; the network comes and
// goes; the screen goes dark. Turns all that into a few words.

/**
 * @typedef {object} PageNews
 * @property {() => void} onNetworkBack there may be another network, and what was open may be dead
 * @property {() => void} onHide the page goes; nobody can tell whether for good or to be loaded anew
 * @property {() => void} onTouch a tap or a key is being handled
 */

/**
 * A page whose timers stood still for this long was asleep, and its connections with it. Longer than the minute
 * between timers that browsers allow a page in the background.
 */
const ASLEEP_MS = 90_000;
/** Looks at the clock this often. */
const LOOK_MS = 5000;

/** @param {PageNews} news */
export function watchPage({ onNetworkBack, onHide, onTouch }) {
  window.addEventListener("pagehide", onHide);
  // Shown again from the browser's memory, with everything closed: what it was is in its place.
  window.addEventListener("pageshow", ({ persisted }) => {
    if (persisted) window.location.reload();
  });
  window.addEventListener("online", onNetworkBack);
  document.addEventListener("resume", onNetworkBack);
  for (const touch of ["pointerdown", "keydown"]) window.addEventListener(touch, onTouch, { capture: true });
  let looked = Date.now();
  window.setInterval(() => {
    const now = Date.now();
    if (now - looked > ASLEEP_MS) onNetworkBack();
    looked = now;
  }, LOOK_MS);
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
