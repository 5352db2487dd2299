// One peer connection of a guest, on a browser that is made up.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

class FakeStream {
  constructor(tracks = []) {
    this.tracks = tracks;
  }
}

class FakeChannel {
  readyState = "connecting";
  bufferedAmount = 0;
  sent = [];
  constructor(label) {
    this.label = label;
  }
  send(data) {
    this.sent.push(data);
  }
  open() {
    this.readyState = "open";
    this.onopen?.();
  }
  close() {
    this.readyState = "closed";
  }
}

class FakeTransceiver {
  sender = {
    track: null,
    replaceTrack: async (track) => void (this.sender.track = track),
    setStreams() {},
    getParameters: () => ({ encodings: [{}] }),
    setParameters: async (parameters) => void (this.sender.parameters = parameters),
  };
  constructor(kind, direction, mid) {
    Object.assign(this, { direction, mid, receiver: { track: { kind } } });
  }
  setCodecPreferences(codecs) {
    this.codecs = codecs;
  }
}

/** Browsers refuse the whole configuration for one server that they cannot use. */
function checked(configuration) {
  for (const { urls, username } of configuration.iceServers ?? []) {
    const all = [urls].flat();
    if (all.length === 0 || !all.every((url) => /^(stun|turn)s?:[^?]+(\?transport=(udp|tcp))?$/.test(url))) {
      throw new SyntaxError("not a server");
    }
    if (all.some((url) => url.startsWith("turn")) && !username) throw new Error("InvalidAccessError");
  }
  return configuration;
}

/** Follows the signaling states of the standard; offers and answers are words. */
class FakePeerConnection {
  static last;
  /** @type {FakePeerConnection[]} */
  static all = [];
  signalingState = "stable";
  connectionState = "new";
  localDescription = null;
  remoteDescription = null;
  transceivers = [];
  channels = [];
  candidates = [];
  restarts = 0;
  constructor(configuration) {
    this.configuration = checked(configuration);
    FakePeerConnection.last = this;
    FakePeerConnection.all.push(this);
  }
  setConfiguration(configuration) {
    if (configuration.bundlePolicy !== this.configuration.bundlePolicy) throw new Error("InvalidModificationError");
    this.configuration = checked(configuration);
  }
  getTransceivers() {
    return this.transceivers;
  }
  addTransceiver(kind, { direction }) {
    const transceiver = new FakeTransceiver(kind, direction, null);
    this.transceivers.push(transceiver);
    return transceiver;
  }
  createDataChannel(label) {
    const channel = new FakeChannel(label);
    this.channels.push(channel);
    return channel;
  }
  async setLocalDescription() {
    const answers = this.signalingState === "have-remote-offer";
    this.localDescription = { type: answers ? "answer" : "offer", sdp: `own ${this.restarts}` };
    this.signalingState = answers ? "stable" : "have-local-offer";
  }
  async setRemoteDescription(description) {
    if (description.sdp === "garbage") throw new Error("not SDP");
    if (description.type === "offer" && this.transceivers.length === 0) {
      const kinds = ["audio", "video", ...(description.sdp === "with a screen" ? ["video"] : [])];
      kinds.forEach((kind, mid) => this.transceivers.push(new FakeTransceiver(kind, "recvonly", `${mid}`)));
    }
    this.remoteDescription = description;
    this.signalingState = description.type === "offer" ? "have-remote-offer" : "stable";
  }
  async addIceCandidate(candidate) {
    if (candidate.candidate === "bad") throw new Error("bad candidate");
    this.candidates.push(candidate.candidate);
  }
  restartIce() {
    this.restarts += 1;
  }
  close() {
    this.closed = true;
  }
}

const CAPABILITIES = { codecs: [{ mimeType: "video/VP8", clockRate: 90_000 }] };
const before = {};

beforeEach(() => {
  FakePeerConnection.all = [];
  const fakes = {
    MediaStream: FakeStream,
    RTCPeerConnection: FakePeerConnection,
    RTCRtpReceiver: { getCapabilities: () => CAPABILITIES },
  };
  for (const [name, fake] of Object.entries(fakes)) {
    before[name] = globalThis[name];
    globalThis[name] = fake;
  }
});

afterEach(() => Object.assign(globalThis, before));

const TRACKS = { audio: "microphone", camera: null, screen: null };

/** A connection, and what it reports. */
async function connect(tracks = TRACKS, iceServers = [], paths = "all", files = false, screen = false) {
  const { Connection } = await import("../backend/guest/connection.js");
  const news = { events: [], chat: [], tracks: [], files: [] };
  const connection = new Connection({
    iceServers,
    paths,
    tracks,
    screen,
    onEvent: (event) => news.events.push(event),
    onChat: (text) => news.chat.push(text),
    onTrack: (kind) => news.tracks.push(kind),
    onFiles: files ? ({ label }) => news.files.push(label) : null,
  });
  return { connection, news, pc: FakePeerConnection.last };
}

