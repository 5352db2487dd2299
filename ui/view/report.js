// @ts-check
// A report for whoever is asked for help: what runs where, how the connections are, the end of the log. Nothing in it
// tells who takes part, in which room, or where anybody is; see redact.js.

import { language } from "../language.js";
import { redact } from "./redact.js";

/** @typedef {import("../types/engine").CallView} CallView */
/** @typedef {import("../types/engine").PeerStats} PeerStats */
/** @typedef {import("../types/shell").Settings} Settings */

/**
 * What a report is made of.
 * @typedef {object} Known
 * @property {string} version
 * @property {string} browser as it calls itself
 * @property {boolean} guest
 * @property {CallView} view
 * @property {Settings} settings
 * @property {(peer: string) => { stats: PeerStats | null, sentence: string } | null} connection
 * @property {import("../types/shell").Diagnostics | null} app what the app adds
 */

/** @param {Known} known */
export function reportOf({ version, browser, guest, view, settings, connection, app }) {
  const { me, peers, devices } = view;
  /** @type {[string, string][]} */
  const words = [
    ...peers.map(({ name }, index) => /** @type {[string, string]} */ ([name, `<peer-${index + 1}>`])),
    [me.name, "<me>"],
    [settings.name, "<me>"],
    [view.room ?? "", "<room>"],
    ...[settings.room, ...settings.recent_rooms].map((room) => /** @type {[string, string]} */ ([room, "<room>"])),
  ];
  /** @param {import("../types/media").DeviceInfo[]} of @param {string | null} used */
  const named = (of, used) => of.map(({ id, name }) => ({ name, used: id === used }));
  const report = {
    maru: version,
    page: guest ? "guest" : "app",
    system: app?.system ?? null,
    browser,
    language,
    call: view.call,
    server: serverKind(view.server),
    notice: view.notice?.key ?? null,
    settings: {
      addresses: settings.addresses,
      voice: settings.voice,
      force_fallback: settings.force_fallback,
      find_on_network: settings.find_on_network,
      guests_on_network: settings.guests_on_network,
    },
    me: { muted: me.muted, camera_off: me.camera_off, camera_live: me.camera_live, microphone_live: me.microphone_live },
    cameras: named(devices.cameras, me.camera),
    microphones: named(devices.microphones, me.microphone),
    speakers: named(devices.speakers, me.speaker),
    peers: peers.map(({ id, state, muted, camera_off, has_video }, index) => {
      const known = connection(id);
      const stats = known?.stats ? { ...known.stats, id: index + 1 } : null;
      return { peer: index + 1, state, muted, camera_off, has_video, says: known?.sentence ?? null, stats };
    }),
  };
  const log = app ? ["", ...app.log] : [];
  return redact([JSON.stringify(report, null, 2), ...log].join("\n"), words);
}

/** @param {string | null} url @returns {"machine" | "network" | "internet" | null} where the server is, and no more */
export function serverKind(url) {
  const hostname = hostOf(url);
  if (hostname === null) return null;
  if (/^(localhost|.*\.localhost|127\..*|\[::1\])$/.test(hostname)) return "machine";
  if (/^(10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.|\[f[cd]|\[fe[89ab])/.test(hostname)) return "network";
  return hostname.endsWith(".local") ? "network" : "internet";
}

/** @param {string | null} url */
function hostOf(url) {
  try {
    return url === null ? null : new URL(url).hostname;
  } catch {
    return null;
  }
}
