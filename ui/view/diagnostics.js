// @ts-check
// The buttons that copy a report for whoever is asked for help. What is in it is another module's business (report.js).

import { refusalOf, strings } from "../strings.js";
import { toClipboard } from "./copy.js";
import { element } from "./dom.js";

/**
 * Buttons of the page that copy a report, and show what was copied.
 * @param {object} options
 * @param {() => Promise<string>} options.report
 * @param {(text: string) => void} options.say to people who listen to the screen
 */
export function setUpDiagnostics({ report, say }) {
  const buttons = /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll(".copy-diagnostics"));
  for (const button of buttons) {
    const shown = /** @type {HTMLTextAreaElement} */ (
      element("textarea", { class: "input diagnostics-text", readonly: "", rows: "8", dir: "ltr", "aria-label": strings.diagnostics })
    );
    const said = element("p", { class: "hint", role: "status" });
    button.addEventListener("click", async () => {
      const text = report();
      const copied = toClipboard(text);
      try {
        shown.value = await text;
        button.after(said, shown);
        const worked = await copied;
        if (!worked) shown.select();
        said.textContent = worked ? strings.diagnosticsCopied : strings.copyFailed;
      } catch (error) {
        button.after(said);
        said.textContent = refusalOf(error);
      }
      say(said.textContent);
    });
  }
}
