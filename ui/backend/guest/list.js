// @ts-check
// The devices there are, as the pickers show them. Before the person allowed anything, a browser says only
// whether there are any, without names.

import { strings } from "../../strings.js";
import { ANY_DEVICE, COMMUNICATIONS } from "./instead.js";

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
  const devices = all.filter((device) => device.kind === kind);
  /** @type {Map<string, DeviceInfo>} */
  const found = new Map();
  for (const { deviceId, groupId, label } of devices) {
    const id = deviceId || ANY_DEVICE;
    if (found.has(id)) continue;
    // Some browsers list whatever the system uses, beside the device that this is.
    const follows_system = deviceId === ANY_DEVICE;
    const real = devices.find(
      (device) => device.groupId === groupId && device.deviceId !== ANY_DEVICE && device.deviceId !== COMMUNICATIONS,
    );
    const name = follows_system ? (real?.label ?? "") : label || unnamed;
    found.set(id, { id, name, default: found.size === 0, synthetic: false, follows_system });
  }
  return [...found.values()];
}

/** @type {DeviceInfo} */
const SYSTEM = { id: ANY_DEVICE, name: "", default: true, synthetic: false, follows_system: true };

/**
 * @param {MediaDeviceInfo[]} all
 * @param {boolean} canChooseSpeaker
 * @returns {DeviceList}
 */
export function deviceList(all, canChooseSpeaker) {
  const named = all.filter(({ deviceId }) => deviceId !== "");
  const speakers = canChooseSpeaker ? ofKind(named, "audiooutput", strings.speakerLabel) : [];
  // Sound comes out somewhere in any case, and every browser follows the system where nothing is chosen.
  if (!speakers.some(({ id }) => id === ANY_DEVICE)) {
    for (const speaker of speakers) speaker.default = false;
    speakers.unshift(SYSTEM);
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
