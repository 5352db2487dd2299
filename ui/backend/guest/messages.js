// @ts-check
// Reads what a server says. What has not the protocol's shape is nothing, so that no later step has to ask. Pure.

/** @typedef {import("../../types/protocol").ServerMessage} ServerMessage */

/** @param {unknown} value @returns {value is Record<string, unknown>} */
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
/** @param {unknown} value */
const isString = (value) => typeof value === "string";

/** @param {unknown} value */
const isStatus = (value) =>
  isObject(value) && typeof value.muted === "boolean" && typeof value.camera_off === "boolean";

/** @param {unknown} value */
const isPeer = (value) =>
  isObject(value) &&
  isString(value.id) &&
  isString(value.name) &&
  isStatus(value.status) &&
  isObject(value.client) &&
  isObject(value.capabilities) &&
  Array.isArray(value.capabilities.video_codecs);

/** @param {unknown} value */
const isIceServer = (value) => isObject(value) && Array.isArray(value.urls) && value.urls.every(isString);

/** @param {unknown} value */
const isOfferNumber = (value) =>
  value === undefined || (Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 32);

/** @param {unknown} value */
function isSignal(value) {
  if (!isObject(value)) return false;
  switch (value.kind) {
    case "description":
      return (value.type === "offer" || value.type === "answer") && isString(value.sdp) && isOfferNumber(value.offer);
    case "candidate":
      return isString(value.candidate);
    case "end_of_candidates":
    case "restart":
      return true;
    default:
      return false; // of a later version
  }
}

/** @type {Record<ServerMessage["type"], (message: Record<string, unknown>) => boolean>} */
const shapes = {
  joined: ({ you, resume, room, peers, ice_servers }) =>
    isString(you) &&
    isString(resume) &&
    isString(room) &&
    Array.isArray(peers) &&
    peers.every(isPeer) &&
    Array.isArray(ice_servers) &&
    ice_servers.every(isIceServer),
  peer_joined: ({ peer }) => isPeer(peer),
  peer_left: ({ peer }) => isString(peer),
  peer_away: ({ peer }) => isString(peer),
  peer_back: ({ peer }) => isString(peer),
  signal: ({ from, signal }) => isString(from) && isSignal(signal),
  status: ({ from, status }) => isString(from) && isStatus(status),
  ice_servers: ({ ice_servers }) => Array.isArray(ice_servers) && ice_servers.every(isIceServer),
  error: ({ code, message }) => isString(code) && isString(message),
  closing: ({ reason, retry_after }) =>
    isString(reason) && (retry_after === undefined || retry_after === null || typeof retry_after === "number"),
};

/**
 * The message, or null for what this version does not know.
 * @param {unknown} data
 * @returns {ServerMessage | null}
 */
export function readServerMessage(data) {
  if (!isString(data)) return null;
  let message;
  try {
    message = JSON.parse(/** @type {string} */ (data));
  } catch {
    return null;
  }
  if (!isObject(message) || !isString(message.type)) return null;
  const type = /** @type {string} */ (message.type);
  if (!Object.hasOwn(shapes, type)) return null;
  const shaped = shapes[/** @type {ServerMessage["type"]} */ (type)](message);
  return shaped ? /** @type {ServerMessage} */ (/** @type {unknown} */ (message)) : null;
}
