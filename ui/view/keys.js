// @ts-check
// Keys that are to work everywhere, as the shell calls them: `Ctrl+Shift+KeyM`. Pure.

const MODIFIERS = ["Control", "Alt", "Shift", "Meta", "AltGraph", "CapsLock", "OS"];

/**
 * What a pressed key asks for, in a field that records keys: keys, the empty text for none, or null where it is for
 * somebody else or not complete.
 * @param {Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey">} event
 * @returns {string | null}
 */
export function recordedKeys({ key, code, ctrlKey, metaKey, shiftKey, altKey }) {
  const held = [ctrlKey && "Ctrl", altKey && "Alt", shiftKey && "Shift", metaKey && "Super"].filter(Boolean);
  const alone = held.length === 0 || (held.length === 1 && shiftKey);
  if (alone && (key === "Tab" || key === "Escape" || key === "Enter")) return null;
  if (held.length === 0 && (key === "Backspace" || key === "Delete")) return "";
  if (code === "" || MODIFIERS.includes(key)) return null;
  return [...held, code].join("+");
}

/**
 * The same for people: `Ctrl+Shift+M`.
 * @param {string} keys @param {boolean} mac
 */
export function describeKeys(keys, mac) {
  const parts = keys.split("+").map((part) => part.replace(/^(Key|Digit|Arrow)(?=.)/, ""));
  if (!mac) return parts.join("+");
  /** @type {Record<string, string>} */
  const signs = { Ctrl: "⌃", Alt: "⌥", Shift: "⇧", Super: "⌘" };
  return parts.map((part) => signs[part] ?? part).join("");
}
