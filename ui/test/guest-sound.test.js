// How a guest hears the others, in a browser that is made up.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { LevelMeters } from "../backend/guest/levels.js";
import { Playback } from "../backend/guest/playback.js";

/** What plays, and through what. */
let audios = [];
let contexts = [];
let state = "running";
let orders = [];
const before = {};

class FakeAudio {
  dataset = {};
  muted = false;
  paused = true;
  sink = "";
  volume = 1;
  constructor() {
    audios.push(this);
  }
  async play() {
    this.paused = false;
  }
  async setSinkId(id) {
    this.sink = id;
  }
  remove() {
    audios = audios.filter((audio) => audio !== this);
  }
}

class FakeNode {
  outputs = [];
  connect(node) {
    this.outputs.push(node);
    return node;
  }
  disconnect() {
    this.outputs = [];
  }
}

class FakeContext {
  destination = new FakeNode();
  sources = [];
  sink = "";
  constructor() {
    contexts.push(this);
  }
  get state() {
    return state;
  }
  async resume() {
    orders.push("resume");
  }
  async suspend() {
    orders.push("suspend");
  }
  createMediaStreamSource(stream) {
    const source = Object.assign(new FakeNode(), { stream });
    this.sources.push(source);
    return source;
  }
}

/** With a choice of speakers, as Chromium has it. */
class AimedContext extends FakeContext {
  async setSinkId(id) {
    this.sink = id;
  }
}

class FakeGain extends FakeNode {
  constructor(_, { gain }) {
    super();
    this.gain = { value: gain, setTargetAtTime: (value) => void (this.gain.value = value) };
  }
}

class FakeShaper extends FakeNode {
  constructor(_, { curve }) {
    super();
    this.curve = curve;
  }
}

beforeEach(() => {
  [audios, contexts, state, orders] = [[], [], "running", []];
  mock.timers.enable({ apis: ["setTimeout"] });
  const fakes = {
    document: { createElement: () => new FakeAudio(), body: { append: () => {} } },
    MediaStream: class { constructor(tracks) { this.tracks = tracks; } },
    AnalyserNode: FakeNode, AudioContext: AimedContext, GainNode: FakeGain, WaveShaperNode: FakeShaper,
  };
  for (const [name, fake] of Object.entries(fakes)) {
    before[name] = Object.getOwnPropertyDescriptor(globalThis, name);
    Object.defineProperty(globalThis, name, { value: fake, configurable: true, writable: true });
  }
});

afterEach(() => {
  mock.timers.reset();
  for (const [name, found] of Object.entries(before)) {
    if (found) Object.defineProperty(globalThis, name, found);
    else delete globalThis[name];
  }
});

/** A peer that plays, and how to change how loud it is wanted. */
function playing() {
  let gain = 1;
  const playback = new Playback({ onBlocked: () => {}, onSpeakerTrouble: () => {}, gain: () => gain });
  playback.play("p", "track");
  const want = (wanted) => {
    gain = wanted;
    playback.changed("p");
  };
  return { playback, want };
}

/** What the boosted sound is multiplied by; null while nothing is boosted. */
function boost() {
  const [gain] = contexts.flatMap(({ sources }) => sources.flatMap(({ outputs }) => outputs));
  return gain ? gain.gain.value * 2 : null;
}

test("Softer is the element's business, and Web Audio is not touched", () => {
  const { want } = playing();
  want(0.3);
  assert.deepEqual([audios[0].volume, audios[0].muted, contexts.length], [0.3, false, 0]);
  want(0);
  assert.ok(audios[0].muted && !audios[0].paused);
  want(1);
  assert.deepEqual([audios[0].volume, audios[0].muted], [1, false]);
});

test("Louder than it comes goes round the element, which plays on unheard, and back again", () => {
  const { want } = playing();
  want(1.5);
  assert.deepEqual([boost(), audios[0].muted, audios[0].paused], [1.5, true, false]);
  assert.deepEqual(contexts[0].sources[0].stream.tracks, ["track"]);
  want(2);
  assert.deepEqual([boost(), contexts[0].sources.length], [2, 1], "the same way, louder");
  want(0);
  assert.deepEqual([boost(), audios[0].muted], [null, true]);
  want(1);
  assert.deepEqual([boost(), audios[0].muted], [null, false]);
});

