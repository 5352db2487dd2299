// @ts-check
// What is shown where Maru cannot even begin: why, and a way to try again.

import { strings } from "../strings.js";
import { element } from "./dom.js";

/** @param {string} sentence about what is wrong */
export function showStop(sentence) {
  const again = element("button", { type: "button", class: "button primary", text: strings.reload });
  again.addEventListener("click", () => window.location.reload());
  const screen = element(
    "main",
    { class: "stop-screen" },
    element("img", { src: "mark.svg", alt: "", width: "56", height: "56" }),
    element("h1", { text: strings.stopTitle }),
    element("p", { text: sentence, role: "alert" }),
    again,
  );
  document.body.dataset.screen = "stop";
  document.title = strings.appName;
  document.body.append(screen);
  again.focus();
}
