// @ts-check
// The call screen around the tiles: room, waiting, invitation, the server's state, popovers.

import { strings } from "../strings.js";
import { copyOnClick } from "./copy.js";
import { byId, setText } from "./dom.js";
import { Invitation } from "./invitation.js";

/** @typedef {import("../types/engine").CallView} CallView */
/** @typedef {import("../types/protocol").GuestLink} GuestLink */
/** @typedef {"devices" | "invite" | "connection"} Popover */

export class CallScreen {
  #screen = byId("call-screen", HTMLElement);
  #room = byId("room-name", HTMLElement);
  #count = byId("room-count", HTMLElement);
  #waiting = byId("waiting", HTMLElement);
  #waitingTitle = byId("waiting-title", HTMLElement);
  #waitingText = byId("waiting-text", HTMLElement);
  /** Whether somebody else was in the room since it was entered. */
  #met = false;
  #waitingRoom = byId("waiting-room", HTMLElement);
  #sharing = byId("sharing", HTMLElement);
  #sharingText = byId("sharing-text", HTMLElement);
  #serverState = byId("server-state", HTMLElement);
  /** @type {Record<Popover, HTMLElement>} */
  #popovers = {
    devices: byId("devices-panel", HTMLElement),
    invite: byId("invite-panel", HTMLElement),
    connection: byId("connection-panel", HTMLElement),
  };
  #invitations;
  /** What lies under a sheet that covers the screen of a phone. */
  #under = [
    /** @type {HTMLElement} */ (this.#screen.querySelector(".stage-column")),
    /** @type {HTMLElement} */ (this.#screen.querySelector(".bar")),
  ];

  /**
   * @param {object} options
   * @param {() => void} options.onClosePopover
   * @param {() => void} options.onStopSharing
   * @param {(url: string) => Promise<import("../backend/backend").QrCode | null>} options.qrCode
   * @param {(text: string) => void} options.say to people who listen to the screen
   */
  constructor({ onClosePopover, onStopSharing, qrCode, say }) {
    this.#invitations = ["waiting-invitation", "panel-invitation"].map(
      (id) => new Invitation({ host: byId(id, HTMLElement), qrCode, say }),
    );
    copyOnClick(byId("copy-room", HTMLButtonElement), this.#waitingRoom, { label: strings.copyRoom, say });
    for (const popover of ["devices", "invite", "connection"]) {
      byId(`${popover}-close`, HTMLButtonElement).addEventListener("click", onClosePopover);
    }
    byId("stop-sharing", HTMLButtonElement).addEventListener("click", onStopSharing);
    // A click beside the panel closes it, as one expects of a menu.
    document.addEventListener("pointerdown", ({ target }) => {
      if (this.popover === null || !(target instanceof Element)) return;
      if (!target.closest(".popover, #devices, #invite, .connection-toggle, #notice")) onClosePopover();
    });
  }

  /** @param {boolean} shown */
  setShown(shown) {
    this.#screen.hidden = !shown;
  }

  focus() {
    this.#screen.focus();
  }

  /** Which one is open. */
  get popover() {
    const names = /** @type {Popover[]} */ (Object.keys(this.#popovers));
    return names.find((name) => !this.#popovers[name].hidden) ?? null;
  }

  /** @param {Popover | null} open */
  setPopover(open) {
    for (const [name, panel] of Object.entries(this.#popovers)) panel.hidden = name !== open;
  }

  focusInvitation() {
    const { invite } = this.#popovers;
    const target = invite.querySelector(".copy-line:not([hidden]) button") ?? invite.querySelector("button");
    if (target instanceof HTMLElement) target.focus();
  }

  /** @param {boolean} covered by a sheet: what cannot be seen is not reached either */
  setCovered(covered) {
    for (const part of this.#under) part.inert = covered;
  }

  /**
   * @param {CallView} view
   * @param {GuestLink | null} link
   */
  render({ call, room, peers, me }, link) {
    setText(this.#room, room ?? "");
    setText(this.#waitingRoom, room ?? "");
    setText(this.#count, strings.participants(peers.length + 1));
    this.#waiting.hidden = peers.length > 0;
    if (peers.length > 0) this.#met = true;
    else if (call === "idle" || call === "joining") this.#met = false;
    setText(this.#waitingTitle, this.#met ? strings.waitingTitleAgain : strings.waitingTitle);
    this.#waitingText.hidden = link === null; // what is said in its place tells of the name too
    this.#sharing.hidden = me.sharing === null;
    setText(this.#sharingText, me.sharing ? youShare(me.sharing) : "");
    this.#serverState.hidden = call !== "reconnecting";
    for (const invitation of this.#invitations) invitation.render(link);
  }
}

/** @param {import("../types/engine").ShareView} share */
function youShare({ name, kind }) {
  return name === "" ? strings.youShareUnnamed[kind] : strings.youShare(name);
}
