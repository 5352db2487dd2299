// @ts-check
// H.264 as decoders like it best. Frames come as an Annex B byte stream; WebCodecs takes that too by its
// specification, but WebKitGTK only takes the form that MP4 files have: parameter sets apart, in a
// configuration record (ISO/IEC 14496-15, 5.3.3.1), and a length before each unit. Every engine
// takes that one. Pure.

const NAL_SPS = 7;
const NAL_PPS = 8;
const NAL_DELIMITER = 9;

/** Bytes of the length before each unit. */
const LENGTH_BYTES = 4;

/**
 * The units of an Annex B byte stream (ITU-T H.264, B.1), without start codes and the zeros around them.
 * @param {Uint8Array} data
 * @returns {Uint8Array[]} views, not copies
 */
export function nalUnits(data) {
  /** @type {Uint8Array[]} */
  const units = [];
  /** Where the current unit starts; −1 before the first start code. */
  let start = -1;
  /** @param {number} end */
  const finish = (end) => {
    while (end > start && data[end - 1] === 0) end -= 1;
    if (start >= 0 && end > start) units.push(data.subarray(start, end));
  };
  let at = data.indexOf(1, 2);
  while (at >= 0) {
    if (data[at - 1] === 0 && data[at - 2] === 0) {
      finish(at - 2);
      start = at + 1;
    }
    at = data.indexOf(1, at + 1);
  }
  finish(data.length);
  return units;
}

/** @param {number} byte */
const hex = (byte) => byte.toString(16).toUpperCase().padStart(2, "0");

/**
 * What a decoder is configured with: the codec string (RFC 6381, section 3.3) and the configuration
 * record; null when the frame has no parameter sets.
 * @param {Uint8Array[]} units of a key frame
 * @returns {{ codec: string, description: Uint8Array } | null}
 */
export function decoderConfiguration(units) {
  const sps = units.find((unit) => unitType(unit) === NAL_SPS);
  const pps = units.find((unit) => unitType(unit) === NAL_PPS);
  if (!sps || !pps || sps.length < 4) return null;
  const [, profile = 0, constraints = 0, level = 0] = sps;
  const description = Uint8Array.from([
    1, // version
    profile,
    constraints,
    level,
    0xfc | (LENGTH_BYTES - 1),
    0xe0 | 1, // one sequence parameter set
    sps.length >> 8,
    sps.length & 0xff,
    ...sps,
    1, // one picture parameter set
    pps.length >> 8,
    pps.length & 0xff,
    ...pps,
  ]);
  return { codec: `avc1.${hex(profile)}${hex(constraints)}${hex(level)}`, description };
}

/**
 * The units with their lengths before them, less what is in the configuration record.
 * @param {Uint8Array[]} units
 * @returns {Uint8Array}
 */
export function lengthPrefixed(units) {
  const kept = units.filter((unit) => ![NAL_SPS, NAL_PPS, NAL_DELIMITER].includes(unitType(unit)));
  const out = new Uint8Array(kept.reduce((size, unit) => size + LENGTH_BYTES + unit.length, 0));
  const lengths = new DataView(out.buffer);
  let at = 0;
  for (const unit of kept) {
    lengths.setUint32(at, unit.length);
    out.set(unit, at + LENGTH_BYTES);
    at += LENGTH_BYTES + unit.length;
  }
  return out;
}

/**
 * Whether two byte strings are equal; a missing one equals nothing.
 * @param {Uint8Array | null} a
 * @param {Uint8Array | null} b
 */
export function sameBytes(a, b) {
  return a !== null && b !== null && a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** @param {Uint8Array} unit */
function unitType(unit) {
  return (unit[0] ?? 0) & 0x1f;
}
