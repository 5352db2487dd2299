import assert from "node:assert/strict";
import { test } from "node:test";
import { redact } from "../view/redact.js";

/** Numbers that are the same in every run (mulberry32). */
function generator(seed) {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** What is said of something that was taken out. */
const KINDS = /^(https?|wss?|maru|turns?|stuns?|token)$/;
const RUNS = 2000;
/** Between what, in logs, an address or a name stands. */
const AROUND = [["", ""], ["from ", " to"], ["\"", "\""], ["[", "]:3478"], ["(", ")"], ["a=", ","], ["\n", "\n"], ["", ":"]];

/** Checks, over and over, that nothing is left of what is made. */
function nothingIsLeft(make, words = () => []) {
  const next = generator(7);
  for (let run = 0; run < RUNS; run++) {
    const secret = make(next);
    const [before, after] = AROUND[next(AROUND.length)];
    const text = `INFO maru: ${before}${secret}${after} took 5 ms`;
    const said = redact(text, words(secret));
    assert.ok(!said.includes(secret), `${text} → ${said}`);
    // Nor a part of it that is more than chance.
    const middle = said.slice("INFO maru: ".length, -" took 5 ms".length);
    for (const part of secret.split(/[^\p{L}\p{N}]+/u).filter((part) => !KINDS.test(part))) assert.ok(part.length < 3 || !middle.includes(part), `${text} → ${said}`);
    assert.ok(said.startsWith("INFO maru: ") && said.endsWith(" took 5 ms"), `${text} → ${said}`);
    assert.equal(redact(said, words(secret)), said, "a second time changes nothing");
  }
}

const pick = (next, from) => from[next(from.length)];
const hex = (next) => next(0x10000).toString(16);

/** An address of IPv6 in any of the forms of RFC 4291. */
function ipv6(next) {
  let groups = Array.from({ length: 8 }, () => hex(next));
  if (next(4) === 0) groups.splice(6, 2, `${next(256)}.${next(256)}.${next(256)}.${next(256)}`);
  let text = groups.join(":");
  if (next(2) === 0) {
    const from = next(groups.length - 1);
    const to = from + 1 + next(groups.length - from - 1);
    text = `${groups.slice(0, from).join(":")}::${groups.slice(to + 1).join(":")}`;
  }
  if (next(3) === 0) text = text.toUpperCase();
  return next(5) === 0 ? `${text}%eth0` : text;
}

test("No address of IPv6 is left, however it is written", () => nothingIsLeft(ipv6));

test("No address of IPv4 is left", () => {
  nothingIsLeft((next) => [1, 2, 3, 4].map(() => next(256)).join(pick(next, [".", "."])) );
});

test("No name that stands for an address is left", () => {
  const name = (next) => Array.from({ length: 5 }, () => hex(next).padStart(4, "a")).join("-");
  nothingIsLeft((next) => `${name(next)}.local`);
  nothingIsLeft((next) => `${pick(next, ["maru", "회의", "my-host", "a1"])}.${pick(next, ["example", "회사"])}.${pick(next, ["org", "한국", "io"])}`);
});

test("Of an invite nothing but its kind is left", () => {
  nothingIsLeft((next) => {
    const scheme = pick(next, ["https://", "wss://", "maru://", "turn:", "turns:", "stun:"]);
    return `${scheme}h${next(99)}.example:62${next(9)}/room-${next(999)}?token=${hex(next)}`;
  });
  assert.equal(redact("open https://example.org/standup now"), "open https:<address> now");
});

test("No secret that says so is left, and none that is long", () => {
  nothingIsLeft((next) => `token=${hex(next)}x`);
  nothingIsLeft((next) => Array.from({ length: 8 }, () => hex(next).padStart(4, "b")).join(""));
  nothingIsLeft((next) => `2f${hex(next).padStart(6, "0")}-51b1-4c5d-9ad1-${hex(next).padStart(12, "e")}`);
  assert.equal(redact('{"resume":"abc"} Bearer xyz password: hunter2'), '{"resume":"<secret>"} Bearer <secret> password: <secret>');
});

test("No folder of a person is left, and what is in it stays", () => {
  for (const [path, expected] of [
    ["/home/jisu/.local/state/maru/logs", "~/.local/state/maru/logs"],
    ["/Users/Ji Su Kim/Library/Logs", "~/Library/Logs"],
    ["C:\\Users\\지수\\AppData", "~\\AppData"],
    ["C:\\\\Users\\\\jisu\\\\AppData", "~\\\\AppData"],
    ["c:/Users/jisu/x", "~/x"],
    ["/root/maru.log", "~/maru.log"],
  ]) {
    assert.equal(redact(`open ${path}`), `open ${expected}`);
  }
});

test("No name is left, of a person or of a room, in whatever case and wherever it stands", () => {
  const letters = ["a", "b", "Z", "é", "지", "수", "회", " ", "7", "(", ".", "*", "ß"];
  const name = (next) => Array.from({ length: 4 + next(12) }, () => pick(next, letters)).join("").trim() || "Anna";
  nothingIsLeft(name, (secret) => [[secret, "<peer 1>"]]);
  assert.equal(redact("ANNA left, anna’s tile", [["Anna", "<peer 1>"]]), "<peer 1> left, <peer 1>’s tile");
  assert.equal(redact("지수님이 나감", [["지수", "<peer 1>"]]), "<peer 1>님이 나감");
  // One can be a part of another.
  assert.equal(redact("Anna Bell", [["Anna", "<peer 1>"], ["Anna Bell", "<peer 2>"]]), "<peer 2>");
  // A short one is a word of its own, or there would be nothing left to read.
  assert.equal(redact("Al said: all is well", [["Al", "<peer 1>"]]), "<peer 1> said: all is well");
});

test("What tells nothing of anybody stays as it is", () => {
  for (const text of [
    "2026-11-22T05:31:22.123456Z  INFO maru_engine::actor: the way to the relay way=\"udp\"",
    "crates/engine/src/actor.rs:120: 1280x720 30 fps, 12.5 ms, 6 %",
    "Maru 0.1.0, OpenH264, host-relay, 05:31",
    "std::net::SocketAddr a::zone maru.2026-11-22.log",
    '"roundTripMs": 12.25, "kbpsSent": 1042.5',
  ]) {
    assert.equal(redact(text), text);
  }
});
