// @ts-check
// Lets the person choose a screen or window to share. Only the app has it: browsers ask by themselves. What happens to
// the choice is not its business.

import { refusalOf, strings } from "../strings.js";
import { element, setAttribute } from "./dom.js";
import { icon } from "./icons.js";

/** @typedef {import("../backend/backend").OfferedScreen} OfferedScreen */
/** @typedef {{ x: number, y: number }} Place */

/** An answer within this time, in milliseconds, is not waited for with a dialog. */
const SOON_MS = 150;

/**
 * The system's own dialog, where only that can let the person choose.
 * @param {OfferedScreen[]} sources
 * @returns {OfferedScreen | null}
 */
export function systemDialog(sources) {
  const [only] = sources;
  return only?.kind === "portal" && sources.length === 1 ? only : null;
}

/**
 * Where an arrow key leads in a grid whose rows need not be full.
 * @param {Place[]} places where the options begin, row by row
 * @param {number} from
 * @param {string} key
 * @returns {number | null} null for a key that leads nowhere at all
 */
export function neighbour(places, from, key) {
  const here = places[from];
  if (!here) return null;
  if (key === "Home") return 0;
  if (key === "End") return places.length - 1;
  if (key === "ArrowLeft") return Math.max(from - 1, 0);
  if (key === "ArrowRight") return Math.min(from + 1, places.length - 1);
  if (key !== "ArrowUp" && key !== "ArrowDown") return null;
  const rows = places.map(({ y }) => y).filter((y) => (key === "ArrowUp" ? y < here.y : y > here.y));
  if (rows.length === 0) return from;
  const row = key === "ArrowUp" ? Math.max(...rows) : Math.min(...rows);
  const off = places.map(({ x, y }) => (y === row ? Math.abs(x - here.x) : Infinity));
  return off.indexOf(Math.min(...off));
}

