import assert from "node:assert/strict";
import { test } from "node:test";
import { strings } from "../strings.js";
import { connectingTo } from "../view/join.js";
import { newRoomName } from "../view/newroom.js";
import { dictionaries } from "./dictionaries.js";

test("A new room is called by two words and a number, and there are a hundred thousand of them at least", () => {
  assert.match(newRoomName(), /^[a-z]+-[a-z]+-[1-9][0-9]$/);
  assert.equal(newRoomName(() => 0), `${strings.roomWordsFirst.split(" ")[0]}-${strings.roomWordsSecond.split(" ")[0]}-10`);
  assert.match(newRoomName((count) => count - 1), /-99$/);
  for (const [language, { roomWordsFirst, roomWordsSecond }] of Object.entries(dictionaries)) {
    const sizes = [roomWordsFirst, roomWordsSecond].map((words) => {
      const all = words.split(" ");
      assert.equal(new Set(all).size, all.length, `${language}: a word is there twice`);
      // A room's name has 64 characters at most, and nobody wants to read out half as many.
      for (const word of all) assert.ok(/^\p{Ll}+$|^\p{Script=Hangul}+$/u.test(word) && word.length <= 10, `${language}: ${word}`);
      return all.length;
    });
    assert.ok(sizes[0] * sizes[1] * 90 >= 100_000, `${language}: ${sizes}`);
  }
});

test("What is waited for is named, but for a server on this very machine", () => {
  assert.equal(connectingTo("wss://maru.example.org/ws"), strings.connectingTo("maru.example.org"));
  assert.equal(connectingTo("ws://192.168.1.5:6278/ws"), strings.connectingTo("192.168.1.5:6278"));
  assert.equal(connectingTo("ws://127.0.0.1:6278/ws"), "");
  assert.equal(connectingTo("nonsense"), "");
  assert.equal(connectingTo(null), "");
});
