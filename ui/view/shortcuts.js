// @ts-check
// Keyboard shortcuts: which keys mean what, and how they are written in a tooltip. All hold Ctrl (⌘
// on a Mac), so that they work while a message is being typed and never fire by accident.

import { strings } from "../strings.js";

/** @typedef {"mute" | "camera" | "share" | "devices" | "invite" | "chat" | "leave"} Action */

/**
 * `key` is what the key types in lower case; `code` is its place on the keyboard, for layouts on which it
 * types another script.
 * @type {Record<Action, { key: string, code: string, shift: boolean }>}
 */
const SHORTCUTS = {
  mute: { key: "d", code: "KeyD", shift: false },
  camera: { key: "e", code: "KeyE", shift: false },
  share: { key: "e", code: "KeyE", shift: true },
  devices: { key: ",", code: "Comma", shift: false },
  invite: { key: "j", code: "KeyJ", shift: false },
  chat: { key: "k", code: "KeyK", shift: false },
  leave: { key: "l", code: "KeyL", shift: true },
};

/**
 * The action that a pressed key asks for, or null.
 * @param {Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey" | "repeat">} event
 * @param {boolean} mac
 * @returns {Action | null}
 */
export function matchShortcut(event, mac) {
  const held = mac ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey;
  if (!held || event.altKey || event.repeat) return null;
  const latin = /^[\x20-\x7e]$/.test(event.key);
  for (const [action, shortcut] of Object.entries(SHORTCUTS)) {
    if (shortcut.shift !== event.shiftKey) continue;
    const hit = latin ? event.key.toLowerCase() === shortcut.key : event.code === shortcut.code;
    if (hit) return /** @type {Action} */ (action);
  }
  return null;
}

/**
 * What a pressed key asks of the app itself. On a Mac its menus have these keys.
 * @param {Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey" | "repeat">} event
 * @param {boolean} mac
 * @returns {"quit" | "newWindow" | null}
 */
export function matchAppShortcut(event, mac) {
  if (mac || !event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.repeat) return null;
  const latin = /^[\x20-\x7e]$/.test(event.key);
  const hit = (/** @type {string} */ key, /** @type {string} */ code) =>
    latin ? event.key.toLowerCase() === key : event.code === code;
  if (hit("q", "KeyQ")) return "quit";
  return hit("n", "KeyN") ? "newWindow" : null;
}

/**
 * For a tooltip: `Ctrl+Shift+L`, or `⇧⌘L` on a Mac.
 * @param {Action} action @param {boolean} mac
 */
export function describeShortcut(action, mac) {
  const { key, shift } = SHORTCUTS[action];
  const letter = key.toUpperCase();
  if (mac) return `${shift ? "⇧" : ""}⌘${letter}`;
  return [strings.keyControl, ...(shift ? [strings.keyShift] : []), letter].join("+");
}

/**
 * For `aria-keyshortcuts`: `Control+Shift+L`, or `Meta+Shift+L` on a Mac.
 * @param {Action} action @param {boolean} mac
 */
export function ariaShortcut(action, mac) {
  const { key, shift } = SHORTCUTS[action];
  return [mac ? "Meta" : "Control", ...(shift ? ["Shift"] : []), key.toUpperCase()].join("+");
}

/** Whether this is a Mac, where ⌘ takes the place of Ctrl. */
export function isMac() {
  return /mac|iphone|ipad/i.test(navigator.platform);
}
