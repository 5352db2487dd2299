// @ts-check
// Figures and verdicts in the page's language. Pure.

import { language } from "../../language.js";
import { strings } from "../../strings.js";

/** @typedef {import("../../types/engine").PathStats} PathStats */
/** @typedef {import("../../types/engine").PeerStats} PeerStats */
/** @typedef {import("./rules").Verdict} Verdict */

/** @param {Intl.NumberFormatOptions} options */
const format = (options) => new Intl.NumberFormat(language, options);
const PERCENT = format({ style: "percent", maximumFractionDigits: 1 });
const MS = format({ style: "unit", unit: "millisecond", maximumFractionDigits: 0 });
const PER_SECOND = format({ maximumFractionDigits: 0 });

/** @param {number} share */
export const percentText = (share) => PERCENT.format(share);
/** @param {number} ms */
export const msText = (ms) => MS.format(ms);
/** @param {number} count */
export const countText = (count) => PER_SECOND.format(count);

/** @param {number} kbps */
export function rateText(kbps) {
  if (kbps < 1000) return `${Math.round(kbps)} kbit/s`;
  return `${format({ minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(kbps / 1000)} Mbit/s`;
}

/**
 * @param {Verdict | null} verdict
 * @param {string} name of whom the connection leads to
 * @param {boolean} relayWanted
 */
export function sentenceOf(verdict, name, relayWanted) {
  const verdicts = strings.verdicts;
  switch (verdict?.key) {
    case undefined:
      return verdicts.measuring;
    case "well":
      return verdicts.well;
    case "relay":
      return relayWanted ? verdicts.relayWanted : verdicts.relay;
    case "cpu":
      return verdicts.cpu;
    case "uplink_loss":
      return verdicts.uplinkLoss(verdict.value);
    case "downlink_loss":
      return verdicts.downlinkLoss(verdict.value);
    case "sent_loss":
      return verdicts.sentLoss(name, verdict.value);
    case "received_loss":
      return verdicts.receivedLoss(name, verdict.value);
    case "far":
      return verdicts.far(name, verdict.value);
    case "uneven":
      return verdicts.uneven(name, verdict.value);
  }
}

/** What the ways to a relay are called. @type {Record<import("../../types/engine").RelayProtocol, string>} */
const PROTOCOL = { udp: "UDP", tcp: "TCP", tls: "TLS", websocket: "WebSocket" };

/** @param {PathStats | null} path */
export function pathText(path) {
  if (!path) return strings.unknownFigure;
  const version = path.ipVersion === null ? "" : ` · IPv${path.ipVersion}`;
  switch (path.kind) {
    case "network":
      return strings.pathNetwork + version;
    case "internet":
      return strings.pathInternet + version;
    case "relay":
      return path.relayProtocol ? strings.pathRelayBy(PROTOCOL[path.relayProtocol]) : strings.pathRelay;
  }
}

/** @param {{ codec: string, frameWidth: number, frameHeight: number } | null} video @param {number | null} fps */
export function pictureText(video, fps) {
  if (!video || video.frameWidth === 0) return strings.unknownFigure;
  const rate = fps === null ? "" : ` · ${countText(fps)}/s`;
  return `${video.frameWidth} × ${video.frameHeight}${rate} · ${video.codec}`;
}

/** @param {PeerStats["outboundVideo"]} video */
export function encoderText(video) {
  if (!video) return strings.unknownFigure;
  const { encoderImplementation: name, powerEfficientEncoder: hardware } = video;
  const by = hardware === null ? "" : hardware ? strings.encodedByHardware : strings.encodedBySoftware;
  return [name, by].filter(Boolean).join(" · ") || strings.unknownFigure;
}
