// Which devices a guest uses while they come and go.

import assert from "node:assert/strict";
import { test } from "node:test";
import { deviceList } from "../backend/guest/list.js";
import { Selection } from "../backend/guest/selection.js";
import { loadSettings } from "../backend/guest/storage.js";

/** Of who never chose anything. */
const SETTINGS = loadSettings(() => ({ getItem: () => null }));

const device = (kind, deviceId, label) => ({ kind, deviceId, label });

test("What is open follows what is chosen, muted, failed and unplugged", () => {
  const selection = new Selection(SETTINGS);
  const devices = deviceList([device("videoinput", "a", "A"), device("audioinput", "m", "M")], false);
  const camera = (inCall = true) => selection.wanted(inCall).camera;
  assert.equal(camera(), null, "nothing is known yet");
  selection.listed(devices);
  assert.deepEqual(camera(), { id: null, facing: null });
  assert.equal(camera(false), null, "nothing is open without a wish to see oneself");
  selection.cameraOff = true;
  assert.equal(camera(), null);
  assert.ok(selection.status.camera_off);
  selection.cameraOff = false;
  selection.choose("camera", "a");
  assert.deepEqual(camera(), { id: "a", facing: null });
  selection.refused("camera", 0, true, null);
  assert.equal(camera(), null, "not tried again by itself");
  assert.equal(selection.device("camera"), null);
  selection.retry("camera");
  assert.deepEqual(camera(), { id: "a", facing: null });
  selection.choose("camera", "default");
  selection.opened("camera", "a");
  const lost = { key: "device_lost", values: { kind: "camera", name: "A" } };
  assert.deepEqual(selection.lost("camera", 0, "A", "a"), lost);
  assert.equal(camera(), null, "not before it is known what else there is");
  selection.listed(deviceList([device("videoinput", "b", "B")], false));
  assert.deepEqual(camera(), { id: null, facing: null }, "another one takes over");
  selection.face("environment");
  assert.deepEqual(camera(), { id: null, facing: "environment" });
  selection.choose("camera", null);
  assert.equal(camera(), null);
});

test("A chosen device that is unplugged is replaced by what the browser prefers, and returned to", () => {
  const both = deviceList([device("audioinput", "m", "Built-in"), device("audioinput", "h", "Headset")], false);
  const one = deviceList([device("audioinput", "m", "Built-in")], false);
  const selection = new Selection(SETTINGS);
  const microphone = () => selection.wanted(true).microphone?.id;
  selection.choose("microphone", "h");
  assert.deepEqual(selection.listed(both), []);
  selection.opened("microphone", "h");
  const replaced = { key: "device_replaced",
    values: { kind: "microphone", name: "Headset", instead: "Built-in", follows_system: false } };
  assert.deepEqual(selection.lost("microphone", 0, "Headset", "h"), replaced);
  assert.equal(microphone(), null, "at once");
  assert.deepEqual(selection.listed(one), [], "told once");
  selection.opened("microphone", "m");
  assert.equal(selection.device("microphone"), "m");
  const back = { key: "device_back", values: { kind: "microphone", name: "Headset" } };
  assert.deepEqual(selection.listed(both), [], "not before it works");
  assert.equal(microphone(), "h");
  assert.ok(!selection.follows("microphone"));
  assert.deepEqual(selection.opened("microphone", "h"), back);
  assert.equal(selection.opened("microphone", "h"), null);
  // And where the list is faster than the track.
  assert.deepEqual(selection.listed(one), [{ kind: "microphone", said: replaced }]);
  assert.equal(microphone(), null);
  assert.equal(selection.lost("microphone", 0, "Headset", "h"), null, "told already, and nothing else is lost");
  assert.ok(!selection.isOpen("microphone"));
  assert.deepEqual(selection.wanted(true).microphone, { id: null, facing: null });
  selection.opened("microphone", "m");
  const lost = { key: "device_lost", values: { kind: "microphone", name: "Built-in" } };
  assert.deepEqual(selection.lost("microphone", 0, "Built-in", "m"), lost, "what stands in is gone in its turn");
  assert.equal(selection.wanted(true).microphone, null);
});

