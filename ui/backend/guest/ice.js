// @ts-check
// The STUN and TURN servers that a server names, as a browser takes them: one bad address is no reason to have no
// connection.

/** More help nobody, and browsers say that each one more slows the search for a path down. */
const SERVERS = 8;
/** Addresses of one server. */
const URLS = 8;

/**
 * Uses the servers; where the browser refuses them, as it does all of them for one that it cannot read, those that it
 * takes.
 * @template T
 * @param {RTCIceServer[]} servers
 * @param {(servers: RTCIceServer[]) => T} use throws for servers that the browser refuses
 * @returns {T}
 */
export function withIceServers(servers, use) {
  const few = servers.slice(0, SERVERS);
  try {
    return use(few);
  } catch {
    const single = few.flatMap((server) => [server.urls].flat().slice(0, URLS).map((urls) => ({ ...server, urls })));
    return use(single.filter(isTaken));
  }
}

/** @param {RTCIceServer[]} servers whether there is a relay among them */
export function namesRelay(servers) {
  return servers.some(({ urls }) => [urls].flat().some((url) => url.startsWith("turn:") || url.startsWith("turns:")));
}

/** @param {RTCIceServer} server */
function isTaken(server) {
  try {
    new RTCPeerConnection({ iceServers: [server] }).close();
    return true;
  } catch {
    return false;
  }
}