export class SharePicker {
  #sources;
  #onPick;
  #list = element("div", { class: "share-picker-list", role: "listbox", "aria-labelledby": "picker-title" });
  #state = element("div", { class: "share-picker-state", role: "status" });
  #share = /** @type {HTMLButtonElement} */ (
    element("button", { class: "button primary", type: "submit", text: strings.pickShare })
  );
  #dialog;
  /** @type {{ source: OfferedScreen, option: HTMLElement }[]} */
  #options = [];
  #chosen = -1;
  /** Counts questions: only the last one's answer is shown. */
  #asked = 0;

  /**
   * @param {object} options
   * @param {() => Promise<OfferedScreen[]>} options.sources what there is
   * @param {(source: OfferedScreen) => void} options.onPick
   */
  constructor({ sources, onPick }) {
    this.#sources = sources;
    this.#onPick = onPick;
    const cancel = element("button", { class: "button", type: "button", text: strings.cancel });
    cancel.addEventListener("click", () => this.#dialog.close());
    const form = element(
      "form",
      { class: "share-picker-form", method: "dialog" },
      element("h2", { id: "picker-title", text: strings.pickTitle }),
      element("p", { class: "share-picker-text", id: "picker-text", text: strings.pickText }),
      this.#list,
      this.#state,
      element("div", { class: "share-picker-actions" }, cancel, this.#share),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#pick();
    });
    const named = { "aria-labelledby": "picker-title", "aria-describedby": "picker-text" };
    this.#dialog = /** @type {HTMLDialogElement} */ (element("dialog", { id: "picker", class: "share-picker", ...named }, form));
    this.#dialog.addEventListener("close", () => this.#closed());
    // What the keys mean in the call they do not mean here.
    this.#dialog.addEventListener("keydown", (event) => event.stopPropagation());
    this.#list.addEventListener("keydown", (event) => this.#keyDown(event));
    document.body.append(this.#dialog);
  }

  /** Asks the person; where only the system's own dialog can, it does. */
  async open() {
    if (this.#dialog.open) return;
    const asked = ++this.#asked;
    const sources = this.#sources();
    // Two dialogs one after the other would be one too many.
    const soon = new Promise((resolve) => setTimeout(resolve, SOON_MS));
    const known = await Promise.race([sources, soon]).catch(() => undefined);
    if (asked !== this.#asked) return;
    const only = Array.isArray(known) ? systemDialog(known) : null;
    if (only) return this.#onPick(only);
    this.#dialog.showModal();
    await this.#ask(sources);
  }

  /** There is nobody to share with any more. */
  close() {
    this.#asked += 1;
    this.#dialog.close();
  }

  /** @param {Promise<OfferedScreen[]>} answer */
  async #ask(answer) {
    const asked = ++this.#asked;
    this.#offer([]);
    this.#say(element("span", { class: "spinner", "aria-hidden": "true" }), strings.pickLoading);
    try {
      const sources = await answer;
      if (asked !== this.#asked) return;
      const only = systemDialog(sources);
      if (only) {
        this.#dialog.close();
        return this.#onPick(only);
      }
      this.#offer(sources);
      if (sources.length === 0) this.#fail(strings.pickNothing);
      else this.#say();
    } catch (error) {
      if (asked === this.#asked) this.#fail(refusalOf(error));
    }
  }

  /** @param {string} problem */
  #fail(problem) {
    const again = element("button", { class: "button quiet", type: "button", text: strings.tryAgain });
    again.addEventListener("click", () => void this.#ask(this.#sources()));
    this.#say(element("p", { text: problem }), again);
    again.focus();
  }

  /** @param {(HTMLElement | string)[]} parts what is to be said in place of a choice */
  #say(...parts) {
    this.#state.replaceChildren(...parts);
    this.#state.hidden = parts.length === 0;
  }

  /** @param {OfferedScreen[]} sources */
  #offer(sources) {
    this.#options = [];
    const groups = [
      { title: strings.pickScreens, of: sources.filter(({ kind }) => kind !== "window") },
      { title: strings.pickWindows, of: sources.filter(({ kind }) => kind === "window") },
    ];
    this.#list.replaceChildren(
      ...groups.filter(({ of }) => of.length > 0).map(({ title, of }) => this.#group(title, of)),
    );
    this.#list.hidden = sources.length === 0;
    this.#choose(sources.length > 0 ? 0 : -1);
    if (sources.length > 0) this.#options[0]?.option.focus();
  }

  /** @param {string} title @param {OfferedScreen[]} sources */
  #group(title, sources) {
    const options = sources.map((source) => this.#option(source));
    const heading = element("span", { class: "share-picker-heading", "aria-hidden": "true", text: title });
    return element("div", { class: "share-picker-group", role: "group", "aria-label": title }, heading, ...options);
  }

  /** @param {OfferedScreen} source */
  #option(source) {
    const { kind, thumbnail } = source;
    const name = kind === "portal" ? strings.pickPortal : source.name;
    const picture = thumbnail
      ? element("img", { class: "share-picker-thumbnail", src: thumbnail, alt: "", draggable: "false" })
      : element("span", { class: "share-picker-thumbnail" }, icon(kind === "window" ? "window" : "screen"));
    const label = element("span", { class: "share-picker-name", dir: "auto", text: name });
    const option = element("div", { class: "share-picker-option", role: "option", title: name }, picture, label);
    const index = this.#options.push({ source, option }) - 1;
    option.addEventListener("click", () => this.#choose(index));
    option.addEventListener("focus", () => this.#choose(index));
    option.addEventListener("dblclick", () => this.#pick());
    return option;
  }

  /** @param {number} index −1 for none */
  #choose(index) {
    this.#chosen = index;
    this.#share.disabled = index < 0;
    for (const [at, { option }] of this.#options.entries()) {
      setAttribute(option, "aria-selected", at === index);
      setAttribute(option, "tabindex", at === index ? "0" : "-1");
    }
  }

  /** @param {KeyboardEvent} event */
  #keyDown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter") {
      event.preventDefault();
      return this.#pick();
    }
    const places = this.#options.map(({ option }) => ({ x: option.offsetLeft, y: option.offsetTop }));
    const next = neighbour(places, this.#chosen, event.key);
    if (next === null) return;
    event.preventDefault();
    this.#options[next]?.option.focus();
  }

  #pick() {
    const source = this.#options[this.#chosen]?.source;
    if (!source) return;
    this.#dialog.close();
    this.#onPick(source);
  }

  #closed() {
    this.#asked += 1;
    this.#offer([]); // thumbnails are large
  }
}