/** A headset was chosen and open, and a built-in microphone stands in for it. */
function withoutHeadset() {
  const both = deviceList([device("audioinput", "m", "Built-in"), device("audioinput", "h", "Headset")], false);
  const one = deviceList([device("audioinput", "m", "Built-in")], false);
  const selection = new Selection(SETTINGS);
  selection.listed(both);
  selection.choose("microphone", "h");
  const microphone = () => selection.wanted(true).microphone?.id;
  microphone();
  selection.opened("microphone", "h");
  selection.lost("microphone", 0, "Headset", "h");
  selection.opened("microphone", "m");
  assert.ok(selection.follows("microphone"));
  return { selection, microphone, both, one };
}

const BACK = { key: "device_back", values: { kind: "microphone", name: "Headset" } };

test("A device that comes back too early to be opened is returned to all the same", () => {
  const { selection, microphone, both, one } = withoutHeadset();
  selection.listed(one);
  assert.ok(!selection.tick(60_000), "one that is not there is not tried");
  let now = 60_000;
  selection.listed(both);
  for (const rest of [10_000, 20_000]) {
    assert.equal(microphone(), "h");
    assert.ok(!selection.refused("microphone", now, false, "m"), "without a word");
    assert.equal(microphone(), null);
    assert.equal(selection.device("microphone"), "m");
    assert.ok(!selection.tick(now + rest - 1));
    now += rest;
    assert.ok(selection.tick(now));
  }
  assert.deepEqual(selection.opened("microphone", "h"), BACK);
  assert.ok(!selection.follows("microphone"));
});

test("What is wrong with the chosen device is still told when another one stands in for it", () => {
  const selection = new Selection(SETTINGS);
  selection.listed(deviceList([device("videoinput", "a", "A"), device("videoinput", "b", "B")], false));
  const outlive = ["device_in_use", "device_failed", "device_missing", "permission_denied", "device_back"].filter(
    (key) => selection.leaves("camera", key),
  );
  assert.deepEqual(outlive, ["device_back"]);
  selection.opened("camera", "a");
  selection.choose("camera", "b");
  assert.deepEqual([selection.wished("camera"), selection.device("camera")], ["b", "a"], "b is what is told of");
  assert.ok(selection.refused("camera", 0, false, null));
  selection.opened("camera", "a");
  assert.ok(selection.leaves("camera", "device_in_use"));
  assert.ok(!selection.leaves("camera", "permission_denied"), "the browser lets us use one");
  selection.choose("camera", "b");
  selection.opened("camera", "b");
  assert.ok(!selection.leaves("camera", "device_in_use"));
});

test("A device that breaks but stays listed is tried a few times without a word", () => {
  const { selection, microphone, both } = withoutHeadset();
  selection.listed(both);
  const tries = [];
  for (let now = 0; now < 600_000; now += 1000) {
    if (!selection.tick(now)) continue;
    tries.push(now / 1000);
    assert.equal(microphone(), "h");
    assert.ok(!selection.refused("microphone", now, false, "m"));
    assert.equal(microphone(), null);
  }
  assert.deepEqual(tries, [5, 15, 35]);
});

test("Who does not want a device back is not asked again; what stands in may end meanwhile", () => {
  const { selection, microphone, both, one } = withoutHeadset();
  selection.listed(one);
  selection.listed(both);
  assert.equal(selection.lost("microphone", 0, "Built-in", "m"), null);
  assert.equal(microphone(), "h");
  assert.ok(!selection.refused("microphone", 0, true, null));
  assert.ok(!selection.tick(60_000));
  assert.deepEqual(selection.wanted(true).microphone, { id: null, facing: null });
});

test("Where the browser prefers the very device that broke, it is back as soon as that opens, and told once", () => {
  const { selection, microphone, both, one } = withoutHeadset();
  selection.opened("microphone", null);
  selection.listed(one);
  selection.listed(both);
  assert.ok(!selection.refused("microphone", 0, false, null));
  assert.equal(microphone(), null);
  assert.deepEqual(selection.opened("microphone", "h"), BACK);
  assert.equal(microphone(), "h");
  assert.deepEqual([selection.listed(both), selection.tick(60_000)], [[], false]);
});

