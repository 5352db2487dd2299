// Guests' calls against each other over a server in memory, in virtual time.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Call } from "../backend/guest/call.js";

const IDENTITY = { client: { name: "maru-guest", version: "1" }, capabilities: { video_codecs: ["h264"], chat: true } };
const STATUS = { muted: false, camera_off: false };
const SDP = (certificate) => `v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\na=fingerprint:sha-256 ${certificate}\r\n`;

/** One participant: its call, and what it was told to do. */
class Guest {
  now = 0;
  done = [];
  constructor(id) {
    this.id = id;
    this.call = new Call(IDENTITY, () => 0.5);
  }

  /** Something happens; returns what the call wants done because of it. */
  happen(input) {
    this.call.handle(this.now, input);
    return this.drain();
  }

  /** Time passes up to `now`, deadline after deadline. */
  until(now) {
    const outputs = [];
    for (let at = this.call.nextDeadline; at !== null && at <= now; at = this.call.nextDeadline) {
      this.now = Math.max(at, this.now);
      this.call.handleTimeout(this.now);
      outputs.push(...this.drain());
    }
    this.now = now;
    return outputs;
  }

  drain() {
    const outputs = [];
    for (let output = this.call.poll(); output; output = this.call.poll()) outputs.push(output);
    this.done.push(...outputs);
    return outputs;
  }

  server(message) {
    return this.happen({ type: "server", message });
  }

  signal(from, signal) {
    return this.server({ type: "signal", from, signal });
  }

  event(peer, event) {
    return this.happen({ type: "connection", peer, generation: this.generation(peer), event });
  }

  /** The newest connection's number. */
  generation(peer) {
    return this.done.findLast((output) => output.type === "open_connection" && output.peer === peer)?.generation ?? 0;
  }

  state(peer) {
    return this.call.peers.find(({ id }) => id === peer)?.state;
  }

  enter(peers = [], more = {}) {
    this.happen({ type: "join", room: "standup", name: "Ann", resume: null });
    this.happen({ type: "signaling_open" });
    return this.joined(peers, more);
  }

  joined(peers = [], more = {}) {
    return this.server({
      type: "joined", you: this.id, resume: "secret", resumed: false, room: "standup", peers: peers.map(info),
      ice_servers: [], limits: {}, links: [], ...more,
    });
  }

  /** In a room with a peer that is connected; who was there first offers. */
  static connected({ offering, id = "b", peer = "x" }) {
    const guest = new Guest(id);
    guest.enter(offering ? [] : [peer]);
    if (offering) {
      guest.server({ type: "peer_joined", peer: info(peer) });
      guest.signal(peer, answer("theirs"));
    } else {
      guest.signal(peer, offer("theirs"));
      guest.event(peer, { type: "description", description: { type: "answer", sdp: SDP("ours") } });
    }
    guest.event(peer, { type: "connected" });
    assert.equal(guest.state(peer), "connected");
    return guest;
  }
}

const info = (id) => ({ id, name: id.toUpperCase(), ...IDENTITY, status: STATUS });
const offer = (certificate) => ({ kind: "description", type: "offer", sdp: SDP(certificate) });
const answer = (certificate) => ({ kind: "description", type: "answer", sdp: SDP(certificate) });
const RESTART = { kind: "restart" };
const kinds = (outputs) =>
  outputs.map((output) => {
    if (output.type === "order") return `order ${output.order.type}${output.order.restart ? " restart" : ""}`;
    if (output.type === "send") return output.message.type === "signal" ? output.message.signal.kind : output.message.type;
    return output.type;
  });

test("A guest joins, and offers to who comes after it", () => {
  const guest = new Guest("b");
  assert.deepEqual(kinds(guest.happen({ type: "join", room: "standup", name: "Ann", resume: null })), ["open_signaling"]);
  const [{ message }] = guest.happen({ type: "signaling_open" });
  assert.deepEqual([message.type, message.room, message.name, message.resume], ["join", "standup", "Ann", undefined]);
  guest.joined();
  assert.equal(guest.call.state, "in_call");
  assert.deepEqual(kinds(guest.server({ type: "peer_joined", peer: info("x") })), ["open_connection", "order offer"]);
});

