// What a guest's page makes of a network that comes and goes: the line to the server, the page's own sleep.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { Ahead } from "../backend/guest/ahead.js";
import { Wakefulness, watchPage } from "../backend/guest/page.js";
import { SignalingSocket, patienceFor } from "../backend/guest/signaling.js";

class FakeSocket {
  static OPEN = 1;
  /** @type {FakeSocket[]} */
  static all = [];
  readyState = 0;
  bufferedAmount = 0;
  sent = [];
  constructor(url) {
    this.url = url;
    FakeSocket.all.push(this);
  }
  send(text) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.readyState = 3;
  }
  open() {
    this.readyState = 1;
    this.onopen();
  }
  hear(message) {
    this.onmessage({ data: JSON.stringify(message) });
  }
}

const NAMES = ["WebSocket", "window", "document", "navigator"];
const before = Object.fromEntries(NAMES.map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)]));
const put = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"] });
  FakeSocket.all = [];
  put("WebSocket", FakeSocket);
});

afterEach(() => {
  mock.timers.reset();
  for (const [name, descriptor] of Object.entries(before)) {
    if (descriptor) Object.defineProperty(globalThis, name, descriptor);
    else delete globalThis[name];
  }
});

/** An attempt to reach a server, and what came of it. */
function reach(patience = 600, ahead = null) {
  const news = [];
  const socket = new SignalingSocket({
    url: "wss://host/ws", patience, ahead,
    onOpen: () => news.push("open"),
    onMessage: ({ type }) => news.push(type),
    onClosed: ({ key }) => news.push(key),
  });
  return { socket, news };
}

/** Time passes in small steps, as a clock that is looked at in between must show. */
const pass = (ms) => {
  for (let gone = 0; gone < ms; gone += 500) mock.timers.tick(500);
};
const waiting = () => FakeSocket.all.filter(({ readyState }) => readyState < 2);
const REFUSED = { type: "error", code: "no_such_peer", message: "Gone.", fatal: false };

test("An attempt that hangs gives way to the next, which gets twice the time; the first that is through counts", () => {
  const { socket, news } = reach();
  const begun = [];
  for (let ms = 0; ms < 10_000; ms += 100) {
    if (FakeSocket.all.length > begun.length) begun.push(ms);
    assert.equal(waiting().length, 1, "browsers let only one connect at a time");
    mock.timers.tick(100);
  }
  assert.deepEqual(begun, [0, 600, 1800, 4200, 9000]);
  FakeSocket.all.at(-1).open();
  mock.timers.tick(60_000);
  assert.deepEqual(news, ["open"]);
  assert.equal(FakeSocket.all.length, 5);
  socket.close();
});

test("An attempt that is refused is told at once, and one that was closed from here tries no more", () => {
  const refused = reach();
  FakeSocket.all[0].onclose();
  assert.deepEqual(refused.news, ["server_timed_out"]);
  const closed = reach();
  closed.socket.close();
  mock.timers.tick(60_000);
  assert.deepEqual([closed.news, FakeSocket.all.length], [[], 2]);
});

test("A far server gets more time for the first attempt, and one that nobody knows yet too", () => {
  assert.equal(patienceFor(20), 600);
  assert.equal(patienceFor(900), 1800);
  assert.equal(patienceFor(null), 2000);
});

test("A probe is a signal to oneself; what comes next proves that the server is there", () => {
  const { socket, news } = reach();
  socket.probe("me");
  FakeSocket.all[0].open();
  assert.deepEqual(FakeSocket.all[0].sent, [], "what connects needs none");
  socket.probe("me");
  socket.probe("me");
  assert.deepEqual(FakeSocket.all[0].sent, [{ type: "signal", to: "me", signal: { kind: "end_of_candidates" } }]);
  mock.timers.tick(2999);
  FakeSocket.all[0].hear(REFUSED);
  mock.timers.tick(60_000);
  assert.deepEqual(news, ["open", "error"]);
  socket.probe("me");
  assert.equal(FakeSocket.all[0].sent.length, 2);
  mock.timers.tick(2999);
  assert.equal(news.length, 2);
  mock.timers.tick(1);
  assert.deepEqual(news, ["open", "error", "server_lost"]);
  assert.equal(waiting().length, 0);
});

test("What was closed while a probe was out says no more", () => {
  const { socket, news } = reach();
  FakeSocket.all[0].open();
  socket.probe("me");
  socket.close();
  socket.probe("me");
  mock.timers.tick(60_000);
  assert.deepEqual(news, ["open"]);
});

const JOIN = { type: "join", room: "standup", name: "Ada", resume: null };
const BACK = { type: "peer_back", peer: "ben" };
const CLOSING = { type: "closing", reason: "shutdown", retry_after: 30 };

/** Joins over a connection that was opened ahead, which is the first of all. */
async function joinAhead() {
  const ahead = new Ahead();
  ahead.expect(0, "wss://host/ws");
  FakeSocket.all[0].open();
  const reached = reach(600, ahead.take());
  assert.deepEqual(reached.news, [], "whoever makes it can hear of it only then");
  await Promise.resolve();
  assert.deepEqual(reached.news, ["open"]);
  reached.socket.send(JOIN);
  return reached;
}

