// @ts-check
// Chat: what goes over the data channel, how much of it, and what was said. Pure; told the time. The same rules
// as in the app's engine (`peer/chat.rs`, `actor/chat.rs`).

/** @typedef {import("../../types/engine").ChatMessage} ChatMessage */

/** The data channel's label. */
export const CHAT_LABEL = "maru.chat";
/** Longest chat message, in bytes of UTF-8. */
export const CHAT_MAX_BYTES = 4096;
/** Chat messages that one participant may send in {@link CHAT_RATE_SECONDS}. */
export const CHAT_RATE_MESSAGES = 10;
/** The span over which chat messages are counted. */
export const CHAT_RATE_SECONDS = 5;
/** Messages kept. */
const HISTORY = 500;
/** JSON may write each byte as `\u00xx`. */
const WIRE_MAX_CHARS = CHAT_MAX_BYTES * 6 + 64;

/** @param {string} text */
export const utf8Bytes = (text) => new TextEncoder().encode(text).length;

/**
 * A text as it is shown: without surrounding white space and control characters other than line breaks and
 * tabs; null for nothing or too much.
 * @param {string} text
 */
export function clean(text) {
  const shown = text.trim().replace(/(?![\n\t])\p{Cc}/gu, "");
  return shown !== "" && utf8Bytes(shown) <= CHAT_MAX_BYTES ? shown : null;
}

/** @param {string} text */
export const chatWire = (text) => JSON.stringify({ type: "text", text });

/**
 * Reads what a peer sent; null for anything that is not a chat text of allowed size.
 * @param {unknown} data
 */
export function parseChat(data) {
  if (data instanceof ArrayBuffer && data.byteLength <= WIRE_MAX_CHARS) {
    try {
      data = new TextDecoder("utf-8", { fatal: true }).decode(data);
    } catch {
      return null;
    }
  }
  if (typeof data !== "string" || data.length > WIRE_MAX_CHARS) return null;
  try {
    const { type, text } = JSON.parse(data) ?? {};
    return type === "text" && typeof text === "string" ? clean(text) : null;
  } catch {
    return null;
  }
}

/** Lets {@link CHAT_RATE_MESSAGES} through in any {@link CHAT_RATE_SECONDS}. */
export class ChatGate {
  /** @type {number[]} */
  #recent = [];

  /**
   * Whether one more is allowed now.
   * @param {number} now in milliseconds
   */
  admit(now) {
    this.#recent = this.#recent.filter((at) => now - at < CHAT_RATE_SECONDS * 1000);
    if (this.#recent.length >= CHAT_RATE_MESSAGES) return false;
    this.#recent.push(now);
    return true;
  }
}

/** What was said in this call. */
export class ChatHistory {
  /** @type {ChatMessage[]} */
  #messages = [];
  #sequence = 0;
  #ownGate = new ChatGate();
  /** @type {Map<string, ChatGate>} */
  #peerGates = new Map();

  clear() {
    this.#messages = [];
    this.#peerGates.clear();
  }

  get messages() {
    return this.#messages;
  }

  /**
   * Takes the own text in, or says what is wrong with it; null for nothing that was said.
   * @param {number} now @param {number} atMs @param {string} name @param {string} text
   * @returns {{ message: ChatMessage } | { problem: import("../../strings/dictionary").Said } | null}
   */
  say(now, atMs, name, text) {
    const shown = clean(text);
    if (shown === null) {
      const bytes = utf8Bytes(text);
      const values = { bytes, limit: CHAT_MAX_BYTES };
      return bytes > CHAT_MAX_BYTES ? { problem: { key: "chat_too_long", values } } : null;
    }
    if (!this.#ownGate.admit(now)) {
      const values = { messages: CHAT_RATE_MESSAGES, seconds: CHAT_RATE_SECONDS };
      return { problem: { key: "chat_too_fast", values } };
    }
    return { message: this.#add(null, name, shown, atMs) };
  }

  /**
   * Takes in what a peer said; null when it says too much.
   * @param {number} now @param {number} atMs @param {string} from @param {string} name @param {string} text
   */
  heard(now, atMs, from, name, text) {
    let gate = this.#peerGates.get(from);
    if (!gate) this.#peerGates.set(from, (gate = new ChatGate()));
    return gate.admit(now) ? this.#add(from, name, text, atMs) : null;
  }

  /** @param {string | null} from @param {string} name @param {string} text @param {number} atMs */
  #add(from, name, text, atMs) {
    const message = { sequence: ++this.#sequence, from, name, text, at_ms: atMs };
    this.#messages = [...this.#messages, message].slice(-HISTORY);
    return message;
  }
}
