import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { later, loadSheet } from "../later.js";
import { Files } from "../backend/guest/files/files.js";
import { refusalOf, strings } from "../strings.js";

const warn = console.warn;
beforeEach(() => (console.warn = () => {}));
afterEach(() => (console.warn = warn));

test("A part is loaded once, however often it is asked for", async () => {
  let loads = 0;
  const part = later(import.meta.url, async () => ({ load: (loads += 1) }));
  const [one, other] = await Promise.all([part(), part()]);
  assert.equal(one, other);
  assert.equal(await part(), one);
  assert.equal(loads, 1);
});

test("A part that cannot be loaded says so in words, and the next time is tried anew", async () => {
  let gone = true;
  const part = later(import.meta.url, async () => {
    if (gone) throw new TypeError("Failed to fetch dynamically imported module");
    return "here";
  });
  const refused = await part().catch(refusalOf);
  assert.equal(refused, strings.notices.part_not_loaded({}));
  gone = false;
  assert.equal(await part(), "here");
});

test("A sheet that cannot be loaded leaves nothing behind, and the next time is tried anew", async () => {
  const links = [];
  const removed = [];
  globalThis.document = {
    createElement: () => ({ remove() { removed.push(this); } }),
    head: { append: (link) => links.push(link) },
  };
  const refused = assert.rejects(loadSheet("share"), /style\/share\.css$/);
  links[0].onerror();
  await refused;
  assert.deepEqual(removed, links);
  const loaded = [loadSheet("share"), loadSheet("share")];
  assert.equal(links.length, 2);
  links[1].onload();
  await Promise.all(loaded);
  delete globalThis.document;
});

test("What somebody says about files before the desk is loaded is not lost", async () => {
  globalThis.window = { setTimeout, clearTimeout };
  const changed = new Promise((resolve) => {
    const files = new Files(() => files.views.length > 0 && resolve(files.views));
    const channel = { readyState: "open", send() {} };
    files.line("peer", "Enno", channel);
    channel.onmessage({ data: JSON.stringify({ type: "hello", live: [] }) });
    channel.onmessage({ data: JSON.stringify({ type: "offer", id: 7, name: "report.pdf", size: 3 }) });
    assert.deepEqual(files.views, []);
  });
  const [offered] = await changed;
  assert.equal(offered.name, "report.pdf");
  assert.equal(offered.peer_name, "Enno");
  assert.equal(offered.state, "offered");
  delete globalThis.window;
});

test("Picking nothing loads nothing, and what was never picked cannot be offered", async () => {
  const files = new Files(() => {});
  assert.deepEqual(await files.pick([]), { files: [], problem: null });
  assert.equal(files.offer(1, [{ id: "peer", name: "Enno" }]).key, "file_not_picked");
  const { files: [picked] } = await files.pick([new File(["abc"], "a.txt")]);
  assert.equal(picked.name, "a.txt");
  assert.equal(files.offer(picked.handle, [{ id: "peer", name: "Enno" }]), null);
});
