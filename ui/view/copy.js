// @ts-check
// A button that copies a text, and says whether it did.

import { strings } from "../strings.js";
import { setAttribute } from "./dom.js";

/** How long the button shows that it worked. */
const COPIED_MS = 1600;

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
    try {
      await navigator.clipboard.writeText(source.textContent ?? "");
      show(true, strings.copied);
      say(strings.copied);
    } catch {
      // No access to the clipboard: make the keyboard's own way short.
      window.getSelection()?.selectAllChildren(source);
      show(false, strings.copyFailed);
      say(strings.copyFailed);
    }
    timer = window.setTimeout(() => show(false, label), COPIED_MS);
  });
}
