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

  /** Something, though of no matter, comes from the server. */
  alive() {
    return this.server({ type: "error", code: "no_such_peer", message: "Gone.", fatal: false });
  }

  /** Back in the room. */
  back(peers, more = {}) {
    return [...this.happen({ type: "signaling_open" }), ...this.joined(peers, more), ...this.until(this.now)];
  }

  /** In a room with a peer that is connected; who was there first offers. */
  static connected({ offering, id = "b", peer = "x" }) {
    const guest = new Guest(id);
    guest.enter(offering ? [] : [peer]);
    if (offering) {
      guest.server({ type: "peer_joined", peer: info(peer) });
      guest.event(peer, { type: "description", description: { type: "offer", sdp: SDP("ours") }, offer: 1 });
      guest.signal(peer, answer("theirs", 1));
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
const offer = (certificate, number) => ({ kind: "description", type: "offer", sdp: SDP(certificate), offer: number });
const answer = (certificate, number) => ({ kind: "description", type: "answer", sdp: SDP(certificate), offer: number });
const LOST = { type: "signaling_closed", said: { key: "server_lost", values: {} } };
const RESTART = { kind: "restart" };
const kinds = (outputs) =>
  outputs.map((output) => {
    if (output.type === "order") return `order ${output.order.type}${output.order.restart ? " restart" : ""}`;
    if (output.type === "send") return output.message.type === "signal" ? output.message.signal.kind : output.message.type;
    return output.type;
  });
/** The same, without what only asks whether the server is there. */
const done = (outputs) => kinds(outputs).filter((kind) => kind !== "probe_signaling");

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
  const second = new Guest("b");
  second.enter();
  second.server({ type: "peer_joined", peer: info("x") });
  assert.deepEqual(second.signal("x", RESTART), [], "the first offer is on its way");
});

test("An offer with another certificate means that the peer began anew", () => {
  const guest = Guest.connected({ offering: false });
  assert.deepEqual(kinds(guest.signal("x", offer("another"))), ["close_connection", "open_connection", "order remote"]);
});

test("A lost path is restarted by who offers when it is asked to", () => {
  const guest = Guest.connected({ offering: true });
  assert.deepEqual(kinds(guest.event("x", { type: "disconnected" })), ["probe_signaling"]);
  assert.equal(guest.state("x"), "restarting");
  guest.alive();
  assert.deepEqual(done(guest.until(2000)), [], "the peer may have lost its network");
  assert.deepEqual(kinds(guest.signal("x", RESTART)), ["order offer restart"]);
  guest.event("x", { type: "connected" });
  assert.equal(guest.state("x"), "connected");
  assert.deepEqual(guest.until(60_000), []);
});

test("A lost path is reported by who answers, as soon as the server proved to be there", () => {
  const guest = Guest.connected({ offering: false });
  assert.deepEqual(kinds(guest.event("x", { type: "disconnected" })), ["probe_signaling"]);
  assert.deepEqual(done(guest.until(5000)), [], "where the server is silent too, it is our own network");
  assert.deepEqual(guest.alive(), []);
  assert.deepEqual(kinds(guest.until(5250)), ["restart"]);
  const prompt = Guest.connected({ offering: false });
  prompt.event("x", { type: "disconnected" });
  prompt.until(1);
  prompt.alive();
  assert.deepEqual(prompt.until(1499), []);
  assert.deepEqual(kinds(prompt.until(1500)), ["restart"]);
  assert.deepEqual(kinds(prompt.signal("x", offer("theirs"))), ["order remote"], "within the same connection");
});

test("Who offers and is not asked restarts a lost path after a while", () => {
  const guest = Guest.connected({ offering: true });
  guest.event("x", { type: "disconnected" });
  guest.until(50);
  guest.alive();
  assert.deepEqual(guest.until(7499), []);
  assert.deepEqual(kinds(guest.until(7500)), ["order offer restart"]);
});

test("A silent server is asked again until it answers, and then a restart that came to nothing is repeated", () => {
  const guest = Guest.connected({ offering: true });
  guest.event("x", { type: "disconnected" });
  guest.until(1);
  guest.signal("x", RESTART);
  const outputs = guest.until(10_251);
  assert.ok(outputs.length > 0 && outputs.every(({ type }) => type === "probe_signaling"));
  guest.alive();
  assert.deepEqual(kinds(guest.until(10_501)), ["order offer restart"]);
});

