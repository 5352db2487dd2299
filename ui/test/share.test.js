// Sharing a screen: whose is shown, what the picker's keys do, and what a guest's browser is asked.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Share, canShare } from "../backend/guest/share.js";
import { ShareChoice } from "../view/choice.js";
import { neighbour, systemDialog } from "../view/picker.js";

test("The newest screen is shown, and when it ends the one before it", () => {
  const choice = new ShareChoice();
  choice.update([]);
  assert.equal(choice.shown, null);
  choice.update(["a"]);
  choice.update(["b", "a"]);
  assert.deepEqual(choice.sharing, ["a", "b"]);
  assert.equal(choice.shown, "b");
  choice.update(["a"]);
  assert.equal(choice.shown, "a");
  choice.update([]);
  assert.equal(choice.shown, null);
});

test("What a person chose stays until somebody else begins or it ends", () => {
  const choice = new ShareChoice();
  choice.update(["a", "b"]);
  choice.choose("a");
  choice.choose("nobody");
  choice.update(["a", "b"]);
  assert.equal(choice.shown, "a");
  choice.update(["a", "b", "c"]);
  assert.equal(choice.shown, "c");
  choice.choose("a");
  choice.update(["b", "c"]);
  assert.equal(choice.shown, "c");
});

test("Arrow keys lead through a grid whose rows are not full, and stay in it", () => {
  // Two screens; then five windows, three in a row.
  const places = [[0, 0], [200, 0], [0, 150], [200, 150], [400, 150], [0, 300], [200, 300]].map(([x, y]) => ({ x, y }));
  const to = (from, key) => neighbour(places, from, key);
  assert.equal(to(0, "ArrowRight"), 1);
  assert.equal(to(1, "ArrowRight"), 2);
  assert.equal(to(6, "ArrowRight"), 6);
  assert.equal(to(0, "ArrowLeft"), 0);
  assert.equal(to(1, "ArrowDown"), 3);
  assert.equal(to(4, "ArrowUp"), 1);
  assert.equal(to(4, "ArrowDown"), 6);
  assert.equal(to(5, "ArrowDown"), 5);
  assert.equal(to(0, "ArrowUp"), 0);
  assert.equal(to(3, "Home"), 0);
  assert.equal(to(3, "End"), 6);
  assert.equal(to(3, "a"), null);
  assert.equal(neighbour([], -1, "ArrowDown"), null);
});

test("Where only the system's own dialog can let the person choose, it does, and nothing asks before it", () => {
  const source = (kind) => ({ id: kind, kind, name: "", width: 0, height: 0, thumbnail: null });
  assert.equal(systemDialog([source("portal")])?.id, "portal");
  assert.equal(systemDialog([source("portal"), source("screen")]), null, "there is a choice to make");
  assert.equal(systemDialog([source("screen")]), null);
  assert.equal(systemDialog([]), null);
});

const { navigator } = globalThis;
afterEach(() => Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true }));

class FakeTrack {
  stopped = 0;
  constructor(displaySurface) {
    this.getSettings = () => ({ displaySurface });
  }
  stop() {
    this.stopped += 1;
  }
}

/** A share in a browser that answers like this, and what it reports. */
function sharing(answer) {
  const getDisplayMedia = async (wanted) => {
    news.wanted.push(wanted);
    const track = await answer();
    return { getVideoTracks: () => [track] };
  };
  const news = { wanted: [], changes: [], troubles: [] };
  Object.defineProperty(globalThis, "navigator", { value: { mediaDevices: { getDisplayMedia } }, configurable: true });
  const share = new Share({
    onChange: () => news.changes.push(share.track),
    onTrouble: (...trouble) => news.troubles.push(trouble),
  });
  return { share, news };
}

const refused = (name, message) => async () => {
  throw Object.assign(new Error(message), { name });
};

test("A browser without screens to give, as on a phone, cannot share", () => {
  Object.defineProperty(globalThis, "navigator", { value: { mediaDevices: {} }, configurable: true });
  assert.ok(!canShare());
  Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
  assert.ok(!canShare());
  sharing(async () => new FakeTrack());
  assert.ok(canShare());
});

test("What the person chose is shown sharply, 1080 lines and 30 pictures a second at most, until the browser ends it", async () => {
  const track = new FakeTrack("monitor");
  const { share, news } = sharing(async () => track);
  await share.ask();
  assert.deepEqual(news.wanted, [{
    video: { width: { max: 1920 }, height: { max: 1080 }, frameRate: { ideal: 30, max: 30 } }, audio: false,
  }]);
  assert.equal(track.contentHint, "detail");
  assert.deepEqual(share.view, { name: "", kind: "screen" });
  track.onended();
  assert.equal(share.view, null);
  assert.deepEqual(news.changes, [track, null]);
  share.stop();
  assert.equal(news.changes.length, 2, "it ended already");
});

test("Another choice takes the place of the first, which is let go", async () => {
  const tracks = [new FakeTrack("window"), new FakeTrack("browser")];
  const { share, news } = sharing(async () => tracks[news.wanted.length - 1]);
  await Promise.all([share.ask(), share.ask()]);
  assert.equal(news.wanted.length, 1, "one question at a time");
  assert.equal(share.view.kind, "window");
  await share.ask();
  assert.equal(share.view.kind, "portal");
  assert.deepEqual(news.changes, tracks);
  assert.deepEqual(tracks.map(({ stopped }) => stopped), [1, 0]);
  share.stop();
  assert.equal(tracks[1].stopped, 1);
});

test("A change of mind is no trouble; a system that refuses and a capture that fails are", async () => {
  const outcome = async (name, message) => {
    const { share, news } = sharing(refused(name, message));
    await share.ask();
    assert.equal(share.track, null);
    return news.troubles;
  };
  assert.deepEqual(await outcome("NotAllowedError", "Permission denied by user"), []);
  assert.deepEqual(await outcome("AbortError", ""), []);
  const system = "Permission denied by system";
  assert.deepEqual(await outcome("NotAllowedError", system), [[true, system]]);
  assert.deepEqual(await outcome("NotReadableError", ""), [[false, "NotReadableError"]]);
});
