// @ts-check
// From the state to the view that the UI paints. Pure.

import { serverOf } from "./address.js";

/** @typedef {import("../../types/engine").CallView} CallView */
/** @typedef {import("../../types/engine").PeerView} PeerView */

/**
 * @param {object} state
 * @param {import("./call").Call} state.call
 * @param {import("./selection").Selection} state.selection
 * @param {import("./volumes").Volumes} state.volumes
 * @param {string} state.name
 * @param {import("../../types/media").DeviceList} state.devices
 * @param {import("../../types/engine").ChatMessage[]} state.chat
 * @param {import("../../types/engine").FileView[]} state.files
 * @param {import("../../types/engine").Notice | null} state.notice
 * @param {import("./share").Share} state.share
 * @param {(peer: string, stream: import("../../types/engine").VideoKind) => boolean} state.hasPictures
 * @param {Set<string>} state.pictureless peers with whom no video codec is shared
 * @param {boolean} state.testing the speaker is being tried
 * @returns {CallView}
 */
export function describe({ call, selection, volumes, name, devices, chat, files, notice, share, hasPictures, pictureless, testing }) {
  const peers = call.peers.map((peer) => {
    const { id, info, state } = peer;
    const flowing = state === "connected" || state === "restarting";
    const heard = volumes.of(id);
    const sharing = info.status.sharing === true && !pictureless.has(id);
    const cameraOff = info.status.camera_off || pictureless.has(id);
    /** @type {PeerView} */
    const view = {
      id,
      name: info.name,
      state,
      muted: info.status.muted,
      camera_off: cameraOff,
      has_video: flowing && !cameraOff && hasPictures(id, "camera"),
      sharing,
      has_screen: flowing && sharing && hasPictures(id, "screen"),
      volume: heard.volume,
      muted_for_me: heard.muted,
      takes_files: info.capabilities.files === true,
    };
    return view;
  });
  return {
    call: call.state,
    room: call.room,
    me: {
      id: call.me,
      name,
      muted: selection.muted,
      camera_off: selection.cameraOff,
      camera: selection.device("camera"),
      microphone: selection.device("microphone"),
      speaker: selection.device("speaker"),
      camera_live: selection.isOpen("camera"),
      microphone_live: selection.isOpen("microphone"),
      speaker_test: testing,
      sharing: share.view,
    },
    peers,
    devices,
    chat,
    files,
    notice,
    server: serverOf(document.baseURI),
    links: call.joined?.links ?? [],
  };
}
