// @ts-check
// What two participants say to each other about files, on a data channel of its own. Pure. The same messages as
// in the app's engine, where they are described (`files/wire.rs`).

import { utf8Bytes } from "../chat.js";

/** Largest file that can be sent: 4 GiB. */
export const FILE_MAX_BYTES = 2 ** 32;
/** Bytes of a file in one message that we send. */
export const CHUNK_BYTES = 32 * 1024;
/** Bytes of a file in one message that we take. */
export const CHUNK_MAX_BYTES = 64 * 1024;
/** Before the bytes: the transfer's id (u32) and where in the file they belong (u64), big endian. */
export const CHUNK_HEADER_BYTES = 12;
/** Bytes that may be on the way without having been written. */
export const WINDOW_BYTES = 4 * 1024 * 1024;
/** The receiver says what it has at least this often. */
export const GOT_EVERY_BYTES = 256 * 1024;
/** Transfers of one side that may be unfinished at once. */
export const UNFINISHED_LIMIT = 16;
const NAME_MAX_BYTES = 1024;
const CONTROL_MAX_CHARS = NAME_MAX_BYTES * 6 + 256;

/**
 * A message about a transfer.
 * @typedef {"cancelled" | "vanished"} Withdrawal
 * @typedef {"declined" | "cancelled" | "too_many" | "too_large" | "disk_full" | "not_saved" | "damaged" | "garbled"} Refusal
 * @typedef {{ type: "hello", live: number[] }
 *   | { type: "offer", id: number, name: string, size: number }
 *   | { type: "accept", id: number, offset: number }
 *   | { type: "got", id: number, offset: number }
 *   | { type: "done", id: number, sha256: string }
 *   | { type: "received", id: number }
 *   | { type: "withdraw", id: number, reason: Withdrawal }
 *   | { type: "refuse", id: number, reason: Refusal }} Control
 */

/** @param {unknown} value */
const isId = (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 32;
/** @param {unknown} value */
const isBytes = (value) => Number.isSafeInteger(value) && Number(value) >= 0;

/** @type {Record<Control["type"], (message: any) => boolean>} */
const shapes = {
  hello: ({ live }) => Array.isArray(live) && live.length <= UNFINISHED_LIMIT && live.every(isId),
  offer: ({ id, name, size }) =>
    isId(id) && typeof name === "string" && utf8Bytes(name) <= NAME_MAX_BYTES && isBytes(size),
  accept: ({ id, offset }) => isId(id) && isBytes(offset),
  got: ({ id, offset }) => isId(id) && isBytes(offset),
  done: ({ id, sha256 }) => isId(id) && typeof sha256 === "string" && /^[0-9a-f]{64}$/i.test(sha256),
  received: ({ id }) => isId(id),
  withdraw: ({ id, reason }) => isId(id) && typeof reason === "string",
  refuse: ({ id, reason }) => isId(id) && typeof reason === "string",
};

/**
 * Reads a text message; null for anything that is none, or too much.
 * @param {unknown} data
 * @returns {Control | null}
 */
export function parseControl(data) {
  if (typeof data !== "string" || data.length > CONTROL_MAX_CHARS) return null;
  try {
    const message = JSON.parse(data);
    const type = message?.type;
    if (typeof type !== "string" || !Object.hasOwn(shapes, type)) return null;
    return shapes[/** @type {Control["type"]} */ (type)](message) ? message : null;
  } catch {
    return null;
  }
}

/**
 * The name of an offer, short enough to be taken.
 * @param {string} name
 */
export function offeredName(name) {
  let cut = name.replace(/\p{Cs}/gu, "\ufffd"); // half a character would make the whole message unreadable
  while (utf8Bytes(cut) > NAME_MAX_BYTES) cut = [...cut].slice(0, -1).join("");
  return cut;
}

/**
 * A whole binary message.
 * @param {number} id @param {number} offset @param {Uint8Array} bytes
 */
export function chunkMessage(id, offset, bytes) {
  const message = new Uint8Array(CHUNK_HEADER_BYTES + bytes.length);
  const header = new DataView(message.buffer);
  header.setUint32(0, id);
  header.setBigUint64(4, BigInt(offset));
  message.set(bytes, CHUNK_HEADER_BYTES);
  return message;
}

/**
 * Reads a binary message; null where it has no bytes, or too many.
 * @param {ArrayBuffer} message
 */
export function parseChunk(message) {
  const length = message.byteLength - CHUNK_HEADER_BYTES;
  if (length <= 0 || length > CHUNK_MAX_BYTES) return null;
  const header = new DataView(message);
  const offset = Number(header.getBigUint64(4));
  return { id: header.getUint32(0), offset, bytes: new Uint8Array(message, CHUNK_HEADER_BYTES) };
}

/** Which bytes of a file may come next: all in order, and no more than were offered. */
export class Intake {
  #size;
  next = 0;

  /** @param {number} size */
  constructor(size) {
    this.#size = size;
  }

  /**
   * Takes a chunk in; false when it does not belong there.
   * @param {number} offset @param {number} bytes
   */
  take(offset, bytes) {
    const fits = offset === this.next && bytes <= this.#size - this.next;
    if (fits) this.next += bytes;
    return fits;
  }
}
