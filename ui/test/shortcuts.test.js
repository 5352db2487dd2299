import assert from "node:assert/strict";
import { test } from "node:test";
import { ariaShortcut, describeShortcut, matchShortcut } from "../view/shortcuts.js";

const press = (key, code, more = {}) => ({
  key, code, ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, repeat: false, ...more,
});
const control = { ctrlKey: true };
const command = { metaKey: true };

test("Each action has its keys, with Ctrl elsewhere and ⌘ on a Mac", () => {
  const keys = {
    mute: ["d", "KeyD"], camera: ["e", "KeyE"], devices: [",", "Comma"], invite: ["j", "KeyJ"], chat: ["k", "KeyK"],
  };
  for (const [action, [key, code]] of Object.entries(keys)) {
    assert.equal(matchShortcut(press(key, code, control), false), action);
    assert.equal(matchShortcut(press(key, code, command), true), action);
    assert.equal(matchShortcut(press(key, code, command), false), null);
    assert.equal(matchShortcut(press(key, code, control), true), null);
  }
  assert.equal(matchShortcut(press("L", "KeyL", { ...control, shiftKey: true }), false), "leave");
  assert.equal(matchShortcut(press("E", "KeyE", { ...control, shiftKey: true }), false), "share");
});

test("Leaving takes Shift, and the others must not have it", () => {
  assert.equal(matchShortcut(press("l", "KeyL", control), false), null);
  assert.equal(matchShortcut(press("D", "KeyD", { ...control, shiftKey: true }), false), null);
});

test("Typing never fires a shortcut: not without Ctrl, not with Alt, not while a key is held", () => {
  assert.equal(matchShortcut(press("d", "KeyD"), false), null);
  assert.equal(matchShortcut(press("d", "KeyD", { ...control, altKey: true }), false), null);
  assert.equal(matchShortcut(press("d", "KeyD", { ...control, repeat: true }), false), null);
});

test("On a layout of another script the key's place counts, on a Latin one its letter", () => {
  assert.equal(matchShortcut(press("ㅇ", "KeyD", control), false), "mute");
  assert.equal(matchShortcut(press("в", "KeyD", control), false), "mute");
  assert.equal(matchShortcut(press("e", "KeyD", control), false), "camera");
});

test("Shortcuts are written the way the system writes them", () => {
  assert.equal(describeShortcut("leave", false), "Ctrl+Shift+L");
  assert.equal(describeShortcut("leave", true), "⇧⌘L");
  assert.equal(describeShortcut("mute", false), "Ctrl+D");
  assert.equal(ariaShortcut("leave", false), "Control+Shift+L");
  assert.equal(ariaShortcut("mute", true), "Meta+D");
});
