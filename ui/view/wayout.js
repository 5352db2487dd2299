// @ts-check
// Which button leads out of a notice's trouble.

import { strings } from "../strings.js";

/** @typedef {import("../types/engine").Command} Command */
/** @typedef {import("../types/engine").Notice} Notice */
/** @typedef {import("../types/media").DeviceKind} DeviceKind */
/** @typedef {import("./notice").WayOut} WayOut */

/**
 * Where the page is, and what it can do about it.
 * @typedef {object} Around
 * @property {boolean} idle there is no call and none is being made
 * @property {boolean} inCall
 * @property {boolean} chatOpen
 * @property {() => void} submit joins as the form says
 * @property {(() => void) | null} mendServer goes to the server's address, where there is one to type
 * @property {() => void} showChat
 * @property {() => void} resumeSound
 * @property {() => void} share lets the person choose once more what to share
 * @property {(command: Command) => void} command
 * @property {(kind: DeviceKind) => void} chooseDevice
 * @property {((kind: "camera" | "microphone") => void) | null} openSettings the system's, where the app can
 */

/**
 * @param {Notice} notice
 * @param {Around} around
 * @returns {WayOut | null}
 */
export function wayOut({ code, key, values }, around) {
  switch (key) {
    case "sound_blocked":
      return { label: strings.tapToHear, act: around.resumeSound };
    case "page_not_secure":
    case "no_devices":
    case "device_back":
      return null;
    case "server_ended":
    case "server_lost":
    case "joined_elsewhere":
      return around.idle ? { label: strings.joinAgain, act: around.submit } : null;
    case "server_bad_address":
    case "server_wrong_scheme":
    case "server_unknown_host":
    case "server_not_maru":
      if (around.idle && around.mendServer) return { label: strings.changeServer, act: around.mendServer };
      break;
    case "permission_denied":
    case "device_denied":
      if (code !== "camera" && code !== "microphone") break;
      // Linux has no such page that all desktops have; the sentence says what to do there.
      if (around.openSettings && key === "device_denied" && "system" in values && values.system !== "linux") {
        const open = around.openSettings;
        return { label: strings.openSettings, act: () => open(code) };
      }
      // Switching it on is the wish to use it.
      return {
        label: strings.tryAgain,
        act: () =>
          around.command(
            code === "camera" ? { type: "set_camera_off", camera_off: false } : { type: "set_muted", muted: false },
          ),
      };
  }
  switch (code) {
    case "bad_name":
    case "peer":
      return null;
    case "server":
    case "room_full":
      return around.idle ? { label: strings.tryAgain, act: around.submit } : null;
    case "camera":
    case "microphone":
    case "speaker":
      return { label: strings.chooseDevices, act: () => around.chooseDevice(code) };
    case "screen":
      return around.inCall ? { label: strings.tryAgain, act: around.share } : null;
    case "file":
    case "chat":
      return around.inCall && !around.chatOpen ? { label: strings.chat, act: around.showChat } : null;
  }
}
