// @ts-check
// Small helpers around the DOM. Text is always set as text, never as markup.

import { language } from "../language.js";
import { strings } from "../strings.js";
import { icon } from "./icons.js";

/**
 * The element with this id; the page is broken without it.
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function byId(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`index.html lacks #${id}`);
  return found;
}

/**
 * A new element.
 * @param {string} tag
 * @param {{ class?: string, text?: string } & Record<string, string | undefined>} attributes
 * @param {(Node | string)[]} children
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined) continue;
    if (name === "text") made.textContent = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/**
 * Touches the element only when the text differs, so that nothing is read out twice.
 * @param {Element} target
 * @param {string} text
 */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/**
 * Touches the element only when the value differs; null takes the attribute off.
 * @param {Element} target
 * @param {string} name
 * @param {string | boolean | null} value
 */
export function setAttribute(target, name, value) {
  const text = value === null ? null : String(value);
  if (target.getAttribute(name) === text) return;
  if (text === null) target.removeAttribute(name);
  else target.setAttribute(name, text);
}

/**
 * @param {string | undefined} key
 * @returns {string}
 */
function text(key) {
  const found = /** @type {Record<string, unknown>} */ (strings)[key ?? ""];
  if (typeof found !== "string") throw new Error(`strings.js lacks ${key}`);
  return found;
}

/**
 * Fills a page's texts, labels and icons in: `data-text`, `data-label` (for the screen reader),
 * `data-tooltip` and `data-placeholder` name a string, `data-icon` an icon (two, where the pressed state has another).
 * @param {Document} root
 */
export function fillIn(root) {
  root.documentElement.lang = language;
  /** @param {string} name */
  const each = (name) => /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll(`[data-${name}]`));
  for (const target of each("text")) target.textContent = text(target.dataset.text);
  for (const target of each("label")) target.setAttribute("aria-label", text(target.dataset.label));
  for (const target of each("tooltip")) target.dataset.tooltip = text(target.dataset.tooltip);
  for (const target of each("placeholder")) {
    target.setAttribute("placeholder", text(target.dataset.placeholder));
  }
  for (const target of each("icon")) {
    const icons = (target.dataset.icon ?? "").split(" ").map((name) => icon(name));
    target.prepend(...icons);
  }
}
