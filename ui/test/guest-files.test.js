// Files of a guest: what is said, what names become, digests, and the state machine told the time.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";

import { Ledger } from "../backend/guest/files/ledger.js";
import { safeName } from "../backend/guest/files/name.js";
import { Pace } from "../backend/guest/files/pace.js";
import { Sha256 } from "../backend/guest/files/sha256.js";
import {
  CHUNK_MAX_BYTES, FILE_MAX_BYTES, Intake, chunkMessage, offeredName, parseChunk, parseControl,
} from "../backend/guest/files/wire.js";

test("A digest is the same in whatever pieces the bytes come", () => {
  for (const size of [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000, 100_003]) {
    const bytes = randomBytes(size);
    const digest = new Sha256();
    for (let at = 0; at < size; ) {
      const piece = 1 + Math.floor(Math.random() * 300);
      digest.update(bytes.subarray(at, at + piece));
      at += piece;
    }
    assert.equal(digest.hex(), createHash("sha256").update(bytes).digest("hex"), String(size));
  }
});

test("Garbage and too much are no messages", () => {
  const offer = { type: "offer", id: 1, name: "a", size: 1 };
  assert.deepEqual(parseControl(JSON.stringify(offer)), offer);
  for (const bad of [
    null, 7, "", "{", "[]", "null", " ".repeat(1e6), new ArrayBuffer(8), '{"type":"toString"}', '{"type":"later"}',
    { ...offer, id: -1 }, { ...offer, id: 2 ** 32 }, { ...offer, size: 1.5 }, { ...offer, size: -1 },
    { ...offer, size: 1e300 }, { ...offer, name: "x".repeat(1025) }, { ...offer, name: null },
    { type: "hello", live: Array(17).fill(0) }, { type: "done", id: 1, sha256: "a".repeat(63) },
    { type: "accept", id: 1, offset: "0" },
  ]) {
    const data = bad !== null && Object.getPrototypeOf(bad) === Object.prototype ? JSON.stringify(bad) : bad;
    assert.equal(parseControl(data), null, String(data).slice(0, 60));
  }
  assert.equal(offeredName("한".repeat(1000)).length, 341);
});

test("A chunk says where it belongs, and none is taken that does not belong there", () => {
  const { id, offset, bytes } = parseChunk(chunkMessage(7, 2 ** 33, new Uint8Array([1, 2])).buffer);
  assert.deepEqual([id, offset, [...bytes]], [7, 2 ** 33, [1, 2]]);
  assert.equal(parseChunk(new ArrayBuffer(12)), null);
  assert.equal(parseChunk(new ArrayBuffer(3)), null);
  assert.equal(parseChunk(new ArrayBuffer(13 + CHUNK_MAX_BYTES)), null);
  const intake = new Intake(10);
  assert.ok(intake.take(0, 6));
  for (const [offset, size] of [[0, 6], [5, 1], [7, 1], [6, 5]]) assert.ok(!intake.take(offset, size));
  assert.ok(intake.take(6, 4));
});

test("A name stays in its folder and shows what it is, as in the app", () => {
  const names = [
    ["보고서 (최종).hwp", "보고서 (최종).hwp"], ["../../etc/passwd", "passwd"], ["C:\\a\\evil.dll", "evil.dll"],
    ["a\0b\n\tc", "abc"], ["photo\u202egpj.exe", "photogpj.exe"], ["what?<is>:this*|\"", "what__is__this___"],
    [".bashrc", "bashrc"], ["...", "file"], ["/", "file"], ["end. . ", "end"], ["CON", "_CON"], ["nul.txt", "_nul.txt"],
    ["com1 .log", "_com1 .log"], ["LPT³", "_LPT³"], ["console.log", "console.log"], ["com10", "com10"],
  ];
  for (const [offered, expected] of names) assert.equal(safeName(offered), expected, offered);
  const long = safeName(`${"한".repeat(300)}.tar.gz`);
  assert.ok(Buffer.byteLength(long) <= 180 && long.endsWith("한.gz"), long);
});

test("The speed is that of the last seconds", () => {
  const pace = new Pace();
  for (let ms = 0; ms <= 5000; ms += 250) pace.note(ms, ms * 10);
  assert.equal(pace.speed(5000, 50_000), 10_000);
  for (let ms = 5250; ms <= 10_000; ms += 250) pace.note(ms, 50_000);
  assert.equal(pace.speed(10_000, 50_000), 0);
});

const MB = 1024 * 1024;

/** Two people who hear each other: what each has to do that is not for the other. */
class Pair {
  ledgers = [new Ledger(2 ** 32 - 1), new Ledger(5)];
  doing = [[], []];
  now = 0;

  constructor() {
    this.connect();
  }

  connect() {
    this.both("opened");
  }

  cut() {
    this.both("closed");
  }

  both(type) {
    for (const number of [0, 1]) this.ledgers[number].handle(this.now, 0, { type, peer: `peer ${1 - number}` });
    this.settle();
  }

  settle() {
    for (let quiet = false; !quiet; ) {
      quiet = true;
      for (const number of [0, 1]) {
        const output = this.ledgers[number].poll();
        if (!output) continue;
        quiet = false;
        if (output.type !== "tell") this.doing[number].push(output);
        else this.hear(1 - number, JSON.parse(JSON.stringify(output.control)));
      }
    }
  }