test("Fresh credentials take the place of those in joined, and change nothing else", () => {
  const guest = new Guest("b");
  guest.enter(["x"], { ice_servers: [{ urls: ["turn:a"], username: "old", credential: "old" }] });
  const fresh = [{ urls: ["turn:a"], username: "new", credential: "new" }];
  assert.deepEqual(guest.server({ type: "ice_servers", ice_servers: fresh }), []);
  assert.deepEqual(guest.call.joined.ice_servers, fresh);
  assert.equal(guest.call.joined.you, "b");
});

test("Who was there first is waited for, then asked", () => {
  const guest = new Guest("b");
  guest.enter(["x"]);
  assert.deepEqual(guest.until(2999), []);
  assert.deepEqual(kinds(guest.until(3000)), ["restart"]);
  assert.deepEqual(kinds(guest.signal("x", offer("1"))), ["open_connection", "order remote"]);
});

test("A page that was loaded anew takes its place back and asks everybody at once", () => {
  const guest = new Guest("b");
  guest.happen({ type: "join", room: "standup", name: "Ann", resume: "secret" });
  const [{ message }] = guest.happen({ type: "signaling_open" });
  assert.equal(message.resume, "secret");
  guest.joined(["x", "y"], { resumed: true });
  assert.deepEqual(kinds(guest.until(0)), ["restart", "restart"]);
});

test("A first offer of ours stands, unless we make it only because the peer asked", () => {
  const first = new Guest("b");
  first.enter();
  first.server({ type: "peer_joined", peer: info("x") });
  assert.deepEqual(first.signal("x", offer("theirs")), []);
  const asked = new Guest("y");
  asked.enter(["x"]);
  assert.deepEqual(kinds(asked.signal("x", RESTART)), ["open_connection", "order offer"]);
  assert.deepEqual(kinds(asked.signal("x", offer("theirs"))), ["close_connection", "open_connection", "order remote"]);
  assert.deepEqual(asked.signal("x", answer("theirs")), [], "to an offer that was given up");
});

test("Of two that wait for each other's offer one makes it, and both know which", () => {
  const asked = (id, peer) => {
    const guest = new Guest(id);
    guest.enter([peer]);
    return kinds(guest.signal(peer, RESTART));
  };
  assert.deepEqual(asked("a", "b"), []);
  assert.deepEqual(asked("b", "a"), ["open_connection", "order offer"]);
});

test("An offer that meets a later one of ours is ignored, and its answer finds nobody", () => {
  const guest = Guest.connected({ offering: true, id: "a" });
  assert.deepEqual(kinds(guest.event("x", { type: "negotiation_needed" })), ["order offer"]);
  assert.deepEqual(guest.signal("x", offer("theirs")), []);
  assert.deepEqual(kinds(guest.signal("x", answer("theirs"))), ["order remote"]);
  assert.deepEqual(guest.signal("x", answer("theirs")), []);
});

test("A newcomer that wants to negotiate asks instead of offering, so that nothing has to be taken back", () => {
  const newcomer = Guest.connected({ offering: false });
  assert.deepEqual(kinds(newcomer.event("x", { type: "negotiation_needed" })), ["restart"]);
  assert.deepEqual(kinds(newcomer.signal("x", offer("theirs"))), ["order remote"], "within the same connection");
  const first = Guest.connected({ offering: true });
  assert.deepEqual(kinds(first.signal("x", RESTART)), ["order offer restart"]);
  assert.deepEqual(first.signal("x", RESTART), [], "once is enough");
});

test("An offer with another certificate means that the peer began anew", () => {
  const guest = Guest.connected({ offering: false });
  assert.deepEqual(kinds(guest.signal("x", offer("another"))), ["close_connection", "open_connection", "order remote"]);
});

test("A lost path is looked for again, some times, and then the peer is given up with a sentence", () => {
  const guest = Guest.connected({ offering: true });
  assert.deepEqual(kinds(guest.event("x", { type: "disconnected" })), ["order offer restart"]);
  assert.equal(guest.state("x"), "restarting");
  const outputs = guest.until(60_000);
  assert.equal(kinds(outputs).filter((kind) => kind === "order offer restart").length, 3);
  assert.deepEqual(outputs.at(-1).said, { key: "peer_no_path", values: { name: "X" } });
  assert.equal(guest.state("x"), "closed");
});

test("A connection that failed is made anew after a rest, not at once", () => {
  const guest = Guest.connected({ offering: true });
  assert.deepEqual(kinds(guest.event("x", { type: "failed", problem: "p" })), ["close_connection"]);
  assert.deepEqual(guest.until(999), []);
  assert.deepEqual(kinds(guest.until(1000)), ["open_connection", "order offer"]);
});

