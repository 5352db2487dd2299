// @ts-check
// The codec string of an H.264 stream (RFC 6381, section 3.3), read from the sequence parameter set
// in a key frame (ITU-T H.264, 7.3.2.1.1 and annex B). Pure.

const NAL_SPS = 7;

/** @param {number} byte */
const hex = (byte) => byte.toString(16).toUpperCase().padStart(2, "0");

/**
 * `avc1.PPCCLL` — profile, constraint flags, level — or null when there is no parameter set.
 * @param {Uint8Array} data an access unit, Annex B
 * @returns {string | null}
 */
export function codecString(data) {
  for (let at = 0; at + 6 < data.length; at++) {
    if (data[at] !== 0 || data[at + 1] !== 0 || data[at + 2] !== 1) continue;
    const [header, profile, constraints, level] = data.subarray(at + 3, at + 7);
    if (header === undefined || profile === undefined || constraints === undefined || level === undefined) {
      return null;
    }
    if ((header & 0x1f) === NAL_SPS) return `avc1.${hex(profile)}${hex(constraints)}${hex(level)}`;
    at += 2;
  }
  return null;
}
