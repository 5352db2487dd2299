// @ts-check
// Begins and ends sharing a screen: the browser asks what to share, or this page does.

import { later, loadSheet } from "../later.js";

/** Only the app has it: browsers ask by themselves. */
const loadPicker = later(new URL("picker.js", import.meta.url), async () => {
  const [{ SharePicker }] = await Promise.all([import("./picker.js"), loadSheet("picker")]);
  return SharePicker;
});

export class Sharing {
  #backend;
  #command;
  /** @type {import("./picker").SharePicker | undefined} */
  #picker;

  /**
   * @param {Pick<import("../backend/backend").Backend, "askToShare" | "screenSources">} backend
   * @param {(command: import("../types/engine").Command) => Promise<boolean>} command
   */
  constructor(backend, command) {
    this.#backend = backend;
    this.#command = command;
  }

  /** Whether it can be done here at all. */
  get isPossible() {
    const { askToShare, screenSources } = this.#backend;
    return askToShare !== undefined || screenSources !== undefined;
  }

  /** Lets the person choose; called while a tap or a key is handled. Rejects with a refusal. */
  async begin() {
    const { askToShare, screenSources } = this.#backend;
    if (askToShare) return askToShare();
    if (!screenSources) return;
    const SharePicker = await loadPicker();
    this.#picker ??= new SharePicker({
      sources: screenSources,
      onPick: ({ id }) => void this.#command({ type: "start_share", source: id }),
    });
    await this.#picker.open();
  }

  end() {
    void this.#command({ type: "stop_share" });
  }

  /** There is nobody to share with any more. */
  close() {
    this.#picker?.close();
  }
}
