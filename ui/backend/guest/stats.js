// @ts-check
// What a browser measures of a connection, in the shape of the app's engine. Pure.

/** @typedef {import("../../types/engine").PeerStats} PeerStats */
/** @typedef {import("../../types/engine").PathStats} PathStats */
/** @typedef {Record<string, any> & { id: string, type: string }} Entry of a `RTCStatsReport` */

/** What a jitter buffer has counted: the delays in seconds over all samples that came out. */
const NOTHING_COUNTED = { delay: 0, target: 0, samples: 0 };

/** One connection's; remembers what tells a delay of now from that of the whole call. */
export class StatsReader {
  #counted = NOTHING_COUNTED;

  /**
   * @param {string} id of the peer @param {Iterable<Entry>} report
   * @param {string | null} screenMid the section of the screens, whose pictures are left out
   * @returns {PeerStats}
   */
  read(id, report, screenMid = null) {
    const entries = new Map([...report].map((entry) => [entry.id, entry]));
    /** @param {string} type @param {string} [kind] */
    const all = (type, kind) =>
      [...entries.values()].filter((entry) => entry.type === type && (kind === undefined || entry.kind === kind));
    /** @param {Entry} stream */
    const codecOf = (stream) => String(entries.get(stream.codecId)?.mimeType ?? "").split("/")[1] ?? "";
    const pair = selectedPair(entries, all);
    /** @param {string} type */
    const ofCamera = (type) => all(type, "video").filter(({ mid }) => screenMid === null || mid !== screenMid);
    const [outgoing, incoming] = [busiest(ofCamera("outbound-rtp"), "framesEncoded"), busiest(ofCamera("inbound-rtp"), "framesDecoded")];
    const voice = busiest(all("inbound-rtp", "audio"), "packetsReceived");
    return {
      id,
      path: pair ? pathOf(entries.get(pair.localCandidateId), entries.get(pair.remoteCandidateId)) : null,
      currentRoundTripTime: pair?.currentRoundTripTime ?? null,
      sent: sentOf(all("outbound-rtp"), all("remote-inbound-rtp")),
      received: receivedOf(all("inbound-rtp")),
      outboundVideo: outgoing && {
        codec: codecOf(outgoing),
        frameWidth: outgoing.frameWidth ?? 0,
        frameHeight: outgoing.frameHeight ?? 0,
        framesEncoded: outgoing.framesEncoded ?? 0,
        encoderImplementation: outgoing.encoderImplementation ?? "",
        powerEfficientEncoder: outgoing.powerEfficientEncoder ?? null,
        qualityLimitationReason: limitationOf(outgoing.qualityLimitationReason),
      },
      inboundVideo: incoming?.framesDecoded
        ? {
            codec: codecOf(incoming),
            frameWidth: incoming.frameWidth ?? 0,
            frameHeight: incoming.frameHeight ?? 0,
            framesDecoded: incoming.framesDecoded,
            freezeCount: incoming.freezeCount ?? 0,
          }
        : null,
      inboundAudio: {
        codec: voice ? codecOf(voice) : "",
        ...this.#buffered(voice),
        totalSamplesReceived: voice?.totalSamplesReceived ?? 0,
        concealedSamples: Math.max(0, (voice?.concealedSamples ?? 0) - (voice?.silentConcealedSamples ?? 0)),
      },
    };
  }

  /** @param {Entry | null} voice what waited in the jitter buffer since the last time */
  #buffered(voice) {
    const before = this.#counted;
    const counted = {
      delay: voice?.jitterBufferDelay ?? 0,
      target: voice?.jitterBufferTargetDelay ?? 0,
      samples: voice?.jitterBufferEmittedCount ?? 0,
    };
    this.#counted = counted;
    const samples = counted.samples - before.samples;
    /** @param {"delay" | "target"} what */
    const mean = (what) => (samples > 0 ? Math.max(0, ((counted[what] - before[what]) / samples) * 1000) : null);
    const told = voice?.jitterBufferTargetDelay !== undefined;
    return { jitterBufferMs: mean("delay"), jitterBufferTargetMs: told ? mean("target") : null };
  }
}

