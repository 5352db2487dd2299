// @ts-check
// One participant's tile: picture, name, marks. Made once and updated in place, so that a new view never
// touches the canvas.

import { strings } from "../strings.js";
import { initials, tone } from "./avatar.js";
import { element, setAttribute, setText } from "./dom.js";
import { icon } from "./icons.js";
import { VolumeControl } from "./volume.js";

/** @typedef {import("../backend/backend").Backend} Backend */
/** @typedef {import("./layout").Rect} Rect */

/**
 * What a tile shows of its participant.
 * @typedef {object} TileState
 * @property {string} name
 * @property {boolean} muted
 * @property {boolean} cameraOff
 * @property {boolean} sharing whether a screen of this one is to be seen
 * @property {import("./volume").Heard | null} heard how loud it is here; null for oneself
 * @property {string} status something to say over the picture, or empty
 * @property {boolean} busy whether `status` is about something that is under way
 * @property {boolean} dimmed whether the picture is old
 */

export class Tile {
  #picture = element("div", { class: "picture" });
  #avatar = element("span", { class: "avatar", "aria-hidden": "true" });
  #status = element("p", { class: "tile-status" });
  #statusText = element("span");
  #name = element("span", { class: "name", dir: "auto" });
  #pictures;
  /** @type {VolumeControl | undefined} */
  #volume;
  /** @type {TileState | null} */
  #state = null;
  #speaking = false;
  #connection = element(
    "button",
    { class: "icon-button connection-toggle", type: "button", "aria-haspopup": "dialog" },
    ...["signal", "signal-fair", "signal-bad"].map((name) => icon(name)),
  );
  /** @type {import("./quality/watch").Quality | null} */
  #quality = null;

  /**
   * @param {object} options
   * @param {Backend} options.backend
   * @param {string} options.source `"preview"` for the own camera, or a peer's id
   * @param {import("../types/engine").VideoKind} options.stream
   * @param {Record<string, string>} options.attributes
   * @param {boolean} options.encoded
   * @param {(command: import("../types/engine").Command) => Promise<boolean>} [options.send] for a peer's tile
   * @param {() => void} [options.onConnection] opens the panel of its connection
   */
  constructor({ backend, source, stream, attributes, encoded, send, onConnection }) {
    const spinner = element("span", { class: "spinner", "aria-hidden": "true" });
    this.#status.append(spinner, icon("camera-off"), this.#statusText);
    const muted = element("span", { class: "mark mark-muted" }, icon("microphone-off"));
    const cameraOff = element("span", { class: "mark mark-camera" }, icon("camera-off"));
    const sharing = element("span", { class: "mark mark-sharing" }, icon("screen"));
    const label = element("div", { class: "tile-label" }, muted, cameraOff, sharing, this.#name);
    this.element = element(
      "div",
      { class: "tile", role: "group", "data-stream": stream, ...attributes },
      this.#picture,
      this.#avatar,
      this.#status,
      label,
    );
    this.element.dataset.speaking = "false";
    if (send) {
      this.#volume = new VolumeControl(source, send);
      this.element.append(this.#volume.element);
    }
    if (onConnection) {
      this.#connection.addEventListener("click", onConnection);
      this.element.append(this.#connection);
    }
    /** @param {{ width: number, height: number }} picture */
    const onPicture = ({ width, height }) => {
      setAttribute(this.element, "data-upright", height > width);
      if (!this.#state?.cameraOff) setAttribute(this.element, "data-picture", true);
    };
    this.#pictures = backend.showPictures({ source, stream, encoded, host: this.#picture, onPicture });
  }

  /** @param {TileState} state */
  update(state) {
    const tile = this.element;
    // A switched-off camera leaves no old picture behind, also not for the moment it comes back.
    if (state.cameraOff) setAttribute(tile, "data-picture", false);
    setAttribute(tile, "data-muted", state.muted);
    setAttribute(tile, "data-camera-off", state.cameraOff);
    setAttribute(tile, "data-sharing", state.sharing);
    setAttribute(tile, "data-busy", state.busy);
    setAttribute(tile, "data-dimmed", state.dimmed);
    setText(this.#name, state.name);
    setText(this.#statusText, state.status);
    this.#status.hidden = state.status === "";
    if (state.name !== this.#state?.name) {
      setText(this.#avatar, initials(state.name));
      setAttribute(this.#avatar, "data-tone", String(tone(state.name)));
    }
    if (state.heard) this.#volume?.render(state.name, state.heard);
    this.#state = state;
    this.#describe();
  }

  /** @param {boolean} speaking */
  setSpeaking(speaking) {
    if (speaking === this.#speaking) return;
    this.#speaking = speaking;
    this.element.dataset.speaking = String(speaking);
  }

  /** @param {import("./quality/watch").Quality} quality */
  setQuality(quality) {
    this.#quality = quality;
    setAttribute(this.element, "data-quality", quality.marked ? quality.grade : "good");
    this.#describe();
  }

  focusConnection() {
    this.#connection.focus();
  }

  /** @param {boolean} encoded */
  setEncoded(encoded) {
    this.#pictures.setEncoded?.(encoded);
  }

  /** @param {Rect} rect in the stage */
  place({ x, y, width, height }) {
    const { style } = this.element;
    style.transform = `translate(${x}px, ${y}px)`;
    style.width = `${width}px`;
    style.height = `${height}px`;
    setAttribute(this.element, "data-small", width < 300);
  }

  /** Back to the size that the style sheet gives. */
  unplace() {
    const { style } = this.element;
    style.transform = style.width = style.height = "";
    setAttribute(this.element, "data-small", false);
  }

  close() {
    this.#pictures.close();
    this.#volume?.close();
    this.element.remove();
  }

  #describe() {
    const state = this.#state;
    if (!state) return;
    const marks = [
      state.name,
      state.muted ? strings.markMuted : "",
      state.cameraOff ? strings.markCameraOff : "",
      state.sharing ? strings.markSharing : "",
      state.heard?.muted ? strings.markMutedForMe : "",
      this.#quality?.marked ? { good: "", fair: strings.markFair, bad: strings.markBad }[this.#quality.grade] : "",
      state.status,
    ];
    setAttribute(this.#connection, "aria-label", strings.connectionOf(state.name));
    setAttribute(this.element, "aria-label", marks.filter(Boolean).join(", "));
  }
}
