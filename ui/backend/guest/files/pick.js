// @ts-check
// How a person picks files in a browser: with its dialog, or by dropping them on the page.

/** @typedef {import("../../../types/shell").FileDrop} FileDrop */
/** @typedef {import("../../../types/shell").Picked} Picked */

/**
 * Opens the browser's dialog.
 * @returns {Promise<File[]>} none for a change of mind
 */
export function pickFiles() {
  const input = document.createElement("input");
  input.type = "file";
  input.multiple = true;
  input.hidden = true;
  input.id = "file-input";
  // In the page, as some browsers forget one that is not.
  document.getElementById(input.id)?.remove();
  document.body.append(input);
  return new Promise((resolve) => {
    const end = () => {
      input.remove();
      resolve([...(input.files ?? [])]);
    };
    input.addEventListener("change", end);
    input.addEventListener("cancel", end);
    input.click();
  });
}

/**
 * Tells what is dragged over the page, from now on.
 * @param {(files: File[]) => Promise<Picked>} pick
 * @param {(drop: FileDrop) => void} onDrop
 */
export function watchFileDrops(pick, onDrop) {
  /** @param {DragEvent} event */
  const hasFiles = (event) => [...(event.dataTransfer?.items ?? [])].some(({ kind }) => kind === "file");
  addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault(); // else the browser would open what is dropped
    onDrop({ type: "over" });
  });
  addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) onDrop({ type: "left" });
  });
  addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    onDrop({ type: "left" });
    void pick([...(event.dataTransfer?.files ?? [])]).then((picked) => onDrop({ type: "dropped", picked }));
  });
}
