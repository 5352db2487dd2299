// @ts-check
// Does what the ledger says: brings together channels, files and what the person wants. The counterpart of the
// app's (`files/desk.rs`, `files/line.rs`, `files/disk.rs`).

import { Ledger } from "./ledger.js";
import { PlaceError, download, openPart, placeError, tidy } from "./place.js";
import { Sha256 } from "./sha256.js";
import {
  CHUNK_BYTES, FILE_MAX_BYTES, GOT_EVERY_BYTES, Intake, WINDOW_BYTES, chunkMessage, parseChunk, parseControl,
} from "./wire.js";

/** @typedef {import("../../../strings/dictionary").Said} Said */
/** @typedef {import("../../../types/engine").PickedFile} PickedFile */
/** @typedef {import("./ledger").Input} Input */
/** @typedef {import("./place").Part} Part */
/** @typedef {import("./wire").Control} Control */

/** Bytes that may wait in the channel. */
const BUFFER_BYTES = 512 * 1024;
/** Bytes that are read at once. */
const READ_BYTES = 8 * CHUNK_BYTES;
/** Picked files that can be offered; the oldest go. */
const PICKED_LIMIT = 256;

/**
 * A file that is sent.
 * @typedef {object} Sending
 * @property {File} source
 * @property {Sha256} digest of its beginning
 * @property {number} credit what the receiver has written
 * @property {number} run which attempt counts
 * @property {() => void} wake
 */

/**
 * A file that comes.
 * @typedef {object} Receiving
 * @property {number} file
 * @property {string} name
 * @property {number} size
 * @property {string} line peer and id
 * @property {Intake} intake
 * @property {Sha256} digest
 * @property {Part} part
 * @property {Uint8Array[]} queue
 * @property {number} told
 * @property {string | null} sha256 what it has to be, once all was sent
 * @property {boolean} working
 * @property {boolean} over
 */

export class FileDesk {
  #ledger = new Ledger(Math.floor(Math.random() * 2 ** 32));
  /** @type {Map<string, { channel: RTCDataChannel, name: string }>} by peer */
  #lines = new Map();
  /** @type {Map<number, Sending>} */
  #sending = new Map();
  /** @type {Map<number, Receiving>} */
  #receiving = new Map();
  /** @type {Map<string, Receiving>} by peer and id */
  #intakes = new Map();
  /** @type {Map<number, File>} */
  #picked = new Map();
  #handles = 0;
  #onChange;

  /** @param {() => void} onChange there is something new to show */
  constructor(onChange) {
    this.#onChange = onChange;
    void tidy();
  }

  get views() {
    return this.#ledger.views(performance.now());
  }

  /** Whether bytes are on their way, so that there is progress to show. */
  get isMoving() {
    return this.#ledger.isMoving;
  }

