import assert from "node:assert/strict";
import { test } from "node:test";
import { strings } from "../strings.js";
import { announcements } from "../view/announce.js";
import { bytesIn } from "../view/amount.js";
import { initials, tone, TONES } from "../view/avatar.js";
import { stateOf } from "../view/files.js";
import { MutedSpeech } from "../view/hint.js";
import { meterFraction } from "../view/levels.js";
import { CHAT_MAX_BYTES, groupsWith, messageBytes } from "../view/messages.js";
import { peerTile, screenTile, selfTile } from "../view/participants.js";

const peer = (id, more = {}) => ({
  id, name: id.toUpperCase(), state: "connected", muted: false, camera_off: false, has_video: true, volume: 100,
  muted_for_me: false, takes_files: true, sharing: false, has_screen: false, ...more,
});

const view = (more = {}, me = {}) => ({
  call: "in_call",
  room: "standup",
  me: {
    id: "me", name: "Me", muted: false, camera_off: false, camera: "c", microphone: "m", speaker: "s",
    camera_live: true, microphone_live: true, speaker_test: false, sharing: null, ...me,
  },
  peers: [],
  devices: { cameras: [], microphones: [], speakers: [] },
  chat: [],
  files: [],
  notice: null,
  server: null,
  ...more,
});

test("Entering an empty room says where one is and that nobody else is", () => {
  const said = announcements(view({ call: "joining" }), view());
  assert.deepEqual(said, [strings.saidInRoom("standup"), strings.saidAlone]);
});

test("Who comes, goes, breaks off and is back is said by name, once", () => {
  const before = view({ peers: [peer("a"), peer("b"), peer("c", { state: "restarting" })] });
  const now = view({ peers: [peer("b", { state: "restarting" }), peer("c"), peer("d")] });
  const said = announcements(before, now);
  const expected = [
    strings.saidRestarting("B"), strings.saidBack("C"), strings.saidJoined("D"), strings.saidLeft("A"),
  ];
  assert.deepEqual(said, expected);
  assert.deepEqual(announcements(now, now), []);
});

test("Leaving is said without listing everybody who is not seen any more", () => {
  const said = announcements(view({ peers: [peer("a")] }), view({ call: "idle" }));
  assert.deepEqual(said, [strings.saidLeftCall]);
});

test("The own switches and the server's state are said", () => {
  assert.deepEqual(announcements(view(), view({}, { muted: true })), [strings.saidMuted]);
  assert.deepEqual(announcements(view({}, { camera_off: true }), view()), [strings.saidCameraOn]);
  assert.deepEqual(announcements(view(), view({ call: "reconnecting" })), [strings.saidServerLost]);
  assert.deepEqual(announcements(view({ call: "reconnecting" }), view()), [strings.saidServerBack]);
});

test("Who begins and ends to share a screen is said by name, and the own share too", () => {
  const quiet = view({ peers: [peer("a")] });
  const shared = view({ peers: [peer("a", { sharing: true })] }, { sharing: { name: "Editor", kind: "window" } });
  assert.deepEqual(announcements(quiet, shared), [strings.saidShares("A"), strings.saidSharing]);
  assert.deepEqual(announcements(shared, shared), []);
  assert.deepEqual(announcements(shared, quiet), [strings.saidSharesNoMore("A"), strings.saidNotSharing]);
  const later = view({ peers: [peer("a"), peer("b", { sharing: true })] });
  assert.deepEqual(announcements(quiet, later), [strings.saidJoined("B"), strings.saidShares("B")]);
});

test("A tile says that its participant shares, and a screen's own tile whose it is", () => {
  assert.equal(peerTile(peer("a", { sharing: true })).sharing, true);
  assert.equal(selfTile(view({}, { sharing: { name: "", kind: "screen" } }), false).sharing, true);
  const waiting = screenTile(peer("a", { sharing: true, camera_off: true }));
  assert.deepEqual(
    [waiting.name, waiting.cameraOff, waiting.status, waiting.busy],
    [strings.screenOf("A"), false, strings.waitingForScreen, true],
  );
  assert.equal(screenTile(peer("a", { sharing: true, has_screen: true })).status, "");
});

test("Initials are first letters as people see them, in any script", () => {
  assert.equal(initials("Ana Souza"), "AS");
  assert.equal(initials("  marie claire  dubois "), "MD");
  assert.equal(initials("이서연"), "이");
  assert.equal(initials("👩‍👩‍👧 family"), "👩‍👩‍👧F");
  assert.equal(initials("   "), "?");
});

test("A name has one tone, and names spread over all tones", () => {
  assert.equal(tone("Ana"), tone("Ana"));
  const seen = new Set(Array.from({ length: 100 }, (_, index) => tone(`name ${index}`)));
  assert.deepEqual([...seen].sort(), Array.from({ length: TONES }, (_, index) => index));
});

test("The meter is empty at silence, full at full scale, and half way at −30 dBFS", () => {
  assert.equal(meterFraction(-100), 0);
  assert.equal(meterFraction(-Infinity), 0);
  assert.equal(meterFraction(NaN), 0);
  assert.equal(meterFraction(-30), 0.5);
  assert.equal(meterFraction(0), 1);
  assert.equal(meterFraction(3), 1);
});

