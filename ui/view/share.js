// @ts-check
// The screen that somebody shares, on the stage: never cut, as large as fits or pixel by pixel, alone on the screen if
// wished. Whose it is says a bar above it, in which another one can be chosen.

import { strings } from "../strings.js";
import { ShareChoice } from "./choice.js";
import { element, setAttribute, setText } from "./dom.js";
import { icon } from "./icons.js";

/** @typedef {import("../backend/backend").Backend} Backend */
/** @typedef {import("../types/engine").PeerView} PeerView */
/** @typedef {import("./layout").Rect} Rect */

/** Until the first picture came. */
const USUAL_ASPECT = 16 / 9;

export class ShareView {
  #backend;
  #encoded;
  #onChange;
  #choice = new ShareChoice();
  /** @type {PeerView[]} as of the newest view */
  #peers = [];
  #title = element("h2", { class: "share-title", dir: "auto" });
  #others = element("div", { class: "share-others", role: "group" });
  #size = button("share-size", "actual", "fit");
  #full = button("share-full", "fullscreen", "windowed");
  #picture = element("div", { class: "picture share-picture" });
  #status = element("p", { class: "tile-status" });
  #body = element("div", { class: "share-body", role: "group", tabindex: "0" }, this.#picture);
  /** @type {string | null} whose is shown now */
  #shown = null;
  /** @type {import("../backend/backend").Pictures | undefined} */
  #pictures;
  #seen = { width: 0, height: 0 };
  #whole = false;

  /**
   * @param {object} options
   * @param {Backend} options.backend
   * @param {boolean} options.encoded decode in the window
   * @param {() => void} options.onChange another one is shown, or one of another shape
   */
  constructor({ backend, encoded, onChange }) {
    this.#backend = backend;
    this.#encoded = encoded;
    this.#onChange = onChange;
    this.#status.append(element("span", { class: "spinner", "aria-hidden": "true" }), strings.waitingForScreen);
    const bar = element("div", { class: "share-bar" }, icon("screen"), this.#title, this.#others, this.#size, this.#full);
    this.element = element("section", { class: "share" }, bar, this.#body, this.#status);
    this.#others.setAttribute("aria-label", strings.sharedScreens);
    this.#size.addEventListener("click", () => this.#setWhole(!this.#whole));
    this.#picture.addEventListener("click", (event) => this.#setWhole(!this.#whole, event));
    this.#body.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.target !== this.#body) return;
      event.preventDefault();
      this.#setWhole(!this.#whole);
    });
    this.#full.hidden = !document.fullscreenEnabled;
    this.#full.addEventListener("click", () => this.#toggleFull());
    this.element.addEventListener("fullscreenchange", () => this.#describe());
    // A window that is moved to a denser screen has smaller pixels.
    window.addEventListener("resize", () => this.#resize());
    this.#setWhole(false);
  }

  /** Whether there is one to show. */
  get isShown() {
    return this.#shown !== null;
  }

  /** Width to height. */
  get aspect() {
    return this.#seen.height > 0 ? this.#seen.width / this.#seen.height : USUAL_ASPECT;
  }

  /** @param {boolean} encoded */
  setEncoded(encoded) {
    this.#encoded = encoded;
    this.#pictures?.setEncoded?.(encoded);
  }

  /** @param {PeerView[]} peers all that are in the call */
  render(peers) {
    this.#peers = peers;
    const sharing = peers.filter((peer) => peer.sharing);
    this.#choice.update(sharing.map((peer) => peer.id));
    this.#renderOthers(sharing);
    const peer = sharing.find(({ id }) => id === this.#choice.shown);
    if (peer) {
      const title = strings.screenOf(peer.name);
      setText(this.#title, title);
      setAttribute(this.element, "aria-label", title);
      setAttribute(this.#body, "aria-label", title);
      setAttribute(this.element, "data-dimmed", peer.state !== "connected");
      setAttribute(this.element, "data-share", peer.id);
    }
    this.#show(peer?.id ?? null);
  }

  /** @param {Rect} rect in the stage */
  place({ x, y, width, height }) {
    const { style } = this.element;
    style.transform = `translate(${x}px, ${y}px)`;
    style.width = `${width}px`;
    style.height = `${height}px`;
  }

  /** @param {string | null} id */
  #show(id) {
    if (id === this.#shown) return;
    this.#shown = id;
    this.#pictures?.close();
    this.#pictures = undefined;
    this.#seen = { width: 0, height: 0 };
    this.#setWhole(false);
    setAttribute(this.element, "data-picture", false);
    this.#status.hidden = false;
    if (id !== null) {
      this.#pictures = this.#backend.showPictures({
        source: id,
        stream: "screen",
        host: this.#picture,
        encoded: this.#encoded,
        onPicture: (picture) => this.#painted(picture),
      });
    } else if (document.fullscreenElement === this.element) {
      void document.exitFullscreen();
    }
    this.#onChange();
  }

  /** @param {{ width: number, height: number }} picture */
  #painted({ width, height }) {
    if (!this.#status.hidden) {
      setAttribute(this.element, "data-picture", true);
      this.#status.hidden = true;
    }
    if (width === this.#seen.width && height === this.#seen.height) return;
    this.#seen = { width, height };
    this.#resize();
    this.#onChange();
  }

  /** One pixel of the picture is one of the screen. */
  #resize() {
    const { style } = this.#picture;
    style.setProperty("--share-width", `${this.#seen.width / window.devicePixelRatio}px`);
    style.setProperty("--share-height", `${this.#seen.height / window.devicePixelRatio}px`);
  }

  /**
   * @param {boolean} whole pixel by pixel, with bars to scroll by
   * @param {MouseEvent} [event] what was clicked at stays in the middle
   */
  #setWhole(whole, event) {
    const at = event && this.#placeOf(event);
    this.#whole = whole;
    setAttribute(this.element, "data-size", whole ? "actual" : "fit");
    this.#pictures?.setWhole?.(whole);
    this.#describe();
    const body = this.#body;
    if (!whole || !at) return;
    body.scrollTo(at.x * body.scrollWidth - body.clientWidth / 2, at.y * body.scrollHeight - body.clientHeight / 2);
  }

  /** @param {MouseEvent} event where in the picture, from 0 to 1 */
  #placeOf({ clientX, clientY }) {
    const { left, top, width, height } = this.#picture.getBoundingClientRect();
    const shown = { width: Math.min(width, height * this.aspect), height: Math.min(height, width / this.aspect) };
    return {
      x: (clientX - left - (width - shown.width) / 2) / shown.width,
      y: (clientY - top - (height - shown.height) / 2) / shown.height,
    };
  }

