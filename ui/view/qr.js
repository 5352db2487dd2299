// @ts-check
// A QR code as a picture. What it says is made elsewhere.

import { element } from "./dom.js";

/** @typedef {import("../backend/backend").QrCode} QrCode */

/** Modules of white around the code, without which scanners do not find it (ISO/IEC 18004). */
const QUIET = 4;

/**
 * The dark modules as one SVG path: each row's runs are bars.
 * @param {QrCode} code
 */
export function qrPath({ size, modules }) {
  const bars = [];
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const start = x;
      while (x < size && modules[y * size + x]) x++;
      if (x > start) bars.push(`M${start + QUIET} ${y + QUIET}h${x - start}v1h-${x - start}z`);
    }
  }
  return bars.join("");
}

/**
 * Black on white in every colour scheme: scanners want it so.
 * @param {QrCode} code
 * @param {string} label for people who do not see it
 */
export function qrPicture(code, label) {
  const space = "http://www.w3.org/2000/svg";
  const side = code.size + 2 * QUIET;
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", `0 0 ${side} ${side}`);
  svg.setAttribute("shape-rendering", "crispEdges");
  svg.setAttribute("class", "qr");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", qrPath(code));
  svg.append(path);
  return element("div", { class: "qr-frame" }, svg);
}
