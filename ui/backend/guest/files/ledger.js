// @ts-check
// Every transfer of a call, in both directions, as a state machine: it is told what happened and when, and says
// what to do. The same rules as in the app's engine (`files/ledger.rs`, with a drawing of its states). It refuses
// to know files, channels and clocks.

import { safeName } from "./name.js";
import { Pace } from "./pace.js";
import { FILE_MAX_BYTES, UNFINISHED_LIMIT, offeredName } from "./wire.js";

/** @typedef {import("../../../strings/dictionary").Said} Said */
/** @typedef {import("../../../types/engine").FileView} FileView */
/** @typedef {import("../../../types/engine").FileState} FileState */
/** @typedef {import("../../../types/engine").FileDirection} FileDirection */
/** @typedef {import("./wire").Control} Control */
/** @typedef {import("./wire").Refusal} Refusal */

/**
 * What happened.
 * @typedef {{ type: "opened" | "closed" | "gone", peer: string }
 *   | { type: "said", peer: string, name: string, control: Control }
 *   | { type: "accept" | "cancel" | "sent" | "part_opened" | "garbled", file: number }
 *   | { type: "unreadable", file: number, said: Said }
 *   | { type: "written", file: number, offset: number }
 *   | { type: "write_failed", file: number, said: Said, refusal: Refusal }
 *   | { type: "saved", file: number, name: string }} Input
 */

/**
 * What to do.
 * @typedef {{ type: "tell", peer: string, control: Control }
 *   | { type: "read", file: number, peer: string, id: number, offset: number }
 *   | { type: "credit", file: number, offset: number }
 *   | { type: "stop_reading" | "discard", file: number }
 *   | { type: "open_part", file: number, peer: string, id: number, name: string, size: number }
 *   | { type: "continue", peer: string, id: number }
 *   | { type: "finish", file: number, sha256: string }} Output
 */

/**
 * @typedef {object} Transfer
 * @property {number} file
 * @property {string} peer
 * @property {string} peerName
 * @property {number} id
 * @property {FileDirection} direction
 * @property {string} name
 * @property {number} size
 * @property {FileState} state
 * @property {number} moved
 * @property {number} atMs
 * @property {Pace} pace
 * @property {Said | null} said why it failed
 * @property {string | null} savedAs
 */

const HISTORY = 100;
const OFFERS_IN_SPAN = 32;
const OFFER_SPAN_MS = 10_000;

/** @type {ReadonlySet<FileState>} */
const UNFINISHED = new Set(/** @type {FileState[]} */ (["offered", "moving", "waiting", "checking"]));
/** @param {Transfer} transfer */
const isRunning = ({ state }) => UNFINISHED.has(state);

/** @type {Record<Refusal, "file_peer_too_many" | "file_peer_too_large" | "file_peer_disk_full" | "file_peer_damaged" | "file_peer_not_saved">} */
const REFUSED = {
  too_many: "file_peer_too_many",
  too_large: "file_peer_too_large",
  disk_full: "file_peer_disk_full",
  damaged: "file_peer_damaged",
  not_saved: "file_peer_not_saved",
  garbled: "file_peer_not_saved",
  declined: "file_peer_not_saved",
  cancelled: "file_peer_not_saved",
};

export class Ledger {
  /** @type {Transfer[]} */
  #transfers = [];
  /** @type {Set<string>} */
  #open = new Set();
  /** @type {Map<string, number[]>} */
  #offers = new Map();
  #nextFile = 1;
  #nextId;
  /** @type {Output[]} */
  #outputs = [];

  /** @param {number} seed chooses the first id: who forgot everything does not use those of before */
  constructor(seed) {
    this.#nextId = seed >>> 0;
  }

  poll() {
    return this.#outputs.shift();
  }

  /** A new call: what was is of no interest. */
  clear() {
    this.#transfers = this.#transfers.filter(isRunning);
  }

