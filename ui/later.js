// @ts-check
// Parts of the page that are not needed to begin with: each is loaded when it is first asked for, so that the page
// itself is small. A guest's server may be gone by then; in the app everything is at hand.

/** @type {import("./backend/backend").Refusal} */
const NOT_LOADED = { key: "part_not_loaded", values: {}, text: "" };

/** A server handed this page out: its files have a folder of their own there. */
const SERVED = import.meta.url.includes("/-/");

/**
 * @template T
 * @param {URL} first the first module of the part
 * @param {() => Promise<T>} load
 * @returns {() => Promise<T>} loads it once. What fails rejects with a refusal, and is tried anew when asked again
 */
export function later(first, load) {
  /** @type {Promise<T> | null} */
  let loading = null;
  const attempt = async () => {
    if (SERVED) await fetched(first);
    return load();
  };
  return () =>
    (loading ??= attempt().catch((error) => {
      loading = null;
      console.warn(error);
      throw NOT_LOADED;
    }));
}

/**
 * Has the browser's cache hold a module that is about to be imported: many a browser remembers for good that a module
 * could not be imported (whatwg/html#6768), and of what was fetched in vain it remembers nothing.
 * @param {URL} module
 */
async function fetched(module) {
  const response = await fetch(module);
  if (!response.ok) throw new Error(`${module}: ${response.status}`);
  await response.arrayBuffer();
}

/** @type {Map<string, Promise<void>>} by name */
const sheets = new Map();

/**
 * Has the page take in a style sheet, after those it has.
 * @param {string} name of a file in `style/`, without its ending
 * @returns {Promise<void>}
 */
export function loadSheet(name) {
  const loading = sheets.get(name);
  if (loading) return loading;
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = new URL(`style/${name}.css`, import.meta.url).href;
  /** @type {Promise<void>} */
  const loaded = new Promise((resolve, reject) => {
    link.onload = () => resolve();
    link.onerror = () => {
      sheets.delete(name);
      link.remove();
      reject(new Error(link.href));
    };
  });
  sheets.set(name, loaded);
  document.head.append(link);
  return loaded;
}
