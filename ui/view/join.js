// @ts-check
// The join screen: who, where, and with which devices.

import { strings } from "../strings.js";
import { byId, element, setAttribute, setText } from "./dom.js";
import { scopeOf } from "./links.js";
import { newRoomName } from "./newroom.js";
import { RecentRooms } from "./recent.js";

/** @typedef {import("../types/engine").AddressPolicy} AddressPolicy */
/** @typedef {import("../types/engine").CallView} CallView */
/** @typedef {import("../types/engine").Notice} Notice */
/** @typedef {import("../types/shell").Settings} Settings */

/**
 * What there is to wait for; nothing to tell of a server on this very machine.
 * @param {string | null} server its address, once known
 */
export function connectingTo(server) {
  if (server === null) return "";
  try {
    const { hostname, host } = new URL(server);
    return scopeOf(hostname) === "machine" ? "" : strings.connectingTo(host);
  } catch {
    return ""; // what it says is not an address: there is a notice about that
  }
}

export class JoinScreen {
  #screen = byId("join-screen", HTMLElement);
  #form = byId("join-form", HTMLFormElement);
  #fields = byId("join-fields", HTMLFieldSetElement);
  #name = byId("name", HTMLInputElement);
  #room = byId("room", HTMLInputElement);
  #join = byId("join", HTMLButtonElement);
  #joinText = byId("join-text", HTMLElement);
  #cancel = byId("join-cancel", HTMLButtonElement);
  #advanced = byId("advanced", HTMLDetailsElement);
  #server = byId("server", HTMLInputElement);
  #network = byId("find-on-network", HTMLInputElement);
  #addresses = byId("addresses", HTMLSelectElement);
  #guests = byId("guests-on-network", HTMLInputElement);
  #fallback = byId("force-fallback", HTMLInputElement);
  #synthetic = byId("synthetic-devices", HTMLInputElement);
  #roomField = byId("room-field", HTMLElement);
  #newRoom = byId("new-room", HTMLButtonElement);
  #progress = byId("join-progress", HTMLElement);
  #left = byId("join-left", HTMLElement);
  /** @type {string | null} what the room's field said when that room was left */
  #leftRoom = null;
  /** Where a notice is shown, beside what it is about. */
  noticeHost = byId("join-notice", HTMLElement);
  #recent;
  #onExpect;
  /** What the room's field says came with a link: nothing is asked of its server before the person joins. */
  #linked = false;
  /** The room that the page's address names; only a name is asked for then. */
  #given = "";