test("Until the browser lets Web Audio be heard, whoever is wanted louder is as loud as it comes", () => {
  state = "suspended";
  const { want } = playing();
  want(2);
  assert.deepEqual([boost(), audios[0].volume, audios[0].muted], [null, 1, false]);
  state = "running";
  contexts[0].onstatechange();
  assert.deepEqual([boost(), audios[0].muted], [2, true]);
});

test("With nothing to boost Web Audio rests, and goes on when there is something again", () => {
  /** The browser did what it was told. */
  const becomes = (now) => {
    state = now;
    contexts[0].onstatechange();
  };
  const { playback, want } = playing();
  want(2);
  playback.play("p", "newer");
  mock.timers.tick(5000);
  assert.deepEqual(orders, [], "another track of the same peer");
  want(1);
  mock.timers.tick(5000);
  becomes("suspended");
  playback.resume();
  mock.timers.tick(5000);
  assert.deepEqual(orders, ["suspend"], "no touch of the page wakes it for nothing");
  want(2);
  assert.deepEqual([orders.at(-1), boost()], ["resume", null]);
  becomes("running");
  mock.timers.tick(5000);
  assert.deepEqual([orders.length, boost()], [2, 2]);
  // Wanted again while it is on its way to rest.
  want(1);
  mock.timers.tick(5000);
  want(2);
  becomes("suspended");
  assert.deepEqual([orders.slice(2), boost()], [["suspend", "resume", "resume"], null]);
  becomes("running");
  mock.timers.tick(5000);
  assert.deepEqual([orders.length, boost()], [5, 2], "and it stays");
});

test("Web Audio that was asked for and is not needed any more when it runs rests too", () => {
  state = "suspended";
  const { want } = playing();
  want(2);
  want(1);
  state = "running";
  contexts[0].onstatechange();
  mock.timers.tick(5000);
  assert.deepEqual([orders, boost()], [["resume", "suspend"], null]);
});

test("What a call on the phone interrupted is taken up again", () => {
  state = "interrupted";
  const { playback, want } = playing();
  want(2);
  assert.deepEqual([boost(), orders], [null, ["resume"]]);
  playback.resume();
  const meters = new LevelMeters();
  meters.setMicrophone("track");
  meters.resume();
  assert.deepEqual(orders, ["resume", "resume", "resume", "resume"]);
  state = "closed";
  playback.resume();
  meters.resume();
  assert.equal(orders.length, 4);
});

test("What is boosted is heard from the chosen speaker, or is not boosted", () => {
  const aimed = playing();
  aimed.want(2);
  aimed.playback.setSpeaker("headset");
  assert.deepEqual([boost(), contexts[0].sink, audios[0].sink], [2, "headset", "headset"]);
  aimed.playback.setSpeaker(null);
  assert.deepEqual([boost(), audios[0].muted], [null, true], "no speaker");

  contexts = [];
  globalThis.AudioContext = FakeContext;
  const fixed = playing();
  fixed.want(2);
  assert.equal(boost(), 2);
  fixed.playback.setSpeaker("headset");
  assert.deepEqual([boost(), audios[1].muted], [null, false]);
});

test("A phone that sets no element's volume is softer by the same way", () => {
  const { want } = playing();
  Object.defineProperty(audios[0], "volume", { get: () => 1, set: () => {} });
  want(0.4);
  assert.deepEqual([boost(), audios[0].muted], [0.4, true]);
  want(0);
  assert.deepEqual([boost(), audios[0].muted], [null, true]);
});

test("Another track of the same peer is as loud as the one before, and nothing is left when it goes", () => {
  const { playback, want } = playing();
  want(2);
  playback.play("p", "newer");
  assert.deepEqual(contexts[0].sources.map(({ outputs }) => outputs.length), [0, 1]);
  assert.equal(boost(), 2);
  playback.stop("p");
  assert.deepEqual([boost(), audios.length], [null, 0]);
});
