// What a guest's page decides without a browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { addressOf, roomOf, serverOf, tokenOf, withoutToken } from "../backend/guest/address.js";
import { CHAT_MAX_BYTES, ChatGate, ChatHistory, chatWire, parseChat } from "../backend/guest/chat.js";
import { preferredVideo, shareVideo, videoCodecs, videoLimits } from "../backend/guest/codecs.js";
import { soften } from "../backend/guest/booster.js";
import { FLOOR_DBFS, Speaking, peakDbfs } from "../backend/guest/levels.js";
import { namesRelay } from "../backend/guest/ice.js";
import { readServerMessage } from "../backend/guest/messages.js";
import { parseName } from "../backend/guest/names.js";
import { keepPlace, keepSettings, keepToken, loadPlace, loadSettings, loadToken } from "../backend/guest/storage.js";
import { Volumes } from "../backend/guest/volumes.js";

test("The room is in the address, whatever the script, also under a base path", () => {
  const base = "https://host/maru/";
  for (const room of ["standup", "회의실", "a/b?c#d", "100%", "ws", ".", "..", "health", "<b>", "a b"]) {
    const address = addressOf(room, base);
    assert.ok(address.startsWith(base), address);
    assert.equal(roomOf(address, base), room, address);
  }
  assert.equal(roomOf("https://host/maru/", base), "");
  assert.equal(roomOf("https://host/maru/?room=x", base), "x");
  assert.equal(roomOf("https://host/maru/50%", base), "50%", "a percent sign that means itself");
  assert.equal(serverOf(base), "wss://host/maru/ws");
  assert.equal(serverOf("http://localhost:6278/"), "ws://localhost:6278/ws");
});

test("An access token is taken out of the address, and the rest of it stays", () => {
  for (const [address, token, rest] of [
    ["https://host/maru/standup", "", "https://host/maru/standup"],
    ["https://host/maru/standup#token=a%2Bb+c", "a+b+c", "https://host/maru/standup"],
    ["https://host/?room=ws#x=1&token=abc&y=2", "abc", "https://host/?room=ws#x=1&y=2"],
    ["https://host/r#token=", "", "https://host/r"],
    ["https://host/r#token=50%", "50%", "https://host/r"],
    ["https://host/r?token=abc#tokens=1", "", "https://host/r?token=abc#tokens=1"],
  ]) {
    assert.equal(tokenOf(address), token, address);
    assert.equal(withoutToken(address), rest, address);
    assert.equal(roomOf(address, "https://host/maru/") === "standup", address.includes("standup"));
  }
});

test("A token is kept for the tab, and a browser that keeps nothing has none", () => {
  const kept = new Map();
  const storage = () => ({
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: (key) => kept.delete(key),
  });
  assert.equal(loadToken(storage), "");
  keepToken("sesame", storage);
  assert.equal(loadToken(storage), "sesame");
  const forbidden = () => {
    throw new Error("no storage");
  };
  keepToken("sesame", forbidden);
  assert.equal(loadToken(forbidden), "");
});

test("Names are tidied as the server does it, and refused with what is wrong", () => {
  assert.deepEqual(parseName("  a \u3000 b ", "room"), { name: "a b" });
  assert.deepEqual(parseName("e\u0301", "room"), { name: "é" });
  assert.equal(parseName(" ", "display").problem.key, "name_empty");
  assert.equal(parseName("a\u0000b", "room").problem.key, "name_control_character");
  assert.deepEqual(parseName("👋".repeat(65), "room").problem.values, { field: "room", length: 65, limit: 64 });
  assert.ok("name" in parseName("👋".repeat(64), "room"));
});

