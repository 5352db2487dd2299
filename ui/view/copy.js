// @ts-check
// What copies a text, and says whether it did.

import { strings } from "../strings.js";
import { setAttribute } from "./dom.js";

/** How long the button shows that it worked. */
const COPIED_MS = 1600;

/**
 * Called while a click is handled, also for a text that is still being made.
 * @param {string | Promise<string>} text
 * @returns {Promise<boolean>} whether it is in the clipboard
 */
export async function toClipboard(text) {
  const { clipboard } = navigator;
  try {
    if (typeof text === "string") await clipboard.writeText(text);
    else await clipboard.write([new ClipboardItem({ "text/plain": text.then(plainBlob) })]);
    return true;
  } catch {
    // Not every browser takes a promise, and some only until the click is over.
    if (typeof text === "string") return false;
    return text.then(toClipboard, () => false);
  }
}

/** @param {string} text */
const plainBlob = (text) => new Blob([text], { type: "text/plain" });

/**
 * @param {HTMLElement} button with the icons `copy check`
 * @param {Element} source whose text is copied
 * @param {object} options
 * @param {string} options.label what the button's tooltip says before and after
 * @param {(text: string) => void} options.say to people who listen to the screen
 */
export function copyOnClick(button, source, { label, say }) {
  /** @type {number | undefined} */
  let timer;
  /** @param {boolean} pressed @param {string} tooltip */
  const show = (pressed, tooltip) => {
    setAttribute(button, "aria-pressed", pressed ? "true" : null);
    setAttribute(button, "data-tooltip", tooltip);
  };
  button.addEventListener("click", async () => {
    window.clearTimeout(timer);
    const copied = await toClipboard(source.textContent ?? "");
    // No access to the clipboard: make the keyboard's own way short.
    if (!copied) window.getSelection()?.selectAllChildren(source);
    const outcome = copied ? strings.copied : strings.copyFailed;
    show(copied, outcome);
    say(outcome);
    timer = window.setTimeout(() => show(false, label), COPIED_MS);
  });
}
