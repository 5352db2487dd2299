// @ts-check
// Picks the language and its dictionary, once per page. Which texts there are is the dictionaries' business.

import { en } from "./strings/en.js";
import { ko } from "./strings/ko.js";

/** @typedef {import("./strings/dictionary").Dictionary} Dictionary */
/** @typedef {keyof typeof dictionaries} Language */

/** Every language there is. @satisfies {Record<string, Dictionary>} */
export const dictionaries = { en, ko };

/** Where the browser or webview remembers the person's choice. */
const STORED = "maru.language";

/**
 * The first wish that can be fulfilled, else English.
 * @param {(string | null | undefined)[]} wishes language tags such as `ko-KR`, the most wanted first
 * @returns {Language}
 */
export function chooseLanguage(wishes) {
  for (const wish of wishes) {
    const primary = wish?.toLowerCase().split("-")[0] ?? "";
    if (Object.hasOwn(dictionaries, primary)) return /** @type {Language} */ (primary);
  }
  return "en";
}

/** What the person chose for this browser or app; null for the system's language. */
export function rememberedLanguage() {
  try {
    return globalThis.localStorage?.getItem(STORED) ?? null;
  } catch {
    return null; // a browser that lets no page keep anything
  }
}

/**
 * Holds from the next load of the page on. Returns whether it could be kept.
 * @param {string | null} language null for the system's
 */
export function rememberLanguage(language) {
  try {
    if (language === null) globalThis.localStorage.removeItem(STORED);
    else globalThis.localStorage.setItem(STORED, language);
    return true;
  } catch {
    return false;
  }
}

/** The language of this page: `?lang=` wins, then the person's choice, then the system. */
export const language = chooseLanguage([
  new URLSearchParams(globalThis.location?.search ?? "").get("lang"),
  rememberedLanguage(),
  ...(globalThis.navigator?.languages ?? []),
]);

export const strings = /** @type {Dictionary} */ (dictionaries[language]);

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
