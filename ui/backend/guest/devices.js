// @ts-check
// The own devices: which there are, which were chosen, and opening those that should be open. Whom what they capture goes
// to, and what they play, is not its business.

import { Capture } from "./capture.js";
import { NO_DEVICES, listDevices } from "./list.js";
import { watchPermissions } from "./permissions.js";
import { Selection } from "./selection.js";

/** @typedef {import("../../strings/dictionary").Said} Said */
/** @typedef {import("../../types/media").DeviceKind} DeviceKind */
/** @typedef {import("./capture").CaptureKind} CaptureKind */

/**
 * @typedef {object} DeviceNews
 * @property {(kind: CaptureKind, track: MediaStreamTrack | null) => void} onTrack what is captured from now on
 * @property {(kind: DeviceKind, said: Said) => void} onTell the person should hear about a device
 * @property {() => void} onChange something else is chosen, listed or broken now
 */

export class Devices {
  /** Which ones there are. */
  list = NO_DEVICES;
  #news;
  #selection;
  #capture;

  /** @param {import("../../types/shell").Settings} settings @param {DeviceNews} news */
  constructor(settings, news) {
    this.#news = news;
    this.#selection = new Selection(settings);
    this.#capture = new Capture({
      onTrack: (kind, track, id) => this.#captured(kind, track, id),
      onTrouble: (kind, trouble, problem, kept) => this.#captureFailed(kind, trouble, problem, kept),
      onLost: (kind, name, id) => this.#captureLost(kind, name, id),
    });
    this.#capture.setVoice(settings.voice);
    watchPermissions((kind) => this.#permitted(kind));
    navigator.mediaDevices?.addEventListener("devicechange", () => void this.refresh());
  }

  /** What was chosen, and what became of it. @type {Readonly<Selection>} */
  get selection() {
    return this.#selection;
  }

  /** @param {CaptureKind} kind what it captures now */
  track(kind) {
    return this.#capture.track(kind);
  }

  /** @param {boolean} joined opens and closes what this asks for */
  want(joined) {
    this.#capture.want(this.#selection.wanted(joined));
  }

  /** @param {boolean} on whether the person sees and hears itself before a call */
  setPreview(on) {
    this.#selection.preview = on;
  }

  /** @param {boolean} muted */
  setMuted(muted) {
    this.#selection.muted = muted;
    if (!muted) this.#selection.retry("microphone");
  }

  /** @param {boolean} off */
  setCameraOff(off) {
    this.#selection.cameraOff = off;
    if (!off) this.#selection.retry("camera");
  }

  /** @param {DeviceKind} kind @param {string | null} id null for none at all */
  choose(kind, id) {
    this.#selection.choose(kind, id);
  }

  /** @param {import("../../types/media").VoiceSettings} voice */
  setVoice(voice) {
    this.#capture.setVoice(voice);
  }

  /** Takes the camera on the other side. */
  flipCamera() {
    const facing = this.track("camera")?.getSettings().facingMode ?? this.#selection.facing;
    this.#selection.face(facing === "environment" ? "user" : "environment");
  }

  /** As {@link import("./playback").Playback.setSpeaker} takes it. */
  get speaker() {
    if (this.#selection.hasFailed("speaker") || this.#selection.follows("speaker")) return "";
    return this.#selection.device("speaker");
  }

  /** The chosen speaker cannot be used. */
  speakerFailed() {
    const name = this.#nameOf("speaker");
    this.#selection.refused("speaker", performance.now(), false, null);
    this.#news.onTell("speaker", { key: "device_failed", values: { kind: "speaker", name, problem: "" } });
    this.#news.onChange();
  }

  /** @param {number} now in milliseconds; lets what broke be tried again when it is time to */
  tick(now) {
    if (this.#selection.tick(now)) this.#news.onChange();
  }

  /** Looks which devices there are. */
  async refresh() {
    const before = this.list;
    this.list = await listDevices();
    for (const { kind, said } of this.#selection.listed(this.list)) this.#news.onTell(kind, said);
    this.#followSystem(before.microphones);
    this.#news.onChange();
  }

  /**
   * A microphone that was opened as the system's stays what that was then: opens it anew when it is another one.
   * @param {import("../../types/media").DeviceInfo[]} before
   */
  #followSystem(before) {
    /** @param {import("../../types/media").DeviceInfo[]} devices */
    const nameIn = (devices) => devices.find((device) => device.follows_system)?.name ?? "";
    const [was, is] = [nameIn(before), nameIn(this.list.microphones)];
    if (was !== "" && is !== "" && was !== is && this.#selection.follows("microphone")) {
      this.#capture.renew("microphone");
    }
  }

  /** @param {CaptureKind} kind @param {MediaStreamTrack | null} track @param {string | null} id */
  #captured(kind, track, id) {
    const said = this.#selection.opened(kind, id);
    this.#news.onTrack(kind, track);
    if (said) this.#news.onTell(kind, said);
    // Only now a browser tells the devices' names.
    if (track) void this.refresh();
  }

  /**
   * @param {CaptureKind} kind
   * @param {import("./capture").Trouble} trouble
   * @param {string} problem
   * @param {string | null} kept
   */
  #captureFailed(kind, trouble, problem, kept) {
    const name = this.#nameOf(kind, this.#selection.wished(kind));
    const told = this.#selection.refused(kind, performance.now(), trouble === "denied", kept);
    /** @type {Record<import("./capture").Trouble, Said>} */
    const said = {
      denied: { key: "permission_denied", values: { kind } },
      missing: { key: "device_missing", values: { kind } },
      busy: { key: "device_in_use", values: { kind, name } },
      failed: { key: "device_failed", values: { kind, name, problem } },
    };
    if (told) this.#news.onTell(kind, said[trouble]);
    this.#news.onChange();
  }

  /** @param {CaptureKind} kind @param {string} name @param {string} id */
  #captureLost(kind, name, id) {
    const said = this.#selection.lost(kind, performance.now(), name, id);
    if (said) this.#news.onTell(kind, said);
    this.#news.onChange();
    void this.refresh();
  }

  /** @param {CaptureKind} kind the browser lets us use it now */
  #permitted(kind) {
    if (!this.#selection.hasFailed(kind)) return;
    this.#selection.retry(kind);
    this.#news.onChange();
  }

  /** @param {DeviceKind} kind @param {string | null} id */
  #nameOf(kind, id = this.#selection.device(kind)) {
    const all = [...this.list.cameras, ...this.list.microphones, ...this.list.speakers];
    return all.find((device) => device.id === id)?.name ?? "";
  }
}
