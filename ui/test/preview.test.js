// @ts-check
// When the own camera and microphone are open before a call.

import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { Preview } from "../view/preview.js";

/** @param {{ guest: boolean }} options */
function page({ guest }) {
  const document = Object.assign(new EventTarget(), { hidden: false });
  Object.assign(globalThis, { document, window: globalThis });
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  /** @type {boolean[]} */
  const asked = [];
  const preview = new Preview({ guest, command: (command) => command.type === "preview" && asked.push(command.on) });
  /** @param {boolean} hidden */
  const hide = (hidden) => {
    document.hidden = hidden;
    document.dispatchEvent(new Event("visibilitychange"));
  };
  return { preview, asked, hide, wait: (/** @type {number} */ ms) => mock.timers.tick(ms) };
}

test("A window out of sight lets go of the camera after a moment, and has it back when it is seen", () => {
  const { preview, asked, hide, wait } = page({ guest: false });
  preview.render(true);
  preview.render(true);
  hide(true);
  wait(1000);
  hide(false);
  assert.deepEqual(asked, [true], "on the way to another window and back");
  hide(true);
  wait(3000);
  assert.deepEqual(asked, [true, false]);
  hide(false);
  assert.deepEqual(asked, [true, false, true]);
});

test("A call has its own devices: it is asked for the preview after it, and only where somebody sees it", () => {
  const { preview, asked, hide, wait } = page({ guest: false });
  preview.render(true);
  preview.render(false);
  hide(true);
  wait(3000);
  assert.deepEqual(asked, [true], "a call goes on out of sight");
  preview.render(true);
  assert.deepEqual(asked, [true], "it ended out of sight");
  hide(false);
  assert.deepEqual(asked, [true, true]);
});

test("A guest keeps the camera, for which the browser may have asked", () => {
  const { preview, asked, hide, wait } = page({ guest: true });
  preview.render(true);
  hide(true);
  wait(3000);
  assert.deepEqual(asked, [true]);
});
