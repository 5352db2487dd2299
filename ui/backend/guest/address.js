// @ts-check
// The room in the page's address: `BASE/ROOM`, or `BASE?room=ROOM`; and the access token of a private server:
// `BASE/ROOM#token=TOKEN`. What is after the `#` no server and no proxy's log gets to see. Pure.

const TOKEN = "token=";

/** Segments that mean something else than the room of that name. */
const RESERVED = ["ws", "health", "index.html", ".", ".."];

/**
 * The room that an address names; empty for none.
 * @param {string} href
 * @param {string} base the page's base, which ends with a slash where the server stated one
 */
export function roomOf(href, base) {
  const url = new URL(href);
  const asked = url.searchParams.get("room");
  if (asked !== null) return asked;
  const folder = new URL(".", base).pathname;
  if (!url.pathname.startsWith(folder)) return "";
  const segment = url.pathname.slice(folder.length);
  if (segment === "index.html") return "";
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment; // a percent sign that means itself
  }
}

/**
 * The address of a room.
 * @param {string} room
 * @param {string} base
 */
export function addressOf(room, base) {
  const folder = new URL(".", base);
  if (RESERVED.includes(room)) folder.searchParams.set("room", room);
  else folder.pathname += encodeURIComponent(room);
  return folder.href;
}

/**
 * Where the server listens.
 * @param {string} base
 */
export function serverOf(base) {
  const url = new URL("ws", base);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/**
 * The access token that an address carries; empty for none.
 * @param {string} href
 */
export function tokenOf(href) {
  const part = new URL(href).hash.slice(1).split("&").find((part) => part.startsWith(TOKEN)) ?? "";
  const token = part.slice(TOKEN.length);
  try {
    return decodeURIComponent(token);
  } catch {
    return token; // a percent sign that means itself
  }
}

/**
 * The same address without an access token: for the address bar, which people see and share.
 * @param {string} href
 */
export function withoutToken(href) {
  const url = new URL(href);
  url.hash = url.hash
    .slice(1)
    .split("&")
    .filter((part) => !part.startsWith(TOKEN))
    .join("&");
  return url.href.replace(/#$/, "");
}
