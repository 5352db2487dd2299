// @ts-check
// A browser as a backend: a guest's page that a Maru server handed out. It needs no app; media goes by the
// browser's own WebRTC.

import { later } from "../later.js";
import { ElementPlayer } from "../video/element.js";
import { roomOf, tokenOf, withoutToken } from "./guest/address.js";
import { pickFiles, watchFileDrops } from "./guest/files/pick.js";
import { mayHaveTwoCameras, wasReloaded } from "./guest/page.js";
import { canShare } from "./guest/share.js";
import { Session } from "./guest/session.js";
import { keepSettings, keepToken, loadPlace, loadSettings, loadToken } from "./guest/storage.js";

/** @typedef {import("./backend").Backend} Backend */

/** Which version of the page this is: the server has it in the address of its files. */
const VERSION = /\/-\/([^/]+)\//.exec(import.meta.url)?.[1] ?? "dev";

const loadCheck = later(new URL("guest/check.js", import.meta.url), () => import("./guest/check.js"));

/** @returns {Backend} */
export function browserBackend() {
  /** @type {Session} */
  let session;
  let settings = loadSettings();

  return {
    async start(onEvent, onFileDrop) {
      if (typeof RTCPeerConnection === "undefined") throw { key: "no_webrtc", values: {}, text: "" };
      const given = tokenOf(location.href);
      if (given !== "") {
        keepToken(given);
        history.replaceState(null, "", withoutToken(location.href));
      }
      // A link with another token into the page that is open loads nothing by itself.
      addEventListener("hashchange", () => tokenOf(location.href) !== "" && location.reload());
      session = new Session({ settings, version: VERSION, token: given || loadToken(), onEvent });
      const room = roomOf(location.href, document.baseURI);
      watchFileDrops((files) => session.pickFiles(files), onFileDrop);
      const place = wasReloaded() ? loadPlace() : null;
      const view = await session.start(place);
      const flags = { webcodecs: false, guest: true, canFlipCamera: mayHaveTwoCameras() };
      return { view, settings: { ...settings, room }, version: VERSION, flags };
    },

    async command(command) {
      session.command(command);
    },

    settings: () => settings,

    async saveSettings(changed) {
      settings = changed;
      session.command({ type: "set_addresses", addresses: changed.addresses });
      if (!keepSettings(changed)) throw { key: "settings_not_kept", values: {}, text: "" };
    },

    showPictures: (options) =>
      new ElementPlayer({ ...options, watchPictures: (...wanted) => session.watch(...wanted) }),

    checkNetwork(onFinding) {
      const ended = new AbortController();
      loadCheck().then(
        ({ checkNetwork }) => checkNetwork({ version: VERSION, token: loadToken(), signal: ended.signal, onFinding }),
        // What it is tried with comes from the server itself.
        (problem) => ended.signal.aborted || onFinding({ step: "no_server", problem }),
      );
      return () => ended.abort();
    },

    pickFiles: async () => session.pickFiles(await pickFiles()),

    qrCode: async () => null,

    async flipCamera() {
      session.flipCamera();
    },

    ...(canShare() ? { askToShare: () => session.share() } : {}),

    resumeSound() {
      session.resumeSound();
    },
  };
}