/** Lets everything that waits for nothing but its turn happen. */
const settled = () => new Promise((resolve) => setImmediate(resolve));
const offer = (sdp = "theirs") => ({ type: "remote", description: { type: "offer", sdp } });
const answer = (sdp = "theirs") => ({ type: "remote", description: { type: "answer", sdp } });
const candidate = (line) => ({ type: "candidate", candidate: line, sdp_mid: "0", sdp_m_line_index: 0 });
const said = (news) => news.events.filter(({ type }) => type === "description").map(({ description }) => description.type);

test("The offering side prepares sound, pictures and chat at once, and nothing again for a restart", async () => {
  const { connection, news, pc } = await connect();
  connection.order({ type: "offer", restart: false });
  connection.order(answer());
  connection.order({ type: "offer", restart: true });
  await settled();
  assert.deepEqual(pc.transceivers.map(({ direction, receiver }) => [receiver.track.kind, direction]), [
    ["audio", "sendrecv"], ["video", "sendrecv"],
  ]);
  assert.deepEqual(pc.channels.map(({ label }) => label), ["maru.chat"]);
  assert.deepEqual(said(news), ["offer", "offer"]);
  assert.deepEqual(news.tracks, ["audio", "camera"]);
  assert.equal(pc.restarts, 1);
});

test("There is a channel for files beside the chat's with whoever takes files, and with nobody else", async () => {
  for (const files of [true, false]) {
    const offering = await connect(undefined, [], "all", files);
    offering.connection.order({ type: "offer", restart: false });
    await settled();
    assert.equal(offering.pc.channels.some(({ label }) => label === "maru.files"), files);
    const answering = await connect(undefined, [], "all", files);
    const channels = [new FakeChannel("maru.files"), new FakeChannel("maru.files")];
    for (const channel of channels) answering.pc.ondatachannel({ channel });
    assert.deepEqual(answering.news.files, files ? ["maru.files"] : []);
    assert.deepEqual(channels.map(({ readyState }) => readyState), files ? ["connecting", "closed"] : ["closed", "closed"]);
  }
});

const SHARING = { ...TRACKS, camera: "camera", screen: "screen" };

test("With whoever takes a screen there is a second section for pictures, after the camera's, on both sides", async () => {
  const offering = await connect(SHARING, [], "all", false, true);
  offering.connection.order({ type: "offer", restart: false, number: 1 });
  const answering = await connect(SHARING, [], "all", false, true);
  answering.connection.order(offer("with a screen"));
  await settled();
  for (const { pc, news } of [offering, answering]) {
    assert.deepEqual(pc.transceivers.map(({ receiver }) => receiver.track.kind), ["audio", "video", "video"]);
    assert.deepEqual(pc.transceivers.map(({ sender }) => sender.track), ["microphone", "camera", "screen"]);
    assert.deepEqual(pc.transceivers.map(({ direction }) => direction), ["sendrecv", "sendrecv", "sendrecv"]);
    assert.deepEqual(news.tracks, ["audio", "camera", "screen"]);
  }
  // What is offered again finds all in its place.
  answering.connection.order(offer("with a screen"));
  await settled();
  assert.deepEqual(answering.news.tracks, ["audio", "camera", "screen"]);
});

test("A second section that was not agreed on gets no screen, and a missing one is no failure", async () => {
  const without = await connect(SHARING);
  without.connection.order(offer("with a screen"));
  const missing = await connect(SHARING, [], "all", false, true);
  missing.connection.order(offer());
  await settled();
  assert.deepEqual(without.pc.transceivers.map(({ sender }) => sender.track), ["microphone", "camera", null]);
  for (const { news } of [without, missing]) {
    assert.deepEqual(news.tracks, ["audio", "camera"]);
    assert.deepEqual(said(news), ["answer"]);
  }
});

test("A screen that is shared, and one that is not any more, negotiate nothing; its pictures keep their size", async () => {
  const { connection, news, pc } = await connect(TRACKS, [], "all", false, true);
  connection.order(offer("with a screen"));
  await settled();
  const [, camera, screen] = pc.transceivers;
  connection.setTrack("screen", "screen");
  connection.setLimits({ camera: { maxBitrate: 1 }, screen: { maxBitrate: 2 } });
  await settled();
  assert.deepEqual([camera.sender.track, screen.sender.track], [null, "screen"]);
  const limits = [camera, screen].map(({ sender: { parameters } }) => [
    parameters.encodings[0].maxBitrate, parameters.degradationPreference,
  ]);
  assert.deepEqual(limits, [[1, "balanced"], [2, "maintain-resolution"]]);
  connection.setTrack("screen", null);
  await settled();
  assert.equal(screen.sender.track, null);
  assert.equal(said(news).length, 1);
});

