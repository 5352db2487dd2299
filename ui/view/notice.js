// @ts-check
// The one notice: a sentence about what went wrong, in the page's language, with a way out. It shows the
// backend's notice, or else the last sentence with which a command was refused.

import { sentenceOf } from "../strings.js";
import { byId, setAttribute, setText } from "./dom.js";

/** @typedef {import("../types/engine").Notice} Notice */

/** Sentences that wait under the one that is shown; more would be none that a person still wants. */
const KEPT = 4;

/** Notices after which there is nothing to mend. */
const GOOD_NEWS = new Set(["device_back"]);

/** @typedef {"trouble" | "news"} Tone */

/**
 * A button that leads out of the trouble.
 * @typedef {{ label: string, act: () => void }} WayOut
 */

export class NoticeBar {
  #root = byId("notice", HTMLElement);
  #text = /** @type {HTMLElement} */ (this.#root.querySelector(".notice-text"));
  #action = /** @type {HTMLButtonElement} */ (this.#root.querySelector(".notice-action"));
  #dismiss = /** @type {HTMLButtonElement} */ (this.#root.querySelector(".notice-dismiss"));
  /** @type {Notice | null} */
  #notice = null;
  /** @type {{ text: string, wayOut: WayOut | null, tone: Tone }[]} the last one is shown, and then the ones before it */
  #local = [];
  /** @type {WayOut | null} */
  #wayOut = null;
  #onDismiss;
  #wayOutOf;
  #home = this.#root.parentElement;

  /**
   * @param {object} options
   * @param {() => void} options.onDismiss the backend's notice is to go
   * @param {(notice: Notice) => WayOut | null} options.wayOutOf
   */
  constructor({ onDismiss, wayOutOf }) {
    this.#onDismiss = onDismiss;
    this.#wayOutOf = wayOutOf;
    this.#dismiss.addEventListener("click", () => this.dismiss());
    this.#action.addEventListener("click", () => {
      const wayOut = this.#wayOut;
      this.dismiss();
      wayOut?.act();
    });
  }

  /**
   * Shows it where one looks, in place of over everything.
   * @param {HTMLElement | null} host null for over everything
   */
  moveTo(host) {
    const parent = host ?? this.#home;
    if (parent && this.#root.parentElement !== parent) parent.prepend(this.#root);
  }

  /** @param {Notice | null} notice */
  render(notice) {
    const same = notice?.key === this.#notice?.key && notice?.text === this.#notice?.text;
    if (same) return;
    this.#notice = notice;
    this.#local = [];
    this.#show();
  }

  /**
   * Something that the backend's view does not tell.
   * @param {string} text
   * @param {WayOut | null} [wayOut]
   * @param {Tone} [tone]
   */
  say(text, wayOut = null, tone = "trouble") {
    const others = this.#local.filter((said) => said.text !== text);
    this.#local = [...others, { text, wayOut, tone }].slice(-KEPT);
    this.#show();
  }

  /** Whether there was something to dismiss. */
  dismiss() {
    if (this.#root.hidden) return false;
    if (this.#local.length > 0) {
      this.#local.pop();
      this.#show();
    } else {
      this.#onDismiss();
      this.#root.hidden = true; // at once; the next view agrees
    }
    return true;
  }

  #show() {
    const local = this.#local.at(-1);
    const text = local?.text ?? (this.#notice ? sentenceOf(this.#notice) : undefined);
    this.#wayOut = local ? local.wayOut : this.#notice && this.#wayOutOf(this.#notice);
    const wasHidden = this.#root.hidden;
    this.#root.hidden = text === undefined;
    const good = local ? local.tone === "news" : GOOD_NEWS.has(this.#notice?.key ?? "");
    setAttribute(this.#root, "data-tone", good ? "news" : "trouble");
    setText(this.#text, text ?? "");
    this.#action.hidden = this.#wayOut === null;
    setText(this.#action, this.#wayOut?.label ?? "");
    // In its place on a page that scrolls it may be out of sight.
    if (wasHidden && text !== undefined) this.#root.scrollIntoView({ block: "nearest" });
  }
}