test("Where nothing needs to be opened, a device is back at once", () => {
  const { selection, microphone, both, one } = withoutHeadset();
  selection.listed(one);
  assert.equal(selection.wanted(false).microphone, null);
  selection.opened("microphone", null);
  assert.deepEqual(selection.listed(both), [{ kind: "microphone", said: BACK }]);
  assert.equal(microphone(), "h");
});

test("A device that is pulled out right after it was chosen is called by its name", () => {
  const both = deviceList([device("audioinput", "m", "Built-in"), device("audioinput", "h", "Headset")], false);
  const selection = new Selection(SETTINGS);
  selection.listed(both);
  selection.choose("microphone", "h");
  const [news] = selection.listed(deviceList([device("audioinput", "m", "Built-in")], false));
  assert.deepEqual([news?.said.key, news?.said.values.name], ["device_replaced", "Headset"]);
});

test("What stands in and is refused keeps what was open, and the choice is not forgotten", () => {
  const { selection, microphone, both, one } = withoutHeadset();
  selection.listed(one);
  assert.ok(selection.refused("microphone", 0, false, "m"));
  assert.equal(microphone(), "m");
  selection.listed(both);
  assert.equal(microphone(), "h");
});

test("What was open before is not missed while the chosen device is being opened", () => {
  const selection = new Selection(SETTINGS);
  selection.listed(deviceList([device("videoinput", "a", "A"), device("videoinput", "b", "B")], false));
  selection.choose("camera", "a");
  selection.opened("camera", "a");
  selection.choose("camera", "b");
  assert.equal(selection.lost("camera", 0, "A", "a"), null);
  assert.deepEqual(selection.wanted(true).camera, { id: "b", facing: null });
});

test("The only device is returned to when it is plugged in again, and another one is tried meanwhile", () => {
  const only = deviceList([device("audioinput", "h", "Headset")], false);
  const nothing = deviceList([], false);
  const other = deviceList([device("audioinput", "m", "Built-in")], false);
  const selection = new Selection(SETTINGS);
  const microphone = () => selection.wanted(true).microphone;
  selection.listed(only);
  selection.choose("microphone", "h");
  selection.listed(only);
  const pullOut = () => {
    selection.opened("microphone", "h");
    selection.lost("microphone", 0, "Headset", "h");
    assert.ok(selection.refused("microphone", 0, false, null));
    assert.deepEqual(selection.listed(nothing), []);
    assert.equal(microphone(), null, "nothing is there to be tried");
  };
  pullOut();
  selection.listed(only);
  assert.deepEqual(microphone(), { id: "h", facing: null });
  pullOut();
  selection.listed(other);
  assert.deepEqual(microphone(), { id: null, facing: null });
  selection.refused("microphone", 0, false, null);
  selection.listed(other);
  assert.equal(microphone(), null, "the same that did not work");
});

test("A device of another day that is not there is waited for, and before names are known nobody is missed", () => {
  const selection = new Selection({ ...SETTINGS, speaker: "h", microphone: "h" });
  selection.listed(deviceList([device("audioinput", "", "")], true));
  assert.equal(selection.device("microphone"), "h");
  const without = deviceList([device("audioinput", "m", "M"), device("audiooutput", "s", "S")], true);
  assert.deepEqual(selection.listed(without), []);
  assert.equal(selection.device("speaker"), "default");
  assert.ok(selection.follows("speaker"));
  const withIt = deviceList([device("audioinput", "m", "M"), device("audiooutput", "s", "S"), device("audiooutput", "h", "H")], true);
  assert.deepEqual(selection.listed(withIt), [{ kind: "speaker", said: { key: "device_back", values: { kind: "speaker", name: "H" } } }]);
  assert.equal(selection.device("speaker"), "h");
});

test("Muting keeps the microphone open until the call or the preview ends, and never opens it", () => {
  const selection = new Selection({ ...SETTINGS, muted: true });
  selection.listed(deviceList([device("audioinput", "m", "M")], false));
  const open = (inCall) => selection.wanted(inCall).microphone !== null;
  assert.ok(!open(true));
  selection.muted = false;
  assert.ok(open(true));
  selection.muted = true;
  assert.ok(open(true));
  assert.ok(!open(false));
  assert.ok(!open(true), "another call");
  selection.preview = true;
  selection.muted = false;
  assert.ok(open(true));
  selection.muted = true;
  assert.ok(!open(false), "the preview after a call begins anew");
});
