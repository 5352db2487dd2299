// @ts-check
// The devices there are, as the pickers show them. Before the person allowed anything, a browser says only
// whether there are any, without names.

import { strings } from "../../strings.js";
import { ANY_DEVICE } from "./selection.js";

/** @typedef {import("../../types/media").DeviceInfo} DeviceInfo */
/** @typedef {import("../../types/media").DeviceList} DeviceList */

/** @type {DeviceList} nothing to choose from */
export const NO_DEVICES = { cameras: [], microphones: [], speakers: [] };

/**
 * @param {MediaDeviceInfo[]} all
 * @param {MediaDeviceKind} kind
 * @param {string} unnamed
 * @returns {DeviceInfo[]}
 */
function ofKind(all, kind, unnamed) {
  /** @type {Map<string, DeviceInfo>} */
  const found = new Map();
  for (const device of all) {
    if (device.kind !== kind) continue;
    const id = device.deviceId || ANY_DEVICE;
    if (found.has(id)) continue;
    found.set(id, { id, name: device.label || unnamed, default: found.size === 0, synthetic: false });
  }
  return [...found.values()];
}

/**
 * @param {MediaDeviceInfo[]} all
 * @param {boolean} canChooseSpeaker
 * @returns {DeviceList}
 */
export function deviceList(all, canChooseSpeaker) {
  const speakers = canChooseSpeaker ? ofKind(all, "audiooutput", strings.systemSpeaker) : [];
  // Sound comes out somewhere in any case.
  if (speakers.length === 0) {
    speakers.push({ id: ANY_DEVICE, name: strings.systemSpeaker, default: true, synthetic: false });
  }
  return {
    cameras: ofKind(all, "videoinput", strings.cameraLabel),
    microphones: ofKind(all, "audioinput", strings.microphoneLabel),
    speakers,
  };
}

/** @returns {Promise<DeviceList>} what the browser says */
export async function listDevices() {
  const canChooseSpeaker = "setSinkId" in HTMLMediaElement.prototype;
  try {
    return deviceList((await navigator.mediaDevices?.enumerateDevices()) ?? [], canChooseSpeaker);
  } catch {
    return deviceList([], false);
  }
}
