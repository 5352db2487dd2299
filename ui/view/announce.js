// @ts-check
// What changed between two views, as sentences for people who listen to the screen. Pure.

import { strings } from "../strings.js";
import { isInRoom } from "./participants.js";

/** @typedef {import("../types/engine").CallView} CallView */

/**
 * @param {CallView} before
 * @param {CallView} now
 * @returns {string[]}
 */
export function announcements(before, now) {
  const said = [];
  if (!isInRoom(before) && isInRoom(now)) {
    said.push(strings.saidInRoom(now.room ?? ""));
    if (now.peers.length === 0) said.push(strings.saidAlone);
  } else if (isInRoom(before) && !isInRoom(now)) {
    return [strings.saidLeftCall];
  } else if (isInRoom(now)) {
    if (before.call === "in_call" && now.call === "reconnecting") said.push(strings.saidServerLost);
    if (before.call === "reconnecting" && now.call === "in_call") said.push(strings.saidServerBack);
    said.push(...peerAnnouncements(before, now), ...fileAnnouncements(before, now));
  }
  if (before.me.muted !== now.me.muted) said.push(now.me.muted ? strings.saidMuted : strings.saidUnmuted);
  if (before.me.camera_off !== now.me.camera_off) {
    said.push(now.me.camera_off ? strings.saidCameraOff : strings.saidCameraOn);
  }
  if (!before.me.sharing !== !now.me.sharing) said.push(now.me.sharing ? strings.saidSharing : strings.saidNotSharing);
  return said;
}

/**
 * @param {CallView} before
 * @param {CallView} now
 */
function fileAnnouncements(before, now) {
  const said = [];
  const old = new Map(before.files.map((file) => [file.id, file.state]));
  for (const { id, state, direction, peer_name, name } of now.files) {
    const was = old.get(id);
    if (was === state) continue;
    if (was === undefined && direction === "receiving") said.push(strings.saidFileOffered(peer_name, name));
    else if (was !== undefined && state === "done") said.push(strings.saidFileDone(name));
    else if (was !== undefined && (state === "declined" || state === "cancelled" || state === "failed")) {
      said.push(strings.saidFileEnded(name));
    }
  }
  return said;
}

/**
 * @param {CallView} before
 * @param {CallView} now
 */
function peerAnnouncements(before, now) {
  const said = [];
  const later = []; // who joins and shares is there first
  const old = new Map(before.peers.map((peer) => [peer.id, peer]));
  for (const peer of now.peers) {
    const was = old.get(peer.id);
    old.delete(peer.id);
    if (!was?.sharing !== !peer.sharing) {
      later.push(peer.sharing ? strings.saidShares(peer.name) : strings.saidSharesNoMore(peer.name));
    }
    if (!was) said.push(strings.saidJoined(peer.name));
    else if (was.state !== "restarting" && peer.state === "restarting") {
      said.push(strings.saidRestarting(peer.name));
    } else if (was.state === "restarting" && peer.state === "connected") {
      said.push(strings.saidBack(peer.name));
    }
  }
  for (const gone of old.values()) said.push(strings.saidLeft(gone.name));
  return [...said, ...later];
}
