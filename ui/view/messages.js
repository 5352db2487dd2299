// @ts-check
// Rules about chat messages. Pure.

/** @typedef {import("../types/engine").ChatMessage} ChatMessage */

/** Longest message, in bytes of UTF-8; the engine's own limit (`CHAT_MAX_BYTES`). */
export const CHAT_MAX_BYTES = 4096;

/** Messages of one person this close together share one heading. */
const GROUP_MS = 2 * 60 * 1000;

const encoder = new TextEncoder();

/** @param {string} text */
export function messageBytes(text) {
  return encoder.encode(text).length;
}

/**
 * Whether `message` goes under the heading of the one before it.
 * @param {ChatMessage} before
 * @param {ChatMessage} message
 */
export function groupsWith(before, message) {
  return before.from === message.from && before.name === message.name && message.at_ms - before.at_ms < GROUP_MS;
}