test("The number of an offer goes out with it, and with its answer", async () => {
  const numbers = (news) => news.events.filter(({ type }) => type === "description").map(({ offer }) => offer);
  const offering = await connect();
  offering.connection.order({ type: "offer", restart: false, number: 1 });
  offering.connection.order({ type: "offer", restart: true, number: 2 });
  await settled();
  assert.deepEqual(numbers(offering.news), [1, 2]);
  const answering = await connect();
  answering.connection.order({ ...offer(), offer: 7 });
  answering.connection.order(offer());
  await settled();
  assert.deepEqual(numbers(answering.news), [7, undefined]);
});

const CONFIGURATION = { bundlePolicy: "max-bundle", iceTransportPolicy: "all" };
const RELAY = { urls: ["turn:a?transport=udp", "turns:a?transport=tcp"], username: "u", credential: "c" };

test("Fresh servers take the place of the first ones, whatever else was configured", async () => {
  const { connection, pc } = await connect(undefined, [{ urls: ["stun:a"] }]);
  assert.deepEqual(pc.configuration.iceServers, [{ urls: ["stun:a"] }]);
  connection.setIceServers([RELAY]);
  assert.deepEqual(pc.configuration, { ...CONFIGURATION, iceServers: [RELAY] });
  connection.close();
  connection.setIceServers([]);
  assert.deepEqual(pc.configuration.iceServers, [RELAY], "closed, it takes nothing");
});

test("Who goes through a relay only does so from the first candidate on, and also with fresh servers", async () => {
  const { connection, pc } = await connect(undefined, [{ urls: ["http://x"] }, RELAY], "relay");
  assert.equal(pc.configuration.iceTransportPolicy, "relay");
  connection.setIceServers([{ ...RELAY, username: "v" }]);
  const expected = { ...CONFIGURATION, iceTransportPolicy: "relay", iceServers: [{ ...RELAY, username: "v" }] };
  assert.deepEqual(pc.configuration, expected);
});

test("Servers that a browser cannot read break nothing, and those beside them are used", async () => {
  const bad = [{ urls: ["http://x"] }, { urls: [] }, { urls: ["turn:no-name"] }, { ...RELAY, urls: ["turn:b", "garbage"] }];
  const usable = [{ ...RELAY, urls: "turn:b" }, ...RELAY.urls.map((urls) => ({ ...RELAY, urls }))];
  const first = await connect(undefined, [...bad, RELAY]);
  assert.deepEqual(first.pc.configuration, { ...CONFIGURATION, iceServers: usable });
  const { connection, pc } = await connect();
  connection.setIceServers([...bad, RELAY]);
  assert.deepEqual(FakePeerConnection.all.filter(({ closed }) => !closed).length, 2, "what was tried is closed");
  assert.deepEqual(pc.configuration.iceServers, usable);
  pc.setConfiguration = undefined;
  connection.setIceServers([]);
  assert.deepEqual(pc.configuration.iceServers, usable, "a browser that cannot change them");
});

test("Of a long list of servers the first eight are used", async () => {
  const many = Array.from({ length: 500 }, (_, n) => ({ urls: [`stun:${n}`] }));
  const { connection, pc } = await connect(undefined, many);
  assert.deepEqual(pc.configuration.iceServers, many.slice(0, 8));
  connection.setIceServers(many.slice(8));
  assert.deepEqual(pc.configuration.iceServers, many.slice(8, 16));
});

test("A path that was there and is given up by the browser is as good as silent; one that never was has failed", async () => {
  const { news, pc } = await connect();
  const becomes = (connectionState, keys) => {
    Object.assign(pc, { connectionState, sctp: { transport: { state: keys } } });
    pc.onconnectionstatechange();
    return news.events.at(-1);
  };
  assert.deepEqual(becomes("failed", "new"), { type: "failed", problem: "path_lost" });
  becomes("connected", "connected");
  assert.deepEqual(becomes("failed", "connected"), { type: "disconnected" });
  assert.deepEqual(becomes("failed", "failed"), { type: "failed", problem: "path_lost" }, "the keys failed");
});

