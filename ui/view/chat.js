// @ts-check
// The chat panel. Names and messages are always text nodes.

import { strings } from "../strings.js";
import { groupsWith, messageBytes, CHAT_MAX_BYTES } from "./messages.js";
import { byId, element, setText } from "./dom.js";
import { FileRows } from "./files.js";

/** @typedef {import("../types/engine").ChatMessage} ChatMessage */
/** @typedef {import("../types/engine").Command} Command */
/** @typedef {import("../types/engine").FileView} FileView */

/** Whoever has scrolled up by more than this reads older messages and is left in peace. */
const AT_END_PX = 60;

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

export class Chat {
  #panel = byId("chat-panel", HTMLElement);
  #scroll = /** @type {HTMLElement} */ (this.#panel.querySelector(".chat-scroll"));
  #log = byId("chat-log", HTMLElement);
  #empty = byId("chat-empty", HTMLElement);
  #form = byId("chat-form", HTMLFormElement);
  #input = byId("chat-input", HTMLTextAreaElement);
  #send = byId("chat-send", HTMLButtonElement);
  #hint = byId("chat-hint", HTMLElement);
  #dropHint = byId("drop-hint", HTMLElement);
  #files;
  /** @type {Map<number, { message: ChatMessage, item: HTMLElement }>} by sequence, in order */
  #shown = new Map();
  #onSend;
  #seen = -1;
  /** What was sent and has not come back as said yet. */
  #underWay = "";

  /**
   * @param {object} options
   * @param {(text: string) => Promise<boolean>} options.onSend whether it was taken
   * @param {() => void} options.onClose
   * @param {() => void} options.onAttach the person wants to pick files
   * @param {(command: Command) => void} options.onCommand what the person wants done with a file
   */
  constructor({ onSend, onClose, onAttach, onCommand }) {
    this.#onSend = onSend;
    this.#files = new FileRows(onCommand);
    byId("attach", HTMLButtonElement).addEventListener("click", onAttach);
    byId("chat-close", HTMLButtonElement).addEventListener("click", onClose);
    this.#input.addEventListener("input", () => this.#inputChanged());
    this.#input.addEventListener("keydown", (event) => {
      // While Hangul, kana and the like are being composed, Enter belongs to the input method;
      // WebKit says so by key code 229 only.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      void this.#submit();
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#submit();
      this.#input.focus();
    });
    this.#inputChanged();
  }

  get open() {
    return !this.#panel.hidden;
  }

  /** @param {boolean} open */
  setOpen(open) {
    if (open === this.open) return;
    this.#panel.hidden = !open;
    if (!open) return;
    this.#inputChanged();
    this.#toEnd();
    this.markSeen();
    this.#input.focus();
  }

  /** The call is over: what was being typed was meant for that room. */
  reset() {
    this.setOpen(false);
    this.#underWay = "";
    this.#input.value = "";
    this.#inputChanged();
  }

  /** The message was not sent: it comes back, unless something else was typed meanwhile. */
  restore() {
    if (this.#input.value === "") this.#input.value = this.#underWay;
    this.#underWay = "";
    this.#inputChanged();
  }

  /** @param {boolean} over files are dragged over the window */
  setDropTarget(over) {
    this.#dropHint.hidden = !over;
    this.#panel.toggleAttribute("data-drop", over);
  }

  /** Messages and offers of others that came while the panel was closed. */
  get unread() {
    let count = this.#files.unread;
    for (const { message } of this.#shown.values()) {
      if (message.from !== null && message.sequence > this.#seen) count += 1;
    }
    return count;
  }

  /** Everything so far counts as read. */
  markSeen() {
    for (const sequence of this.#shown.keys()) this.#seen = Math.max(this.#seen, sequence);
    this.#files.markSeen();
  }

  /**
   * All files of this call.
   * @param {FileView[]} files
   */
  renderFiles(files) {
    const atEnd = this.#isAtEnd();
    const before = this.#files.size;
    this.#files.render(files, (item) => this.#place(item));
    this.#showWhetherEmpty();
    if (!this.open) return;
    this.#files.markSeen();
    if (atEnd && this.#files.size > before) this.#toEnd();
  }

  /**
   * All that was said in this call.
   * @param {ChatMessage[]} messages
   */
  render(messages) {
    const first = messages[0];
    if (!first) this.#clear();
    else {
      // The oldest go when there are too many. One that came as an event may be newer than this view.
      for (const [sequence, { item }] of this.#shown) {
        if (sequence >= first.sequence) continue;
        item.remove();
        this.#shown.delete(sequence);
      }
    }
    for (const message of messages) this.add(message);
  }

  /** @param {ChatMessage} message @returns {boolean} whether it is new */
  add(message) {
    if (this.#shown.has(message.sequence)) return false;
    const atEnd = this.#isAtEnd();
    const last = [...this.#shown.values()].pop();
    const follows = last !== undefined && last.item === this.#log.lastElementChild;
    const grouped = follows && groupsWith(last.message, message);
    const about = { "data-chat": String(message.sequence), "data-at": String(message.at_ms) };
    const item = element("li", { class: "message", ...about });
    if (message.from === null) item.dataset.own = "";
    if (grouped) item.dataset.grouped = "";
    const at = new Date(message.at_ms);
    const name = message.from === null ? strings.you : message.name;
    if (message.from === null && message.text === this.#underWay) this.#underWay = "";
    item.append(
      element(
        "div",
        { class: "message-head" },
        element("span", { class: "message-name", dir: "auto", text: name }),
        element("time", { datetime: at.toISOString(), text: clock.format(at) }),
      ),
      element("p", { class: "message-text", dir: "auto", text: message.text }),
    );
    this.#place(item);
    this.#shown.set(message.sequence, { message, item });
    this.#showWhetherEmpty();
    if (this.open) {
      this.markSeen();
      if (atEnd || message.from === null) this.#toEnd();
    }
    return true;
  }

  #clear() {
    if (this.#shown.size === 0) return;
    for (const { item } of this.#shown.values()) item.remove();
    this.#shown.clear();
    this.#showWhetherEmpty();
    this.#seen = -1;
  }

  #showWhetherEmpty() {
    this.#empty.hidden = this.#shown.size + this.#files.size > 0;
  }

  #isAtEnd() {
    return this.#scroll.scrollHeight - this.#scroll.scrollTop - this.#scroll.clientHeight < AT_END_PX;
  }

  /** @param {HTMLElement} item goes behind everything that is older */
  #place(item) {
    let after = this.#log.lastElementChild;
    while (after && Number(after.getAttribute("data-at")) > Number(item.dataset.at)) {
      after = after.previousElementSibling;
    }
    if (after) after.after(item);
    else this.#log.prepend(item);
  }

  #toEnd() {
    this.#scroll.scrollTop = this.#scroll.scrollHeight;
  }

  #inputChanged() {
    const input = this.#input;
    input.style.height = "auto";
    if (input.scrollHeight > 0) input.style.height = `${input.scrollHeight + 2}px`;
    const tooLong = messageBytes(input.value) > CHAT_MAX_BYTES;
    this.#hint.hidden = !tooLong;
    setText(this.#hint, tooLong ? strings.chatTooLong : "");
    this.#send.disabled = tooLong || input.value.trim() === "";
  }

  async #submit() {
    const text = this.#input.value.trim();
    if (text === "" || messageBytes(text) > CHAT_MAX_BYTES) return;
    this.#underWay = text;
    this.#input.value = "";
    this.#inputChanged();
    if (!(await this.#onSend(text))) this.restore();
  }
}