  hear(number, control) {
    const said = { type: "said", peer: `peer ${1 - number}`, name: number ? "Ada" : "Bob", control };
    this.ledgers[number].handle(this.now, 0, said);
  }

  tell(number, input) {
    this.ledgers[number].handle(this.now, 0, input);
    this.settle();
    return this.doing[number].splice(0);
  }

  offer(size) {
    const { file } = this.ledgers[0].offer(1, "peer 1", "Bob", "a/b.txt", size);
    this.settle();
    return file;
  }

  /** Offered, accepted and under way. */
  moving(size) {
    const file = this.offer(size);
    this.tell(1, { type: "accept", file });
    const [{ id }] = this.tell(1, { type: "part_opened", file });
    this.hear(0, { type: "accept", id, offset: 0 });
    this.settle();
    return { file, id };
  }

  view(number, file) {
    return this.ledgers[number].views(this.now).find(({ id }) => id === file);
  }

  states(file) {
    return [0, 1].map((number) => this.view(number, file).state);
  }
}

test("A file is offered, accepted, sent, compared and done", () => {
  const pair = new Pair();
  const file = pair.offer(2 * MB);
  assert.deepEqual(pair.states(file), ["offered", "offered"]);
  assert.equal(pair.view(1, file).name, "b.txt");
  assert.deepEqual(pair.doing, [[], []]);
  const [{ type, id }] = pair.tell(1, { type: "accept", file });
  assert.equal(type, "open_part");
  assert.deepEqual(pair.tell(1, { type: "part_opened", file }), [{ type: "continue", peer: "peer 0", id }]);
  pair.hear(0, { type: "accept", id, offset: 0 });
  pair.settle();
  assert.deepEqual(pair.doing[0].splice(0), [{ type: "read", file, peer: "peer 1", id, offset: 0 }]);
  pair.now = 1000;
  pair.tell(1, { type: "written", file, offset: MB });
  assert.deepEqual(pair.doing[0].splice(0), [{ type: "credit", file, offset: MB }]);
  assert.deepEqual([pair.view(0, file).speed, pair.view(0, file).seconds_left], [MB, 1]);
  pair.tell(0, { type: "sent", file });
  pair.hear(1, { type: "done", id, sha256: "AB".repeat(32) });
  pair.settle();
  assert.deepEqual(pair.doing[1].pop(), { type: "finish", file, sha256: "ab".repeat(32) });
  pair.tell(1, { type: "saved", file, name: "b.txt" });
  assert.deepEqual(pair.states(file), ["done", "done"]);
});

test("After a reconnect it goes on from what the receiver has", () => {
  const pair = new Pair();
  const { file, id } = pair.moving(2 * MB);
  pair.cut();
  assert.deepEqual(pair.states(file), ["waiting", "waiting"]);
  pair.doing = [[], []];
  pair.connect();
  assert.deepEqual(pair.doing[1], [{ type: "continue", peer: "peer 0", id }]);
  pair.hear(0, { type: "accept", id, offset: MB });
  pair.settle();
  assert.deepEqual(pair.doing[0], [{ type: "read", file, peer: "peer 1", id, offset: MB }]);
  pair.ledgers[0] = new Ledger(77);
  pair.cut();
  pair.connect();
  assert.equal(pair.view(1, file).problem.key, "file_peer_left");
});

test("Each side can end it, and the other hears of it", () => {
  for (const [who, moving, state] of [[1, false, "declined"], [0, false, "cancelled"], [1, true, "cancelled"], [0, true, "cancelled"]]) {
    const pair = new Pair();
    const file = moving ? pair.moving(MB).file : pair.offer(MB);
    pair.tell(who, { type: "cancel", file });
    assert.deepEqual(pair.states(file), [state, state]);
    pair.tell(1, { type: "accept", file });
    assert.deepEqual(pair.states(file), [state, state]);
  }
});

test("Foreign ids, offsets beyond the file and floods of offers have no effect", () => {
  const pair = new Pair();
  const { file, id } = pair.moving(MB);
  pair.doing = [[], []];
  for (const control of [
    { type: "accept", id: 99, offset: 0 }, { type: "accept", id, offset: 0 }, { type: "got", id, offset: MB + 1 },
    { type: "received", id }, { type: "withdraw", id, reason: "cancelled" }, { type: "refuse", id: 99, reason: "declined" },
  ]) {
    pair.hear(0, control);
    pair.settle();
    assert.deepEqual([pair.states(file), pair.doing[0]], [["moving", "moving"], []], control.type);
  }
  const other = new Pair();
  const offered = other.offer(MB);
  other.hear(0, { type: "accept", id: 2 ** 32 - 1, offset: MB + 1 });
  assert.equal(other.view(0, offered).state, "failed");

  const flood = new Pair();
  for (let id = 0; id < 5000; id += 1) {
    flood.hear(1, { type: "offer", id, name: "x", size: id === 0 ? FILE_MAX_BYTES + 1 : 1 });
    if (id % 2) flood.hear(1, { type: "withdraw", id, reason: "cancelled" });
  }
  assert.ok(flood.ledgers[1].views(0).length <= 32);
});
