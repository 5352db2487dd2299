// @ts-check
// Tells when the person allows, in the browser's own settings, what was refused before.

import { permission } from "./capture.js";

/** @param {(kind: import("./capture").CaptureKind) => void} onGranted */
export function watchPermissions(onGranted) {
  for (const kind of /** @type {const} */ (["camera", "microphone"])) {
    void permission(kind).then((status) =>
      status?.addEventListener("change", () => {
        if (status.state === "granted") onGranted(kind);
      }),
    );
  }
}
