// A guest's camera and microphone, in a browser that is made up.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { Capture } from "../backend/guest/capture.js";

/** What the page asks the browser for, and how it answers. */
let asked = [];
let answer = async () => {};
let permissions = {};
let navigatorBefore;

class FakeTrack {
  constructor(kind, deviceId) {
    Object.assign(this, { kind, deviceId, label: deviceId, live: true });
  }
  getSettings() {
    return { deviceId: this.deviceId };
  }
  stop() {
    this.live = false;
  }
}

const refusal = (name) => Object.assign(new Error(name), { name });

async function getUserMedia({ audio, video }) {
  const kinds = [video && "video", audio && "audio"].filter(Boolean);
  asked.push(kinds.join("+"));
  await answer({ audio, video });
  const tracks = kinds.map((kind) => {
    const { deviceId } = kind === "video" ? video : audio;
    return new FakeTrack(kind, deviceId?.exact ?? `some-${kind}`);
  });
  const of = (kind) => tracks.filter((track) => track.kind === kind);
  return { getTracks: () => tracks, getVideoTracks: () => of("video"), getAudioTracks: () => of("audio") };
}

beforeEach(() => {
  asked = [];
  answer = async () => {};
  permissions = {};
  navigatorBefore = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  const fake = {
    mediaDevices: { getUserMedia },
    permissions: { query: async ({ name }) => ({ state: permissions[name] ?? "prompt" }) },
  };
  Object.defineProperty(globalThis, "navigator", { value: fake, configurable: true });
});

afterEach(() => {
  if (navigatorBefore) Object.defineProperty(globalThis, "navigator", navigatorBefore);
  else delete globalThis.navigator;
});

const ANY = { id: null, facing: null };
const device = (id) => ({ id, facing: null });

/** Lets everything that waits for nothing but its turn happen. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

function capture() {
  const news = { tracks: { camera: null, microphone: null }, all: [], troubles: [], lost: [] };
  const made = new Capture({
    onTrack: (kind, track) => {
      news.tracks[kind] = track;
      if (track) news.all.push(track);
    },
    onTrouble: (kind, trouble, _problem, kept) => news.troubles.push([kind, trouble, kept]),
    onLost: (kind, name, id) => news.lost.push([kind, name, id]),
  });
  return { made, news };
}

test("The person is asked once for both; what is not wanted any more is closed at once", async () => {
  const { made, news } = capture();
  made.want({ camera: ANY, microphone: ANY });
  await settled();
  assert.deepEqual(asked, ["video+audio"]);
  const { camera, microphone } = news.tracks;
  made.want({ camera: null, microphone: ANY });
  assert.deepEqual([camera.live, microphone.live], [false, true]);
  assert.equal(news.tracks.camera, null);
  made.want({ camera: ANY, microphone: ANY });
  await settled();
  assert.deepEqual(asked, ["video+audio", "video"]);
});

test("What is done to the voice is what was chosen: the microphone is closed and opened anew", async () => {
  /** @type {any[]} */
  const wanted = [];
  /** @type {any} */
  let before = null;
  answer = async ({ audio }) => {
    assert.ok(!before?.live, "a browser may share its processing");
    if (audio) wanted.push([audio.echoCancellation, audio.noiseSuppression, audio.autoGainControl]);
  };
  const { made, news } = capture();
  made.want({ camera: ANY, microphone: ANY });
  await settled();
  before = news.tracks.microphone;
  made.setVoice({ echo: "off", noise: true, gain: false });
  made.setVoice({ echo: "off", noise: false, gain: false });
  await settled();
  assert.ok(news.tracks.microphone.live);
  assert.deepEqual([wanted[0], wanted.at(-1)], [[true, true, true], [false, false, false]]);
  assert.equal(asked.filter((kinds) => kinds.includes("video")).length, 1, "the camera is left alone");
  answer = async () => {
    throw refusal("NotReadableError");
  };
  made.setVoice({ echo: "on", noise: true, gain: true });
  await settled();
  await settled();
  assert.deepEqual(news.troubles, [["microphone", "busy", null]]);
});

test("A voice that is set while another microphone is refused is applied to the one that stays", async () => {
  const { made, news } = capture();
  made.want({ camera: null, microphone: device("a") });
  await settled();
  const wanted = [];
  answer = async ({ audio }) => {
    wanted.push([audio.deviceId.exact, audio.noiseSuppression]);
    if (audio.deviceId.exact !== "b") return;
    made.setVoice({ echo: "auto", noise: false, gain: true });
    throw refusal("OverconstrainedError");
  };
  made.want({ camera: null, microphone: device("b") });
  await settled();
  assert.deepEqual(news.troubles, [["microphone", "missing", "a"]]);
  assert.deepEqual([wanted, news.tracks.microphone.deviceId], [[["b", true], ["a", false]], "a"]);
});

test("Whoever says no is not asked twice more, and is told about what was refused", async () => {
  answer = async () => {
    throw refusal("NotAllowedError");
  };
  const { made, news } = capture();
  made.want({ camera: ANY, microphone: ANY });
  await settled();
  assert.deepEqual(asked, ["video+audio"]);
  assert.deepEqual(news.troubles, [["camera", "denied", null], ["microphone", "denied", null]]);
  made.want({ camera: ANY, microphone: ANY });
  await settled();
  assert.equal(asked.length, 1, "the same wish is not tried again by itself");
});

