// @ts-check
// What a guest's browser remembers. A page may be forbidden to keep anything, and what is found may be anything.

/** @typedef {import("../../types/shell").Settings} Settings */

const SETTINGS = "maru.settings";
const PLACE = "maru.place";
const TOKEN = "maru.token";
/** More than any settings take. */
const LONGEST = 8192;

/** @type {Settings} what a browser that remembers nothing starts with */
const INITIAL = {
  name: "",
  room: "",
  server: "",
  camera: null,
  microphone: null,
  speaker: null,
  muted: false,
  camera_off: false,
  voice: { echo: "auto", noise: true, gain: true },
  force_fallback: false,
  synthetic_devices: false,
  guests_on_network: false,
  find_on_network: false,
  addresses: "all",
  // A browser tells by itself which pages were opened, and has no say beside its own window.
  recent_rooms: [],
  desktop: { notify: false, notify_text: false, mini_window: false, mute_shortcut: "", talk_shortcut: "" },
};

/** @param {() => Storage} storage @param {string} key @returns {Record<string, unknown>} */
function read(storage, key) {
  try {
    const text = storage().getItem(key);
    const found = text !== null && text.length <= LONGEST ? JSON.parse(text) : null;
    return typeof found === "object" && found !== null ? found : {};
  } catch {
    return {};
  }
}

/** @param {() => Storage} storage @param {string} key @param {object | null} value */
function write(storage, key, value) {
  try {
    if (value === null) storage().removeItem(key);
    else storage().setItem(key, JSON.stringify(value));
    return true;
  } catch {
    return false; // forbidden, or full
  }
}

/** @param {unknown} found @returns {Settings["voice"]} */
function voiceOf(found) {
  const { echo, noise, gain } = /** @type {Record<string, unknown>} */ (found ?? {});
  return { echo: echo === "off" ? "off" : "auto", noise: noise !== false, gain: gain !== false };
}

/**
 * Private addresses a browser hides, or shows, as it sees fit.
 * @param {unknown} found
 * @returns {Settings["addresses"]}
 */
function addressesOf(found) {
  return found === "relay_only" ? "relay_only" : "all";
}

/** @param {() => Storage} [storage] @returns {Settings} */
export function loadSettings(storage = () => localStorage) {
  const found = read(storage, SETTINGS);
  /** @type {Record<string, unknown>} */
  const settings = { ...INITIAL };
  for (const [key, initial] of Object.entries(INITIAL)) {
    const value = found[key];
    const fits = initial === null ? value === null || typeof value === "string" : typeof value === typeof initial;
    if (fits) settings[key] = value;
  }
  settings.recent_rooms = INITIAL.recent_rooms;
  settings.desktop = INITIAL.desktop;
  settings.voice = voiceOf(found.voice);
  settings.addresses = addressesOf(found.addresses);
  return /** @type {Settings} */ (settings);
}

/** @param {Settings} settings @param {() => Storage} [storage] whether they could be kept */
export function keepSettings(settings, storage = () => localStorage) {
  return write(storage, SETTINGS, settings);
}

/**
 * The place in a room that a page has, for taking it back after it is loaded anew.
 * @typedef {{ room: string, name: string, resume: string, volumes: unknown }} Place
 */

/** @param {() => Storage} [storage] @returns {Place | null} */
export function loadPlace(storage = () => sessionStorage) {
  const { room, name, resume, volumes } = read(storage, PLACE);
  if (typeof room !== "string" || typeof name !== "string" || typeof resume !== "string") return null;
  return { room, name, resume, volumes };
}

/** @param {Place | null} place @param {() => Storage} [storage] */
export function keepPlace(place, storage = () => sessionStorage) {
  write(storage, PLACE, place);
}

/**
 * The access token of this private server, for as long as the tab is open: a browser has no place for secrets.
 * @param {() => Storage} [storage]
 */
export function loadToken(storage = () => sessionStorage) {
  const { token } = read(storage, TOKEN);
  return typeof token === "string" ? token : "";
}

/** @param {string} token @param {() => Storage} [storage] */
export function keepToken(token, storage = () => sessionStorage) {
  write(storage, TOKEN, { token });
}
