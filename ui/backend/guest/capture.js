// @ts-check
// Opens and closes camera and microphone. It is told what is wanted; the newest wish wins and nobody waits. A
// device that is not wanted is closed: its light goes off. What to want is the selection's business.

import { ANY_DEVICE } from "./instead.js";

/** @typedef {import("../../types/media").VoiceSettings} VoiceSettings */
/** @typedef {import("./chosen").Wish} Wish */
/** @typedef {"camera" | "microphone"} CaptureKind */
/** @typedef {{ wish: Exclude<Wish, null>, track: MediaStreamTrack, id: string, voice: VoiceSettings, stale: boolean }} Open */

/**
 * What a person can be told of a refusal, by the names that the standard gives (Media Capture, section 10.2).
 * @typedef {"denied" | "missing" | "busy" | "failed"} Trouble
 */

/**
 * @typedef {object} CaptureNews
 * @property {(kind: CaptureKind, track: MediaStreamTrack | null, id: string | null) => void} onTrack another one,
 *   or none, from now on
 * @property {(kind: CaptureKind, trouble: Trouble, problem: string, kept: string | null) => void} onTrouble it
 *   could not be opened; `kept` is the device that stays open instead
 * @property {(kind: CaptureKind, name: string, id: string) => void} onLost it was unplugged, or taken away
 */

/** @type {CaptureKind[]} */
const KINDS = ["camera", "microphone"];

/** @param {Wish} a @param {Wish} b */
const same = (a, b) => a === b || (a !== null && b !== null && a.id === b.id && a.facing === b.facing);

/** @param {Open | null} open @param {Exclude<Wish, null>} wish whether it is fulfilled by what is open */
const fulfils = (open, wish) =>
  open !== null && !open.stale && (same(open.wish, wish) || (wish.id !== null && wish.id === open.id));

/**
 * @param {CaptureKind} kind @param {Exclude<Wish, null>} wish @param {VoiceSettings} voice
 * @returns {MediaTrackConstraints}
 */
function constraints(kind, { id, facing }, voice) {
  const which = id === null ? {} : { deviceId: { exact: id } };
  if (kind === "microphone") {
    // A browser tells by itself whether there is an echo.
    const echoCancellation = voice.echo !== "off";
    return { ...which, echoCancellation, noiseSuppression: voice.noise, autoGainControl: voice.gain };
  }
  const side = id === null ? { facingMode: facing ?? "user" } : {};
  const size = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
  return { ...which, ...side, ...size };
}

/** @param {unknown} error @returns {Trouble} */
function troubleOf(error) {
  switch (error instanceof Error ? error.name : "") {
    case "NotAllowedError":
    case "SecurityError":
      return "denied";
    case "NotFoundError":
    case "OverconstrainedError":
      return "missing";
    case "NotReadableError":
      return "busy";
    default:
      return "failed";
  }
}

/** Which of the two the person refused, when both were asked for at once. */
async function refusedKinds() {
  /** @type {CaptureKind[]} */
  const denied = [];
  for (const kind of KINDS) {
    if ((await permission(kind))?.state === "denied") denied.push(kind);
  }
  return denied.length === 0 ? KINDS : denied;
}

/**
 * What the browser says about the permission; null where it does not say.
 * @param {CaptureKind} kind
 */
export async function permission(kind) {
  try {
    return await navigator.permissions.query({ name: /** @type {PermissionName} */ (kind) });
  } catch {
    return null;
  }
}

export class Capture {
  #news;
  /** @type {VoiceSettings} what the browser does to the microphone's sound */
  #voice = { echo: "auto", noise: true, gain: true };
  /** @type {Record<CaptureKind, Wish>} what was asked for last */
  #asked = { camera: null, microphone: null };
  /** @type {Record<CaptureKind, Wish>} the same, but for what had to be left as it was */
  #wanted = { camera: null, microphone: null };
  /** @type {Record<CaptureKind, Open | null>} */
  #open = { camera: null, microphone: null };
  /** @type {Record<CaptureKind, Wish>} the last one that went wrong: not tried again before another one */
  #refused = { camera: null, microphone: null };
  #working = false;

  /** @param {CaptureNews} news */
  constructor(news) {
    this.#news = news;
  }

