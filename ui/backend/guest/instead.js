// @ts-check
// Which device the browser would take, and what to say about it when it takes the place of another one. Pure.

/** @typedef {import("../../types/media").DeviceInfo} DeviceInfo */
/** @typedef {import("../../types/media").DeviceKind} DeviceKind */
/** @typedef {import("../../strings/dictionary").Said} Said */

/** Opens whichever the browser prefers. */
export const ANY_DEVICE = "default";

/** What Windows uses for calls; Chromium lists it beside the device that this is. */
export const COMMUNICATIONS = "communications";

/** @param {DeviceInfo[]} devices the one that the browser takes where nothing is chosen */
export const preferredOf = (devices) => devices.find((device) => device.default) ?? null;

/**
 * The device that the browser would use in place of one.
 * @param {DeviceInfo[]} devices @param {string | null} broken
 */
export function insteadOf(devices, broken) {
  const others = devices.filter(({ id }) => id !== broken);
  return (preferredOf(others) ?? others[0])?.id ?? null;
}

/**
 * What to say about a device that is gone: what the browser prefers is used instead, if there is anything.
 * @param {DeviceKind} kind @param {string} name @param {DeviceInfo[]} devices
 * @returns {Said}
 */
export function replaced(kind, name, devices) {
  const others = devices.filter((device) => device.name !== name && device.id !== COMMUNICATIONS);
  const instead = preferredOf(others) ?? others[0];
  if (!instead) return { key: "device_lost", values: { kind, name } };
  // The list is older than the loss: the system uses another one by now, but the browser did not say yet which.
  const preferred = preferredOf(devices);
  const outdated = preferred?.follows_system === true && preferred.name === name;
  const follows_system = outdated || instead.follows_system;
  return { key: "device_replaced", values: { kind, name, instead: outdated ? "" : instead.name, follows_system } };
}
