import assert from "node:assert/strict";
import { test } from "node:test";
import { StatsReader } from "../backend/guest/stats.js";

const local = (more) => ({ id: "L", type: "local-candidate", candidateType: "host", address: "192.168.1.5", ...more });
const remote = (more) => ({ id: "R", type: "remote-candidate", candidateType: "host", address: "192.168.1.9", ...more });
const pair = { id: "P", type: "candidate-pair", localCandidateId: "L", remoteCandidateId: "R", currentRoundTripTime: 0.02 };
const transport = { id: "T", type: "transport", selectedCandidatePairId: "P" };

const pathOf = (...entries) => new StatsReader().read("ben", entries).path;

test("A browser's report becomes what the app's engine would say", () => {
  const read = new StatsReader().read("ben", [
    ...[local(), remote(), pair, transport],
    { id: "C", type: "codec", mimeType: "video/VP8" },
    { id: "A", type: "codec", mimeType: "audio/opus" },
    { id: "O", type: "outbound-rtp", kind: "video", codecId: "C", remoteId: "RI", bytesSent: 1000, packetsSent: 100,
      frameWidth: 640, frameHeight: 360, framesEncoded: 50, encoderImplementation: "libvpx",
      powerEfficientEncoder: false, qualityLimitationReason: "cpu" },
    { id: "OA", type: "outbound-rtp", kind: "audio", codecId: "A", bytesSent: 500, packetsSent: 70 },
    { id: "RI", type: "remote-inbound-rtp", kind: "video", packetsLost: 6 },
    { id: "I", type: "inbound-rtp", kind: "video", codecId: "C", bytesReceived: 2000, packetsReceived: 90, packetsLost: 10,
      frameWidth: 1280, frameHeight: 720, framesDecoded: 30, freezeCount: 1 },
    { id: "IA", type: "inbound-rtp", kind: "audio", codecId: "A", bytesReceived: 1, packetsReceived: 10, packetsLost: -2,
      jitterBufferDelay: 480, jitterBufferTargetDelay: 240, jitterBufferEmittedCount: 9600,
      totalSamplesReceived: 9600, concealedSamples: 300, silentConcealedSamples: 100 },
  ]);
  assert.deepEqual(read, {
    id: "ben",
    path: { kind: "network", relayProtocol: null, ipVersion: 4 },
    currentRoundTripTime: 0.02,
    sent: { bytes: 1500, packets: 100, lost: 6 },
    received: { bytes: 2001, packets: 110, lost: 10 },
    outboundVideo: { codec: "VP8", frameWidth: 640, frameHeight: 360, framesEncoded: 50,
      encoderImplementation: "libvpx", powerEfficientEncoder: false, qualityLimitationReason: "cpu" },
    inboundVideo: { codec: "VP8", frameWidth: 1280, frameHeight: 720, framesDecoded: 30, freezeCount: 1 },
    inboundAudio: { codec: "opus", jitterBufferMs: 50, jitterBufferTargetMs: 25, totalSamplesReceived: 9600,
      concealedSamples: 200 },
  });
});

test("A screen's pictures are not taken for the camera's", () => {
  const stream = (type, mid, frameWidth, frames) => ({ id: type + mid, type, kind: "video", mid, frameWidth, framesEncoded: frames, framesDecoded: frames });
  const read = new StatsReader().read(
    "ben",
    [stream("outbound-rtp", "1", 640, 5), stream("outbound-rtp", "2", 1920, 50), stream("inbound-rtp", "2", 1920, 50)],
    "2",
  );
  assert.deepEqual([read.outboundVideo?.frameWidth, read.inboundVideo], [640, null]);
});

test("What a browser does not say is not made up", () => {
  const read = new StatsReader().read("ben", []);
  assert.deepEqual([read.path, read.currentRoundTripTime, read.outboundVideo, read.inboundVideo], [null, null, null, null]);
  assert.deepEqual(read.inboundAudio, {
    codec: "", jitterBufferMs: null, jitterBufferTargetMs: null, totalSamplesReceived: 0, concealedSamples: 0,
  });
});

test("A jitter buffer's delay is that of the last second, not of the whole call", () => {
  const reader = new StatsReader();
  const voice = (delay, samples) => [
    { id: "IA", type: "inbound-rtp", kind: "audio", jitterBufferDelay: delay, jitterBufferEmittedCount: samples },
  ];
  assert.equal(reader.read("ben", voice(4800, 48_000)).inboundAudio.jitterBufferMs, 100);
  const { jitterBufferMs, jitterBufferTargetMs } = reader.read("ben", voice(4800 + 960, 96_000)).inboundAudio;
  assert.deepEqual([jitterBufferMs, jitterBufferTargetMs], [20, null]);
});

test("Paths are told apart, and an address that is hidden is not guessed", () => {
  const network = { kind: "network", relayProtocol: null, ipVersion: 4 };
  const relay = (relayProtocol) => ({ kind: "relay", relayProtocol, ipVersion: null });
  for (const [from, to, expected] of [
    [{}, {}, network],
    [{}, { address: "203.0.113.7", candidateType: "srflx" }, { ...network, kind: "internet" }],
    [{ candidateType: "relay", relayProtocol: "tcp" }, {}, relay("tcp")],
    [{}, { candidateType: "relay" }, relay(null)],
    [{}, { address: "abc.local" }, { ...network, ipVersion: null }],
    [{}, { address: null }, { ...network, ipVersion: null }],
    [{}, { address: "", candidateType: "prflx" }, null],
    [{ address: "2001:db8:1:2::1" }, { address: "2001:db8:1:2::9" }, { ...network, ipVersion: 6 }],
    [{ address: "2001:db8:1:2::1" }, { address: "2001:db8:1:3::9" }, { ...network, kind: "internet", ipVersion: 6 }],
  ]) {
    assert.deepEqual(pathOf(local(from), remote(to), pair, transport), expected);
  }
  // Without transports, as in Firefox.
  assert.deepEqual(pathOf(local(), remote(), { ...pair, selected: true }), network);
  assert.equal(pathOf(local(), remote(), pair), null);
});