test("The other side's closing is told: of the channel, or of all", async () => {
  const { connection, news, pc } = await connect();
  connection.order({ type: "offer", restart: false, number: 1 });
  await settled();
  const [channel] = pc.channels;
  channel.open();
  pc.sctp = { state: "connected" };
  channel.onclose();
  assert.deepEqual(news.events.at(-1), { type: "channel_closed" });
  pc.sctp = { state: "closed" };
  channel.onclose();
  assert.deepEqual(news.events.at(-1), { type: "failed", problem: "closed_there" });
});

test("The answering side sends on what was offered", async () => {
  const { connection, news, pc } = await connect();
  connection.order(offer());
  await settled();
  assert.deepEqual(pc.transceivers.map(({ direction }) => direction), ["sendrecv", "sendrecv"]);
  assert.equal(pc.transceivers[0].sender.track, "microphone");
  assert.deepEqual(pc.transceivers[1].codecs, CAPABILITIES.codecs);
  assert.deepEqual(said(news), ["answer"]);
  assert.equal(pc.channels.length, 0, "the channel comes from who offers");
});

test("Candidates that come early wait, a bad one hurts nobody, and there is an end to how many wait", async () => {
  const { connection, news, pc } = await connect();
  for (let n = 0; n < 200; n += 1) {
    connection.order(candidate(n === 1 ? "bad" : `c${n}`));
    if (n % 50 === 0) await settled();
  }
  await settled();
  assert.deepEqual(pc.candidates, []);
  connection.order(offer());
  connection.order(candidate("late"));
  await settled();
  assert.equal(pc.candidates.length, 128);
  assert.deepEqual([pc.candidates[0], pc.candidates[1], pc.candidates.at(-1)], ["c0", "c2", "late"]);
  assert.ok(!news.events.some(({ type }) => type === "failed"));
});

test("Mute and another camera change what is sent, and negotiate nothing", async () => {
  const { connection, news, pc } = await connect();
  connection.order(offer());
  await settled();
  const negotiated = said(news).length;
  connection.setTrack("audio", null);
  connection.setTrack("camera", "camera");
  await settled();
  assert.deepEqual(pc.transceivers.map(({ sender }) => sender.track), [null, "camera"]);
  assert.equal(said(news).length, negotiated);
  connection.setLimits({ camera: { maxBitrate: 1, maxFramerate: 2, scaleResolutionDownBy: 3 }, screen: {} });
  await settled();
  assert.equal(pc.transceivers[1].sender.parameters.encodings[0].maxBitrate, 1);
});

test("A wish of the browser's own counts only after the first negotiation", async () => {
  const { connection, news, pc } = await connect();
  pc.onnegotiationneeded();
  assert.deepEqual(news.events, []);
  connection.order(offer());
  await settled();
  pc.onnegotiationneeded();
  assert.equal(news.events.at(-1).type, "negotiation_needed");
});

test("A path that held while another was looked for is said to be there", async () => {
  const { connection, news, pc } = await connect();
  connection.order({ type: "offer", restart: false });
  connection.order(answer());
  await settled();
  pc.connectionState = "connected";
  connection.order({ type: "offer", restart: true });
  connection.order(answer());
  await settled();
  assert.equal(news.events.at(-1).type, "connected");
});

test("Chat waits for its channel, the newest of it; what is no chat is dropped", async () => {
  const { connection, news, pc } = await connect();
  connection.order({ type: "offer", restart: false });
  await settled();
  const [channel] = pc.channels;
  for (let n = 0; n < 40; n += 1) connection.say(`${n}`);
  channel.open();
  assert.equal(channel.sent.length, 32);
  assert.equal(JSON.parse(channel.sent.at(-1)).text, "39");
  channel.bufferedAmount = 1 << 20;
  connection.say("to who does not read");
  assert.equal(channel.sent.length, 32);
  channel.onmessage({ data: '{"type":"text","text":"hello"}' });
  channel.onmessage({ data: "garbage" });
  assert.deepEqual(news.chat, ["hello"]);
  const other = new FakeChannel("later");
  pc.ondatachannel({ channel: other });
  assert.equal(other.readyState, "closed");
});

test("A description that cannot be used is a failure, and what waited behind it is dropped", async () => {
  const { connection, news, pc } = await connect();
  connection.order(offer("garbage"));
  connection.order(candidate("c"));
  await settled();
  assert.deepEqual(news.events.map(({ type }) => type), ["failed"]);
  assert.deepEqual(pc.candidates, []);
});

test("More orders than anybody gives mean that it must be given up; closed, it is silent", async () => {
  const { connection, news, pc } = await connect();
  let taken = 0;
  while (connection.order(candidate("c")) && taken < 1000) taken += 1;
  assert.ok(taken >= 256 && taken < 300, `${taken}`);
  connection.close();
  await settled();
  assert.ok(pc.closed);
  assert.deepEqual(news.events, []);
});