test("Chat survives the wire as text, and garbage, too much and nothing are dropped", () => {
  assert.equal(parseChat(chatWire(" 안녕\n<b>\u0007")), "안녕\n<b>");
  assert.equal(parseChat(new TextEncoder().encode(chatWire("x")).buffer), "x");
  const bad = ["{", "null", "[]", '{"type":"later"}', '{"type":"text","text":7}', chatWire("  "), chatWire("x".repeat(CHAT_MAX_BYTES + 1)),
    " ".repeat(1 << 20), new Uint8Array([0xff, 0xfe]).buffer, 7, undefined];
  for (const data of bad) assert.equal(parseChat(data), null);
});

test("Who chats too fast or too much is told, and others' floods are dropped", () => {
  const gate = new ChatGate();
  for (let n = 0; n < 10; n += 1) assert.ok(gate.admit(0));
  assert.ok(!gate.admit(4999));
  assert.ok(gate.admit(5000));
  const chat = new ChatHistory();
  assert.equal(chat.say(0, 0, "Ann", "x".repeat(CHAT_MAX_BYTES + 1)).problem.key, "chat_too_long");
  assert.equal(chat.say(0, 0, "Ann", " "), null);
  for (let n = 0; n < 10; n += 1) assert.ok("message" in chat.say(0, 0, "Ann", "x"));
  assert.equal(chat.say(0, 0, "Ann", "x").problem.key, "chat_too_fast");
  for (let n = 0; n < 10; n += 1) assert.ok(chat.heard(0, 0, "x", "X", "y"));
  assert.equal(chat.heard(0, 0, "x", "X", "y"), null);
  assert.ok(chat.heard(0, 0, "z", "Z", "y"), "each for itself");
  for (let n = 0; n < 600; n += 1) chat.heard(n * 1000, 0, "z", "Z", "y");
  assert.equal(chat.messages.length, 500);
});

const codec = (mimeType, sdpFmtpLine = "") => ({ mimeType, clockRate: 90_000, sdpFmtpLine });
const ALL = [
  codec("video/VP8"), codec("video/rtx", "apt=96"), codec("video/VP9"), codec("video/AV1"),
  codec("video/red"), codec("video/ulpfec"),
  codec("video/H264", "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f"),
  codec("video/H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f"),
  codec("video/H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"),
  codec("video/H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=64001f"),
];
const capable = (codecs) => ({ getCapabilities: () => ({ codecs }) });

test("H.264 that everybody decodes is offered first, then VP8; nothing is left out", () => {
  const offered = preferredVideo(capable(ALL)).map(({ mimeType, sdpFmtpLine }) => `${mimeType} ${sdpFmtpLine.slice(-6)}`);
  assert.deepEqual(offered.slice(0, 4), ["video/H264 42e01f", "video/H264 42001f", "video/VP8 ", "video/rtx apt=96"]);
  assert.equal(offered.length, ALL.length);
  assert.deepEqual(preferredVideo(capable([codec("video/VP9")])), [], "the browser's own order stands");
  assert.deepEqual(preferredVideo({}), []);
});

test("What is said about codecs is what the browser can do both ways", () => {
  assert.deepEqual(videoCodecs(capable(ALL), capable(ALL)), ["h264", "vp8"]);
  assert.deepEqual(videoCodecs(capable(ALL), capable(ALL.slice(0, 2))), ["vp8"]);
  assert.deepEqual(videoCodecs(capable([]), capable(ALL)), []);
  assert.deepEqual(videoCodecs({}, {}), ["h264", "vp8"]);
  assert.ok(shareVideo(["h264", "vp8"], ["vp8"]) && !shareVideo(["vp8"], ["h264"]) && !shareVideo(["vp8"], []));
});

test("The more peers, the less goes to each, and to all together not much more", () => {
  const rates = [1, 2, 3, 4, 8].map((peers) => videoLimits(peers).maxBitrate);
  assert.deepEqual([...rates].sort((a, b) => b - a), rates);
  for (const [index, peers] of [1, 2, 3, 4, 8].entries()) assert.ok(rates[index] * peers <= 3_300_000);
});

