import assert from "node:assert/strict";
import { test } from "node:test";
import { SpeakerChoice } from "../mini/speaker.js";
import { describeKeys, recordedKeys } from "../view/keys.js";
import { roomLabel } from "../view/recent.js";
import { strings } from "../strings.js";
import { wayOut } from "../view/wayout.js";
import { matchAppShortcut } from "../view/shortcuts.js";
import { systemWords } from "../view/words.js";

const pressed = (key, code, held = {}) => ({
  key, code, ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, repeat: false, ...held,
});

test("Keys are recorded by their place on the keyboard, and the keyboard still leads out of the field", () => {
  assert.equal(recordedKeys(pressed("ㅡ", "KeyM", { ctrlKey: true, shiftKey: true })), "Ctrl+Shift+KeyM");
  assert.equal(recordedKeys(pressed("F8", "F8")), "F8");
  assert.equal(recordedKeys(pressed(" ", "Space", { metaKey: true, altKey: true })), "Alt+Super+Space");
  assert.equal(recordedKeys(pressed("Control", "ControlLeft", { ctrlKey: true })), null);
  assert.equal(recordedKeys(pressed("Tab", "Tab")), null);
  assert.equal(recordedKeys(pressed("Tab", "Tab", { shiftKey: true })), null);
  assert.equal(recordedKeys(pressed("Escape", "Escape")), null);
  assert.equal(recordedKeys(pressed("Backspace", "Backspace")), "");
});

test("Recorded keys are written as people write them", () => {
  assert.equal(describeKeys("Ctrl+Shift+KeyM", false), "Ctrl+Shift+M");
  assert.equal(describeKeys("Ctrl+Shift+KeyM", true), "⌃⇧M");
  assert.equal(describeKeys("Alt+Digit1", false), "Alt+1");
  assert.equal(describeKeys("Alt+ArrowUp", false), "Alt+Up");
  assert.equal(describeKeys("", false), "");
});

test("The app's own keys are the menus' on a Mac and the page's elsewhere, on any layout", () => {
  assert.equal(matchAppShortcut(pressed("q", "KeyQ", { ctrlKey: true }), false), "quit");
  assert.equal(matchAppShortcut(pressed("ㅜ", "KeyN", { ctrlKey: true }), false), "newWindow");
  assert.equal(matchAppShortcut(pressed("'", "KeyQ", { ctrlKey: true }), false), null);
  assert.equal(matchAppShortcut(pressed("q", "KeyQ", { ctrlKey: true, shiftKey: true }), false), null);
  assert.equal(matchAppShortcut(pressed("q", "KeyQ", { metaKey: true }), true), null);
});

test("A remembered invite is called by its room", () => {
  assert.equal(roomLabel("standup"), "standup");
  assert.equal(roomLabel("https://example.org/base/%ED%9A%8C%EC%9D%98"), "회의");
  assert.equal(roomLabel("https://example.org/?room=ws"), "ws");
  assert.equal(roomLabel("https://example.org/"), "https://example.org/");
  assert.equal(roomLabel("https://%"), "https://%");
});

test("Whoever speaks is shown, not in turns of less than two seconds, and somebody always is", () => {
  const choice = new SpeakerChoice();
  assert.equal(choice.next([], [], 0), null);
  assert.equal(choice.next(["a", "b"], [], 0), "a");
  assert.equal(choice.next(["a", "b"], ["b"], 1000), "a");
  assert.equal(choice.next(["a", "b"], ["b"], 2100), "b");
  assert.equal(choice.next(["a", "b"], [], 9000), "b");
  assert.equal(choice.next(["a", "b"], ["a", "b"], 9100), "b");
  assert.equal(choice.next(["a"], [], 9200), "a");
});

test("A name's place in the system's texts is one that the shell finds", () => {
  const { joined, wrote } = systemWords();
  assert.ok(joined.includes("{name}") && wrote.includes("{name}"));
});

test("A refused camera leads to the system's settings, where the system has such a page", () => {
  const opened = [];
  const around = { openSettings: (kind) => opened.push(kind), command() {} };
  const denied = (system) => wayOut({ code: "camera", key: "device_denied", values: { kind: "camera", system } }, around);
  assert.equal(denied("macos").label, strings.openSettings);
  denied("windows").act();
  assert.deepEqual(opened, ["camera"]);
  assert.equal(denied("linux").label, strings.tryAgain);
});
