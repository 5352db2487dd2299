// Two guests' desks with files and all, over channels without a network.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { afterEach, beforeEach, test } from "node:test";

import { FileDesk } from "../backend/guest/files/desk.js";
import { chunkMessage } from "../backend/guest/files/wire.js";

/** One end of a channel. What is sent after so many messages goes nowhere. */
class FakeChannel {
  readyState = "open";
  bufferedAmount = 0;
  most = 0;
  left = Infinity;
  other = null;
  heard = [];

  send(data) {
    if (this.readyState !== "open") throw new Error("InvalidStateError");
    if ((this.left -= 1) < 0) return;
    const copy = typeof data === "string" ? data : data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
    const size = typeof data === "string" ? data.length : data.byteLength;
    this.bufferedAmount += size;
    this.most = Math.max(this.most, this.bufferedAmount);
    setImmediate(() => {
      const before = this.bufferedAmount;
      this.bufferedAmount -= size;
      const low = this.bufferedAmountLowThreshold ?? 0;
      if (before > low && this.bufferedAmount <= low) this.onbufferedamountlow?.();
      this.other?.heard.push(copy);
      this.other?.onmessage?.({ data: copy });
    });
  }

  close() {
    for (const end of [this, this.other]) {
      if (end?.readyState !== "open") continue;
      end.readyState = "closed";
      end.onclose?.();
    }
  }
}

function channels() {
  const [here, there] = [new FakeChannel(), new FakeChannel()];
  [here.other, there.other] = [there, here];
  return [here, there];
}

let downloads;
const before = {};

beforeEach(() => {
  downloads = new Map();
  const link = () => ({ click() { downloads.set(this.download, this.href); }, remove() {} });
  const fakes = {
    document: { createElement: link, body: { append() {} } },
    window: { setTimeout: () => 0 },
    URL: Object.assign(function () {}, { createObjectURL: (blob) => blob, revokeObjectURL() {} }),
  };
  for (const [name, fake] of Object.entries(fakes)) {
    before[name] = globalThis[name];
    globalThis[name] = fake;
  }
});

afterEach(() => Object.assign(globalThis, before));

/** Waits until it is so, looking again whenever anything happened. */
async function until(what, look) {
  for (let turns = 0; turns < 200_000; turns += 1) {
    const found = look();
    if (found) return found;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.fail(`never: ${what}`);
}

const content = (size) => Uint8Array.from({ length: size }, (_, at) => (at * 31) ^ (at >> 9));
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

function pair() {
  const [anna, ben] = [new FileDesk(() => {}), new FileDesk(() => {})];
  const connect = () => {
    const [here, there] = channels();
    anna.line("ben", "Ben", here);
    ben.line("anna", "Anna", there);
    return here;
  };
  const offer = (name, bytes) => {
    const { files } = anna.pick([new File([bytes], name)]);
    assert.equal(anna.offer(files[0].handle, [{ id: "ben", name: "Ben" }]), null);
  };
  return { anna, ben, connect, offer };
}

const all = (desk, state, count = 1) => () =>
  desk.views.length === count && desk.views.every((file) => file.state === state);

test("Files arrive as they are, and the sender keeps to the channel's pace", async () => {
  const { anna, ben, connect, offer } = pair();
  const channel = connect();
  const contents = [content(3_000_001), content(0), content(1)];
  contents.forEach((bytes, number) => offer(`${number}.bin`, bytes));
  await until("three offers", all(ben, "offered", 3));
  assert.equal(downloads.size, 0);
  for (const { id } of ben.views) ben.accept(id);
  await until("three files", all(anna, "done", 3));
  for (const [number, bytes] of contents.entries()) {
    const saved = Buffer.from(await downloads.get(`${number}.bin`).arrayBuffer());
    assert.equal(sha256(saved), sha256(bytes), String(number));
  }
  assert.ok(channel.most < 600_000, `${channel.most} bytes waited in the channel`);
});

test("Over a new channel a file goes on where it was", async () => {
  const { anna, ben, connect, offer } = pair();
  const bytes = content(4_000_000);
  const first = connect();
  offer("a.bin", bytes);
  await until("an offer", all(ben, "offered"));
  first.left = 60;
  ben.accept(ben.views[0].id);
  await until("some of it", () => ben.views[0].moved > 1_000_000 && first.left < 0);
  const { moved } = ben.views[0];
  first.close();
  assert.deepEqual([anna.views[0].state, ben.views[0].state], ["waiting", "waiting"]);
  const second = connect();
  second.left = (bytes.length - moved) / 32_768 + 10; // no more than what is missing
  await until("the whole file", all(anna, "done"));
  assert.equal(sha256(Buffer.from(await downloads.get("a.bin").arrayBuffer())), sha256(bytes));
});

test("What is not what was offered is not kept", async () => {
  for (const [said, send] of [
    ["file_damaged", (channel) => {
      channel.send(chunkMessage(5, 0, content(3)));
      channel.send(JSON.stringify({ type: "done", id: 5, sha256: "0".repeat(64) }));
    }],
    ["file_damaged", (channel) => channel.send(JSON.stringify({ type: "done", id: 5, sha256: "0".repeat(64) }))],
    ["file_garbled", (channel) => channel.send(chunkMessage(5, 0, content(4)))],
    ["file_garbled", (channel) => channel.send(chunkMessage(5, 1, content(1)))],
  ]) {
    const ben = new FileDesk(() => {});
    const [here, there] = channels();
    ben.line("eve", "Eve", there);
    here.send(JSON.stringify({ type: "offer", id: 5, name: "../x", size: 3 }));
    await until("an offer", all(ben, "offered"));
    ben.accept(ben.views[0].id);
    await until("a yes", () => here.heard.some((data) => data.includes?.('"accept"')));
    here.send(chunkMessage(6, 0, content(9)));
    here.send(new Uint8Array([1, 2, 3]));
    send(here);
    await until("an end", all(ben, "failed"));
    assert.equal(ben.views[0].problem.key, said);
    assert.equal(downloads.size, 0);
  }
});

test("Without private files a browser takes what fits into memory, and says so of the rest", async () => {
  const ben = new FileDesk(() => {});
  const [here, there] = channels();
  ben.line("anna", "Anna", there);
  here.send(JSON.stringify({ type: "offer", id: 5, name: "x", size: 300 * 1024 * 1024 }));
  await until("an offer", all(ben, "offered"));
  ben.accept(ben.views[0].id);
  await until("an end", all(ben, "failed"));
  assert.equal(ben.views[0].problem.key, "file_too_large_here");
  await until("a word of it", () => here.heard.some((data) => data.includes('"too_large"')));
});

test("Only what was picked can be offered, and nobody who left is offered anything", async () => {
  const { anna, ben, connect, offer } = pair();
  assert.equal(anna.offer(99, [{ id: "ben", name: "Ben" }]).key, "file_not_picked");
  connect();
  offer("a.bin", content(10));
  await until("an offer", all(ben, "offered"));
  ben.retain([]);
  assert.equal(ben.views[0].problem.key, "file_peer_left");
});
