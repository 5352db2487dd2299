// @ts-check
// How others get into the room without the app: the link, from where it works, its QR code. It is shown in
// two places, so it is made as often as it is needed.

import { strings } from "../strings.js";
import { copyOnClick } from "./copy.js";
import { element, setText } from "./dom.js";
import { icon } from "./icons.js";
import { qrPicture } from "./qr.js";

/** @typedef {import("../backend/backend").QrCode} QrCode */
/** @typedef {import("../types/protocol").GuestLink} GuestLink */

export class Invitation {
  #qr = element("div", { class: "invitation-qr" });
  #text = element("p");
  #link = element("code", { class: "copy-text link" });
  #line;
  #scope = element("p", { class: "hint" });
  #fingerprint = element("div", { class: "fingerprint" });
  #digits = element("code", { class: "fingerprint-digits" });
  /** @type {string | null} whose QR code is wanted */
  #wanted = null;
  #qrCode;

  /**
   * @param {object} options
   * @param {HTMLElement} options.host
   * @param {(url: string) => Promise<QrCode | null>} options.qrCode
   * @param {(text: string) => void} options.say to people who listen to the screen
   */
  constructor({ host, qrCode, say }) {
    this.#qrCode = qrCode;
    const copy = element(
      "button",
      {
        type: "button",
        class: "button primary copy-link",
        "aria-label": strings.copyLink,
      },
      icon("copy"),
      icon("check"),
      element("span", { text: strings.copyLink, "aria-hidden": "true" }),
    );
    copyOnClick(copy, this.#link, { label: "", say });
    this.#line = element("div", { class: "copy-line" }, this.#link, copy);
    this.#fingerprint.append(element("p", { class: "hint", text: strings.fingerprintText }), this.#digits);
    const words = element("div", { class: "invitation-words" });
    words.append(this.#text, this.#line, this.#scope, this.#fingerprint);
    host.append(element("div", { class: "invitation" }, words, this.#qr));
  }

  /** @param {GuestLink | null} link */
  render(link) {
    setText(this.#text, link ? strings.inviteText : strings.noLink);
    this.#line.hidden = this.#scope.hidden = link === null;
    this.#fingerprint.hidden = link?.fingerprint === undefined;
    setText(this.#digits, link?.fingerprint ?? "");
    setText(this.#link, link?.url ?? "");
    setText(this.#scope, link ? strings.linkScopes[link.scope] : "");
    void this.#showQr(link?.url ?? null);
  }

  /** @param {string | null} url */
  async #showQr(url) {
    if (url === this.#wanted) return;
    this.#wanted = url;
    this.#qr.replaceChildren();
    const code = url === null ? null : await this.#qrCode(url);
    if (code && url === this.#wanted) this.#qr.append(qrPicture(code, strings.qrLabel));
  }
}