test("Whoever joins does so over the connection that is open already", async () => {
  const { socket, news } = await joinAhead();
  FakeSocket.all[0].hear(BACK);
  mock.timers.tick(60_000);
  assert.deepEqual([news, FakeSocket.all.length], [["open", "peer_back"], 1]);
  FakeSocket.all[0].onclose();
  assert.deepEqual(news, ["open", "peer_back", "server_lost"]);
  socket.close();
});

test("A connection ahead that is dead, closed or going is replaced, and whoever joins stays the same", async () => {
  for (const end of [() => mock.timers.tick(1000), () => FakeSocket.all[0].onclose(), () => FakeSocket.all[0].hear(CLOSING)]) {
    FakeSocket.all = [];
    const { socket, news } = await joinAhead();
    mock.timers.tick(999);
    assert.equal(FakeSocket.all.length, 1, "it has a second");
    end();
    assert.deepEqual([waiting().length, FakeSocket.all.length], [1, 2]);
    const [dead, fresh] = FakeSocket.all;
    fresh.open();
    assert.match(dead.sent[0].resume, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.deepEqual(fresh.sent, dead.sent);
    fresh.hear(BACK);
    assert.deepEqual(news, ["open", "peer_back"]);
    socket.close();
  }
});

test("A refusal over a connection ahead is an answer, and a server that cannot be reached any more is said", async () => {
  const refused = await joinAhead();
  FakeSocket.all[0].hear({ type: "error", code: "room_full", message: "Full.", fatal: true });
  assert.deepEqual([refused.news, FakeSocket.all.length], [["open", "error"], 1]);
  FakeSocket.all = [];
  const gone = await joinAhead();
  FakeSocket.all[0].onclose();
  FakeSocket.all[1].onclose();
  assert.deepEqual([gone.news, FakeSocket.all.length], [["open", "server_timed_out"], 2]);
});

test("A connection ahead is one at a time, and ends when there is no sign of anybody", () => {
  const ahead = new Ahead();
  for (const now of [0, 100, 200]) ahead.expect(now, "wss://host/ws");
  assert.equal(FakeSocket.all.length, 1);
  FakeSocket.all[0].open();
  mock.timers.tick(299_999);
  ahead.expect(299_999, "wss://host/ws");
  mock.timers.tick(299_999);
  assert.equal(waiting().length, 1, "there was a sign meanwhile");
  mock.timers.tick(1);
  assert.deepEqual([waiting().length, ahead.take()], [0, null]);
});

test("A connection ahead that was lost comes back at a sign of the person, and not before the server wants it", () => {
  const ahead = new Ahead();
  ahead.expect(0, "wss://host/ws");
  assert.equal(ahead.take(), null, "it connects still: whoever joins is sooner there by itself");
  assert.equal(waiting().length, 0);
  ahead.expect(9999, "wss://host/ws");
  assert.equal(FakeSocket.all.length, 1);
  ahead.expect(10_000, "wss://host/ws");
  FakeSocket.all[1].open();
  const told = performance.now();
  FakeSocket.all[1].hear(CLOSING);
  assert.equal(waiting().length, 0);
  ahead.expect(told + 29_000, "wss://host/ws");
  assert.equal(FakeSocket.all.length, 2);
  ahead.expect(told + 40_000, "wss://host/ws");
  assert.equal(FakeSocket.all.length, 3);
  ahead.close();
});

test("A page that stood still was asleep; behind others it may stand still for a minute", () => {
  const page = new Wakefulness(0);
  assert.ok(!page.slept(5000) && !page.slept(20_000) && page.slept(35_001) && !page.slept(40_000));
  page.hide(41_000);
  assert.ok(!page.slept(110_000) && page.slept(210_000));
  assert.ok(page.show(211_000) && !page.slept(216_000));
  page.hide(220_000);
  assert.ok(!page.show(240_000), "a short look elsewhere");
  assert.ok(!page.show(300_000), "it was not hidden");
});

test("A page is told of networks by its window, its sight, its sleep, and the connection where there is one", () => {
  const [window, document, connection] = [new EventTarget(), new EventTarget(), new EventTarget()];
  Object.assign(window, { setInterval });
  put("window", window);
  put("document", document);
  put("navigator", { connection });
  const came = [];
  const told = (act) => {
    act();
    return came.splice(0);
  };
  const send = (target, type) => told(() => target.dispatchEvent(new Event(type)));
  watchPage({ onNetwork: (it) => came.push(it), onHide() {}, onTouch() {} });
  assert.deepEqual(send(window, "online"), [true]);
  assert.deepEqual(send(document, "resume"), [true]);
  assert.deepEqual(send(connection, "change"), [false], "only how fast it seems");
  connection.type = "cellular";
  assert.deepEqual([send(connection, "change"), send(connection, "change")], [[true], [false]]);
  connection.type = "none";
  assert.deepEqual(send(connection, "change"), [], "`online` comes of it later");
  connection.type = "wifi";
  assert.deepEqual(send(connection, "change"), [true]);
  document.hidden = true;
  send(document, "visibilitychange");
  assert.deepEqual(told(() => pass(30_000)), []);
  document.hidden = false;
  assert.deepEqual(send(document, "visibilitychange"), [true]);
  assert.deepEqual(told(() => pass(30_000)), [], "awake");
  assert.deepEqual(told(() => mock.timers.tick(3_600_000)).slice(0, 1), [true], "an hour in one");
  put("navigator", {});
  watchPage({ onNetwork() {}, onHide() {}, onTouch() {} });
});