/**
 * A stream that was given up stays in a report: the one that did the most is meant.
 * @param {Entry[]} streams @param {string} counter
 */
function busiest(streams, counter) {
  return streams.reduce((/** @type {Entry | null} */ best, one) => ((one[counter] ?? 0) > (best?.[counter] ?? -1) ? one : best), null);
}

/** @param {Map<string, Entry>} entries @param {(type: string) => Entry[]} all */
function selectedPair(entries, all) {
  for (const { selectedCandidatePairId } of all("transport")) {
    const pair = entries.get(selectedCandidatePairId);
    if (pair) return pair;
  }
  // Firefox has no transports.
  return all("candidate-pair").find(({ selected, nominated, state }) => selected ?? (nominated && state === "succeeded"));
}

/** @param {Entry[]} streams @param {Entry[]} reports */
function sentOf(streams, reports) {
  const sum = { bytes: 0, packets: 0, lost: 0 };
  for (const stream of streams) {
    sum.bytes += stream.bytesSent ?? 0;
    const report = reports.find(({ id, localId }) => id === stream.remoteId || localId === stream.id);
    if (!report) continue;
    sum.packets += stream.packetsSent ?? 0;
    sum.lost += Math.max(0, report.packetsLost ?? 0);
  }
  return sum;
}

/** @param {Entry[]} streams */
function receivedOf(streams) {
  const sum = { bytes: 0, packets: 0, lost: 0 };
  for (const { bytesReceived = 0, packetsReceived = 0, packetsLost = 0 } of streams) {
    const lost = Math.max(0, packetsLost);
    sum.bytes += bytesReceived;
    sum.packets += packetsReceived + lost;
    sum.lost += lost;
  }
  return sum;
}

/** @param {unknown} reason @returns {import("../../types/engine").QualityLimitation} */
function limitationOf(reason) {
  return reason === "cpu" || reason === "bandwidth" || reason === "other" ? reason : "none";
}

/** @param {Entry | undefined} local @param {Entry | undefined} remote @returns {PathStats | null} */
function pathOf(local, remote) {
  if (!local || !remote) return null;
  const [from, to] = [addressOf(local), addressOf(remote)];
  const ours = local.candidateType === "relay";
  if (ours || remote.candidateType === "relay") {
    const relayProtocol = ours && ["udp", "tcp", "tls"].includes(local.relayProtocol) ? local.relayProtocol : null;
    return { kind: "relay", relayProtocol, ipVersion: null };
  }
  // An address that is hidden is one of this network, if it was named as the machine's own.
  const hidden = to === "" && remote.candidateType === "host";
  if (to === "" && !hidden) return null;
  const kind = hidden || to === from || isPrivate(to) || isSamePrefix(from, to) ? "network" : "internet";
  const ipVersion = hidden ? null : to.includes(":") ? 6 : 4;
  return { kind, relayProtocol: null, ipVersion };
}

/** @param {Entry} candidate @returns {string} empty where the browser hides it */
function addressOf({ address, ip }) {
  const text = String(address ?? ip ?? "");
  return text.endsWith(".local") || text.includes("redacted") ? "" : text;
}

/** @param {string} address */
function isPrivate(address) {
  return /^(10|127)\.|^192\.168\.|^169\.254\.|^172\.(1[6-9]|2\d|3[01])\.|^::1$|^f[cd]|^fe[89ab]/i.test(address);
}

/** @param {string} from @param {string} to whether two addresses of IPv6 begin alike, as those of one network */
function isSamePrefix(from, to) {
  /** @param {string} address */
  const prefix = (address) => (address.includes(":") ? address.split(":").slice(0, 4).join(":") : null);
  return prefix(from) !== null && prefix(from) === prefix(to);
}
