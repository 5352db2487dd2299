import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { chooseLanguage } from "../language.js";
import { sentenceOf, strings } from "../strings.js";
import { languages } from "../strings/languages.js";
import { dictionaries } from "./dictionaries.js";

const ui = new URL("../", import.meta.url);

/** Every text of a dictionary by its path, as a function of its parameters. */
function texts(dictionary, path = "") {
  return Object.entries(dictionary).flatMap(([key, value]) =>
    value !== null && typeof value === "object" ? texts(value, `${path}${key}.`) : [[path + key, value]],
  );
}

/** The names of a notice's values that a sentence uses. */
function valuesUsed(sentence) {
  const used = new Set();
  const values = new Proxy({}, {
    get(_, name) {
      used.add(name);
      return "x";
    },
  });
  sentence(values);
  return [...used].sort();
}

test("Every language is one file, and every file is offered", () => {
  const files = readdirSync(new URL("strings/", ui)).filter((name) => name.endsWith(".js") && name !== "languages.js");
  assert.deepEqual(files.map((name) => name.slice(0, -3)).sort(), Object.keys(languages).sort());
});

test("All languages have the same keys, and none has an empty text", () => {
  const keys = (dictionary) => texts(dictionary).map(([key, value]) => `${key}: ${typeof value}`).sort();
  for (const [name, dictionary] of Object.entries(dictionaries)) {
    assert.deepEqual(keys(dictionary), keys(dictionaries.en), name);
    for (const [key, value] of texts(dictionary)) {
      if (typeof value === "string") assert.ok(value.trim() !== "", `${name}: ${key}`);
    }
  }
});

test("All languages take the same parameters and use every one of them", () => {
  const english = new Map(texts(dictionaries.en));
  for (const [name, dictionary] of Object.entries(dictionaries)) {
    for (const [key, value] of texts(dictionary)) {
      if (typeof value !== "function") continue;
      if (key.startsWith("notices.")) {
        assert.deepEqual(valuesUsed(value), valuesUsed(english.get(key)), `${name}: ${key}`);
        continue;
      }
      assert.equal(value.length, english.get(key).length, `${name}: ${key}`);
      const marks = Array.from({ length: value.length }, (_, index) => index + 11);
      const said = value(...marks);
      for (const mark of marks) assert.ok(said.includes(String(mark)), `${name}: ${key} leaves ${mark} out`);
    }
  }
});

test("Every text is written in its own language", () => {
  const hangul = /\p{Script=Hangul}/u;
  const same = new Set(["appName", "keyControl", "keyShift"]);
  for (const [key, value] of texts(dictionaries.ko)) {
    if (same.has(key) || key === "notices.refused") continue;
    const said = typeof value === "function" ? value({}, "") : value;
    assert.ok(hangul.test(said) || key === "saidChat", `ko: ${key}`);
  }
  for (const [key, value] of texts(dictionaries.en)) {
    assert.ok(typeof value === "function" || !hangul.test(value), `en: ${key}`);
  }
});

test("No Korean sentence leaves a choice of particle to the reader", () => {
  const source = readFileSync(new URL("strings/ko.js", ui), "utf8");
  assert.doesNotMatch(source, /이\(가\)|가\(이\)|을\(를\)|를\(을\)|은\(는\)|는\(은\)|와\(과\)|과\(와\)|\(으\)로/);
  // A particle right after what a person or a device is called would be wrong half of the time.
  assert.doesNotMatch(source, /\$\{(name|room|host|path|address|problem|id)\}[”"]?(이|가|을|를|은|는|와|과|로|으로)(?=[ ,.])/);
});

test("A device that does not work, nobody knows why, is told of without an empty place for it", () => {
  const said = (dictionary, problem) => dictionary.notices.device_failed({ kind: "speaker", name: "A", problem });
  assert.equal(said(dictionaries.en, ""), "The speaker “A” does not work.");
  assert.equal(said(dictionaries.en, "it hums"), "The speaker “A” does not work: it hums.");
  assert.equal(said(dictionaries.ko, ""), "“A” 스피커가 작동하지 않아요.");
  assert.equal(said(dictionaries.ko, "it hums"), "“A” 스피커가 작동하지 않아요(it hums).");
});

test("The first language that there is wins, in any case and with any region; else English", () => {
  assert.equal(chooseLanguage(["ko-KR", "en-US"]), "ko");
  assert.equal(chooseLanguage(["fr", "de-AT", "KO"]), "ko");
  assert.equal(chooseLanguage(["en-GB", "ko"]), "en");
  assert.equal(chooseLanguage([null, undefined, ""]), "en");
  assert.equal(chooseLanguage(["constructor", "__proto__"]), "en");
  assert.equal(chooseLanguage([]), "en");
});

test("A sentence that no dictionary knows is said as it came", () => {
  const text = "Something quite new.";
  for (const key of ["from_the_future", "constructor", ""]) {
    assert.equal(sentenceOf({ key, values: {}, text }), text);
  }
  assert.equal(
    sentenceOf({ key: "server_silent", values: {}, text }),
    strings.notices.server_silent({}),
  );
});