test("Who refused the camera alone is still heard", async () => {
  permissions = { camera: "denied" };
  answer = async ({ video }) => {
    if (video) throw refusal("NotAllowedError");
  };
  const { made, news } = capture();
  made.want({ camera: ANY, microphone: ANY });
  await settled();
  assert.deepEqual(asked, ["video+audio", "audio"]);
  assert.deepEqual(news.troubles, [["camera", "denied", null]]);
  assert.ok(news.tracks.microphone.live);
});

test("One device that is in use does not keep the other from being opened", async () => {
  answer = async ({ video }) => {
    if (video) throw refusal("NotReadableError");
  };
  const { made, news } = capture();
  made.want({ camera: ANY, microphone: ANY });
  await settled();
  assert.deepEqual(asked, ["video+audio", "video", "audio"]);
  assert.deepEqual(news.troubles, [["camera", "busy", null]]);
  assert.ok(news.tracks.microphone.live);
});

test("The new camera is open before the old one goes", async () => {
  const { made, news } = capture();
  made.want({ camera: device("a"), microphone: null });
  await settled();
  const old = news.tracks.camera;
  answer = async () => assert.ok(old.live);
  made.want({ camera: device("b"), microphone: null });
  await settled();
  assert.deepEqual([old.live, news.tracks.camera.deviceId, news.troubles], [false, "b", []]);
});

test("Where only one camera can be open, as on phones, the old one goes first", async () => {
  const { made, news } = capture();
  made.want({ camera: device("front"), microphone: null });
  await settled();
  const front = news.tracks.camera;
  answer = async () => {
    if (front.live) throw refusal("NotReadableError");
  };
  made.want({ camera: device("back"), microphone: null });
  await settled();
  assert.deepEqual([front.live, news.tracks.camera.deviceId, news.troubles], [false, "back", []]);
});

test("A camera that is missing leaves the one that works open", async () => {
  const { made, news } = capture();
  made.want({ camera: device("a"), microphone: null });
  await settled();
  answer = async () => {
    throw refusal("OverconstrainedError");
  };
  made.want({ camera: device("gone"), microphone: null });
  await settled();
  assert.deepEqual(news.troubles, [["camera", "missing", "a"]]);
  assert.ok(news.tracks.camera.live);
  made.want({ camera: device("a"), microphone: null });
  await settled();
  assert.equal(asked.length, 2, "it is what is wanted already");
});

test("A wish that was changed while the browser asked leaves nothing open", async () => {
  const { made, news } = capture();
  made.want({ camera: ANY, microphone: null });
  let late;
  const opened = getUserMedia;
  navigator.mediaDevices.getUserMedia = async (wanted) => (late = await opened(wanted));
  made.want({ camera: device("b"), microphone: null });
  made.want({ camera: null, microphone: null });
  await settled();
  assert.equal(news.tracks.camera, null);
  assert.ok(news.all.every((track) => !track.live));
  assert.ok(!late || late.getTracks().every((track) => !track.live));
});

test("A device that is unplugged is told by name, and not tried again by itself", async () => {
  const { made, news } = capture();
  made.want({ camera: ANY, microphone: null });
  await settled();
  news.tracks.camera.onended();
  assert.deepEqual(news.lost, [["camera", "some-video", "some-video"]]);
  assert.equal(news.tracks.camera, null);
  made.want({ camera: ANY, microphone: null });
  await settled();
  assert.equal(asked.length, 1);
});

test("A device that was unplugged is opened again when it is wanted after another one was", async () => {
  const { made, news } = capture();
  made.want({ camera: null, microphone: device("h") });
  await settled();
  news.tracks.microphone.onended();
  made.want({ camera: null, microphone: ANY });
  await settled();
  assert.equal(news.tracks.microphone.deviceId, "some-audio");
  made.want({ camera: null, microphone: device("h") });
  await settled();
  assert.equal(news.tracks.microphone.deviceId, "h");
  // Also where nothing took its place.
  news.tracks.microphone.onended();
  answer = async () => {
    throw refusal("NotFoundError");
  };
  made.want({ camera: null, microphone: ANY });
  await settled();
  made.want({ camera: null, microphone: device("h") });
  await settled();
  assert.deepEqual([asked.length, news.troubles.map(([, trouble]) => trouble)], [5, ["missing", "missing"]]);
  made.want({ camera: null, microphone: device("h") });
  await settled();
  assert.equal(asked.length, 5, "the same wish is not tried again by itself");
});

test("A device that the browser does not prefer any more is opened anew, and the old one closed after it", async () => {
  const { made, news } = capture();
  made.want({ camera: null, microphone: ANY });
  await settled();
  const old = news.tracks.microphone;
  answer = async () => assert.ok(old.live);
  made.renew("microphone");
  await settled();
  assert.notEqual(news.tracks.microphone, old);
  assert.deepEqual([old.live, news.tracks.microphone.live, asked.length], [false, true, 2]);
  made.want({ camera: null, microphone: ANY });
  await settled();
  assert.equal(asked.length, 2);
});
