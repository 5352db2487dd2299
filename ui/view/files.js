// @ts-check
// Files among the messages of the chat: who offers what, how far it is, and what one can do about it. Names are
// always text nodes.

import { language } from "../language.js";
import { sentenceOf, strings } from "../strings.js";
import { bytesIn } from "./amount.js";
import { element, setAttribute, setText } from "./dom.js";
import { icon } from "./icons.js";

/** @typedef {import("../types/engine").Command} Command */
/** @typedef {import("../types/engine").FileView} FileView */

/** @param {FileView} file whether something may still come of it */
export const isUnderWay = ({ state }) =>
  state === "offered" || state === "moving" || state === "waiting" || state === "checking";

/** @param {FileView} file whether the person is asked for an answer */
const isAsked = ({ direction, state }) => direction === "receiving" && state === "offered";

/**
 * How far a file is, in words.
 * @param {FileView} file
 * @returns {string}
 */
export function stateOf(file) {
  const size = bytesIn(language, file.size);
  switch (file.state) {
    case "offered":
      return isAsked(file) ? size : `${size} · ${strings.fileAsked}`;
    case "moving": {
      const parts = [strings.fileMoved(bytesIn(language, file.moved), size)];
      if (file.speed > 0) parts.push(bytesIn(language, file.speed, "-per-second"));
      if (file.seconds_left !== null) parts.push(timeLeft(file.seconds_left));
      return parts.join(" · ");
    }
    case "waiting":
      return strings.fileWaiting;
    case "checking":
      return strings.fileChecking;
    case "done":
      return `${size} · ${file.saved_as === null ? strings.fileSent : strings.fileSaved(file.saved_as)}`;
    case "declined":
      return strings.fileDeclined;
    case "cancelled":
      return strings.fileCancelled;
    case "failed":
      return file.problem === null ? strings.fileCancelled : sentenceOf(file.problem);
  }
}

/** @param {number} seconds */
function timeLeft(seconds) {
  return seconds < 100 ? strings.secondsLeft(seconds) : strings.minutesLeft(Math.round(seconds / 60));
}

/** One file's row; it changes with the file. */
class Row {
  item;
  #file;
  #status = element("p", { class: "file-status" });
  #progress = element("progress", { class: "file-progress", max: "1" });
  #buttons = element("div", { class: "file-buttons" });
  #buttonsFor = "";
  #onCommand;

  /** @param {FileView} file @param {(command: Command) => void} onCommand */
  constructor(file, onCommand) {
    this.#file = file;
    this.#onCommand = onCommand;
    const who = file.direction === "sending" ? strings.fileTo(file.peer_name) : strings.fileFrom(file.peer_name);
    this.#progress.setAttribute("aria-label", strings.progressOf(file.name));
    this.item = element(
      "li",
      { class: "file", "data-file": String(file.id), "data-at": String(file.at_ms) },
      icon("file"),
      element(
        "div",
        { class: "file-body" },
        element("p", { class: "file-name", dir: "auto", text: file.name }),
        element("p", { class: "file-who", dir: "auto", text: who }),
        this.#progress,
        this.#status,
        this.#buttons,
      ),
    );
    if (file.direction === "sending") this.item.dataset.own = "";
    this.update(file);
  }

  /** @param {FileView} file */
  update(file) {
    this.#file = file;
    setAttribute(this.item, "data-state", file.state);
    setText(this.#status, stateOf(file));
    const moves = file.state === "moving" || file.state === "waiting" || file.state === "checking";
    this.#progress.hidden = !moves;
    setAttribute(this.#progress, "value", (file.size === 0 ? 1 : file.moved / file.size).toFixed(3));
    const buttons = isAsked(file) ? "answer" : isUnderWay(file) ? "cancel" : "";
    if (buttons === this.#buttonsFor) return;
    this.#buttonsFor = buttons;
    const hadFocus = this.#buttons.contains(document.activeElement);
    this.#buttons.replaceChildren(...this.#buttonsOf(buttons));
    // Who answered with the keyboard goes on from there.
    if (hadFocus) /** @type {HTMLElement | null} */ (this.#buttons.querySelector("button"))?.focus();
  }

  /** @param {string} which */
  #buttonsOf(which) {
    const { id, name } = this.#file;
    /** @param {string} text @param {string} label @param {Command} command */
    const button = (text, label, command) => {
      const made = element("button", { type: "button", class: "button", "aria-label": label, text });
      made.addEventListener("click", () => this.#onCommand(command));
      return made;
    };
    if (which === "answer") {
      const accept = button(strings.accept, strings.acceptFile(name), { type: "accept_file", id });
      accept.classList.add("primary");
      return [
        accept,
        button(strings.decline, strings.declineFile(name), { type: "cancel_file", id }),
      ];
    }
    if (which === "cancel") return [button(strings.cancel, strings.cancelFile(name), { type: "cancel_file", id })];
    return [];
  }
}

/** The rows of all files of a call. */
export class FileRows {
  /** @type {Map<number, Row>} */
  #rows = new Map();
  /** @type {Set<number>} offers of others that came while nobody looked */
  #unread = new Set();
  #onCommand;

  /** @param {(command: Command) => void} onCommand */
  constructor(onCommand) {
    this.#onCommand = onCommand;
  }

  get size() {
    return this.#rows.size;
  }

  get unread() {
    return this.#unread.size;
  }

  markSeen() {
    this.#unread.clear();
  }

  /**
   * @param {FileView[]} files
   * @param {(item: HTMLElement) => void} place puts a new row where it belongs
   */
  render(files, place) {
    const shown = new Set(files.map(({ id }) => id));
    for (const [id, row] of this.#rows) {
      if (shown.has(id)) continue;
      row.item.remove();
      this.#rows.delete(id);
      this.#unread.delete(id);
    }
    for (const file of files) {
      const row = this.#rows.get(file.id);
      if (row) row.update(file);
      else {
        const made = new Row(file, this.#onCommand);
        this.#rows.set(file.id, made);
        if (isAsked(file)) this.#unread.add(file.id);
        place(made.item);
      }
      if (!isUnderWay(file)) this.#unread.delete(file.id);
    }
  }
}
