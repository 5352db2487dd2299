// @ts-check
// The binary message that carries one frame from the shell, little endian:
//   byte 0 kind (1 H.264 Annex B, 2 I420, 3 VP8) · byte 1 flags (bit 0 key frame) · u16 at 2 zero
//   u32 at 4 width · u32 at 8 height · u32 at 12 RTP timestamp (90 kHz) · payload from byte 16

/** @typedef {import("./backend").Frame} Frame */

const HEADER_BYTES = 16;
const KIND_H264 = 1;
const KIND_I420 = 2;
const KIND_VP8 = 3;
const FLAG_KEY = 1;

/**
 * Bytes that an I420 picture of this size takes.
 * @param {number} width @param {number} height
 */
export function i420Bytes(width, height) {
  const chroma = Math.ceil(width / 2) * Math.ceil(height / 2);
  return width * height + 2 * chroma;
}

/**
 * Reads one message; null for anything that is not a frame. The payload is a view, not a copy.
 * @param {ArrayBuffer | Uint8Array} message
 * @returns {Frame | null}
 */
export function parseFrame(message) {
  const bytes = message instanceof Uint8Array ? message : new Uint8Array(message);
  if (bytes.byteLength <= HEADER_BYTES) return null;
  const header = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  const kind = header.getUint8(0);
  const width = header.getUint32(4, true);
  const height = header.getUint32(8, true);
  const data = bytes.subarray(HEADER_BYTES);
  if (kind === KIND_I420) {
    if (width === 0 || height === 0 || data.byteLength !== i420Bytes(width, height)) return null;
  } else if (kind !== KIND_H264 && kind !== KIND_VP8) {
    return null;
  }
  return {
    kind: kind === KIND_H264 ? "h264" : kind === KIND_VP8 ? "vp8" : "i420",
    key: (header.getUint8(1) & FLAG_KEY) !== 0,
    width,
    height,
    timestamp: header.getUint32(12, true),
    data,
  };
}