  /**
   * Takes in files that the person picked.
   * @param {Iterable<File>} files
   * @returns {import("../../../types/shell").Picked}
   */
  pick(files) {
    /** @type {import("../../../types/shell").Picked} */
    const picked = { files: [], problem: null };
    for (const file of files) {
      const { name, size } = file;
      if (size > FILE_MAX_BYTES) {
        const values = { name, limit: FILE_MAX_BYTES };
        picked.problem = { key: "file_too_large", values, text: "" };
        continue;
      }
      const handle = this.#handles++;
      this.#picked.set(handle, file);
      const [oldest] = this.#picked.keys();
      if (this.#picked.size > PICKED_LIMIT && oldest !== undefined) this.#picked.delete(oldest);
      picked.files.push({ handle, name, size });
    }
    return picked;
  }

  /**
   * Offers a picked file; what is wrong, where it is not offered to all of them.
   * @param {number} handle
   * @param {{ id: string, name: string }[]} peers
   * @returns {Said | null}
   */
  offer(handle, peers) {
    const source = this.#picked.get(handle);
    if (!source) return { key: "file_not_picked", values: {} };
    /** @type {Said | null} */
    let problem = null;
    for (const { id, name } of peers) {
      const offered = this.#ledger.offer(Date.now(), id, name, source.name, source.size);
      if ("problem" in offered) problem = offered.problem;
      else this.#sending.set(offered.file, { source, digest: new Sha256(), credit: 0, run: 0, wake: () => {} });
    }
    this.#perform();
    return problem;
  }

  /** @param {number} file */
  accept(file) {
    this.#input({ type: "accept", file });
  }

  /** @param {number} file */
  cancel(file) {
    this.#input({ type: "cancel", file });
  }

  /** A new call begins. */
  clear() {
    this.#ledger.clear();
  }

  /** @param {string[]} peers who is still there */
  retain(peers) {
    for (const peer of [...this.#lines.keys()]) {
      if (!peers.includes(peer)) this.#lines.delete(peer);
    }
    const gone = new Set(this.views.map(({ peer }) => peer).filter((peer) => !peers.includes(peer)));
    for (const peer of gone) this.#input({ type: "gone", peer });
  }

  /** @param {string} peer @param {string} name @param {RTCDataChannel} channel that opens soon */
  line(peer, name, channel) {
    this.#lines.set(peer, { channel, name });
    const current = () => this.#lines.get(peer)?.channel === channel;
    channel.binaryType = "arraybuffer";
    channel.bufferedAmountLowThreshold = BUFFER_BYTES / 2;
    const opened = () => current() && this.#input({ type: "opened", peer });
    channel.onopen = opened;
    channel.onbufferedamountlow = () => this.#wake();
    channel.onmessage = ({ data }) => {
      if (!current()) return;
      if (data instanceof ArrayBuffer) return this.#take(peer, data);
      const control = parseControl(data);
      if (control) this.#input({ type: "said", peer, name, control });
    };
    channel.onclose = () => {
      if (!current()) return;
      this.#lines.delete(peer);
      this.#input({ type: "closed", peer });
    };
    if (channel.readyState === "open") opened();
  }

  /** @param {string} peer its connection was given up */
  drop(peer) {
    if (this.#lines.delete(peer)) this.#input({ type: "closed", peer });
  }

  /** @param {Input} input */
  #input(input) {
    this.#ledger.handle(performance.now(), Date.now(), input);
    this.#perform();
    const progress = input.type === "written" || (input.type === "said" && input.control.type === "got");
    if (!progress) this.#onChange();
  }

  #perform() {
    for (let output = this.#ledger.poll(); output; output = this.#ledger.poll()) {
      switch (output.type) {
        case "tell":
          this.#tell(output.peer, output.control);
          break;
        case "read":
          void this.#send(output);
          break;
        case "credit": {
          const sending = this.#sending.get(output.file);
          if (sending) sending.credit = output.offset;
          sending?.wake();
          break;
        }
        case "stop_reading": {
          const sending = this.#sending.get(output.file);
          if (sending) sending.run += 1;
          sending?.wake();
          if (this.#ledger.isOver(output.file)) this.#sending.delete(output.file);
          break;
        }
        case "open_part":
          void this.#openPart(output);
          break;
        case "continue": {
          const part = this.#intakes.get(`${output.peer} ${output.id}`);
          if (part) this.#tell(output.peer, { type: "accept", id: output.id, offset: part.intake.next });
          break;
        }
        case "finish": {
          const part = this.#receiving.get(output.file);
          if (part) part.sha256 = output.sha256;
          if (part) void this.#write(part);
          break;
        }
        case "discard": {
          const part = this.#receiving.get(output.file);
          this.#receiving.delete(output.file);
          if (!part) break;
          this.#intakes.delete(part.line);
          part.over = true;
          part.queue = [];
          // What became a download is taken away later.
          if (!this.#isDone(output.file)) void part.part.discard();
        }
      }
    }
  }

  /** @param {number} file */
  #isDone(file) {
    return this.views.some(({ id, state }) => id === file && state === "done");
  }

  /** @param {string} peer @param {Control} control */
  #tell(peer, control) {
    const channel = this.#lines.get(peer)?.channel;
    if (channel?.readyState !== "open") return;
    try {
      channel.send(JSON.stringify(control));
    } catch {
      // It closed under our hands, and says so itself.
    }
  }

  #wake() {
    for (const sending of this.#sending.values()) sending.wake();
  }

  /**
   * Sends a file from an offset to its end, as fast as the channel and the receiver's disk take it.
   * @param {{ file: number, peer: string, id: number, offset: number }} from
   */
  async #send({ file, peer, id, offset }) {
    const sending = this.#sending.get(file);
    const channel = this.#lines.get(peer)?.channel;
    if (!sending || !channel) return;
    const run = (sending.run += 1);
    const { source, digest } = sending;
    sending.credit = offset;
    /** @param {number} end */
    const mayGo = (end) => end <= sending.credit + WINDOW_BYTES && channel.bufferedAmount < BUFFER_BYTES;
    // The digest needs what comes before, too: as a rule it has that.
    for (let at = Math.min(digest.bytes, offset); at < source.size; at += READ_BYTES) {
      let block;
      try {
        block = new Uint8Array(await source.slice(at, at + READ_BYTES).arrayBuffer());
      } catch {
        if (sending.run === run) this.#input(vanished(file, source.name));
        return;
      }
      if (sending.run !== run) return;
      if (digest.bytes < at + block.length) digest.update(block.subarray(digest.bytes - at));
      for (let start = Math.max(0, offset - at); start < block.length; start += CHUNK_BYTES) {
        const bytes = block.subarray(start, start + CHUNK_BYTES);
        while (!mayGo(at + start + bytes.length)) {
          await new Promise((resolve) => (sending.wake = () => resolve(undefined)));
          if (sending.run !== run) return;
        }
        try {
          channel.send(chunkMessage(id, at + start, bytes));
        } catch {
          return; // it closed under our hands, and says so itself
        }
      }
    }
    this.#tell(peer, { type: "done", id, sha256: digest.hex() });
    sending.digest = new Sha256(); // should it be sent once more, it is read once more
    this.#input({ type: "sent", file });
  }