  #toggleFull() {
    const done = document.fullscreenElement ? document.exitFullscreen() : this.element.requestFullscreen();
    done.catch(() => {}); // a system that does not let it: the screen stays as large as it is
  }

  #describe() {
    const full = document.fullscreenElement === this.element;
    describe(this.#size, this.#whole, this.#whole ? strings.shareFit : strings.shareActual);
    describe(this.#full, full, full ? strings.leaveFullscreen : strings.fullscreen);
  }

  /** @param {PeerView[]} sharing one button each, where there is a choice */
  #renderOthers(sharing) {
    const { sharing: order, shown } = this.#choice;
    this.#others.hidden = order.length < 2;
    const shares = this.#others.hidden ? [] : order.flatMap((id) => sharing.filter((peer) => peer.id === id));
    const buttons = /** @type {NodeListOf<HTMLElement>} */ (this.#others.querySelectorAll("button"));
    const same = buttons.length === shares.length && shares.every(({ id }, at) => buttons[at]?.dataset.of === id);
    if (!same) {
      this.#others.replaceChildren(
        ...shares.map(({ id }) => {
          const made = element("button", { type: "button", class: "button quiet", dir: "auto", "data-of": id });
          made.addEventListener("click", () => this.#choose(id));
          return made;
        }),
      );
    }
    for (const [at, made] of [...this.#others.children].entries()) {
      setText(made, shares[at]?.name ?? "");
      setAttribute(made, "aria-pressed", shares[at]?.id === shown);
    }
  }

  /** @param {string} id */
  #choose(id) {
    this.#choice.choose(id);
    this.render(this.#peers);
  }
}

/**
 * With an icon for each of two states.
 * @param {string} name @param {string[]} icons
 */
function button(name, ...icons) {
  const made = element("button", { type: "button", class: `icon-button ${name}` }, ...icons.map((name) => icon(name)));
  return /** @type {HTMLButtonElement} */ (made);
}

/** @param {HTMLElement} target @param {boolean} pressed @param {string} label what a click does */
function describe(target, pressed, label) {
  setAttribute(target, "data-pressed", pressed);
  setAttribute(target, "aria-label", label);
  setAttribute(target, "data-tooltip", label);
}