/** When whoever is muted is told, with an update every 100 ms for so long; `speaks` says when the person does. */
function told(seconds, speaks) {
  const speech = new MutedSpeech();
  return Array.from({ length: seconds * 10 }, (_, tick) => tick * 100).filter((now) => speech.update(now, speaks(now)));
}

test("Whoever speaks while muted is told after a word, and at most every twelve seconds", () => {
  assert.deepEqual(told(30, () => true), [800, 12_800, 24_800]);
  // As the hold of half a second makes it of a cough and of a word.
  assert.deepEqual(told(20, (now) => now % 5000 < 700), []);
  assert.deepEqual(told(20, (now) => now % 5000 < 900), [800, 15_800]);
});

test("What was said before a silence, in which no levels come, does not count", () => {
  const speech = new MutedSpeech();
  assert.ok(!speech.update(0, true));
  assert.ok(!speech.update(3000, true));
  assert.ok(!speech.update(3400, true));
  assert.ok(speech.update(3800, true));
});

test("Messages of one person share a heading for two minutes", () => {
  const said = (from, at_ms) => ({ sequence: 1, from, name: "N", text: "t", at_ms });
  assert.equal(groupsWith(said("a", 0), said("a", 119_999)), true);
  assert.equal(groupsWith(said("a", 0), said("a", 120_000)), false);
  assert.equal(groupsWith(said("a", 0), said("b", 1)), false);
  assert.equal(groupsWith(said(null, 0), said("b", 1)), false);
});

test("A message's length counts bytes of UTF-8, as the engine does", () => {
  assert.equal(messageBytes("회의"), 6);
  assert.ok(messageBytes("회".repeat(1366)) > CHAT_MAX_BYTES);
});

test("A tile says what a peer's connection is at, and dims a picture that is old", () => {
  assert.equal(peerTile(peer("a")).status, "");
  assert.equal(peerTile(peer("a", { state: "connecting" })).status, strings.connecting);
  assert.deepEqual(
    [peerTile(peer("a", { state: "restarting" })).dimmed, peerTile(peer("a", { state: "restarting" })).busy],
    [true, true],
  );
  assert.equal(peerTile(peer("a", { state: "closed" })).busy, false);
  assert.equal(peerTile(peer("a", { has_video: false })).status, strings.waitingForVideo);
  assert.equal(peerTile(peer("a", { has_video: false, camera_off: true })).status, "");
});

test("The preview says why there is no picture; in the call the tile's marks do", () => {
  const idle = { call: "idle" };
  assert.equal(selfTile(view(idle, { camera_off: true }), true).status, strings.selfCameraOff);
  assert.equal(selfTile(view(idle, { camera: null }), true).status, strings.selfNoCamera);
  assert.equal(selfTile(view(idle, { camera_live: false }), true).status, strings.selfStarting);
  assert.equal(selfTile(view(idle, { camera_live: false }), true, true).status, strings.selfNoPicture);
  assert.equal(selfTile(view(idle, { camera_live: true }), true, true).status, "");
  assert.equal(selfTile(view(idle), true).status, "");
  const inCall = selfTile(view({}, { camera: null }), false);
  assert.deepEqual([inCall.status, inCall.cameraOff, inCall.name], ["", true, strings.you]);
});

const file = (more = {}) => ({
  id: 1, peer: "a", peer_name: "Ada", direction: "receiving", name: "b.txt", size: 2e9, state: "offered", moved: 0,
  speed: 0, seconds_left: null, problem: null, saved_as: null, at_ms: 1, ...more,
});

test("A file says how far it is, how fast, and how long it takes", () => {
  assert.equal(bytesIn("en", 0), "0 byte");
  assert.equal(bytesIn("en", 1234), "1.2 kB");
  assert.equal(bytesIn("en", 999e6), "999 MB");
  assert.equal(bytesIn("en", 41.2e6, "-per-second"), "41.2 MB/s");
  assert.equal(stateOf(file()), "2 GB");
  assert.equal(stateOf(file({ direction: "sending" })), `2 GB · ${strings.fileAsked}`);
  const moving = { state: "moving", moved: 1e9, speed: 5e7 };
  assert.equal(stateOf(file({ ...moving, seconds_left: 20 })), "1 GB of 2 GB · 50 MB/s · 20 seconds left");
  assert.equal(stateOf(file({ ...moving, seconds_left: 200 })), "1 GB of 2 GB · 50 MB/s · 3 minutes left");
  assert.equal(stateOf(file({ state: "done", saved_as: "b (1).txt" })), "2 GB · Saved as b (1).txt");
  const problem = { key: "file_damaged", values: {}, text: "?" };
  assert.equal(stateOf(file({ state: "failed", problem })), strings.notices.file_damaged({}));
});

test("An offered file, its end and its failure are said once", () => {
  const said = (before, now) => announcements(view({ files: before }), view({ files: now }));
  assert.deepEqual(said([], [file()]), [strings.saidFileOffered("Ada", "b.txt")]);
  assert.deepEqual(said([], [file({ direction: "sending" })]), []);
  assert.deepEqual(said([file()], [file({ state: "moving" })]), []);
  assert.deepEqual(said([file({ state: "checking" })], [file({ state: "done" })]), [strings.saidFileDone("b.txt")]);
  assert.deepEqual(said([file()], [file({ state: "cancelled" })]), [strings.saidFileEnded("b.txt")]);
  assert.deepEqual(said([file({ state: "done" })], [file({ state: "done" })]), []);
});