test("Levels are peaks in dBFS, and speaking holds over the pauses between words", () => {
  assert.equal(peakDbfs(new Float32Array(8)), FLOOR_DBFS);
  assert.ok(Math.abs(peakDbfs(new Float32Array([0, -0.1, 0.05])) + 20) < 0.01);
  const word = [-60, -43, -43, -20, -20, -80, -80, -80, -43, -80, -80, -80, -80, -80, -43];
  assert.deepEqual(spoken(word).indexOf(true), 4, "not loud enough, then not long enough to begin");
  assert.deepEqual(spoken(word).lastIndexOf(true), 12, "loud enough to go on, and held for half a second");
});

/** Whether somebody speaks after each level, one every 100 ms. */
function spoken(levels) {
  const speaking = new Speaking();
  return levels.map((dbfs, tick) => speaking.update(tick * 100, dbfs));
}

test("Clicks and a fan are nobody who speaks; soft words over it, long speeches and music are", () => {
  const clicks = Array.from({ length: 100 }, (_, tick) => (tick % 7 === 0 ? -10 : -70));
  assert.ok(!spoken(clicks).includes(true));
  const fan = Array.from({ length: 200 }, (_, tick) => (tick === 150 ? -100 : -36 + (tick % 4)));
  assert.ok(!spoken(fan).slice(70).includes(true));
  assert.ok(spoken([...fan, ...Array(20).fill(-14)]).slice(201).every(Boolean));
  const speech = Array.from({ length: 600 }, (_, tick) => (tick % 6 === 5 ? -60 : -18 - (tick % 5) * 3));
  assert.ok(spoken(speech).slice(2).every(Boolean));
  assert.ok(spoken(Array(600).fill(-20)).slice(1).every(Boolean));
});

test("How loud somebody is wanted outlasts its leaving and a reload, and ends with the call", () => {
  const volumes = new Volumes();
  assert.deepEqual([volumes.of("a"), volumes.gain("a")], [{ volume: 100, muted: false }, 1]);
  volumes.setVolume("a", 150);
  volumes.setMuted("a", true);
  volumes.setVolume("b", 20);
  assert.deepEqual([volumes.gain("a"), volumes.gain("b")], [0, 0.2]);
  volumes.setMuted("a", false);
  assert.equal(volumes.gain("a"), 1.5, "as loud as before");
  for (const volume of [NaN, -1, 201, Infinity, "7", null]) volumes.setVolume("a", volume);
  assert.equal(volumes.gain("a"), 1.5);
  const again = new Volumes(JSON.parse(JSON.stringify(volumes.kept())));
  assert.deepEqual(again.kept(), volumes.kept());
  for (const spoilt of [undefined, "x", [7], [["a"]], [["a", 900, false]], [[7, 50, false]]]) {
    assert.deepEqual(new Volumes(spoilt).kept(), []);
  }
  volumes.clear();
  assert.equal(volumes.gain("a"), 1);
});

test("What is played louder than it came is bent and never broken off", () => {
  assert.deepEqual([0, 0.5, -0.7].map(soften), [0, 0.5, -0.7]);
  const loud = Array.from({ length: 200 }, (_, step) => soften(0.7 + step / 150));
  assert.ok(loud.every((level, step) => level < 1 && (step === 0 || level > loud[step - 1])));
  assert.equal(soften(-1.5), -soften(1.5));
});