test("What an old connection reports is ignored", () => {
  const guest = Guest.connected({ offering: true });
  const stale = { type: "connection", peer: "x", generation: 0, event: { type: "failed", problem: "p" } };
  assert.deepEqual(guest.happen(stale), []);
  assert.equal(guest.state("x"), "connected");
});

test("Media outlives the server: peers stay while it is reached again, ever more slowly", () => {
  const guest = Guest.connected({ offering: true });
  const lost = { type: "signaling_closed", said: { key: "server_lost", values: {} } };
  const waits = [];
  for (let attempt = 0; attempt < 8; attempt += 1) {
    guest.happen(lost);
    assert.equal(guest.call.state, "reconnecting");
    waits.push(guest.call.nextDeadline - guest.now);
    assert.deepEqual(kinds(guest.until(guest.call.nextDeadline)), ["open_signaling"]);
  }
  assert.deepEqual(waits, [200, 400, 800, 1600, 3200, 6400, 8000, 8000]);
  const [{ message }] = guest.happen({ type: "signaling_open" });
  assert.equal(message.resume, "secret");
  guest.joined(["x"], { resumed: true });
  assert.equal(guest.state("x"), "connected");
  assert.deepEqual(guest.until(guest.now + 60_000), [], "nothing is negotiated again");
});

test("A peer is gone when both the server and the path have lost it, and offered to when it is back", () => {
  const guest = Guest.connected({ offering: true });
  guest.server({ type: "peer_away", peer: "x" });
  assert.equal(guest.state("x"), "connected");
  assert.deepEqual(kinds(guest.event("x", { type: "failed", problem: "p" })), ["close_connection"]);
  assert.deepEqual(guest.call.peers, []);
  assert.deepEqual(kinds(guest.server({ type: "peer_back", peer: "x" })), ["open_connection", "order offer"]);
});

test("Another network is used at once, for the server as for the peers", () => {
  const guest = Guest.connected({ offering: true });
  assert.deepEqual(kinds(guest.happen({ type: "network_changed" })), ["open_signaling"]);
  guest.happen({ type: "signaling_open" });
  guest.joined(["x"], { resumed: true });
  assert.deepEqual(kinds(guest.until(guest.now)), ["order offer restart"]);
});

test("A server that stops says when to come back, or that there is no point", () => {
  const patient = Guest.connected({ offering: true });
  patient.server({ type: "closing", reason: "shutdown", retry_after: 3 });
  patient.happen({ type: "signaling_closed", said: { key: "server_lost", values: {} } });
  assert.equal(patient.call.nextDeadline, 3000);
  const ends = [
    [{ type: "closing", reason: "shutdown" }, "server_ended"],
    [{ type: "closing", reason: "replaced" }, "joined_elsewhere"],
    [{ type: "error", code: "room_full", message: "Full.", fatal: true }, "refused"],
  ];
  for (const [message, key] of ends) {
    const guest = Guest.connected({ offering: true });
    const outputs = guest.server(message);
    assert.equal(outputs.at(-1).said.key, key);
    assert.deepEqual([guest.call.state, guest.call.resume], ["idle", null]);
    assert.ok(kinds(outputs).includes("close_connection") && kinds(outputs).includes("close_signaling"));
  }
});

test("Joining ends with a sentence when nobody answers", () => {
  const guest = new Guest("b");
  guest.happen({ type: "join", room: "standup", name: "Ann", resume: null });
  const outputs = guest.until(10_000);
  assert.equal(outputs.at(-1).said.key, "server_silent");
  assert.equal(guest.call.state, "idle");
});

test("Leaving closes everything, says so to the server, and ends although it does not answer", () => {
  const guest = Guest.connected({ offering: true });
  assert.deepEqual(kinds(guest.happen({ type: "leave" })), ["close_connection", "leave", "close_signaling"]);
  guest.until(1000);
  assert.equal(guest.call.state, "idle");
});

test("The status goes out once per change, and with the joining", () => {
  const guest = Guest.connected({ offering: true });
  const muted = { muted: true, camera_off: false };
  assert.deepEqual(kinds(guest.happen({ type: "status", status: muted })), ["status"]);
  assert.deepEqual(guest.happen({ type: "status", status: { ...muted } }), []);
  guest.happen({ type: "signaling_closed", said: { key: "server_lost", values: {} } });
  const [{ message }] = guest.happen({ type: "signaling_open" });
  assert.deepEqual(message.status, muted);
});
