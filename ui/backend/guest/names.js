// @ts-check
// The rules for a room's and a person's name, as the server has them (`maru_protocol::RoomName`). Pure.

/** The longest name, in characters. */
const MAX_CHARS = 64;

/**
 * NFC, trimmed, inner white space folded to single spaces; or what is wrong with it.
 * @param {string} text
 * @param {import("../../types/engine").NameField} field
 * @returns {{ name: string } | { problem: import("../../strings/dictionary").Said }}
 */
export function parseName(text, field) {
  const trimmed = text.trim();
  if (/\p{Cc}/u.test(trimmed)) return { problem: { key: "name_control_character", values: { field } } };
  const name = trimmed.split(/\s+/u).join(" ").normalize("NFC");
  const length = Array.from(name).length;
  if (length === 0) return { problem: { key: "name_empty", values: { field } } };
  if (length > MAX_CHARS) return { problem: { key: "name_too_long", values: { field, length, limit: MAX_CHARS } } };
  return { name };
}