test("What a server says is taken only in the protocol's shape", () => {
  const peer = { id: "x", name: "X", client: { name: "c", version: "1" }, capabilities: { video_codecs: [], chat: true },
    status: { muted: false, camera_off: false } };
  const joined = { type: "joined", you: "a", resume: "r", resumed: false, room: "standup", peers: [peer], ice_servers: [], limits: {} };
  const good = [
    joined, { type: "peer_joined", peer }, { type: "peer_left", peer: "x", reason: "left" },
    { type: "signal", from: "x", signal: { kind: "restart" } },
    { type: "signal", from: "x", signal: { kind: "candidate", candidate: "c", sdp_mid: null, sdp_m_line_index: 0 } },
    { type: "signal", from: "x", signal: { kind: "description", type: "answer", sdp: "", offer: 2 ** 32 - 1 } },
    { type: "ice_servers", ice_servers: [{ urls: ["turn:a"], username: "u", credential: "c" }] },
    { type: "closing", reason: "shutdown" }, { type: "error", code: "room_full", message: "m", fatal: true },
  ];
  for (const message of good) assert.deepEqual(readServerMessage(JSON.stringify(message)), message);
  const bad = [
    "", "null", "[]", "7", "{", '{"type":"later"}', '{"type":"toString"}', '{"type":"constructor"}',
    { ...joined, peers: [{ ...peer, capabilities: {} }] }, { ...joined, ice_servers: [{ urls: "stun:x" }] },
    { type: "signal", from: "x", signal: { kind: "description", type: "rollback", sdp: "" } },
    ...["1", -1, 1.5, 2 ** 32, {}].map((offer) => {
      return { type: "signal", from: "x", signal: { kind: "description", type: "offer", sdp: "", offer } };
    }),
    { type: "ice_servers" }, { type: "ice_servers", ice_servers: [{ urls: "turn:a" }] }, { type: "ice_servers", ice_servers: [null] },
    { type: "signal", from: 7, signal: { kind: "restart" } }, { type: "status", from: "x", status: null },
  ];
  for (const message of bad) {
    assert.equal(readServerMessage(typeof message === "string" ? message : JSON.stringify(message)), null);
  }
  assert.equal(readServerMessage(new ArrayBuffer(8)), null);
});

test("A relay among the servers is found, and STUN is none", () => {
  assert.ok(!namesRelay([]) && !namesRelay([{ urls: [] }, { urls: ["stun:a", "stuns:turn.example"] }]));
  assert.ok(namesRelay([{ urls: ["stun:a"] }, { urls: ["stun:b", "turn:b?transport=udp"] }]));
  assert.ok(namesRelay([{ urls: ["turns:a?transport=tcp"] }]) && namesRelay([{ urls: "turn:a" }]));
});

/** A browser's storage in memory. */
function memory() {
  const kept = new Map();
  return { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value), removeItem: (key) => void kept.delete(key), kept };
}

test("Settings and place survive; forbidden, full and spoilt storage is as good as none", () => {
  const storage = memory();
  const initial = loadSettings(() => storage);
  assert.deepEqual([initial.name, initial.camera, initial.muted], ["", null, false]);
  assert.ok(keepSettings({ ...initial, name: "Ann", camera: "c", muted: true }, () => storage));
  const found = loadSettings(() => storage);
  assert.deepEqual([found.name, found.camera, found.muted], ["Ann", "c", true]);
  for (const [kept, expected] of [["relay_only", "relay_only"], ["all", "all"], ["hide_private", "all"], ["none", "all"], [7, "all"]]) {
    keepSettings({ ...initial, addresses: kept }, () => storage);
    assert.equal(loadSettings(() => storage).addresses, expected, String(kept));
  }
  assert.equal(initial.addresses, "all", "what was kept before there was a choice");
  const place = { room: "standup", name: "Ann", resume: "secret", volumes: [["p", 50, true]] };
  keepPlace(place, () => storage);
  assert.deepEqual(loadPlace(() => storage), place);
  keepPlace(null, () => storage);
  assert.equal(loadPlace(() => storage), null);
  for (const spoilt of ["{", "null", "7", '{"name":7,"camera":{},"muted":"yes","voice":7}', '{"voice":{"echo":"loud","noise":1}}', "x".repeat(10_000)]) {
    storage.kept.set("maru.settings", spoilt);
    assert.deepEqual(loadSettings(() => storage), initial);
  }
  const forbidden = () => { throw new Error("SecurityError"); };
  assert.deepEqual(loadSettings(forbidden), initial);
  assert.equal(keepSettings(initial, forbidden), false);
  assert.equal(loadPlace(forbidden), null);
});
