import assert from "node:assert/strict";
import { test } from "node:test";
import { decoderConfiguration, lengthPrefixed, nalUnits, sameBytes } from "../video/avc.js";
import { DecoderHealth } from "../video/health.js";
import { i420ToRgba } from "../video/software.js";

const SPS = [0x67, 0x42, 0xc0, 0x1f, 0x8c];
const PPS = [0x68, 0xce, 0x3c, 0x80];
const SLICE = [0x65, 0xb8, 0x01, 0x00, 0x04];
const LONG = [0, 0, 0, 1];
const SHORT = [0, 0, 1];
const bytes = (...parts) => Uint8Array.from(parts.flat());
const units = (...parts) => nalUnits(bytes(...parts)).map((unit) => [...unit]);

test("Units are found behind long and short start codes, also with zeros after them", () => {
  assert.deepEqual(units(LONG, SPS, SHORT, PPS, LONG, SLICE), [SPS, PPS, SLICE]);
  assert.deepEqual(units(LONG, SPS, 0, 0, LONG, SLICE, 0, 0), [SPS, SLICE]);
  assert.deepEqual(units(SHORT, 0x61, 1, 1, 0, 1, 1), [[0x61, 1, 1, 0, 1, 1]]);
});

test("What has no start code has no units, and empty units are skipped", () => {
  assert.deepEqual(units(SLICE), []);
  assert.deepEqual(units([]), []);
  assert.deepEqual(units(LONG), []);
  assert.deepEqual(units(LONG, SHORT, SLICE), [SLICE]);
});

test("The codec string and the configuration record are read from the parameter sets", () => {
  const frame = bytes(LONG, 9, 0x10, LONG, SPS, SHORT, PPS, SHORT, SLICE);
  const { codec, description } = decoderConfiguration(nalUnits(frame));
  assert.equal(codec, "avc1.42C01F");
  assert.deepEqual(
    [...description],
    [1, 0x42, 0xc0, 0x1f, 0xff, 0xe1, 0, SPS.length, ...SPS, 1, 0, PPS.length, ...PPS],
  );
});

test("A frame without both parameter sets, or with a cut one, configures nothing", () => {
  assert.equal(decoderConfiguration(nalUnits(bytes(LONG, SLICE))), null);
  assert.equal(decoderConfiguration(nalUnits(bytes(LONG, SPS, LONG, SLICE))), null);
  assert.equal(decoderConfiguration(nalUnits(bytes(LONG, 0x67, 0x42, LONG, PPS))), null);
});

test("A frame's slices come with lengths before them and without parameter sets and delimiters", () => {
  const found = lengthPrefixed(nalUnits(bytes(LONG, 9, 0x10, LONG, SPS, LONG, PPS, LONG, SLICE, SHORT, 0x65, 7)));
  assert.deepEqual([...found], [0, 0, 0, SLICE.length, ...SLICE, 0, 0, 0, 2, 0x65, 7]);
});

test("Byte strings are the same only byte for byte", () => {
  assert.ok(sameBytes(bytes(SPS), bytes(SPS)));
  assert.ok(!sameBytes(bytes(SPS), bytes(SPS, 0)));
  assert.ok(!sameBytes(bytes(1, 2), bytes(1, 3)));
  assert.ok(!sameBytes(null, null));
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