  /**
   * A file for a peer; what is wrong where too much is under way already.
   * @param {number} atMs @param {string} peer @param {string} peerName @param {string} name @param {number} size
   * @returns {{ file: number } | { problem: Said }}
   */
  offer(atMs, peer, peerName, name, size) {
    if (this.#unfinished(peer, "sending") >= UNFINISHED_LIMIT) {
      return { problem: { key: "file_too_many", values: { name: peerName, limit: UNFINISHED_LIMIT } } };
    }
    const id = this.#nextId;
    this.#nextId = (id + 1) >>> 0;
    const transfer = this.#add({ peer, peerName, id, direction: "sending", name, size, atMs });
    this.#announce(transfer);
    return { file: transfer.file };
  }

  /** @param {number} file */
  isOver(file) {
    return this.#running(file) === undefined;
  }

  get isMoving() {
    return this.#transfers.some(({ state }) => state === "moving");
  }

  /** @param {number} now @param {number} atMs @param {Input} input */
  handle(now, atMs, input) {
    switch (input.type) {
      case "opened":
        return this.#opened(input.peer);
      case "closed":
        return this.#closed(input.peer);
      case "gone":
        this.#closed(input.peer);
        this.#offers.delete(input.peer);
        for (const transfer of this.#of(input.peer)) this.#fail(transfer, "file_peer_left");
        return;
      case "said":
        return this.#said(now, atMs, input.peer, input.name, input.control);
      case "accept":
        return this.#accept(now, input.file);
      case "cancel":
        return this.#cancel(input.file);
      case "sent": {
        const transfer = this.#running(input.file);
        if (transfer?.state === "moving") transfer.state = "checking";
        return;
      }
      case "unreadable":
        return this.#end(this.#running(input.file), "failed", input.said, { withdraw: "vanished" });
      case "part_opened": {
        const transfer = this.#running(input.file);
        if (!transfer || !this.#open.has(transfer.peer)) return; // it goes on when it is offered again
        if (transfer.state === "waiting") transfer.state = "moving";
        this.#outputs.push({ type: "continue", peer: transfer.peer, id: transfer.id });
        return;
      }
      case "written": {
        const transfer = this.#running(input.file);
        if (!transfer) return;
        transfer.moved = input.offset;
        transfer.pace.note(now, input.offset);
        const { state, peer, id } = transfer;
        if (state === "moving") this.#tell(peer, { type: "got", id, offset: input.offset });
        return;
      }
      case "write_failed":
        return this.#end(this.#running(input.file), "failed", input.said, { refuse: input.refusal });
      case "saved": {
        const transfer = this.#running(input.file);
        if (!transfer) return;
        Object.assign(transfer, { state: "done", moved: transfer.size, savedAs: input.name });
        this.#outputs.push({ type: "discard", file: transfer.file });
        this.#tell(transfer.peer, { type: "received", id: transfer.id });
        return;
      }
      case "garbled":
        return this.#garbled(this.#running(input.file));
    }
  }

  /** @param {Omit<Transfer, "file" | "state" | "moved" | "pace" | "said" | "savedAs">} about @returns {Transfer} */
  #add(about) {
    /** @type {Transfer} */
    const transfer = {
      ...about, file: this.#nextFile++, state: "offered", moved: 0, pace: new Pace(), said: null, savedAs: null,
    };
    this.#transfers.push(transfer);
    if (this.#transfers.length > HISTORY) {
      const oldest = this.#transfers.findIndex((old) => !isRunning(old));
      if (oldest >= 0) this.#transfers.splice(oldest, 1);
    }
    return transfer;
  }

  /** @param {string} peer what is under way with it */
  #of(peer) {
    return this.#transfers.filter((transfer) => transfer.peer === peer && isRunning(transfer));
  }

