// @ts-check
// What participants give each other beside sound and pictures: chat and files. How either gets there is not its business.

import { ChatHistory } from "./chat.js";
import { Files } from "./files/files.js";

/** @typedef {import("../../strings/dictionary").Said} Said */
/** @typedef {import("../../types/engine").ChatMessage} ChatMessage */

/**
 * @typedef {object} Around
 * @property {() => import("./call").Call["peers"]} peers
 * @property {() => boolean} isInCall
 * @property {(text: string) => void} send says it to all of them
 * @property {(message: ChatMessage) => void} onMessage somebody said something
 * @property {(code: "chat" | "file", said: Said) => void} onTrouble
 * @property {() => void} onChange there is something new to show
 */

/** @param {{ info: import("../../types/protocol").PeerInfo }} peer */
const takesFiles = ({ info }) => info.capabilities.files === true;

export class Conversation {
  #around;
  #chat = new ChatHistory();
  #files;

  /** @param {Around} around */
  constructor(around) {
    this.#around = around;
    this.#files = new Files(around.onChange);
  }

  get messages() {
    return this.#chat.messages;
  }

  get files() {
    return this.#files.views;
  }

  /** Whether bytes are on their way, so that there is progress to show. */
  get isMoving() {
    return this.#files.isMoving;
  }

  /** A new call begins. */
  clear() {
    this.#chat.clear();
    this.#files.clear();
  }

  /** Forgets who is not there any more. */
  retain() {
    this.#files.retain(this.#around.peers().map((peer) => peer.id));
  }

  /** @param {string} name the own one @param {string} text */
  say(name, text) {
    if (!this.#around.isInCall()) return this.#around.onTrouble("chat", { key: "chat_not_in_a_room", values: {} });
    const said = this.#chat.say(performance.now(), Date.now(), name, text);
    if (said === null) return;
    if ("problem" in said) return this.#around.onTrouble("chat", said.problem);
    this.#around.send(said.message.text);
    this.#around.onMessage(said.message);
  }

  /** @param {string} from @param {string} text */
  heard(from, text) {
    const peer = this.#peer(from);
    const message = peer && this.#chat.heard(performance.now(), Date.now(), from, peer.info.name, text);
    if (message) this.#around.onMessage(message);
  }

  /** @param {string} peer @param {RTCDataChannel | null} channel for files; null when the connection was given up */
  channel(peer, channel) {
    if (channel) this.#files.line(peer, this.#peer(peer)?.info.name ?? "", channel);
    else this.#files.drop(peer);
  }

  /**
   * Takes in files that the person picked.
   * @param {File[]} files
   */
  pick(files) {
    return this.#files.pick(files);
  }

  /** @param {number} handle offers a picked file to everybody who can take files */
  offer(handle) {
    const { peers, isInCall, onTrouble } = this.#around;
    if (!isInCall()) return onTrouble("file", { key: "file_not_in_a_room", values: {} });
    const here = peers().filter(({ state }) => state === "connected" || state === "restarting");
    if (here.length === 0) return onTrouble("file", { key: "file_nobody", values: {} });
    const can = here.filter(takesFiles).map(({ id, info }) => ({ id, name: info.name }));
    const problem = can.length > 0 ? this.#files.offer(handle, can) : null;
    if (problem) return onTrouble("file", problem);
    const cannot = here.filter((peer) => !takesFiles(peer)).map(({ info }) => info.name);
    if (cannot.length > 0) onTrouble("file", { key: "file_not_for", values: { name: cannot.join(", ") } });
  }

  /** @param {number} file */
  accept(file) {
    this.#files.accept(file);
  }

  /** @param {number} file */
  cancel(file) {
    this.#files.cancel(file);
  }

  /** @param {string} id */
  #peer(id) {
    return this.#around.peers().find((peer) => peer.id === id);
  }
}
