// @ts-check
// What a file may be called here, whatever it is called over there. Pure; the same rules as in the app's engine
// (`files/name.rs`).

import { utf8Bytes } from "../chat.js";

const NAME_MAX_BYTES = 180;
const ENDING_MAX_BYTES = 20;
const DEVICE = /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|$)/i;
/** Characters that turn a text round or cannot be seen. */
const HIDES = /[\p{Cc}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/**
 * A name that stays in its folder, shows what it is, and can be written by every system.
 * @param {string} offered
 */
export function safeName(offered) {
  const last = offered.split(/[/\\]/).pop() ?? "";
  const name = cut(last.replace(HIDES, "").replace(/[<>:"|?*]/g, "_").replace(/^[.\s]+/u, ""));
  if (name === "") return "file";
  return DEVICE.test(name) ? cut(`_${name}`) : name;
}

/** @param {string} name */
function cut(name) {
  name = trimmed(name);
  if (utf8Bytes(name) <= NAME_MAX_BYTES) return name;
  const dot = name.lastIndexOf(".");
  const ending = dot > 0 && utf8Bytes(name.slice(dot)) <= ENDING_MAX_BYTES ? name.slice(dot) : "";
  const stem = [...name.slice(0, name.length - ending.length)];
  while (utf8Bytes(stem.join("")) > NAME_MAX_BYTES - utf8Bytes(ending)) stem.pop();
  return trimmed(stem.join("")) + ending;
}

/** @param {string} name */
const trimmed = (name) => name.replace(/[.\s]+$/u, "");
