// @ts-check
// From the view to what each tile shows. Pure.

import { strings } from "../strings.js";

/** @typedef {import("../types/engine").CallView} CallView */
/** @typedef {import("../types/engine").PeerView} PeerView */
/** @typedef {import("./tile").TileState} TileState */

/** @param {CallView} view whether there is a call, with or without the server */
export const isInRoom = ({ call }) => call === "in_call" || call === "reconnecting";

/**
 * @param {PeerView} peer
 * @returns {TileState}
 */
export function peerTile(peer) {
  const heard = { volume: peer.volume, muted: peer.muted_for_me };
  const base = { name: peer.name, muted: peer.muted, cameraOff: peer.camera_off, sharing: peer.sharing, heard };
  switch (peer.state) {
    case "new":
    case "negotiating":
    case "connecting":
      return { ...base, status: strings.connecting, busy: true, dimmed: false };
    case "restarting":
      return { ...base, status: strings.restarting, busy: true, dimmed: true };
    case "closed":
      return { ...base, status: strings.closed, busy: false, dimmed: true };
    case "connected": {
      const waiting = !peer.has_video && !peer.camera_off;
      return { ...base, status: waiting ? strings.waitingForVideo : "", busy: waiting, dimmed: false };
    }
  }
}

/**
 * What a window with room for one tile shows of who shares a screen.
 * @param {PeerView} peer
 * @returns {TileState}
 */
export function screenTile(peer) {
  const waiting = !peer.has_screen;
  const status = waiting ? strings.waitingForScreen : "";
  return { ...peerTile(peer), name: strings.screenOf(peer.name), cameraOff: false, sharing: false, status, busy: waiting };
}

/**
 * @param {CallView} view
 * @param {boolean} onJoinScreen where there is room to say why there is no picture
 * @param {boolean} failed the camera was tried and gave nothing
 * @returns {TileState}
 */
export function selfTile({ me, call }, onJoinScreen, failed = false) {
  const noCamera = me.camera === null;
  let status = "";
  let busy = false;
  if (onJoinScreen) {
    if (me.camera_off) status = strings.selfCameraOff;
    else if (noCamera) status = strings.selfNoCamera;
    else if (!me.camera_live && failed) status = strings.selfNoPicture;
    else if (!me.camera_live && call === "idle") {
      status = strings.selfStarting;
      busy = true;
    }
  }
  return {
    name: onJoinScreen ? me.name || strings.you : strings.you,
    muted: me.muted,
    cameraOff: me.camera_off || noCamera,
    sharing: me.sharing !== null,
    heard: null,
    status,
    busy,
    dimmed: false,
  };
}
