import assert from "node:assert/strict";
import { test } from "node:test";
import { i420Bytes, parseFrame } from "../backend/frame.js";

function message({ kind, flags = 0, width = 0, height = 0, timestamp = 0, payload }) {
  const bytes = new Uint8Array(16 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, kind);
  view.setUint8(1, flags);
  view.setUint32(4, width, true);
  view.setUint32(8, height, true);
  view.setUint32(12, timestamp, true);
  bytes.set(payload, 16);
  return bytes;
}

test("An encoded frame keeps its key flag, size, timestamp and bytes", () => {
  const bytes = message({ kind: 1, flags: 1, width: 1280, height: 720, timestamp: 0xfedcba98, payload: [9, 8, 7] });
  const frame = parseFrame(bytes.buffer);
  assert.equal(frame.kind, "h264");
  assert.equal(frame.key, true);
  assert.deepEqual([frame.width, frame.height, frame.timestamp], [1280, 720, 0xfedcba98]);
  assert.deepEqual([...frame.data], [9, 8, 7]);
});

test("A VP8 frame is told apart from an H.264 one", () => {
  const frame = parseFrame(message({ kind: 3, flags: 1, width: 640, height: 360, payload: [1] }));
  assert.deepEqual([frame.kind, frame.key, frame.width], ["vp8", true, 640]);
});

test("A frame inside a larger buffer is read from its own offset", () => {
  const inner = message({ kind: 1, payload: [1, 2] });
  const outer = new Uint8Array(inner.length + 10);
  outer.set(inner, 5);
  const frame = parseFrame(outer.subarray(5, 5 + inner.length));
  assert.deepEqual([frame.key, ...frame.data], [false, 1, 2]);
});

test("A decoded picture must have exactly the bytes of its planes", () => {
  for (const [width, height, size] of [[4, 2, 12], [3, 3, 17], [1, 1, 3]]) {
    assert.equal(i420Bytes(width, height), size);
    const whole = message({ kind: 2, width, height, payload: new Uint8Array(size) });
    assert.equal(parseFrame(whole).kind, "i420");
    assert.equal(parseFrame(whole.subarray(0, whole.length - 1)), null);
  }
});

test("What is not a frame is refused", () => {
  assert.equal(parseFrame(new ArrayBuffer(0)), null);
  assert.equal(parseFrame(new ArrayBuffer(16)), null);
  assert.equal(parseFrame(message({ kind: 4, payload: [1] })), null);
  assert.equal(parseFrame(message({ kind: 2, width: 0, height: 0, payload: [1] })), null);
});
