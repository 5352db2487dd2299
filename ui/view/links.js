// @ts-check
// Which link brings others into the room. Pure.

/** @typedef {import("../types/protocol").GuestLink} GuestLink */
/** @typedef {import("../types/protocol").LinkScope} LinkScope */

/**
 * From where a host can be reached, judged by its name.
 * @param {string} hostname as in {@link URL}
 * @returns {LinkScope}
 */
export function scopeOf(hostname) {
  const host = hostname.replace(/^\[|\]$/g, "").toLowerCase();
  if (host === "localhost" || host.endsWith(".localhost") || host === "::1" || /^127\./.test(host)) return "machine";
  const local =
    /^10\.|^192\.168\.|^172\.(1[6-9]|2\d|3[01])\.|^169\.254\./.test(host) || // RFC 1918, RFC 3927
    /^f[cd][0-9a-f]{2}:|^fe[89ab][0-9a-f]:/.test(host) || // RFC 4193, RFC 4291
    host.endsWith(".local") ||
    !/[.:]/.test(host);
  return local ? "network" : "public";
}

/**
 * The link that a guest passes on: the page's own address with the room's name. The server knows more about
 * it when it is one of those that it tells.
 * @param {string} base of the page
 * @param {string} room
 * @param {GuestLink[]} told
 * @returns {GuestLink}
 */
export function pageLink(base, room, told) {
  const url = new URL(encodeURIComponent(room), base);
  const known = told.find((link) => link.url.startsWith(`${url.origin}/`));
  return { ...(known ?? { scope: scopeOf(url.hostname) }), url: url.href };
}
