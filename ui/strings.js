// @ts-check
// The page's texts, in its language. Which ones there are is the dictionaries' business.

import { dictionary } from "./language.js";

/** A page without its texts is none: what imports this waits for them. */
export const strings = await dictionary;

/**
 * What a notice or a refused command says, in the page's language; in English where no dictionary knows it.
 * @param {{ key: string, values: object, text: string }} said
 */
export function sentenceOf({ key, values, text }) {
  const notices = /** @type {Record<string, (values: object) => string>} */ (strings.notices);
  return Object.hasOwn(notices, key) ? notices[key]?.(values) ?? text : text;
}

/**
 * With what a backend refuses: a sentence that the dictionaries know, or one that it brought itself.
 * @param {unknown} error
 */
export function refusalOf(error) {
  const said = /** @type {{ key?: unknown, values?: unknown, text?: unknown } | null} */ (error);
  if (typeof said?.key === "string" && typeof said.values === "object" && said.values !== null) {
    return sentenceOf({ key: said.key, values: said.values, text: String(said.text) });
  }
  return error instanceof Error ? error.message : String(error);
}
