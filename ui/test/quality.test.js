import assert from "node:assert/strict";
import { test } from "node:test";
import { History, NO_FIGURES } from "../view/quality/history.js";
import { Judge, judge } from "../view/quality/rules.js";
import { QualityWatch } from "../view/quality/watch.js";
import { lineOf } from "../view/quality/plot.js";

const FINE = { ...NO_FIGURES, roundTripMs: 30, lossSent: 0, lossReceived: 0, concealed: 0 };

const situation = (figures = {}, more = {}) => ({
  figures: { ...FINE, ...figures },
  others: [],
  tooSlow: false,
  relayed: false,
  ...more,
});

/** Counters after so many seconds of a call at 1 Mbit/s and 25 pictures a second each way. */
function sample(second, { lost = 0, received = {} } = {}) {
  const traffic = { bytes: 125_000 * second, packets: 100 * second, lost: lost * second };
  return {
    id: "a",
    path: null,
    currentRoundTripTime: 0.04,
    sent: traffic,
    received: { ...traffic, lost: 0, ...received },
    outboundVideo: null,
    inboundVideo: { codec: "H264", frameWidth: 1280, frameHeight: 720, framesDecoded: 25 * second, freezeCount: 0 },
    inboundAudio: {
      codec: "opus",
      jitterBufferMs: 30,
      jitterBufferTargetMs: 30,
      totalSamplesReceived: 48_000 * second,
      concealedSamples: 480 * second,
    },
  };
}

test("Counters become figures of a second, and losses those of the last seconds", () => {
  const history = new History();
  history.take(0, sample(0));
  assert.deepEqual(history.now, { ...NO_FIGURES, roundTripMs: 40 });
  for (let second = 1; second <= 4; second++) history.take(second * 1000, sample(second, { lost: 6 }));
  const { now } = history;
  assert.deepEqual([now.kbpsSent, now.kbpsReceived, now.fps, now.roundTripMs], [1000, 1000, 25, 40]);
  assert.deepEqual([now.lossSent, now.lossReceived, now.concealed], [0.06, 0, 0.01]);
  assert.equal(now.fpsSent, null);
});

test("A second that is longer or shorter changes no rate", () => {
  const history = new History();
  for (const second of [0, 1.3, 2, 3.7]) history.take(second * 1000, sample(second));
  assert.deepEqual(history.kept.slice(1).map(({ kbpsSent, fps }) => [Math.round(kbpsSent), Math.round(fps)]), [
    [1000, 25],
    [1000, 25],
    [1000, 25],
  ]);
});

test("A connection that is made anew begins to count anew, and no rate is ever negative", () => {
  const history = new History();
  for (const second of [10, 11, 12]) history.take(second * 1000, sample(second));
  history.take(13_000, sample(0));
  assert.deepEqual([history.now.kbpsSent, history.now.lossSent], [null, null]);
  history.take(14_000, sample(1));
  assert.equal(history.now.kbpsSent, 1000);
});

test("Of a few packets nothing is said, and a minute is all that is kept", () => {
  const history = new History();
  const quiet = (second) => ({ ...sample(second), sent: { bytes: 0, packets: second, lost: second } });
  for (let second = 0; second < 100; second++) history.take(second * 1000, quiet(second));
  assert.equal(history.now.lossSent, null);
  assert.equal(history.kept.length, 60);
});

test("All is well where nothing is wrong, and a relay is told of then", () => {
  assert.deepEqual(judge(situation()), { key: "well", grade: "good", value: 0 });
  assert.deepEqual(judge(situation({}, { relayed: true })), { key: "relay", grade: "good", value: 0 });
  assert.equal(judge(situation(NO_FIGURES)).key, "well");
});

test("Each trouble is said, with how much of it there is", () => {
  const of = (figures, more) => judge(situation(figures, more));
  assert.deepEqual(of({ lossSent: 0.06 }), { key: "uplink_loss", grade: "fair", value: 6 });
  assert.deepEqual(of({ lossReceived: 0.08 }), { key: "received_loss", grade: "bad", value: 8 });
  assert.deepEqual(of({ roundTripMs: 420 }), { key: "far", grade: "fair", value: 420 });
  assert.deepEqual(of({ concealed: 0.05 }), { key: "uneven", grade: "fair", value: 5 });
  assert.deepEqual(of({}, { tooSlow: true }), { key: "cpu", grade: "fair", value: 0 });
  assert.equal(of({ lossSent: 0.06 }, { relayed: true }).key, "uplink_loss");
});

