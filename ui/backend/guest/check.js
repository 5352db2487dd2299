// @ts-check
// Tries, before a call, what a call needs of the network; the counterpart of the app's engine (`check.rs`). In a room of
// its own that nobody can guess, for as long as it takes to be told of the relay.

import { serverOf } from "./address.js";
import { namesRelay, withIceServers } from "./ice.js";
import { SignalingSocket, patienceFor } from "./signaling.js";

/** @typedef {import("../../types/engine").NetworkFinding} NetworkFinding */

/** How long the server may take, UDP, and the relay by whatever way. */
const SERVER_MS = 10_000;
const UDP_MS = 5000;
const RELAY_MS = 15_000;

/**
 * @param {object} options
 * @param {string} options.version
 * @param {string} options.token of a private server; empty for none
 * @param {AbortSignal} options.signal ends it
 * @param {(finding: NetworkFinding) => void} options.onFinding
 */
export async function checkNetwork({ version, token, signal, onFinding }) {
  /** @type {(finding: NetworkFinding) => void} */
  const found = (finding) => void (signal.aborted || onFinding(finding));
  const began = performance.now();
  const entered = await enter(version, token, signal);
  if ("problem" in entered) return found({ step: "no_server", problem: entered.problem });
  found({ step: "server", ms: performance.now() - began });
  const servers = entered.iceServers;
  const byUdp = only(servers, (url) => /^stuns?:|^turn:/.test(url) && !/transport=tcp/.test(url));
  const named = namesRelay(servers);
  const [answer, lent] = await Promise.all([
    candidate(byUdp, namesRelay(byUdp), UDP_MS, signal).then((answer) => {
      found({ step: "udp", answered: byUdp.length === 0 ? null : answer !== null });
      return answer;
    }),
    candidate(named ? servers : [], true, RELAY_MS, signal),
  ]);
  // Not every browser says how a relay was reached; where it was by UDP alone, it will be so in a call.
  const protocol = (lent && relayProtocolOf(lent)) ?? (lent && answer?.type === "relay" ? "udp" : null);
  found({ step: "relay", lent: lent !== null, protocol, named });
}

/**
 * Enters a room, and leaves it: the servers that are named there.
 * @param {string} version @param {string} token @param {AbortSignal} signal
 * @returns {Promise<{ iceServers: RTCIceServer[] } | { problem: { key: string, values: {}, text: string } }>}
 */
function enter(version, token, signal) {
  return new Promise((resolve) => {
    /** @param {import("../../strings/dictionary").Said} said */
    const fail = (said) => done({ problem: { ...said, text: "" } });
    /** @param {{ iceServers: RTCIceServer[] } | { problem: { key: string, values: {}, text: string } }} result */
    const done = (result) => {
      clearTimeout(timer);
      socket.close();
      resolve(result);
    };
    const silent = () => fail({ key: "server_silent", values: {} });
    const timer = setTimeout(silent, SERVER_MS);
    signal.addEventListener("abort", silent);
    /** @type {SignalingSocket} */
    const socket = new SignalingSocket({
      url: serverOf(document.baseURI),
      patience: patienceFor(null),
      onOpen: () =>
        socket.send({
          type: "join",
          room: `check-${randomHex(16)}`,
          name: "check",
          client: { name: "maru-guest", version },
          capabilities: { video_codecs: [], chat: false, files: false, screen: false },
          status: { muted: true, camera_off: true, sharing: false },
          ...(token === "" ? {} : { token }),
        }),
      onMessage: (message) => {
        if (message.type === "error") fail({ key: "refused", values: { code: message.code } });
        if (message.type !== "joined") return;
        socket.send({ type: "leave" });
        done({ iceServers: message.ice_servers });
      },
      onClosed: fail,
    });
  });
}

/** @param {number} bytes */
function randomHex(bytes) {
  const random = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {RTCIceServer[]} servers @param {(url: string) => boolean} isWanted @returns {RTCIceServer[]} */
function only(servers, isWanted) {
  return servers
    .map((server) => ({ ...server, urls: [server.urls].flat().filter(isWanted) }))
    .filter(({ urls }) => urls.length > 0);
}

/**
 * The first address that one of the servers lends (a relay) or tells (STUN); null for none in time.
 * @param {RTCIceServer[]} servers @param {boolean} relayed @param {number} ms @param {AbortSignal} signal
 * @returns {Promise<RTCIceCandidate | null>}
 */
async function candidate(servers, relayed, ms, signal) {
  if (servers.length === 0 || signal.aborted) return null;
  /** @type {RTCPeerConnection | undefined} */
  let pc;
  try {
    const made = (pc = withIceServers(servers, (iceServers) => {
      return new RTCPeerConnection({ iceServers, iceTransportPolicy: relayed ? "relay" : "all" });
    }));
    made.createDataChannel("");
    const wanted = relayed ? "relay" : "srflx";
    /** @type {Promise<RTCIceCandidate | null>} */
    const found = new Promise((resolve) => {
      setTimeout(() => resolve(null), ms);
      signal.addEventListener("abort", () => resolve(null));
      made.onicecandidate = ({ candidate }) => {
        if (candidate === null) resolve(null); // that was all
        else if (candidate.type === wanted) resolve(candidate);
      };
    });
    await made.setLocalDescription(await made.createOffer());
    return await found;
  } catch {
    return null; // servers that the browser takes none of
  } finally {
    pc?.close();
  }
}

/** @param {RTCIceCandidate} candidate @returns {import("../../types/engine").RelayProtocol | null} */
function relayProtocolOf(candidate) {
  const protocol = /** @type {{ relayProtocol?: string }} */ (candidate).relayProtocol;
  return protocol === "udp" || protocol === "tcp" || protocol === "tls" ? protocol : null;
}
