// What the others learn of this machine's address: the choice on the join screen, and what a guest's page makes of
// it, both in a browser that is made up.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { browserBackend } from "../backend/browser.js";
import { strings } from "../strings.js";
import { JoinScreen } from "../view/join.js";

class FakeSocket {
  static OPEN = 1;
  static last;
  readyState = 0;
  bufferedAmount = 0;
  constructor() {
    FakeSocket.last = this;
  }
  send() {}
  close() {
    this.readyState = 3;
  }
  hear(message) {
    this.onmessage({ data: JSON.stringify(message) });
  }
}

/** Negotiates nothing: only what it may use is looked at. */
class FakePeerConnection {
  static all = [];
  constructor(configuration) {
    this.configuration = configuration;
    FakePeerConnection.all.push(this);
  }
  setConfiguration(configuration) {
    this.configuration = configuration;
  }
  getTransceivers() {
    return [];
  }
  addTransceiver() {
    throw new Error("not here");
  }
  close() {}
}

class FakeElement {
  hidden = false;
  attributes = {};
  options = [];
  handlers = {};
  value = "";
  append(...options) {
    this.options.push(...options);
  }
  replaceChildren(...options) {
    this.options = options;
  }
  addEventListener(type, handler) {
    this.handlers[type] = handler;
  }
  setAttribute(name, value) {
    this.attributes[name] = value;
    if (name === "hidden") this.hidden = true;
    if (name === "value") this.value = value;
  }
  closest() {
    return (this.label ??= new FakeElement());
  }
}

const ELEMENTS = ["HTMLElement", "HTMLFormElement", "HTMLFieldSetElement", "HTMLInputElement", "HTMLSelectElement", "HTMLButtonElement", "HTMLDetailsElement"];
const before = {};
const put = (name, value) => {
  before[name] ??= Object.getOwnPropertyDescriptor(globalThis, name) ?? null;
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
};

/** @type {Map<string, string>} what the browser keeps */
let kept;
/** @type {Record<string, any>} the page's elements by id */
let page;

beforeEach(() => {
  kept = new Map();
  page = {};
  FakePeerConnection.all = [];
  const storage = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  };
  const listens = { addEventListener() {} };
  const fakes = {
    ...Object.fromEntries(ELEMENTS.map((name) => [name, FakeElement])),
    localStorage: storage,
    sessionStorage: storage,
    WebSocket: FakeSocket,
    RTCPeerConnection: FakePeerConnection,
    RTCRtpReceiver: { getCapabilities: () => ({ codecs: [] }) },
    RTCRtpSender: { getCapabilities: () => ({ codecs: [] }) },
    HTMLMediaElement: class {},
    MediaStream: class {},
    navigator: {},
    location: { href: "https://host/standup" },
    history: { replaceState() {} },
    addEventListener() {},
    window: { ...listens, setInterval() {}, setTimeout() {}, clearTimeout() {} },
    document: {
      ...listens,
      baseURI: "https://host/",
      getElementById: (id) => (page[id] ??= new FakeElement()),
      createElement: () => new FakeElement(),
    },
  };
  for (const [name, fake] of Object.entries(fakes)) put(name, fake);
});

afterEach(() => {
  FakeSocket.last?.close();
  for (const [name, descriptor] of Object.entries(before)) {
    if (descriptor) Object.defineProperty(globalThis, name, descriptor);
    else delete globalThis[name];
    delete before[name];
  }
});

const info = (id) => ({ id, name: id, status: { muted: false, camera_off: false }, client: { name: "maru", version: "1" }, capabilities: { video_codecs: ["vp8"], chat: true } });
const RELAY = { urls: ["stun:a", "turn:a"], username: "u", credential: "c" };

/** A guest whose browser remembers this choice. */
async function guest(addresses) {
  kept.set("maru.settings", JSON.stringify({ name: "Ann", addresses }));
  const backend = browserBackend();
  let view;
  ({ view } = await backend.start((event) => {
    if (event.type === "view") view = event.view;
  }));
  return {
    backend,
    told: () => view.notice?.key ?? null,
    async join(ice_servers) {
      await backend.command({ type: "dismiss_notice" }); // no camera here
      await backend.command({ type: "join", room: "standup", name: "Ann" });
      FakeSocket.last.readyState = 1;
      FakeSocket.last.onopen();
      FakeSocket.last.hear({ type: "joined", you: "me", resume: "r", resumed: false, room: "standup", peers: [], ice_servers, limits: {}, links: [] });
      assert.equal(view.call, "in_call");
    },
    choose: (choice) => backend.saveSettings({ ...backend.settings(), addresses: choice }),
    /** Somebody comes, and a connection is made. */
    meet(id) {
      FakeSocket.last.hear({ type: "peer_joined", peer: info(id) });
      return FakePeerConnection.all.at(-1);
    },
  };
}

