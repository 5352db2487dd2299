// @ts-check
// Maru's own line icons: a 24 × 24 grid, strokes that take the text's colour.

const SLASH = "M4 3.5l16 17";

/** @type {Record<string, string[]>} */
const PATHS = {
  microphone: [
    "M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3z",
    "M5.5 11a6.5 6.5 0 0 0 13 0",
    "M12 17.5V21",
  ],
  "microphone-off": [
    "M9.2 4.9A3 3 0 0 1 15 6v4.4",
    "M9 9.5V11a3 3 0 0 0 4.7 2.5",
    "M5.5 11a6.5 6.5 0 0 0 10.6 5",
    "M18.5 11a6.5 6.5 0 0 1-.6 2.7",
    "M12 17.5V21",
    SLASH,
  ],
  camera: [
    "M5 6.5h8A2.5 2.5 0 0 1 15.5 9v6a2.5 2.5 0 0 1-2.5 2.5H5A2.5 2.5 0 0 1 2.5 15V9A2.5 2.5 0 0 1 5 6.5z",
    "M15.5 10.8l4.7-2.9a.85.85 0 0 1 1.3.7v6.8a.85.85 0 0 1-1.3.7l-4.7-2.9",
  ],
  "camera-off": [
    "M10.5 6.5H13A2.5 2.5 0 0 1 15.5 9v2.5",
    "M14.9 16.6a2.5 2.5 0 0 1-1.9.9H5A2.5 2.5 0 0 1 2.5 15V9a2.5 2.5 0 0 1 2.3-2.5",
    "M15.5 10.8l4.7-2.9a.85.85 0 0 1 1.3.7v6.8",
    SLASH,
  ],
  screen: [
    "M5 4.5h14A2.5 2.5 0 0 1 21.5 7v7a2.5 2.5 0 0 1-2.5 2.5H5A2.5 2.5 0 0 1 2.5 14V7A2.5 2.5 0 0 1 5 4.5z",
    "M8 20h8",
    "M12 13.5V8",
    "M9.3 10.2L12 7.5l2.7 2.7",
  ],
  "screen-off": [
    "M5 4.5h14A2.5 2.5 0 0 1 21.5 7v7a2.5 2.5 0 0 1-2.5 2.5H5A2.5 2.5 0 0 1 2.5 14V7A2.5 2.5 0 0 1 5 4.5z",
    "M8 20h8",
    "M9.5 8l5 5",
    "M14.5 8l-5 5",
  ],
  window: ["M5.5 4.5h13a2 2 0 0 1 2 2v11a2 2 0 0 1-2 2h-13a2 2 0 0 1-2-2v-11a2 2 0 0 1 2-2z", "M3.5 9h17"],
  actual: ["M4 9V4h5", "M20 15v5h-5", "M4 4l6 6", "M20 20l-6-6"],
  fit: ["M10 5v5H5", "M14 19v-5h5", "M10 10L4 4", "M14 14l6 6"],
  fullscreen: ["M4 9V4h5", "M15 4h5v5", "M20 15v5h-5", "M9 20H4v-5"],
  windowed: ["M9 4v5H4", "M20 9h-5V4", "M15 20v-5h5", "M4 15h5v5"],
  attach: ["M20 11.5l-7.8 7.8a5 5 0 0 1-7.1-7.1l8.2-8.2a3.4 3.4 0 0 1 4.8 4.8l-8.1 8.1a1.7 1.7 0 0 1-2.5-2.4l7.3-7.3"],
  file: ["M7 3h6.5L19 8.5V19a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2z", "M13 3.5V9h5.5"],
  devices: ["M4 7.5h8.5", "M17.5 7.5H20", "M15 5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5z",
    "M4 16.5h2.5", "M11.5 16.5H20", "M9 14a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5z"],
  speaker: [
    "M4 9.5v5h3.5l4.5 4v-13l-4.5 4z",
    "M15.5 9a4.2 4.2 0 0 1 0 6",
    "M18.2 6.5a7.8 7.8 0 0 1 0 11",
  ],
  "speaker-off": [
    "M4 9.5v5h3.5l4.5 4v-13l-4.5 4z",
    "M16 9.5l5 5",
    "M21 9.5l-5 5",
  ],
  chat: [
    "M6 4.5h12A2.5 2.5 0 0 1 20.5 7v7.5A2.5 2.5 0 0 1 18 17h-6l-4.5 3.8V17H6a2.5 2.5 0 0 1-2.5-2.5V7A2.5 2.5 0 0 1 6 4.5z",
  ],
  leave: [
    "M13 4H7a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h6",
    "M10.5 12H20.5",
    "M17 8.5l3.5 3.5-3.5 3.5",
  ],
  flip: [
    "M4 9V8a2 2 0 0 1 2-2h1.6l1.2-1.6h6.4L16.4 6H18a2 2 0 0 1 2 2v1",
    "M4 14v2a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2v-2",
    "M2.2 11.2L4 9l2 2",
    "M18 12l2 2 1.8-2.2",
    "M12 9.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5z",
  ],
  sparkle: ["M11 4l1.8 5.2L18 11l-5.2 1.8L11 18l-1.8-5.2L4 11l5.2-1.8z", "M18.5 15.5v5", "M16 18h5"],
  globe: [
    "M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17z",
    "M3.5 12h17",
    "M12 3.5c2.5 2.4 3.7 5.2 3.7 8.5s-1.2 6.1-3.7 8.5c-2.5-2.4-3.7-5.2-3.7-8.5s1.2-6.1 3.7-8.5z",
  ],
  info: ["M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17z", "M12 11v5", "M12 7.9v.1"],
  invite: [
    "M9.5 5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7z",
    "M3 19.5a6.5 6.5 0 0 1 13 0",
    "M18.5 7.5v6",
    "M15.5 10.5h6",
  ],
  signal: ["M6 19v-4", "M12 19v-9", "M18 19V5"],
  "signal-fair": ["M6 19v-4", "M12 19v-9", "M18 19v.1"],
  "signal-bad": ["M6 19v-4", "M12 19v.1", "M18 19v.1", "M12 5l6 6", "M18 5l-6 6"],
  close: ["M6.5 6.5l11 11", "M17.5 6.5l-11 11"],
  copy: [
    "M11 9h7a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2h-7a2 2 0 0 1-2-2v-7a2 2 0 0 1 2-2z",
    "M15 9V6a2 2 0 0 0-2-2H6a2 2 0 0 0-2 2v7a2 2 0 0 0 2 2h3",
  ],
  check: ["M5 12.5l4.5 4.5L19 7.5"],
  send: ["M12 19.5v-14", "M6 11.2l6-6 6 6"],
  alert: ["M12 3.5l9 16H3z", "M12 10v4.2", "M12 17v.1"],
};

/**
 * A new icon; invisible to screen readers, the control around it has a label.
 * @param {string} name
 */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("focusable", "false");
  for (const data of PATHS[name] ?? []) {
    const path = document.createElementNS(space, "path");
    path.setAttribute("d", data);
    svg.append(path);
  }
  return svg;
}