test("An offer that was lost is made anew, and a late answer to the first is not taken for one to the second", () => {
  const guest = Guest.connected({ offering: true });
  const outputs = [...guest.signal("x", RESTART), ...guest.signal("x", RESTART)];
  assert.deepEqual(outputs.map(({ order }) => order.number), [2, 3]);
  const [sent] = guest.event("x", { type: "description", description: { type: "offer", sdp: "v=0" }, offer: 3 });
  assert.equal(sent.message.signal.offer, 3);
  assert.deepEqual(guest.signal("x", answer("theirs", 2)), []);
  assert.deepEqual(kinds(guest.signal("x", answer("theirs", 3))), ["order remote"]);
});

test("An answer bears the number of its offer, and none where the offer had none", () => {
  const guest = new Guest("b");
  guest.enter(["x"]);
  for (const number of [7, undefined]) {
    const { order } = guest.signal("x", offer("1", number)).at(-1);
    assert.equal(order.offer, number);
    const [sent] = guest.event("x", { type: "description", description: { type: "answer", sdp: "v=0" }, offer: order.offer });
    assert.equal(JSON.parse(JSON.stringify(sent.message.signal)).offer, number);
  }
  const foreign = Guest.connected({ offering: true });
  foreign.signal("x", RESTART);
  assert.deepEqual(kinds(foreign.signal("x", answer("theirs"))), ["order remote"], "of who knows no numbers");
});

test("A peer that was connected is never given up while it is in the room", () => {
  const guest = Guest.connected({ offering: true });
  guest.event("x", { type: "disconnected" });
  const outputs = [];
  for (let second = 1; second <= 600; second += 1) {
    guest.alive();
    outputs.push(...guest.until(second * 1000));
  }
  assert.ok(!kinds(outputs).includes("notice"));
  assert.ok(kinds(outputs).includes("open_connection"), "after some tries with a new connection");
  assert.ok(guest.state("x") && guest.state("x") !== "closed");
});

test("A peer that never was connected is given up after some tries, with a sentence", () => {
  const guest = new Guest("b");
  guest.enter();
  guest.server({ type: "peer_joined", peer: info("x") });
  const outputs = guest.until(120_000);
  assert.equal(kinds(outputs).filter((kind) => kind === "order offer").length, 3);
  assert.deepEqual(outputs.at(-1).said, { key: "peer_no_path", values: { name: "X" } });
  assert.equal(guest.state("x"), "closed");
});

test("Who comes back too late waits for offers as a newcomer does", () => {
  const guest = Guest.connected({ offering: true });
  guest.event("x", { type: "disconnected" });
  guest.happen(LOST);
  guest.until(40_000);
  assert.deepEqual(kinds(guest.back(["x"])), ["join", "close_connection"]);
  assert.deepEqual(kinds(guest.signal("x", offer("theirs"))), ["open_connection", "order remote"]);
  const fine = Guest.connected({ offering: true });
  fine.happen(LOST);
  assert.deepEqual(kinds(fine.back(["x"])), ["join"], "a path that holds is kept");
});

