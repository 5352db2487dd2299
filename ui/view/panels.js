// @ts-check
// Which panels of the call are open, and where the keyboard is after one opened or closed: one popover at a time, and the
// chat beside it where there is room.

import { watchSmallScreen } from "./screen.js";

/** @typedef {import("../types/engine").CallView} CallView */
/** @typedef {import("./call").Popover} Popover */

export class Panels {
  #parts;
  #small;

  /**
   * @param {object} parts
   * @param {import("./call").CallScreen} parts.call
   * @param {import("./chat").Chat} parts.chat
   * @param {import("./controls").Controls} parts.controls
   * @param {import("./connections").Connections} parts.connections
   * @param {import("./devices").DevicePickers} parts.pickers
   * @param {() => CallView} parts.view the newest one
   * @param {() => void} parts.refreshDevices
   */
  constructor(parts) {
    this.#parts = parts;
    this.#small = watchSmallScreen(() => this.render());
  }

  /** Buttons say what is open, and what lies under a sheet is out of reach. */
  render() {
    const { call, chat, controls, view } = this.#parts;
    const { popover } = call;
    /** @type {Set<import("./controls").Panel>} */
    const open = new Set();
    if (chat.open) open.add("chat");
    if (popover && popover !== "connection") open.add(popover);
    controls.render(view(), open, chat.unread);
    call.setCovered((open.size > 0 || popover !== null) && this.#small());
  }

  /** @param {boolean} open */
  showChat(open) {
    const { call, chat, controls } = this.#parts;
    if (open === chat.open) return;
    if (open) call.setPopover(null);
    chat.setOpen(open);
    this.render();
    if (!open) controls.focus("chat");
  }

  /**
   * Opens the panel of the connection to a peer, or closes it.
   * @param {string} peer
   */
  toggleConnection(peer) {
    const { call, connections, view } = this.#parts;
    const here = call.popover === "connection";
    const again = here && connections.shown === peer;
    connections.show(again ? null : peer, view());
    if (again || !here) this.show(again ? null : "connection");
  }

  /** @param {Exclude<Popover, "connection">} popover is opened, or closed */
  toggle(popover) {
    this.show(this.#parts.call.popover === popover ? null : popover);
  }

  /** @param {Popover | null} open */
  show(open) {
    const { call, chat, controls, connections, pickers, refreshDevices } = this.#parts;
    const before = call.popover;
    if (open === before) return;
    if (open && this.#small()) chat.setOpen(false);
    call.setPopover(open);
    this.render();
    if (open === "devices") {
      refreshDevices();
      pickers.focus();
    } else if (open === "invite") {
      call.focusInvitation();
    } else if (open === "connection") {
      connections.focus();
    } else if (before === "connection") {
      connections.focusTile();
    } else if (before) {
      controls.focus(before);
    }
  }
}
