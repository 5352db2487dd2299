// @ts-check
// Picks the language, once per page, and has its dictionary loaded while the page is still looking for the rest of
// itself: index.html names this module first.

import { languages } from "./strings/languages.js";

/** @typedef {keyof typeof languages} Language */

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
    if (Object.hasOwn(languages, primary)) return /** @type {Language} */ (primary);
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

/** Its dictionary, on its way. */
export const dictionary = languages[language].load();