  /**
   * @param {object} actions
   * @param {(room: string, name: string) => void} actions.onJoin
   * @param {() => void} actions.onCancel
   * @param {() => void} actions.onSettings something that is remembered changed
   * @param {() => void} actions.onExpect another room may be joined than before
   * @param {(text: string) => void} actions.say to people who listen to the screen
   */
  constructor({ onJoin, onCancel, onSettings, onExpect, say }) {
    this.#onExpect = onExpect;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#linked = false; // it is wanted
      if (!this.#join.disabled) onJoin(this.#room.value, this.#name.value);
    });
    this.#cancel.addEventListener("click", onCancel);
    this.#recent = new RecentRooms((room) => {
      this.setRoom(room);
      onSettings();
    });
    this.#newRoom.addEventListener("click", () => {
      const room = newRoomName();
      this.setRoom(room);
      say(strings.saidNewRoom(room));
      onSettings();
    });
    this.#room.addEventListener("input", () => {
      this.#forgetLeft();
      this.#linked = false;
      onExpect();
    });
    for (const input of this.#remembered) {
      input.addEventListener("change", onSettings);
    }
  }

  /**
   * Fills the form in, once.
   * @param {Settings} settings
   * @param {CallView} view
   * @param {boolean} guest
   */
  fill(settings, view, guest) {
    this.#name.value = settings.name || view.me.name;
    this.#room.value = view.room ?? settings.room;
    this.#server.value = settings.server;
    this.#network.checked = settings.find_on_network;
    this.#fillAddresses(settings.addresses, guest);
    this.#guests.checked = settings.guests_on_network;
    this.#fallback.checked = settings.force_fallback;
    this.#synthetic.checked = settings.synthetic_devices;
    this.#recent.render(settings.recent_rooms);
    if (!guest) return;
    // All the rest is the app's.
    for (const field of this.#ofTheApp) field.closest("label")?.setAttribute("hidden", "");
    this.#given = this.#room.value.trim();
    this.#roomField.hidden = this.#given !== "";
    if (this.#given === "") return;
    setText(byId("join-title", HTMLElement), strings.joinTitleOf(this.#given));
    setText(byId("tagline", HTMLElement), strings.taglineGuest);
  }

  /**
   * @param {AddressPolicy} chosen
   * @param {boolean} guest a browser hides private addresses, or shows them, as it sees fit
   */
  #fillAddresses(chosen, guest) {
    /** @type {[AddressPolicy, string][]} */
    const choices = [["all", strings.addressesAll]];
    if (!guest) choices.push(["hide_private", strings.addressesHidePrivate]);
    choices.push(["relay_only", strings.addressesRelayOnly]);
    this.#addresses.append(...choices.map(([value, text]) => element("option", { value, text })));
    this.#addresses.value = chosen;
  }

  /** The advanced settings that a browser has nothing to do with. */
  get #ofTheApp() {
    return [this.#server, this.#network, this.#guests, this.#fallback, this.#synthetic];
  }

  /** The fields that are remembered as soon as they change. */
  get #remembered() {
    return [this.#room, this.#name, this.#addresses, ...this.#ofTheApp];
  }

  /**
   * Fills the room in; what is left to do is to join.
   * @param {string} room a name or an invite
   * @param {boolean} linked it came with a link, whoever made that
   */
  setRoom(room, linked = false) {
    this.#room.value = room;
    this.#linked = linked;
    this.#forgetLeft();
    this.#onExpect();
    (this.#name.value.trim() === "" ? this.#name : this.#join).focus();
  }

  /** What may be joined soon, as far as the person chose it. */
  get expected() {
    return this.#linked ? null : this.#room.value;
  }

  /** @param {string[]} rooms joined last, the newest first */
  renderRecent(rooms) {
    this.#recent.render(rooms);
  }

  /** What the form says now. */
  get settings() {
    return {
      name: this.#name.value.trim(),
      room: this.#room.value.trim(),
      server: this.#server.value.trim(),
      find_on_network: this.#network.checked,
      addresses: /** @type {AddressPolicy} */ (this.#addresses.value),
      guests_on_network: this.#guests.checked,
      force_fallback: this.#fallback.checked,
      synthetic_devices: this.#synthetic.checked,
    };
  }

  /** @param {boolean} shown */
  setShown(shown) {
    this.#screen.hidden = !shown;
  }

  /**
   * A call is over, as it should be.
   * @param {string | null} room
   */
  tellLeft(room) {
    this.#leftRoom = this.#room.value;
    this.#left.hidden = false;
    setText(/** @type {Element} */ (this.#left.lastElementChild), strings.leftRoom(room ?? this.#room.value));
    setText(this.#joinText, strings.joinAgain);
  }

  /** Another room is meant, or the same one is joined. */
  #forgetLeft() {
    if (this.#leftRoom === null) return;
    this.#leftRoom = null;
    this.#left.hidden = true;
    setText(this.#joinText, strings.join);
  }

  /** @param {CallView} view */
  render({ call, notice, server }) {
    const joining = call === "joining";
    this.#fields.disabled = joining;
    this.#join.disabled = call !== "idle";
    setAttribute(this.#join, "data-busy", joining);
    if (joining) this.#forgetLeft();
    setText(this.#joinText, joining ? strings.joining : this.#leftRoom === null ? strings.join : strings.joinAgain);
    const progress = joining ? connectingTo(server) : "";
    setText(this.#progress, progress);
    this.#progress.hidden = progress === "";
    this.#cancel.hidden = !joining;
    const refused = notice?.code === "bad_name" ? this.#refused(notice) : null;
    setAttribute(this.#room, "aria-invalid", refused === this.#room ? "true" : null);
    setAttribute(this.#name, "aria-invalid", refused === this.#name ? "true" : null);
  }

  /** Where typing starts: a name that is missing, else the room; Enter joins from both. */
  focus() {
    const nameOnly = this.#room.value.trim() !== "" && this.#name.value.trim() === "";
    const field = nameOnly || this.#roomField.hidden ? this.#name : this.#room;
    field.focus();
    field.select();
  }

  /**
   * Where a refused name is mended.
   * @param {Notice} notice
   */
  focusRefused(notice) {
    const field = this.#refused(notice);
    if (field === this.#room) this.#roomField.hidden = false; // the address names no room
    field.focus();
    field.select();
  }

  /** Where a wrong address is mended: an invite has its own. */
  focusServer() {
    if (this.#room.value.includes("://")) {
      this.#room.focus();
      this.#room.select();
      return;
    }
    this.#advanced.open = true;
    this.#server.focus();
    this.#server.select();
  }

  submit() {
    this.#form.requestSubmit();
  }

  /**
   * Which of the two names is the bad one: by our own rules, or by the server's.
   * @param {Notice} notice
   */
  #refused({ values }) {
    const own = values.field === "display" || values.code === "bad_display_name";
    return own ? this.#name : this.#room;
  }
}
