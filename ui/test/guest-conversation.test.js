// What participants give each other beside sound and pictures, without a connection.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Conversation } from "../backend/guest/conversation.js";

const peer = (id, name, files, state = "connected") => ({ id, state, info: { name, capabilities: { files } } });

let around;
let sent;
let messages;
let troubles;
let conversation;

beforeEach(() => {
  [sent, messages, troubles] = [[], [], []];
  around = { peers: [], inCall: true };
  conversation = new Conversation({
    peers: () => around.peers,
    isInCall: () => around.inCall,
    send: (text) => sent.push(text),
    onMessage: (message) => messages.push(message),
    onTrouble: (code, { key, values }) => troubles.push([code, key, values]),
    onChange: () => {},
  });
});

const pick = async (...names) => (await conversation.pick(names.map((name) => new File(["x"], name)))).files;

test("What is said goes to all and is shown as one's own; outside of a call it goes nowhere", () => {
  conversation.say("Greta", "hello");
  assert.deepEqual(sent, ["hello"]);
  assert.deepEqual(messages.map(({ from, name, text }) => [from, name, text]), [[null, "Greta", "hello"]]);
  around.inCall = false;
  conversation.say("Greta", "anybody?");
  assert.deepEqual(sent, ["hello"]);
  assert.deepEqual(troubles, [["chat", "chat_not_in_a_room", {}]]);
});

test("Who is not in the room is not heard", () => {
  around.peers = [peer("a", "Enno", true)];
  conversation.heard("a", "moin");
  conversation.heard("b", "boo");
  assert.deepEqual(messages.map(({ from, name, text }) => [from, name, text]), [["a", "Enno", "moin"]]);
});

test("A file is offered to everybody who can take it, and who cannot is named", async () => {
  around.peers = [
    peer("a", "Enno", true), peer("b", "Old One", false), peer("c", "Elder", undefined),
    peer("d", "Not there yet", true, "connecting"),
  ];
  const [{ handle }] = await pick("a.txt");
  conversation.offer(handle);
  assert.deepEqual(conversation.files.map(({ peer_name, name }) => [peer_name, name]), [["Enno", "a.txt"]]);
  assert.deepEqual(troubles, [["file", "file_not_for", { name: "Old One, Elder" }]]);
});

test("A file that nobody is there for is not offered", async () => {
  const [{ handle }] = await pick("a.txt");
  conversation.offer(handle);
  around.inCall = false;
  conversation.offer(handle);
  assert.deepEqual(troubles.map(([, key]) => key), ["file_nobody", "file_not_in_a_room"]);
  assert.deepEqual(conversation.files, []);
});

test("Who left takes the files with it that were under way", async () => {
  around.peers = [peer("a", "Enno", true)];
  const [{ handle }] = await pick("a.txt");
  conversation.offer(handle);
  around.peers = [];
  conversation.retain();
  assert.deepEqual(conversation.files.map(({ state }) => state), ["failed"]);
});