  /** @param {{ file: number, peer: string, id: number, name: string, size: number }} about */
  async #openPart({ file, peer, id, name, size }) {
    try {
      const part = await openPart(size);
      if (this.#ledger.isOver(file)) {
        await part.discard();
        return;
      }
      /** @type {Receiving} */
      const receiving = {
        file, name, size, part,
        line: `${peer} ${id}`,
        intake: new Intake(size),
        digest: new Sha256(),
        queue: [], told: 0, sha256: null, working: false, over: false,
      };
      this.#receiving.set(file, receiving);
      this.#intakes.set(receiving.line, receiving);
      this.#input({ type: "part_opened", file });
    } catch (error) {
      const { said, refusal } = placeError(error);
      this.#input({ type: "write_failed", file, said, refusal });
    }
  }

  /** @param {string} peer @param {ArrayBuffer} message bytes of a file; of one that is not awaited they go nowhere */
  #take(peer, message) {
    const chunk = parseChunk(message);
    const part = chunk && this.#intakes.get(`${peer} ${chunk.id}`);
    if (!part) return;
    part.queue.push(chunk.bytes);
    const fits = part.intake.take(chunk.offset, chunk.bytes.length);
    const waiting = part.intake.next - part.digest.bytes;
    if (!fits || waiting > WINDOW_BYTES + GOT_EVERY_BYTES) return this.#input({ type: "garbled", file: part.file });
    void this.#write(part);
  }

  /** @param {Receiving} part writes what waits, and ends it when that was all */
  async #write(part) {
    if (part.working || part.over) return;
    part.working = true;
    const { file, size, digest } = part;
    try {
      while (part.queue.length > 0) {
        const bytes = joined(part.queue.splice(0));
        digest.update(bytes);
        await part.part.write(bytes);
        if (part.over) return;
        part.told = digest.bytes;
        this.#input({ type: "written", file, offset: part.told });
      }
      if (part.sha256 !== null && !part.over) {
        if (digest.bytes !== size || digest.hex() !== part.sha256) throw damaged();
        const blob = await part.part.finish();
        if (part.over) return;
        download(blob, part.name);
        this.#input({ type: "saved", file, name: part.name });
      }
    } catch (error) {
      const { said, refusal } = placeError(error);
      this.#input({ type: "write_failed", file, said, refusal });
    } finally {
      part.working = false;
    }
  }
}

const damaged = () => new PlaceError({ key: "file_damaged", values: {} }, "damaged");

/** @param {number} file @param {string} name @returns {Input} */
const vanished = (file, name) => ({ type: "unreadable", file, said: { key: "file_vanished", values: { name } } });

/** @param {Uint8Array[]} pieces */
function joined(pieces) {
  if (pieces.length === 1) return pieces[0];
  const all = new Uint8Array(pieces.reduce((bytes, piece) => bytes + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