  /** @param {Record<CaptureKind, Wish>} wanted */
  want(wanted) {
    // Who wished for something else meanwhile may wish for this once more: it may be back.
    for (const kind of KINDS) if (!same(wanted[kind], this.#asked[kind])) this.#refused[kind] = null;
    this.#asked = wanted;
    this.#wanted = wanted;
    // What is not wanted any more goes at once, whatever is under way.
    for (const kind of KINDS) if (wanted[kind] === null && this.#open[kind]) this.#close(kind);
    void this.#work();
  }

  /**
   * Opens the microphone anew: a browser that is told other constraints of an open one may ignore them, and does not
   * say so.
   * @param {VoiceSettings} voice
   */
  setVoice(voice) {
    this.#voice = voice;
    void this.#work();
  }

  /**
   * The browser prefers another device than when this one was opened.
   * @param {CaptureKind} kind
   */
  renew(kind) {
    const open = this.#open[kind];
    if (open) open.stale = true;
    void this.#work();
  }

  /** @param {CaptureKind} kind */
  track(kind) {
    return this.#open[kind]?.track ?? null;
  }

  async #work() {
    if (this.#working) return;
    this.#working = true;
    for (let missing = this.#missing(); missing.length > 0; missing = this.#missing()) {
      const wishes = { ...this.#wanted };
      // Both at once where both are missing, so that the person is asked once.
      if (missing.length === 1 || !(await this.#openBoth(wishes))) {
        for (const kind of missing) {
          const wish = wishes[kind];
          if (wish && same(wish, this.#wanted[kind])) await this.#openOne(kind, wish);
        }
      }
    }
    this.#working = false;
  }

  /** What is wanted and neither open nor hopeless. */
  #missing() {
    return KINDS.filter((kind) => {
      const wish = this.#wanted[kind];
      if (wish === null || same(wish, this.#refused[kind])) return false;
      const asIsWanted = kind === "camera" || this.#open[kind]?.voice === this.#voice;
      return !asIsWanted || !fulfils(this.#open[kind], wish);
    });
  }

  /** @param {Record<CaptureKind, Wish>} wishes @returns {Promise<boolean>} whether that settled it */
  async #openBoth({ camera, microphone }) {
    if (!camera || !microphone || this.#open.camera || this.#open.microphone) return false;
    const voice = this.#voice;
    try {
      const stream = await navigator.mediaDevices.getUserMedia({
        video: constraints("camera", camera, voice),
        audio: constraints("microphone", microphone, voice),
      });
      this.#take("camera", camera, voice, stream.getVideoTracks()[0]);
      this.#take("microphone", microphone, voice, stream.getAudioTracks()[0]);
      return true;
    } catch (error) {
      // Each for itself tells which one is at fault; but whoever said no is not asked twice more.
      if (troubleOf(error) !== "denied") return false;
      for (const kind of await refusedKinds()) {
        const wish = kind === "camera" ? camera : microphone;
        this.#refuse(kind, wish, error);
      }
      return true;
    }
  }

  /** @param {CaptureKind} kind @param {Exclude<Wish, null>} wish */
  async #openOne(kind, wish) {
    // Beside an open microphone another track of it gets the same processing, whatever was asked for (Chromium).
    if (kind === "microphone" && this.#open.microphone?.voice !== this.#voice) this.#close(kind);
    const before = this.#open[kind];
    const type = kind === "camera" ? "video" : "audio";
    const attempt = async () => {
      const voice = this.#voice;
      const stream = await navigator.mediaDevices.getUserMedia({ [type]: constraints(kind, wish, voice) });
      this.#take(kind, wish, voice, stream.getTracks()[0]);
    };
    try {
      await attempt();
      return;
    } catch (error) {
      if (!before || troubleOf(error) === "denied" || troubleOf(error) === "missing") {
        return this.#refuse(kind, wish, error);
      }
    }
    // Phones open one camera at a time: the old one has to go first.
    this.#close(kind);
    try {
      await attempt();
    } catch (error) {
      this.#refuse(kind, wish, error);
    }
  }

  /** @param {CaptureKind} kind @param {Exclude<Wish, null>} wish @param {unknown} error */
  #refuse(kind, wish, error) {
    if (!same(wish, this.#wanted[kind])) return; // nobody wants it any more
    this.#refused[kind] = wish;
    const problem = error instanceof Error ? error.message || error.name : String(error);
    const kept = this.#open[kind];
    // What stays open is what is wanted now.
    if (kept) {
      kept.stale = false;
      this.#wanted = { ...this.#wanted, [kind]: kept.wish };
    }
    this.#news.onTrouble(kind, troubleOf(error), problem, kept?.id ?? null);
  }

  /**
   * @param {CaptureKind} kind @param {Exclude<Wish, null>} wish @param {VoiceSettings} voice
   * @param {MediaStreamTrack | undefined} track
   */
  #take(kind, wish, voice, track) {
    if (!track) return;
    if (!same(wish, this.#wanted[kind])) return track.stop(); // the person was faster
    const before = this.#open[kind];
    const id = track.getSettings().deviceId || wish.id || ANY_DEVICE;
    if (kind === "camera") track.contentHint = "motion";
    else track.contentHint = "speech";
    this.#open[kind] = { wish, track, id, voice, stale: false };
    this.#refused[kind] = null;
    track.onended = () => {
      if (this.#open[kind]?.track !== track) return;
      this.#open[kind] = null;
      this.#refused[kind] = wish;
      this.#news.onTrack(kind, null, null);
      this.#news.onLost(kind, track.label, id);
    };
    this.#news.onTrack(kind, track, id);
    if (before) before.track.stop();
  }

  /** @param {CaptureKind} kind */
  #close(kind) {
    const open = this.#open[kind];
    if (!open) return;
    this.#open[kind] = null;
    this.#news.onTrack(kind, null, null);
    open.track.stop();
  }
}
