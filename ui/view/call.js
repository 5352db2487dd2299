// @ts-check
// The call screen around the tiles: room, waiting, the server's state, panels.

import { strings } from "../strings.js";
import { byId, setAttribute, setText } from "./dom.js";

/** @typedef {import("../types/engine").CallView} CallView */

/** How long the copy button shows that it worked. */
const COPIED_MS = 1600;

export class CallScreen {
  #screen = byId("call-screen", HTMLElement);
  #room = byId("room-name", HTMLElement);
  #count = byId("room-count", HTMLElement);
  #waiting = byId("waiting", HTMLElement);
  #waitingRoom = byId("waiting-room", HTMLElement);
  #copy = byId("copy-room", HTMLButtonElement);
  #serverState = byId("server-state", HTMLElement);
  #devices = byId("devices-panel", HTMLElement);
  #say;

  /**
   * @param {object} options
   * @param {() => void} options.onCloseDevices
   * @param {(text: string) => void} options.say to people who listen to the screen
   */
  constructor({ onCloseDevices, say }) {
    this.#say = say;
    byId("devices-close", HTMLButtonElement).addEventListener("click", onCloseDevices);
    this.#copy.addEventListener("click", () => void this.#copyRoom());
    // A click beside the panel closes it, as one expects of a menu.
    document.addEventListener("pointerdown", ({ target }) => {
      if (this.#devices.hidden || !(target instanceof Element)) return;
      if (!target.closest("#devices-panel, #devices, #notice")) onCloseDevices();
    });
  }

  /** @param {boolean} shown */
  setShown(shown) {
    this.#screen.hidden = !shown;
  }

  focus() {
    this.#screen.focus();
  }

  get devicesOpen() {
    return !this.#devices.hidden;
  }

  /** @param {boolean} open */
  setDevicesOpen(open) {
    this.#devices.hidden = !open;
  }

  /** @param {CallView} view */
  render({ call, room, peers }) {
    setText(this.#room, room ?? "");
    setText(this.#waitingRoom, room ?? "");
    setText(this.#count, strings.participants(peers.length + 1));
    this.#waiting.hidden = peers.length > 0;
    this.#serverState.hidden = call !== "reconnecting";
  }

  async #copyRoom() {
    try {
      await navigator.clipboard.writeText(this.#waitingRoom.textContent ?? "");
      setAttribute(this.#copy, "aria-pressed", "true");
      setAttribute(this.#copy, "data-tooltip", strings.copied);
      this.#say(strings.copied);
      window.setTimeout(() => {
        setAttribute(this.#copy, "aria-pressed", null);
        setAttribute(this.#copy, "data-tooltip", strings.copyRoom);
      }, COPIED_MS);
    } catch {
      // The webview gives no access to the clipboard: make the keyboard's own way short.
      window.getSelection()?.selectAllChildren(this.#waitingRoom);
      setAttribute(this.#copy, "data-tooltip", strings.copyFailed);
      this.#say(strings.copyFailed);
    }
  }
}
