// @ts-check
// Which video codecs this browser has, which of them are offered in which order, and how much is sent. Pure.

/** @typedef {import("../../types/protocol").VideoCodec} VideoCodec */
/** @typedef {{ mimeType: string, clockRate: number, channels?: number, sdpFmtpLine?: string }} Codec */
/** @typedef {{ getCapabilities?: (kind: string) => { codecs: Codec[] } | null }} Capable */

/**
 * The codec by Maru's name; null for what is not offered. Of H.264 only baseline in fragmented units: that is
 * what everybody can decode, in the app as in hardware (RFC 7742, section 6.2).
 * @param {Codec} codec
 * @returns {VideoCodec | null}
 */
function known({ mimeType, sdpFmtpLine = "" }) {
  const mime = mimeType.toLowerCase();
  if (mime === "video/vp8") return "vp8";
  if (mime !== "video/h264") return null;
  const baseline = /(^|;)\s*profile-level-id=42/i.test(sdpFmtpLine);
  return baseline && /(^|;)\s*packetization-mode=1/i.test(sdpFmtpLine) ? "h264" : null;
}

/** @param {Codec} codec whether it is constrained baseline */
const constrained = ({ sdpFmtpLine = "" }) => /profile-level-id=42e0/i.test(sdpFmtpLine);

/**
 * What can be sent and received, the preferred one first.
 * @param {Capable} receiver @param {Capable} sender
 * @returns {VideoCodec[]}
 */
export function videoCodecs(receiver, sender) {
  // A browser that does not tell has both, as every browser must (RFC 7742, section 5).
  if (!receiver.getCapabilities || !sender.getCapabilities) return ["h264", "vp8"];
  const received = receiver.getCapabilities("video")?.codecs.map(known) ?? [];
  const sent = sender.getCapabilities("video")?.codecs.map(known) ?? [];
  return /** @type {VideoCodec[]} */ (["h264", "vp8"]).filter(
    (codec) => received.includes(codec) && sent.includes(codec),
  );
}

/**
 * For `setCodecPreferences`: H.264, then VP8, then the rest. The rest too, since Firefox goes on describing what was
 * left out, which Chromium does not read (seen in 153 and 156). Empty where the browser does not tell: then its own
 * order stands.
 * @param {Capable} receiver
 * @returns {Codec[]}
 */
export function preferredVideo(receiver) {
  const all = receiver.getCapabilities?.("video")?.codecs ?? [];
  const h264 = all.filter((codec) => known(codec) === "h264");
  const vp8 = all.filter((codec) => known(codec) === "vp8");
  if (h264.length + vp8.length === 0) return [];
  h264.sort((a, b) => Number(constrained(b)) - Number(constrained(a)));
  return [...h264, ...vp8, ...all.filter((codec) => known(codec) === null)];
}

/**
 * Whether a picture can be seen both ways between the two.
 * @param {VideoCodec[]} ours @param {VideoCodec[]} theirs
 */
export function shareVideo(ours, theirs) {
  return ours.some((codec) => theirs.includes(codec));
}

/**
 * How much video goes to each peer: a browser encodes once per peer, and a home's uplink is shared by all.
 * @param {number} peers
 */
export function videoLimits(peers) {
  if (peers <= 1) return { maxBitrate: 2_000_000, maxFramerate: 30, scaleResolutionDownBy: 1 };
  if (peers === 2) return { maxBitrate: 1_200_000, maxFramerate: 30, scaleResolutionDownBy: 1 };
  if (peers <= 4) return { maxBitrate: 700_000, maxFramerate: 25, scaleResolutionDownBy: 1.5 };
  return { maxBitrate: 400_000, maxFramerate: 20, scaleResolutionDownBy: 2 };
}

/**
 * The same of a shared screen. Its pictures keep their size, so that text stays legible: with more peers there are
 * fewer of them.
 * @param {number} peers
 */
export function screenLimits(peers) {
  if (peers <= 2) return { maxBitrate: 2_500_000, maxFramerate: 30, scaleResolutionDownBy: 1 };
  if (peers <= 4) return { maxBitrate: 1_500_000, maxFramerate: 15, scaleResolutionDownBy: 1 };
  return { maxBitrate: 1_000_000, maxFramerate: 8, scaleResolutionDownBy: 1 };
}
