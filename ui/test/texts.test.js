import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { dictionaries } from "./dictionaries.js";

const ui = fileURLToPath(new URL("../", import.meta.url));

/** Every module of the page, but for the dictionaries. */
function modules(folder = ui) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      return ["test", "types", "strings"].includes(relative(ui, path)) ? [] : modules(path);
    }
    return entry.name.endsWith(".js") ? [path] : [];
  });
}

/**
 * The string literals of a module, templates cut at their expressions, each with the code before it.
 * @param {string} source
 */
function literals(source) {
  const found = [];
  const stack = []; // of braces: "{" of code, "$" of a template's expression
  let code = "";
  let index = 0;
  const quoted = (end) => {
    let text = "";
    for (;;) {
      const char = source[index++];
      if (char === undefined || char === end) return { text, expression: false };
      if (char === "\\") text += source[index++] ?? "";
      else if (end === "`" && char === "$" && source[index] === "{") {
        index++;
        return { text, expression: true };
      } else text += char;
    }
  };
  const template = () => {
    const { text, expression } = quoted("`");
    found.push({ text, before: code });
    if (expression) stack.push("$");
    else code += "``";
  };
  while (index < source.length) {
    const char = source[index++];
    if (char === "/" && source[index] === "/") index = source.indexOf("\n", index);
    else if (char === "/" && source[index] === "*") index = source.indexOf("*/", index) + 2;
    else if (char === "/" && /(^|[=(,:!&|?;{}[]|=>|return)\s*$/.test(code)) {
      for (let inClass = false; ; index++) {
        if (source[index] === "\\") index++;
        else if (source[index] === "[") inClass = true;
        else if (source[index] === "]") inClass = false;
        else if (source[index] === "/" && !inClass) break;
      }
      index++;
      code += "/";
    } else if (char === '"' || char === "'") {
      found.push({ text: quoted(char).text, before: code });
      code += '""';
    } else if (char === "`") template();
    else if (char === "{") {
      stack.push("{");
      code += char;
    } else if (char === "}" && stack.pop() === "$") template();
    else code += char;
    if (index <= 0) break; // a comment that ends with the file
  }
  return found;
}

/** Names of keys, as the browser calls them, and of things that have a capital letter by nature. */
const NAMES = new Set([
  "Escape", "Enter", "Control", "Meta", "Shift", "Comma", "Segmenter", "Maru", "Alt", "Ctrl", "Super", "Tab",
  "Backspace", "Delete", "Home", "End",
]);

/** Whether a literal is something that a person would read. */
function isHuman({ text, before }) {
  // For developers: the page is broken when one of these is thrown or logged.
  if (/(new (Type|Range)?Error|console\.\w+)\($/.test(before)) return false;
  // Class names and selectors.
  if (/(class:|classList\.\w+\(|[qQ]uerySelector(All)?\(|closest\(|matches\(|matchMedia\(|join\()\s*$/.test(before)) return false;
  if (/[^\P{L}\p{ASCII}]/u.test(text.replace(/[^\p{L}]/gu, ""))) return true;
  if (NAMES.has(text.trim())) return false;
  if (text.includes("gl_")) return false; // a shader's source
  // A word with a capital letter, or two words in a row.
  return /^\s*[A-Z][a-z]+([ .,!?…]|$)/.test(text) || /[A-Za-z]{2,}[,:]? [A-Za-z]{2,}/.test(text);
}

const sources = modules().map((path) => [relative(ui, path), readFileSync(path, "utf8")]);
const html = ["index.html", "mini/index.html"].map((page) => readFileSync(join(ui, page), "utf8")).join("\n");

test("The finder of texts finds them, and nothing else", () => {
  const human = (source) => literals(source).filter(isHuman).map(({ text }) => text);
  assert.deepEqual(human('setText(a, "Leave");'), ["Leave"]);
  assert.deepEqual(human("say(`${name} has left`)"), [" has left"]);
  assert.deepEqual(human("say(`${f({ a: `x` })} has left`)"), [" has left"]);
  assert.deepEqual(human('label.title = "회의"'), ["회의"]);
  assert.deepEqual(human('element("p", { text: "try again" })'), ["try again"]);
  assert.deepEqual(human('// Say hello there\n/* And here */ a = /"Not this" either/;'), []);
  assert.deepEqual(human('throw new Error("index.html lacks it"); key === "Escape"; d("M4 9V8a2 2 0 0 1 2-2")'), []);
});

test("No module has a text of its own", () => {
  assert.ok(sources.length > 30);
  const found = sources.flatMap(([path, source]) =>
    literals(source).filter(isHuman).map(({ text }) => `${path}: ${JSON.stringify(text)}`),
  );
  assert.deepEqual(found, []);
});

test("The pages have no text of their own but the name in their titles", () => {
  const markup = html.replace(/<!--[\s\S]*?-->/g, "");
  const texts = markup.replace(/<title>Maru<\/title>/g, "").replace(/<[^>]*>/g, " ").trim();
  assert.equal(texts, "");
  const attributes = [...markup.matchAll(/\s(aria-label|title|placeholder|alt|aria-description|value)="([^"]*)"/g)];
  assert.deepEqual(attributes.filter(([, , value]) => value !== "").map(([all]) => all), []);
});

test("No line of a text looks like a comment, which the server takes out", () => {
  const all = [...sources, ...["en", "ko"].map((name) => [name, readFileSync(join(ui, `strings/${name}.js`), "utf8")])];
  const found = all.flatMap(([path, source]) =>
    literals(source).filter(({ text }) => /\n\s*\/[/*]/.test(text)).map(({ text }) => `${path}: ${JSON.stringify(text)}`),
  );
  assert.deepEqual(found, []);
});

test("Every text that the page names is in the dictionaries", () => {
  const named = [...html.matchAll(/data-(?:text|label|tooltip|placeholder)="([^"]+)"/g)].map(([, key]) => key);
  assert.ok(named.length > 30);
  for (const key of named) assert.equal(typeof dictionaries.en[key], "string", key);
});

test("Every text in the dictionaries is used", () => {
  const code = sources.map(([, source]) => source).join("\n");
  // Panels are described by their own names (view/controls.js).
  const byName = new Set(["devices", "invite", "chat"]);
  const unused = Object.keys(dictionaries.en).filter(
    (key) => !byName.has(key) && !new RegExp(`strings\\.${key}\\b`).test(code) && !html.includes(`="${key}"`),
  );
  assert.deepEqual(unused, []);
});
