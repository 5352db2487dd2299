// @ts-check
// What stands for a person without a picture: initials and a tone. Pure.

/** Tones that the style sheet knows, `[data-tone="0"]` and so on. */
export const TONES = 6;

/**
 * Characters as a person sees them: an emoji or a Hangul syllable is one.
 * @param {string} text
 * @returns {string[]}
 */
function characters(text) {
  if ("Segmenter" in Intl) {
    const segmenter = new (/** @type {any} */ (Intl).Segmenter)();
    return Array.from(segmenter.segment(text), (/** @type {{ segment: string }} */ part) => part.segment);
  }
  return Array.from(text);
}

/**
 * First letters of the first and the last word; for a name of one word, its first one.
 * @param {string} name
 */
export function initials(name) {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const first = words[0];
  if (!first) return "?";
  const last = words.length > 1 ? words[words.length - 1] : undefined;
  return [first, ...(last ? [last] : [])]
    .map((word) => characters(word)[0] ?? "")
    .join("")
    .toUpperCase();
}

/**
 * The tone of a name: the same everywhere and every time (FNV-1a).
 * @param {string} name
 */
export function tone(name) {
  let hash = 0x811c9dc5;
  for (let index = 0; index < name.length; index++) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0) % TONES;
}