test("Who asks to go on with a connection that the peer has no more takes the peer's new one", () => {
  const guest = Guest.connected({ offering: true });
  assert.deepEqual(kinds(guest.signal("x", RESTART)), ["order offer restart"]);
  assert.deepEqual(guest.signal("x", offer("theirs")), [], "a collision: ours stands");
  assert.deepEqual(kinds(guest.signal("x", offer("other"))), ["close_connection", "open_connection", "order remote"]);
  assert.deepEqual(guest.signal("x", answer("theirs")), [], "to an offer that was given up");
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

test("Whoever was away when we came offers when it is back", () => {
  const guest = new Guest("b");
  guest.enter(["x"]);
  guest.server({ type: "peer_away", peer: "x" });
  assert.deepEqual(guest.call.peers, []);
  // The server tells it of us then, and both would offer for ever.
  assert.deepEqual(guest.server({ type: "peer_back", peer: "x" }), []);
  assert.equal(guest.state("x"), "new");
});

test("A vanished peer is gone when both the server and the path have lost it for a while", () => {
  const guest = Guest.connected({ offering: true });
  guest.server({ type: "peer_away", peer: "x" });
  guest.event("x", { type: "disconnected" });
  assert.equal(guest.state("x"), "restarting", "both may come back");
  assert.deepEqual(done(guest.until(14_000)), [], "nobody is there to take an offer");
  assert.deepEqual(kinds(guest.until(15_000)), ["close_connection"]);
  assert.deepEqual(guest.call.peers, []);
  assert.deepEqual(kinds(guest.server({ type: "peer_back", peer: "x" })), ["open_connection", "order offer"]);
});

test("A peer whose path was lost and that is back in the room is looked for at once", () => {
  const guest = Guest.connected({ offering: true });
  guest.event("x", { type: "disconnected" });
  guest.server({ type: "peer_away", peer: "x" });
  guest.until(9000);
  guest.server({ type: "peer_back", peer: "x" });
  assert.deepEqual(kinds(guest.until(9000)), ["order offer restart"]);
});

test("Who closes the connection or its channel, and the line to the server, is gone at once", () => {
  const signs = [{ type: "channel_closed" }, { type: "failed", problem: "closed_there" }];
  for (const sign of signs) {
    const first = Guest.connected({ offering: true });
    first.event("x", sign);
    assert.equal(first.call.peers.length, 1, "one sign alone says little");
    first.server({ type: "peer_away", peer: "x" });
    assert.deepEqual(first.call.peers, []);
    const last = Guest.connected({ offering: true });
    last.server({ type: "peer_away", peer: "x" });
    last.event("x", { type: "disconnected" });
    assert.equal(last.state("x"), "restarting");
    last.event("x", sign);
    assert.deepEqual(last.call.peers, []);
  }
});

test("When the network changes the server is asked at once whether it is there, and who looks for a path restarts", () => {
  const guest = Guest.connected({ offering: true });
  assert.deepEqual(kinds(guest.happen({ type: "network_changed", came: true })), ["probe_signaling"]);
  assert.equal(guest.state("x"), "connected", "who has a path is left alone");
  guest.event("x", { type: "disconnected" });
  assert.deepEqual(kinds(guest.happen({ type: "network_changed", came: false })), ["probe_signaling"]);
  assert.deepEqual(kinds(guest.happen({ type: "network_changed", came: true })), ["probe_signaling", "order offer restart"]);
  guest.server({ type: "peer_away", peer: "x" });
  assert.deepEqual(done(guest.happen({ type: "network_changed", came: true })), [], "nobody is there to take an offer");
});

test("Another network is used at once to reach the server, and then for every lost path", () => {
  const guest = Guest.connected({ offering: true });
  guest.event("x", { type: "disconnected" });
  for (let attempt = 0; attempt < 8; attempt += 1) {
    guest.happen(LOST);
    guest.until(guest.call.nextDeadline);
  }
  guest.happen(LOST);
  assert.deepEqual(guest.happen({ type: "network_changed", came: false }), []);
  assert.deepEqual(kinds(guest.happen({ type: "network_changed", came: true })), ["open_signaling"]);
  assert.deepEqual(kinds(guest.back(["x"], { resumed: true })), ["join", "order offer restart"]);
  guest.happen(LOST);
  assert.equal(guest.call.nextDeadline - guest.now, 200, "patience begins anew");
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

test("A guest of a private server says its token, and another says none", () => {
  const joins = (identity) => {
    const call = new Call(identity, () => 0.5);
    call.handle(0, { type: "join", room: "standup", name: "Ann", resume: null });
    call.handle(0, { type: "signaling_open" });
    const outputs = [];
    for (let output = call.poll(); output; output = call.poll()) outputs.push(output);
    return outputs.filter((output) => output.type === "send").map((output) => output.message);
  };
  assert.deepEqual(joins({ ...IDENTITY, token: "sesame" }).map(({ type, token }) => [type, token]), [["join", "sesame"]]);
  assert.ok(!("token" in joins(IDENTITY)[0]));
});

test("A server that is full says so and when to come back, and the guest goes on trying", () => {
  const guest = new Guest("a");
  guest.enter();
  guest.server({ type: "error", code: "too_many_joins", message: "Too many", fatal: false });
  guest.server({ type: "closing", reason: "busy", retry_after: 20 });
  guest.happen({ type: "signaling_closed", said: { key: "server_lost", values: {} } });
  assert.equal(guest.call.state, "reconnecting");
  assert.ok(!guest.until(19_000).some(({ type }) => type === "open_signaling"), "not before it was told");
  assert.ok(guest.until(60_000).some(({ type }) => type === "open_signaling"));

  const joining = new Guest("b");
  joining.happen({ type: "join", room: "standup", name: "Ann", resume: null });
  joining.happen({ type: "signaling_open" });
  const said = joining.server({ type: "error", code: "overloaded", message: "Full", fatal: false });
  assert.deepEqual(said.filter(({ type }) => type === "notice").map((notice) => notice.said.values.code), ["overloaded"]);
  assert.equal(joining.call.state, "idle", "whoever is only joining is told, and tries again by hand");
});