  /** @param {string} peer @param {FileDirection} direction */
  #unfinished(peer, direction) {
    return this.#of(peer).filter((transfer) => transfer.direction === direction).length;
  }

  /** @param {number} file */
  #running(file) {
    return this.#transfers.find((transfer) => transfer.file === file && isRunning(transfer));
  }

  /** @param {string} peer @param {number} id @param {FileDirection} direction */
  #ofId(peer, id, direction) {
    const is = (/** @type {Transfer} */ known) =>
      known.peer === peer && known.id === id && known.direction === direction;
    return [...this.#transfers].reverse().find(is);
  }

  /** @param {Transfer} transfer */
  #announce({ peer, id, name, size }) {
    this.#tell(peer, { type: "offer", id, name: offeredName(name), size });
  }

  /** @param {string} peer @param {Control} control */
  #tell(peer, control) {
    if (this.#open.has(peer)) this.#outputs.push({ type: "tell", peer, control });
  }

  /** @param {string} peer */
  #opened(peer) {
    this.#closed(peer); // whatever went on over another channel
    this.#open.add(peer);
    const ours = this.#of(peer).filter(({ direction }) => direction === "sending");
    this.#tell(peer, { type: "hello", live: ours.map(({ id }) => id) });
    for (const transfer of ours) this.#announce(transfer);
  }

  /** @param {string} peer */
  #closed(peer) {
    this.#open.delete(peer);
    for (const transfer of this.#of(peer)) {
      const { direction, state, file } = transfer;
      if (direction === "sending" && (state === "moving" || state === "checking")) {
        this.#outputs.push({ type: "stop_reading", file });
      } else if (direction !== "receiving" || state !== "moving") continue;
      transfer.state = "waiting";
      transfer.pace.restart();
    }
  }

  /** @param {number} now @param {number} atMs @param {string} peer @param {string} peerName @param {Control} control */
  #said(now, atMs, peer, peerName, control) {
    if (control.type === "hello") {
      const lost = this.#of(peer).filter(
        ({ direction, state, id }) =>
          direction === "receiving" && (state === "offered" || state === "waiting") && !control.live.includes(id),
      );
      for (const transfer of lost) this.#fail(transfer, "file_peer_left");
      return;
    }
    if (control.type === "offer") return this.#offered(now, atMs, peer, peerName, control);
    const theirs = control.type === "done" || control.type === "withdraw";
    const transfer = this.#ofId(peer, control.id, theirs ? "receiving" : "sending");
    if (!transfer || !isRunning(transfer)) return;
    const { file, state } = transfer;
    switch (control.type) {
      case "accept":
        if (state !== "offered" && state !== "waiting") return;
        if (control.offset > transfer.size) return this.#fail(transfer, "file_garbled");
        transfer.state = "moving";
        transfer.moved = control.offset;
        transfer.pace.restart();
        transfer.pace.note(now, control.offset);
        this.#outputs.push({ type: "read", file, peer, id: control.id, offset: control.offset });
        return;
      case "got":
        if (state !== "moving" && state !== "checking") return;
        if (control.offset < transfer.moved || control.offset > transfer.size) return;
        transfer.moved = control.offset;
        transfer.pace.note(now, control.offset);
        this.#outputs.push({ type: "credit", file, offset: control.offset });
        return;
      case "done":
        if (state !== "moving") return;
        transfer.state = "checking";
        this.#outputs.push({ type: "finish", file, sha256: control.sha256.toLowerCase() });
        return;
      case "received":
        if (state !== "checking" && state !== "waiting") return;
        transfer.state = "done";
        transfer.moved = transfer.size;
        this.#outputs.push({ type: "stop_reading", file });
        return;
      case "withdraw":
        if (control.reason === "vanished") return this.#fail(transfer, "file_peer_vanished");
        return this.#end(transfer, "cancelled", null, null);
      case "refuse": {
        const { reason } = control;
        if (reason === "declined") return this.#end(transfer, "declined", null, null);
        if (reason === "cancelled" || !Object.hasOwn(REFUSED, reason)) {
          return this.#end(transfer, "cancelled", null, null);
        }
        return this.#fail(transfer, REFUSED[reason]);
      }
    }
  }

  /**
   * @param {number} now @param {number} atMs @param {string} peer @param {string} peerName
   * @param {Extract<Control, { type: "offer" }>} offer
   */
  #offered(now, atMs, peer, peerName, { id, name, size }) {
    const known = this.#ofId(peer, id, "receiving");
    if (known) {
      if (known.size !== size) return this.#garbled(isRunning(known) ? known : undefined);
      if (known.state === "moving" || known.state === "waiting") {
        known.state = "moving";
        known.pace.restart();
        this.#outputs.push({ type: "continue", peer, id });
      } else if (known.state === "done") this.#tell(peer, { type: "received", id });
      else if (!isRunning(known)) this.#tell(peer, { type: "refuse", id, reason: "cancelled" });
      return;
    }
    if (size > FILE_MAX_BYTES) return this.#tell(peer, { type: "refuse", id, reason: "too_large" });
    if (this.#unfinished(peer, "receiving") >= UNFINISHED_LIMIT || !this.#admit(now, peer)) {
      return this.#tell(peer, { type: "refuse", id, reason: "too_many" });
    }
    this.#add({ peer, peerName, id, direction: "receiving", name: safeName(name), size, atMs });
  }

  /** @param {number} now @param {string} peer whether the person may be asked about one more of its files now */
  #admit(now, peer) {
    const recent = (this.#offers.get(peer) ?? []).filter((at) => now - at < OFFER_SPAN_MS);
    this.#offers.set(peer, recent);
    if (recent.length >= OFFERS_IN_SPAN) return false;
    recent.push(now);
    return true;
  }

  /** @param {number} now @param {number} number */
  #accept(now, number) {
    const transfer = this.#running(number);
    if (transfer?.direction !== "receiving" || transfer.state !== "offered") return;
    transfer.state = this.#open.has(transfer.peer) ? "moving" : "waiting";
    transfer.pace.note(now, 0);
    const { file, peer, id, name, size } = transfer;
    this.#outputs.push({ type: "open_part", file, peer, id, name, size });
  }

  /** @param {number} file */
  #cancel(file) {
    const transfer = this.#running(file);
    if (transfer?.direction === "sending") this.#end(transfer, "cancelled", null, { withdraw: "cancelled" });
    else if (transfer?.state === "offered") this.#end(transfer, "declined", null, { refuse: "declined" });
    else this.#end(transfer, "cancelled", null, { refuse: "cancelled" });
  }

  /** @param {Transfer | undefined} transfer */
  #garbled(transfer) {
    if (!transfer) return;
    const said = { key: /** @type {const} */ ("file_garbled"), values: { name: transfer.peerName } };
    this.#end(transfer, "failed", said, { refuse: "garbled" });
  }

  /**
   * It failed, for a reason that is about the peer.
   * @param {Transfer} transfer
   * @param {"file_peer_left" | "file_garbled" | "file_peer_vanished" | (typeof REFUSED)[Refusal]} key
   */
  #fail(transfer, key) {
    this.#end(transfer, "failed", { key, values: { name: transfer.peerName } }, null);
  }

  /**
   * @param {Transfer | undefined} transfer @param {FileState} state @param {Said | null} said
   * @param {{ withdraw: import("./wire").Withdrawal } | { refuse: Refusal } | null} told
   */
  #end(transfer, state, said, told) {
    if (!transfer) return;
    transfer.state = state;
    transfer.said = said;
    const { file, peer, id } = transfer;
    this.#outputs.push({ type: transfer.direction === "sending" ? "stop_reading" : "discard", file });
    if (told && "withdraw" in told) this.#tell(peer, { type: "withdraw", id, reason: told.withdraw });
    else if (told) this.#tell(peer, { type: "refuse", id, reason: told.refuse });
  }

  /**
   * All transfers as they are shown, the oldest first.
   * @param {number} now
   * @returns {FileView[]}
   */
  views(now) {
    return this.#transfers.map((transfer) => {
      const { file, peer, peerName, direction, name, size, state, moved, said, savedAs, atMs } = transfer;
      const speed = state === "moving" ? transfer.pace.speed(now, moved) : 0;
      return {
        id: file, peer, peer_name: peerName, direction, name, size, state, moved, speed,
        seconds_left: speed > 0 ? Math.ceil((size - moved) / speed) : null,
        problem: said && { ...said, text: said.key },
        saved_as: savedAs,
        at_ms: atMs,
      };
    });
  }
}
