import assert from "node:assert/strict";
import { test } from "node:test";
import { reportOf, serverKind } from "../view/report.js";

const settings = {
  name: "Wanda Window",
  room: "secret garden",
  recent_rooms: ["회의실"],
  server: "wss://maru.example.org",
  addresses: "all",
  voice: { echo: "auto", noise: true, gain: true },
};

const view = {
  call: "in_call",
  room: "secret garden",
  me: { id: "x", name: "Wanda Window", muted: false, camera_off: false, camera: "c1", microphone: null, speaker: null },
  peers: [{ id: "2f1b-9a", name: "Ben", state: "connected", muted: false, camera_off: false, has_video: true }],
  devices: { cameras: [{ id: "c1", name: "FaceTime HD" }, { id: "c2", name: "Ben’s phone" }], microphones: [], speakers: [] },
  notice: null,
  server: "wss://maru.example.org/ws",
};

const app = {
  system: "linux x86_64",
  log: ["INFO Ben joined secret garden from 192.168.1.7", "WARN /home/wanda/x: [2001:db8::7]:443 token=abc", "INFO 회의실"],
};

test("A report says what runs and how it goes, and neither who nor where", () => {
  const connection = () => ({ stats: { id: "2f1b-9a", currentRoundTripTime: 0.02 }, sentence: "Ben’s connection loses 8 %." });
  const report = reportOf({ version: "0.1.0", browser: "WebKit", guest: false, view, settings, connection, app });
  for (const there of ["0.1.0", "linux x86_64", "FaceTime HD", "<peer-1>’s phone", '"server": "internet"', "0.02", "loses 8 %", "INFO <peer-1> joined <room> from <address>"]) {
    assert.ok(report.includes(there), `${there} is missing in ${report}`);
  }
  for (const not of ["Wanda", "wanda", "Ben", "secret garden", "회의실", "192.168", "2001:db8", "abc", "maru.example.org", "2f1b"]) {
    assert.ok(!report.includes(not), `${not} is in ${report}`);
  }
});

test("Of the server no more than its kind is told", () => {
  for (const [url, kind] of [
    ["ws://127.0.0.1:6278/ws", "machine"],
    ["ws://[::1]:1/ws", "machine"],
    ["wss://192.168.1.5:6279/ws", "network"],
    ["wss://[fe80::1]/ws", "network"],
    ["ws://box.local/ws", "network"],
    ["wss://maru.example.org/ws", "internet"],
    ["not one", null],
    [null, null],
  ]) {
    assert.equal(serverKind(url), kind, url);
  }
});
