// @ts-check
// The desktop shell as a backend. The only module that knows Tauri.

import { Player } from "../video/player.js";
import { systemWords } from "../view/words.js";
import { parseFrame } from "./frame.js";

/** @typedef {import("./backend").Backend} Backend */
/** @typedef {import("../types/shell").Settings} Settings */

/**
 * The part of Tauri's global object that is used here.
 * @typedef {object} TauriCore
 * @property {(command: string, args?: Record<string, unknown>) => Promise<any>} invoke
 * @property {new (onMessage?: (message: any) => void) => { onmessage: (message: any) => void }} Channel
 */

/** @returns {TauriCore | null} */
function tauriCore() {
  const holder = /** @type {{ __TAURI__?: { core: TauriCore } }} */ (/** @type {unknown} */ (window));
  return holder.__TAURI__?.core ?? null;
}

/**
 * The backend, or null outside the desktop window.
 * @returns {Backend | null}
 */
export function tauriBackend() {
  const core = tauriCore();
  return core && backendOf(core, (channels, onNews) => {
    const news = new core.Channel();
    news.onmessage = onNews;
    return core.invoke("start", { words: systemWords(), ...channels, news });
  });
}

/**
 * The backend of the small window, which shows the call of the other one.
 * @returns {Backend | null}
 */
export function miniBackend() {
  const core = tauriCore();
  return core && backendOf(core, ({ events }) => core.invoke("start_mini", { events }));
}

/**
 * @param {TauriCore} core
 * @param {(channels: { events: object, drops: object }, onNews: (news: any) => void) => Promise<import("../types/shell").Start>} subscribe
 * @returns {Backend}
 */
function backendOf(core, subscribe) {
  const { invoke } = core;

  /** @type {Settings} */
  let current;

  /** @type {import("./backend").OpenVideo} */
  const openVideo = async (source, which, { decoded, width, height }, onFrame) => {
    let closed = false;
    const frames = new core.Channel();
    /** @type {number} */
    let stream;
    /** Set once the shell has said which stream this is: frames may come before that. */
    let ready = () => {};
    const opened = new Promise((resolve) => (ready = () => resolve(undefined)));
    /** @param {string} command @param {Record<string, unknown>} [args] */
    const tell = (command, args) => {
      // The shell may have closed the stream meanwhile: nothing to do about that here.
      if (!closed) core.invoke(command, { stream, ...args }).catch(() => {});
    };
    frames.onmessage = (message) => {
      if (closed) return;
      const frame = parseFrame(message);
      if (frame) onFrame(frame);
      else void opened.then(() => tell("acknowledge_video")); // unreadable: dropped
    };
    stream = await invoke("open_video", { source, stream: which, decoded, width, height, frames });
    ready();
    return {
      acknowledge: () => tell("acknowledge_video"),
      requestKeyFrame: () => tell("request_key_frame"),
      resize: (width, height) => tell("resize_video", { width, height }),
      close: () => {
        tell("close_video");
        closed = true;
      },
    };
  };

  return {
    async start(onEvent, onFileDrop, onNews) {
      const events = new core.Channel();
      events.onmessage = onEvent;
      const drops = new core.Channel();
      drops.onmessage = onFileDrop;
      const { view, settings, version } = await subscribe({ events, drops }, onNews);
      current = settings;
      return { view, settings, version, flags: { webcodecs: true, guest: false, canFlipCamera: false } };
    },

    command: (command) => invoke("command", { command }),

    pickFiles: () => invoke("pick_files"),

    screenSources: () => invoke("screen_sources"),

    checkNetwork(onFinding) {
      const found = new core.Channel();
      found.onmessage = onFinding;
      invoke("check_network", { found }).catch(() => {}); // silence is told of in time
      return () => void invoke("cancel_check").catch(() => {});
    },

    // A window without the code is still a window with the link.
    qrCode: (text) => invoke("qr_code", { text }).catch(() => null),

    desktop: {
      newWindow: () => invoke("new_window"),
      showWindow: () => invoke("show_window"),
      quit: () => invoke("quit"),
      openPrivacySettings: (device) => invoke("privacy_settings", { camera: device === "camera" }),
      installUpdate: () => invoke("install_update"),
      diagnostics: () => invoke("diagnostics"),
      openLogs: () => invoke("open_logs"),
    },

    settings: () => current,

    async saveSettings(settings) {
      current = settings;
      await invoke("save_settings", { settings });
    },

    showPictures: (options) => new Player({ ...options, openVideo }),
  };
}
