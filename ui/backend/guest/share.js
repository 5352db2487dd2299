// @ts-check
// The screen, window or tab that this participant shows: the browser asks which one, and ends it when the person
// says so in the browser's own bar. Whom it goes to is not its business.

/** @typedef {import("../../types/engine").ShareView} ShareView */

/** At most so large and so often: what is larger comes scaled down. */
const LIMITS = { width: { max: 1920 }, height: { max: 1080 }, frameRate: { ideal: 30, max: 30 } };

/** Whether this browser can show a screen: those of phones cannot. */
export function canShare() {
  return typeof navigator.mediaDevices?.getDisplayMedia === "function";
}

/**
 * What the person chose, as far as the browser tells: of a name, nothing that a person can read.
 * @param {MediaStreamTrack} track
 * @returns {ShareView}
 */
function viewOf(track) {
  const { displaySurface } = /** @type {{ displaySurface?: string }} */ (track.getSettings());
  const kind = displaySurface === "monitor" ? "screen" : displaySurface === "window" ? "window" : "portal";
  return { name: "", kind };
}

/**
 * What went wrong; null for a change of mind. A person who closes the browser's question is refused as the system
 * refuses (Screen Capture, section 5.1): only the words differ, where they do.
 * @param {unknown} error
 */
function troubleOf(error) {
  const { name = "", message = "" } = error instanceof Error ? error : {};
  const denied = name === "NotAllowedError";
  if (name === "AbortError" || (denied && !/system|policy/i.test(message))) return null;
  return { denied, problem: message || name };
}

export class Share {
  #onChange;
  #onTrouble;
  /** @type {MediaStreamTrack | null} */
  #track = null;
  /** @type {ShareView | null} */
  #view = null;
  #asking = false;

  /**
   * @param {object} news
   * @param {() => void} news.onChange it began or ended
   * @param {(denied: boolean, problem: string) => void} news.onTrouble it could not begin
   */
  constructor({ onChange, onTrouble }) {
    this.#onChange = onChange;
    this.#onTrouble = onTrouble;
  }

  /** What is shown now. */
  get track() {
    return this.#track;
  }

  get view() {
    return this.#view;
  }

  /** Has the browser ask the person; called while a tap or a key is handled. */
  async ask() {
    if (this.#asking) return;
    this.#asking = true;
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia({ video: LIMITS, audio: false });
      this.#take(stream.getVideoTracks()[0]);
    } catch (error) {
      const trouble = troubleOf(error);
      if (trouble) this.#onTrouble(trouble.denied, trouble.problem);
    } finally {
      this.#asking = false;
    }
  }

  stop() {
    const track = this.#track;
    if (!track) return;
    this.#track = this.#view = null;
    track.onended = null;
    track.stop();
    this.#onChange();
  }

  /** @param {MediaStreamTrack | undefined} track */
  #take(track) {
    if (!track) return;
    const before = this.#track;
    if (before) before.onended = null;
    // Sharp text is worth more than a smooth picture.
    track.contentHint = "detail";
    track.onended = () => {
      if (this.#track === track) this.stop();
    };
    this.#track = track;
    this.#view = viewOf(track);
    this.#onChange();
    before?.stop();
  }
}
