// @ts-check
// The button of the check before a call. What it opens is loaded when it is first pressed.

import { later, loadSheet } from "../../later.js";
import { byId } from "../dom.js";

/** @typedef {import("./dialog").CheckDialog} CheckDialog */

const load = later(new URL("dialog.js", import.meta.url), async () => {
  const [{ CheckDialog }] = await Promise.all([import("./dialog.js"), loadSheet("check")]);
  return CheckDialog;
});

export class Check {
  #options;
  /** @type {CheckDialog | null} */
  #dialog = null;

  /**
   * @param {ConstructorParameters<typeof import("./dialog").CheckDialog>[0]} options
   * @param {(attempt: Promise<void>) => void} attempt tells the person when it fails
   */
  constructor(options, attempt) {
    this.#options = options;
    byId("check-open", HTMLButtonElement).addEventListener("click", () => attempt(this.#open()));
  }

  /** @param {number} dbfs of the own microphone */
  renderLevel(dbfs) {
    this.#dialog?.renderLevel(dbfs);
  }

  /** A call begins: what was being tried is used now. */
  close() {
    this.#dialog?.close();
  }

  async #open() {
    const CheckDialog = await load();
    if (this.#options.view().call !== "idle") return; // it took its time
    this.#dialog ??= new CheckDialog(this.#options);
    this.#dialog.open();
  }
}
