// The devices there are, as browsers list them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { deviceList } from "../backend/guest/list.js";
import { Selection } from "../backend/guest/selection.js";
import { loadSettings } from "../backend/guest/storage.js";

const device = (kind, deviceId, label) => ({ kind, deviceId, label });

test("Before anything was allowed a browser names no device, and there is one to choose all the same", () => {
  const list = deviceList([device("videoinput", "", ""), device("audioinput", "", "")], true);
  assert.deepEqual(list.cameras.map(({ id, default: first }) => [id, first]), [["default", true]]);
  assert.equal(list.speakers.length, 1, "sound comes out somewhere");
  const named = deviceList([device("videoinput", "a", "A"), device("videoinput", "b", "B")], true);
  assert.deepEqual(named.cameras.map(({ id, name, default: first }) => [id, name, first]), [["a", "A", true], ["b", "B", false]]);
  assert.deepEqual(deviceList([], false).microphones, []);
});

const grouped = (kind, deviceId, label, groupId) => ({ kind, deviceId, label, groupId });

/** As Chromium lists it on Windows: what the system uses, for calls too, and then what there is. */
const onWindows = (kind, used, ...real) =>
  deviceList([
    grouped(kind, "default", `Default - ${used}`, used), grouped(kind, "communications", `Communications - ${used}`, used),
    ...real.map((name) => grouped(kind, name, name, name)),
  ], true);

test("What follows the system is called by the device that it is, as far as the browser says", () => {
  const chrome = deviceList([
    grouped("audiooutput", "default", "Default - Speakers", "1"), grouped("audiooutput", "a", "Speakers", "1"),
    grouped("audiooutput", "b", "Headset", "2"),
  ], true);
  assert.deepEqual(chrome.speakers.map(({ name, follows_system }) => [name, follows_system]),
    [["Speakers", true], ["Speakers", false], ["Headset", false]]);
  const windows = onWindows("audiooutput", "Headset", "Speakers", "Headset");
  assert.deepEqual([windows.speakers[0].name, windows.speakers[0].follows_system], ["Headset", true]);
  const firefox = deviceList([grouped("audiooutput", "a", "Speakers", "1")], true);
  assert.deepEqual(firefox.speakers.map(({ id, name, default: first }) => [id, name, first]),
    [["default", "", true], ["a", "Speakers", false]]);
});

test("What the system uses instead is not guessed from a list that is older than the loss", () => {
  const lostOf = (list) => {
    const selection = new Selection(loadSettings(() => ({ getItem: () => null })));
    selection.listed(list);
    selection.choose("microphone", "Headset");
    selection.opened("microphone", "Headset");
    return selection.lost("microphone", 0, "Headset", "Headset");
  };
  const said = (instead, follows_system) =>
    ({ key: "device_replaced", values: { kind: "microphone", name: "Headset", instead, follows_system } });
  assert.deepEqual(lostOf(onWindows("audioinput", "Headset", "Headset", "Built-in")), said("", true));
  assert.deepEqual(lostOf(onWindows("audioinput", "Built-in", "Headset", "Built-in")), said("Built-in", true));
  assert.equal(lostOf(onWindows("audioinput", "Headset", "Headset")).key, "device_lost");
});
