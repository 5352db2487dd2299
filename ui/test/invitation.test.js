import assert from "node:assert/strict";
import { test } from "node:test";
import { strings } from "../strings.js";
import { pageLink, scopeOf } from "../view/links.js";
import { qrPath } from "../view/qr.js";
import { wayOut } from "../view/wayout.js";

test("From where a host can be reached is told by its name", () => {
  const hosts = {
    machine: ["localhost", "maru.localhost", "127.0.0.1", "[::1]"],
    network: ["192.168.1.5", "10.0.0.1", "172.16.0.1", "172.31.9.9", "169.254.1.1", "[fd00::1]", "[fe80::1]", "studio.local", "studio"],
    public: ["maru.example.org", "172.32.0.1", "8.8.8.8", "[2001:db8::1]"],
  };
  for (const [scope, names] of Object.entries(hosts)) {
    for (const name of names) assert.equal(scopeOf(name), scope, name);
  }
});

test("A guest's link is where the page is, whatever the room is called", () => {
  assert.deepEqual(pageLink("https://example.org/maru/", "회의실 / 100%?", []), {
    url: "https://example.org/maru/%ED%9A%8C%EC%9D%98%EC%8B%A4%20%2F%20100%25%3F",
    scope: "public",
  });
});

test("What the server tells of the link that a guest came by, the guest tells too", () => {
  const told = [
    { url: "https://maru.example.org/standup", scope: "public" },
    { url: "https://192.168.1.5:6279/standup", scope: "network", fingerprint: "AB:CD" },
  ];
  assert.deepEqual(pageLink("https://192.168.1.5:6279/", "standup", told), told[1]);
  const elsewhere = pageLink("https://192.168.1.50:6279/", "standup", told);
  assert.deepEqual(elsewhere, { url: "https://192.168.1.50:6279/standup", scope: "network" });
});

test("A QR code is painted module by module, with its quiet zone", () => {
  const modules = [true, true, false, false, false, false, true, false, true];
  assert.equal(qrPath({ size: 3, modules }), "M4 4h2v1h-2zM4 6h1v1h-1zM6 6h1v1h-1z");
  assert.equal(qrPath({ size: 2, modules: [false, false, false, false] }), "");
});

test("Each trouble has its way out, where there is one", () => {
  const did = [];
  const around = {
    idle: true, inCall: false, chatOpen: false,
    submit: () => did.push("submit"),
    showChat: () => did.push("chat"),
    resumeSound: () => did.push("sound"),
    command: (command) => did.push(command.type),
    chooseDevice: (kind) => did.push(kind),
    share: () => did.push("share"),
  };
  const act = (code, key, more = {}) => {
    const out = wayOut({ code, key, values: {}, text: "" }, { ...around, ...more });
    out?.act();
    return out?.label ?? null;
  };
  assert.equal(act("speaker", "sound_blocked"), strings.tapToHear);
  assert.equal(act("camera", "permission_denied"), strings.tryAgain);
  assert.equal(act("microphone", "permission_denied"), strings.tryAgain);
  assert.equal(act("microphone", "device_denied"), strings.tryAgain);
  assert.equal(act("speaker", "device_denied"), strings.chooseDevices);
  assert.equal(act("camera", "device_back"), null);
  assert.equal(act("microphone", "device_busy"), strings.chooseDevices);
  assert.equal(act("server", "server_silent"), strings.tryAgain);
  assert.equal(act("server", "server_silent", { idle: false }), null);
  assert.equal(act("chat", "chat_too_fast"), null);
  assert.equal(act("chat", "chat_too_fast", { inCall: true }), strings.chat);
  assert.equal(act("server", "server_ended"), strings.joinAgain);
  assert.equal(act("server", "server_not_maru"), strings.tryAgain);
  assert.equal(act("server", "server_not_maru", { mendServer: () => did.push("address") }), strings.changeServer);
  assert.equal(act("screen", "screen_closed"), null);
  assert.equal(act("screen", "screen_closed", { inCall: true }), strings.tryAgain);
  assert.equal(act("server", "page_not_secure"), null);
  assert.equal(act("bad_name", "name_empty"), null);
  assert.deepEqual(did, [
    "sound", "set_camera_off", "set_muted", "set_muted", "speaker", "microphone", "submit", "chat", "submit", "submit",
    "address", "share",
  ]);
});