test("What only one of several loses is that one's, and what all lose is ours", () => {
  const fine = [FINE, FINE];
  assert.equal(judge(situation({ lossSent: 0.06 }, { others: fine })).key, "sent_loss");
  assert.equal(judge(situation({ lossReceived: 0.06 }, { others: fine })).key, "received_loss");
  const worse = [{ ...FINE, lossSent: 0.05, lossReceived: 0.05 }];
  assert.deepEqual(judge(situation({ lossSent: 0.06 }, { others: worse })), {
    key: "uplink_loss",
    grade: "fair",
    value: 5,
  });
  assert.equal(judge(situation({ lossReceived: 0.06 }, { others: worse })).key, "downlink_loss");
  // Whoever is fine hears nothing of the others' trouble.
  assert.equal(judge(situation({}, { others: worse })).key, "well");
});

test("The worst is said, and of equals the one that explains the other", () => {
  assert.equal(judge(situation({ lossSent: 0.03, roundTripMs: 700 })).key, "far");
  assert.equal(judge(situation({ lossReceived: 0.1, concealed: 0.2 })).key, "received_loss");
  assert.equal(judge(situation({ lossSent: 0.03 }, { tooSlow: true })).key, "uplink_loss");
});

/** What is said after each second of these losses. */
function saidOf(losses, judge = new Judge()) {
  return losses.map((lossSent) => judge.take(situation({ lossSent }))?.key ?? null);
}

test("A trouble is said when it was there for three seconds, and is over when it was gone for five", () => {
  assert.deepEqual(saidOf([0, 0, 0, 0.1, 0.1, 0.1, 0, 0, 0, 0, 0]), [
    ...[null, null, "well", "well", "well", "uplink_loss"],
    ...["uplink_loss", "uplink_loss", "uplink_loss", "uplink_loss", "well"],
  ]);
});

test("A value that jumps about a limit does not make the sentence flicker", () => {
  const judge = new Judge();
  saidOf([0.03, 0.03, 0.03], judge);
  const said = saidOf(Array.from({ length: 60 }, (_, second) => (second % 2 ? 0.016 : 0.024)), judge);
  assert.deepEqual(new Set(said), new Set(["uplink_loss"]));
  const other = new Judge();
  saidOf([0, 0, 0], other);
  assert.deepEqual(new Set(saidOf([0.03, 0, 0.03, 0.03, 0, 0.03, 0.03, 0], other)), new Set(["well"]));
});

test("What is said changes its number when that is off by two, and not by one", () => {
  const judge = new Judge();
  saidOf([0.06, 0.06, 0.06], judge);
  const values = [0.07, 0.05, 0.04, 0.045].map((lossSent) => judge.take(situation({ lossSent })).value);
  assert.deepEqual(values, [6, 6, 4, 4]);
});

test("A connection that says nothing for a while is remembered, and one that left is not", () => {
  const watch = new QualityWatch();
  const seconds = (from, to, more) => {
    for (let second = from; second < to; second++) watch.take(second * 1000, { peers: [{ ...sample(second), ...more }] }, ["a"]);
  };
  seconds(0, 10);
  watch.take(10_000, { peers: [] }, ["a"]);
  assert.equal(watch.history("a").kept.length, 10);
  assert.equal(watch.of("a", "Ben", false).grade, "good");
  watch.take(11_000, { peers: [] }, []);
  assert.equal(watch.history("a"), null);
});

test("Whoever sends no picture is not told that the machine is too slow for it", () => {
  const slow = (frames) => ({ codec: "H264", frameWidth: 320, frameHeight: 180, framesEncoded: frames,
    encoderImplementation: "", powerEfficientEncoder: null, qualityLimitationReason: "cpu" });
  for (const [perSecond, marked] of [[15, "fair"], [0, "good"]]) {
    const watch = new QualityWatch();
    for (let second = 0; second < 8; second++) {
      watch.take(second * 1000, { peers: [{ ...sample(second), outboundVideo: slow(perSecond * second) }] }, ["a"]);
    }
    assert.equal(watch.of("a", "Ben", false).grade, marked);
    // It is about this machine: no mark on anybody's tile.
    assert.equal(watch.of("a", "Ben", false).marked, false);
  }
});

test("A plot has a point for each second, the newest at its right edge, and a gap where nobody knows", () => {
  assert.equal(lineOf([0, 5, null, 10, 20], 10), "M55 20L56 15M58 10L59 0");
  assert.equal(lineOf([], 10), "");
});
