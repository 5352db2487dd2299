// @ts-check
// A small plot of the last minute, one value per second, with the same in words.

import { setAttribute } from "../dom.js";
import { KEPT } from "./history.js";

const SPACE = "http://www.w3.org/2000/svg";
/** In the plot's own units: a second is one wide. */
const WIDTH = KEPT - 1;
const HEIGHT = 20;

export class Plot {
  element = document.createElementNS(SPACE, "svg");
  #line = document.createElementNS(SPACE, "path");

  constructor() {
    setAttribute(this.element, "class", "plot");
    setAttribute(this.element, "viewBox", `0 -1 ${WIDTH} ${HEIGHT + 2}`);
    setAttribute(this.element, "preserveAspectRatio", "none");
    setAttribute(this.element, "role", "img");
    this.element.append(this.#line);
  }

  /** @param {(number | null)[]} values the newest last @param {number} most the least that fills the height @param {string} label */
  render(values, most, label) {
    setAttribute(this.#line, "d", lineOf(values, most));
    setAttribute(this.element, "aria-label", label);
  }
}

/**
 * Values as an SVG path, the newest at the right edge; where one is missing, so is the line.
 * @param {(number | null)[]} values @param {number} most
 */
export function lineOf(values, most) {
  const highest = Math.max(most, ...values.map((value) => value ?? 0));
  const first = WIDTH - (values.length - 1);
  let pen = "M";
  return values
    .map((value, index) => {
      if (value === null) {
        pen = "M";
        return "";
      }
      const y = HEIGHT * (1 - Math.max(0, value) / highest);
      const point = `${pen}${first + index} ${Number(y.toFixed(2))}`;
      pen = "L";
      return point;
    })
    .join("");
}
