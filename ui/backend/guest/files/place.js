// @ts-check
// Where a file is kept until all of it is there: in the browser's private files (OPFS), which take any size, or in
// memory where a browser has none. Only then it becomes a download, so that nothing damaged ever is one.

/** @typedef {import("../../../strings/dictionary").Said} Said */
/** @typedef {import("./wire").Refusal} Refusal */

/**
 * A file that is not complete yet.
 * @typedef {object} Part
 * @property {(bytes: Uint8Array) => Promise<void>} write
 * @property {() => Promise<Blob>} finish all of it
 * @property {() => Promise<void>} discard
 */

/**
 * What not every browser's files have.
 * @typedef {{ write(bytes: Uint8Array): Promise<void>, close(): Promise<void>, abort(): Promise<void> }} Writable
 * @typedef {FileSystemFileHandle & { createWritable?: () => Promise<Writable> }} WritableHandle
 */

/** What a browser without private files takes: it has to be in memory. */
export const MEMORY_MAX_BYTES = 256 * 1024 * 1024;
/** Where our parts are. */
const FOLDER = "maru-files";
/** A part this old is nobody's any more: the download that was made of it is done. */
const OLD_MS = 60 * 60 * 1000;

/** What is wrong, for the person and for the peer. */
export class PlaceError extends Error {
  /** @param {Said} said @param {Refusal} refusal */
  constructor(said, refusal) {
    super(said.key);
    this.said = said;
    this.refusal = refusal;
  }
}

/** @param {unknown} error */
export function placeError(error) {
  if (error instanceof PlaceError) return error;
  const name = error instanceof DOMException ? error.name : "";
  if (name === "QuotaExceededError") return new PlaceError({ key: "file_disk_full", values: {} }, "disk_full");
  const problem = error instanceof Error ? error.message : String(error);
  return new PlaceError({ key: "file_not_saved", values: { problem } }, "not_saved");
}

/** @returns {Promise<FileSystemDirectoryHandle | null>} */
async function folder() {
  try {
    const root = await navigator.storage.getDirectory();
    return await root.getDirectoryHandle(FOLDER, { create: true });
  } catch {
    return null; // an old browser, a private window, a page that is not secure
  }
}

/**
 * Makes room for a file of this size.
 * @param {number} size
 * @returns {Promise<Part>} rejects with what {@link placeError} reads
 */
export async function openPart(size) {
  const parts = await folder();
  const name = `${Date.now()}-${Math.random().toString(36).slice(2)}`;
  /** @type {WritableHandle | undefined} */
  const file = await parts?.getFileHandle(name, { create: true });
  const out = await file?.createWritable?.();
  if (!parts || !file || !out) return inMemory(size);
  if (size > (await spaceLeft())) {
    await out.abort().catch(() => {});
    await parts.removeEntry(name).catch(() => {});
    throw new PlaceError({ key: "file_disk_full", values: {} }, "disk_full");
  }
  return {
    write: (bytes) => out.write(bytes),
    async finish() {
      await out.close();
      return file.getFile();
    },
    async discard() {
      await out.abort().catch(() => {}); // closed already
      await parts.removeEntry(name).catch(() => {});
    },
  };
}

/** Bytes that the browser lets this page keep. */
async function spaceLeft() {
  try {
    const { quota = Infinity, usage = 0 } = await navigator.storage.estimate();
    return quota - usage;
  } catch {
    return Infinity; // it says so when it is full
  }
}

/** @param {number} size @returns {Part} */
function inMemory(size) {
  if (size > MEMORY_MAX_BYTES) {
    throw new PlaceError({ key: "file_too_large_here", values: { limit: MEMORY_MAX_BYTES } }, "too_large");
  }
  /** @type {Blob[]} */
  let pieces = [];
  return {
    async write(bytes) {
      pieces.push(new Blob([bytes]));
    },
    finish: async () => new Blob(pieces),
    async discard() {
      pieces = [];
    },
  };
}

/** Takes away what pages that are gone left behind. */
export async function tidy() {
  const parts = await folder();
  if (!parts) return;
  try {
    const names = /** @type {{ keys(): AsyncIterable<string> }} */ (/** @type {unknown} */ (parts)).keys();
    for await (const name of names) {
      if (Date.now() - Number(name.split("-")[0]) > OLD_MS) await parts.removeEntry(name);
    }
  } catch {
    // Another page is using it, or a browser that cannot list.
  }
}

/**
 * Hands a whole file to the browser's downloads.
 * @param {Blob} blob @param {string} name
 */
export function download(blob, name) {
  const url = URL.createObjectURL(new Blob([blob], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.hidden = true;
  document.body.append(link);
  link.click();
  link.remove();
  window.setTimeout(() => URL.revokeObjectURL(url), OLD_MS);
}
