// @ts-check
// What the check before a call has found, in words, with what to do about it. Pure.

import { sentenceOf, strings } from "../../strings.js";

/** @typedef {import("../../types/engine").NetworkFinding} NetworkFinding */
/** @typedef {"camera" | "microphone" | "speaker" | "server" | "udp" | "relay"} Step */

/**
 * @typedef {object} Outcome
 * @property {"good" | "fair" | "bad"} grade
 * @property {string} text
 */

/** Fewer pictures a second look like a slide show. */
const FEW_PICTURES = 12;
/** Softer than this is a room in which nobody speaks. */
export const HEARD_DBFS = -50;

/** What the ways to a relay are called. @type {Record<import("../../types/engine").RelayProtocol, string>} */
const PROTOCOL = { udp: "UDP", tcp: "TCP", tls: "TLS", websocket: "WebSocket" };

/** @param {"good" | "fair" | "bad"} grade @param {string} text @returns {Outcome} */
const outcome = (grade, text) => ({ grade, text });

/** @param {{ chosen: boolean, off: boolean, live: boolean, fps: number }} camera */
export function cameraOutcome({ chosen, off, live, fps }) {
  const { check } = strings;
  if (off) return outcome("fair", check.cameraOff);
  if (!chosen) return outcome("fair", check.cameraNone);
  if (!live || fps === 0) return outcome("bad", check.cameraFails);
  return fps < FEW_PICTURES ? outcome("fair", check.cameraSlow(fps)) : outcome("good", check.cameraGood(fps));
}

/** @param {{ chosen: boolean, live: boolean, loudestDbfs: number }} microphone */
export function microphoneOutcome({ chosen, live, loudestDbfs }) {
  const { check } = strings;
  if (!chosen) return outcome("fair", check.microphoneNone);
  if (!live) return outcome("fair", check.microphoneOff);
  return loudestDbfs > HEARD_DBFS ? outcome("good", check.microphoneGood) : outcome("bad", check.microphoneSilent);
}

/** @param {boolean} chosen @param {boolean | null} heard what the person says; null for nothing */
export function speakerOutcome(chosen, heard) {
  const { check } = strings;
  if (!chosen) return outcome("fair", check.speakerNone);
  if (heard === null) return outcome("fair", check.speakerNoAnswer);
  return heard ? outcome("good", check.speakerGood) : outcome("bad", check.speakerNotHeard);
}

/** @param {NetworkFinding} finding @returns {[Step, Outcome][]} */
export function networkOutcomes(finding) {
  const { check } = strings;
  switch (finding.step) {
    case "server":
      return [["server", outcome("good", check.serverGood(Math.round(finding.ms)))]];
    case "no_server": {
      const untried = outcome("fair", check.untried);
      return [["server", outcome("bad", sentenceOf(finding.problem))], ["udp", untried], ["relay", untried]];
    }
    case "udp":
      if (finding.answered === null) return [["udp", outcome("fair", check.udpUnknown)]];
      return [["udp", finding.answered ? outcome("good", check.udpGood) : outcome("fair", check.udpBlocked)]];
    case "relay":
      if (!finding.named) return [["relay", outcome("fair", check.relayNone)]];
      if (!finding.lent) return [["relay", outcome("bad", check.relayFails)]];
      return [["relay", outcome("good", finding.protocol ? check.relayGoodBy(PROTOCOL[finding.protocol]) : check.relayGood)]];
  }
}
