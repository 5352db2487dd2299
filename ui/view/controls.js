// @ts-check
// The switches and buttons of a call, their tooltips and their shortcuts.

import { strings } from "../strings.js";
import { byId, setAttribute, setText } from "./dom.js";
import { ariaShortcut, describeShortcut, isMac, matchShortcut } from "./shortcuts.js";

/** @typedef {import("./shortcuts").Action} Action */
/** @typedef {import("../types/engine").CallView} CallView */
/** @typedef {(typeof PANELS)[number]} Panel */

/** What the bar opens. */
export const PANELS = /** @type {const} */ (["devices", "invite", "chat"]);

export class Controls {
  #mac = isMac();
  #canFlip;
  #switches = byId("switches", HTMLElement);
  #badge = byId("chat-badge", HTMLElement);
  #flip = byId("flip", HTMLButtonElement);
  /** @type {Record<Action, HTMLButtonElement>} */
  #buttons = {
    mute: byId("mute", HTMLButtonElement),
    camera: byId("camera", HTMLButtonElement),
    share: byId("share", HTMLButtonElement),
    devices: byId("devices", HTMLButtonElement),
    invite: byId("invite", HTMLButtonElement),
    chat: byId("chat-toggle", HTMLButtonElement),
    leave: byId("leave", HTMLButtonElement),
  };

  /**
   * @param {Record<Action, () => void>} actions
   * @param {(() => void) | null} onFlip takes the camera on the other side, where there may be one
   * @param {boolean} canShare whether a screen can be shared from here
   */
  constructor(actions, onFlip, canShare) {
    this.#buttons.share.hidden = !canShare;
    this.#canFlip = onFlip !== null;
    this.#flip.addEventListener("click", () => onFlip?.());
    for (const [name, button] of Object.entries(this.#buttons)) {
      const action = /** @type {Action} */ (name);
      setAttribute(button, "aria-keyshortcuts", ariaShortcut(action, this.#mac));
      button.addEventListener("click", () => actions[action]());
    }
    window.addEventListener("keydown", (event) => {
      const action = matchShortcut(event, this.#mac);
      if (!action) return;
      event.preventDefault();
      // Before a call there is nothing to leave, and its panels are not there.
      if (this.#buttons[action].offsetParent !== null) actions[action]();
    });
    this.#describe("leave", strings.leave);
  }

  /**
   * Mute and camera belong to both screens and move to the one that is shown.
   * @param {HTMLElement} host
   */
  moveSwitches(host) {
    if (this.#switches.parentElement !== host) host.append(this.#switches);
  }

  /**
   * @param {CallView} view
   * @param {ReadonlySet<Panel>} open
   * @param {number} unread
   */
  render({ me, devices }, open, unread) {
    this.#flip.hidden = !this.#canFlip || me.camera_off || devices.cameras.length < 2;
    this.#press("mute", me.muted);
    this.#press("camera", me.camera_off);
    this.#press("share", me.sharing !== null);
    for (const panel of PANELS) {
      this.#press(panel, open.has(panel));
      setAttribute(this.#buttons[panel], "aria-expanded", open.has(panel));
    }
    this.#describe("mute", me.muted ? strings.unmute : strings.mute);
    this.#describe("camera", me.camera_off ? strings.cameraOn : strings.cameraOff);
    this.#describe("share", me.sharing ? strings.stopSharing : strings.share);
    for (const panel of PANELS) this.#describe(panel, strings[panel]);
    this.#badge.hidden = unread === 0;
    setText(this.#badge, unread > 99 ? "99+" : String(unread));
    const chat = unread > 0 ? `${strings.chat}, ${strings.unread(unread)}` : strings.chat;
    setAttribute(this.#buttons.chat, "aria-label", chat);
  }

  /** @param {Action} action */
  focus(action) {
    this.#buttons[action].focus();
  }

  /** @param {Action} action @param {boolean} pressed */
  #press(action, pressed) {
    setAttribute(this.#buttons[action], "aria-pressed", pressed);
  }

  /** @param {Action} action @param {string} text */
  #describe(action, text) {
    const tooltip = `${text}  ${describeShortcut(action, this.#mac)}`;
    setAttribute(this.#buttons[action], "data-tooltip", tooltip);
  }
}