test("A guest who remembers to go through a relay only does so; another choice holds for who comes after it", async () => {
  const ann = await guest("relay_only");
  await ann.join([RELAY]);
  assert.equal(ann.told(), null);
  const x = ann.meet("x");
  assert.deepEqual([x.configuration.iceTransportPolicy, x.configuration.iceServers], ["relay", [RELAY]]);
  await ann.choose("all");
  FakeSocket.last.hear({ type: "ice_servers", ice_servers: [{ ...RELAY, username: "v" }] });
  assert.equal(x.configuration.iceServers[0].username, "v");
  assert.equal(x.configuration.iceTransportPolicy, "relay", "it began so");
  assert.equal(ann.meet("y").configuration.iceTransportPolicy, "all");
  await ann.choose("hide_private");
  assert.equal(ann.meet("z").configuration.iceTransportPolicy, "all");
  await ann.choose("relay_only");
  assert.equal(ann.meet("w").configuration.iceTransportPolicy, "relay");
  assert.equal(JSON.parse(kept.get("maru.settings")).addresses, "relay_only");
});

test("Who wants a relay only is told once where there is none, until it is mended", async () => {
  const ann = await guest("relay_only");
  await ann.join([{ urls: ["stun:a"] }]);
  assert.equal(ann.told(), "no_relay");
  await ann.backend.command({ type: "dismiss_notice" });
  await ann.backend.saveSettings({ ...ann.backend.settings(), muted: true });
  assert.equal(ann.told(), null, "nothing new");
  await ann.choose("all");
  assert.equal(ann.told(), null);
  await ann.choose("relay_only");
  assert.equal(ann.told(), "no_relay", "in mid-call");
  await ann.choose("all");
  assert.equal(ann.told(), null, "mended");
});

test("Who wants no relay, or is in no room, is told nothing of there being none", async () => {
  const ann = await guest("all");
  await ann.join([]);
  assert.equal(ann.told(), null);
  await ann.backend.command({ type: "leave" });
  await ann.backend.command({ type: "dismiss_notice" });
  await ann.choose("relay_only");
  assert.equal(ann.told(), null);
});

/** The join screen with these settings. */
function screen(addresses, isGuest) {
  const said = [];
  const join = new JoinScreen({ onJoin() {}, onCancel() {}, onSettings: () => said.push(join.settings.addresses) });
  const settings = { name: "Ann", room: "standup", server: "", find_on_network: true, addresses, recent_rooms: [] };
  join.fill(settings, { me: { name: "" }, room: null }, isGuest);
  const choices = page.addresses.options.map(({ value, textContent }) => [value, textContent]);
  return { join, said, choices };
}

test("The join screen shows the choice, and says so when it changes", () => {
  const { join, said, choices } = screen("hide_private", false);
  assert.deepEqual(choices, [
    ["all", strings.addressesAll], ["hide_private", strings.addressesHidePrivate], ["relay_only", strings.addressesRelayOnly],
  ]);
  assert.equal(join.settings.addresses, "hide_private");
  page.addresses.value = "relay_only";
  page.addresses.handlers.change();
  assert.deepEqual(said, ["relay_only"]);
  assert.ok(!page.server.closest().hidden);
});

test("A guest has what a browser can do of it, and none of the app's own settings", () => {
  const { join, choices } = screen("relay_only", true);
  assert.deepEqual(choices.map(([value]) => value), ["all", "relay_only"]);
  assert.equal(join.settings.addresses, "relay_only");
  assert.ok(!page.advanced.hidden && !page.addresses.closest().hidden);
  for (const id of ["server", "find-on-network", "guests-on-network", "force-fallback", "synthetic-devices"]) {
    assert.ok(page[id].closest().hidden, id);
  }
});
