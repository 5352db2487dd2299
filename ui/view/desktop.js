// @ts-check
// How the app behaves beside its own window: notifications, the small window, keys for everywhere, other windows.

import { strings } from "../strings.js";
import { byId, setAttribute } from "./dom.js";
import { describeKeys, recordedKeys } from "./keys.js";
import { isMac, matchAppShortcut } from "./shortcuts.js";

/** @typedef {import("../types/shell").DesktopSettings} DesktopSettings */

export class DesktopPanel {
  #mac = isMac();
  #settings;
  #onChange;
  #notifyText = byId("desktop-notify-text", HTMLInputElement);

  /**
   * @param {object} options
   * @param {DesktopSettings} options.settings
   * @param {(settings: DesktopSettings) => void} options.onChange
   * @param {() => void} options.onNewWindow
   * @param {() => void} options.onQuit
   * @param {() => void} options.onLogs opens their folder
   */
  constructor({ settings, onChange, onNewWindow, onQuit, onLogs }) {
    this.#settings = settings;
    this.#onChange = onChange;
    byId("desktop", HTMLDetailsElement).hidden = false;
    this.#check(byId("desktop-notify", HTMLInputElement), "notify");
    this.#check(this.#notifyText, "notify_text");
    this.#check(byId("desktop-mini", HTMLInputElement), "mini_window");
    this.#record(byId("desktop-mute-keys", HTMLInputElement), "mute_shortcut");
    this.#record(byId("desktop-talk-keys", HTMLInputElement), "talk_shortcut");
    const another = byId("new-window", HTMLButtonElement);
    another.addEventListener("click", onNewWindow);
    if (!this.#mac) setAttribute(another, "aria-keyshortcuts", "Control+N");
    const logs = /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll(".open-logs"));
    for (const button of logs) {
      button.hidden = false;
      button.addEventListener("click", onLogs);
    }
    window.addEventListener("keydown", (event) => {
      const action = matchAppShortcut(event, this.#mac);
      if (!action) return;
      event.preventDefault();
      if (action === "quit") onQuit();
      else onNewWindow();
    });
    this.#render();
  }

  /** @param {HTMLInputElement} box @param {"notify" | "notify_text" | "mini_window"} what */
  #check(box, what) {
    box.checked = this.#settings[what];
    box.addEventListener("change", () => this.#change({ [what]: box.checked }));
  }

  /** @param {HTMLInputElement} field @param {"mute_shortcut" | "talk_shortcut"} what */
  #record(field, what) {
    field.value = describeKeys(this.#settings[what], this.#mac);
    field.addEventListener("keydown", (event) => {
      const keys = recordedKeys(event);
      if (keys === null) return;
      // What is recorded does nothing else meanwhile.
      event.preventDefault();
      event.stopPropagation();
      if (event.repeat || keys === this.#settings[what]) return;
      field.value = describeKeys(keys, this.#mac);
      this.#change({ [what]: keys });
    });
  }

  /** @param {Partial<DesktopSettings>} change */
  #change(change) {
    this.#settings = { ...this.#settings, ...change };
    this.#render();
    this.#onChange(this.#settings);
  }

  #render() {
    this.#notifyText.disabled = !this.#settings.notify;
  }
}
