import assert from "node:assert/strict";
import { test } from "node:test";
import { DecoderHealth } from "../video/health.js";
import { codecString } from "../video/sps.js";
import { i420ToRgba } from "../video/software.js";

test("The codec string is read from the parameter set, behind a delimiter and short start codes", () => {
  const sps = [0x67, 0x42, 0xc0, 0x1f, 0x8c];
  assert.equal(codecString(Uint8Array.from([0, 0, 0, 1, ...sps])), "avc1.42C01F");
  assert.equal(codecString(Uint8Array.from([0, 0, 0, 1, 9, 0x10, 0, 0, 1, ...sps])), "avc1.42C01F");
  assert.equal(codecString(Uint8Array.from([0, 0, 1, 0x67, 0x64, 0x00, 0x0a, 0])), "avc1.64000A");
});

test("A frame without a parameter set, or cut off inside it, has no codec string", () => {
  assert.equal(codecString(Uint8Array.from([0, 0, 0, 1, 0x65, 1, 2, 3, 4, 5])), null);
  assert.equal(codecString(Uint8Array.from([0, 0, 0, 1, 0x67, 0x42, 0xc0])), null);
  assert.equal(codecString(new Uint8Array(0)), null);
});

test("A decoder that never worked is given up at its first error", () => {
  const health = new DecoderHealth();
  health.submitted(0);
  assert.equal(health.failed(5), "give_up");
});

test("A decoder that worked survives one damaged frame, but not two in ten seconds", () => {
  const health = new DecoderHealth();
  health.produced();
  assert.equal(health.failed(1_000), "retry");
  health.produced();
  assert.equal(health.failed(20_000), "retry");
  health.produced();
  assert.equal(health.failed(25_000), "give_up");
});

test("A decoder is silent when frames go in for two seconds and nothing comes out", () => {
  const health = new DecoderHealth();
  assert.equal(health.silent(10_000), false);
  health.submitted(1_000);
  health.submitted(2_900);
  assert.equal(health.silent(2_999), false);
  assert.equal(health.silent(3_000), true);
  health.produced();
  assert.equal(health.silent(9_000), false);
});

test("Limited-range black, white, grey and red come out as themselves", () => {
  const colour = (y, u, v) => {
    const rgba = new Uint8ClampedArray(4);
    i420ToRgba(Uint8Array.from([y, u, v]), 1, 1, rgba);
    return [...rgba];
  };
  const near = (found, wanted) =>
    found.forEach((value, index) => assert.ok(Math.abs(value - wanted[index]) <= 2, `${found} for ${wanted}`));
  near(colour(16, 128, 128), [0, 0, 0, 255]);
  near(colour(235, 128, 128), [255, 255, 255, 255]);
  near(colour(126, 128, 128), [128, 128, 128, 255]);
  near(colour(81, 90, 240), [255, 0, 0, 255]);
  near(colour(145, 54, 34), [0, 255, 0, 255]);
  near(colour(41, 240, 110), [0, 0, 255, 255]);
});

test("Pictures of odd size share their last chroma sample", () => {
  const rgba = new Uint8ClampedArray(3 * 3 * 4);
  const data = new Uint8Array(9 + 4 + 4).fill(128);
  data.fill(126, 0, 9);
  data[9 + 3] = 240; // U of the last pixel only
  i420ToRgba(data, 3, 3, rgba);
  assert.ok(rgba[8 * 4 + 2] > 250, "the last pixel is blue");
  assert.ok(Math.abs(rgba[4 * 4 + 2] - 128) <= 2, "the middle one is grey");
});
