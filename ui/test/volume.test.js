// The control of how loud somebody is, in a page that is made up.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { VolumeControl } from "../view/volume.js";

const before = {};

class FakeNode {
  attributes = new Map();
  children = [];
  handlers = new Map();
  append(...children) {
    this.children.push(...children);
  }
  contains(node) {
    return node === this || this.children.some((child) => child.contains(node));
  }
  getAttribute(name) {
    return this.attributes.get(name) ?? null;
  }
  setAttribute(name, value) {
    this.attributes.set(name, value);
  }
  addEventListener(type, handler) {
    this.handlers.set(type, handler);
  }
  removeEventListener(type) {
    this.handlers.delete(type);
  }
  focus() {
    page.focused = this;
  }
}

/** @type {any} */
let page;

beforeEach(() => {
  const make = () => new FakeNode();
  page = Object.assign(make(), { createElement: make, createElementNS: make, focused: null });
  for (const [name, value] of Object.entries({ document: page, Node: FakeNode })) {
    before[name] = Object.getOwnPropertyDescriptor(globalThis, name);
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
});

afterEach(() => {
  for (const [name, found] of Object.entries(before)) {
    if (found) Object.defineProperty(globalThis, name, found);
    else delete globalThis[name];
  }
});

test("The panel of a volume closes when the focus goes elsewhere in the page, and only then", () => {
  /** @type {any} */
  const control = new VolumeControl("p", async () => true).element;
  const [toggle, panel] = control.children;
  const focusGoesTo = (relatedTarget) => control.handlers.get("focusout")({ relatedTarget });
  toggle.handlers.get("click")();
  assert.ok(!panel.hidden);
  focusGoesTo(panel.children[0]);
  focusGoesTo(toggle);
  focusGoesTo(null);
  assert.ok(!panel.hidden, "to another part of it, or to another window");
  const elsewhere = new FakeNode();
  elsewhere.focus();
  focusGoesTo(elsewhere);
  assert.ok(panel.hidden);
  assert.equal(toggle.getAttribute("aria-expanded"), "false");
  assert.equal(page.focused, elsewhere, "where the person wanted it");
  assert.ok(!page.handlers.has("pointerdown"));
});
