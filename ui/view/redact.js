// @ts-check
// Takes out of a text what tells who somebody is or where: names, rooms, addresses, secrets, the person's own folder.
// Pure. What is in doubt goes.

/** What stands in the place of each. */
const ADDRESS = "<address>";
const SECRET = "<secret>";
const HOME = "~";

/** What looks like a host's name and is a file's or a module's. */
const FILES = /\.(rs|js|ts|html?|css|json|toml|log|txt|so|dll|exe|wav|y4m|png|svg|lock)$/i;
/** Invites and addresses of servers, with all that is behind them. */
const LINK = /\b(https?|wss?|maru|turns?|stuns?|file):(\/\/)?[^\s"'<>`]+/gi;
const EMAIL = /[^\s@"'<>:]+@[^\s@"'<>]+\.[^\s@"'<>]+/g;
/** Whatever can be an address of IPv6, with its zone; {@link isIpv6} decides. */
const COLONS = /(?<![\w:])(?:[0-9a-f:]*:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f:]*:[0-9a-f:]*)(?:%[\w.-]+)?(?!\w)/gi;
const IPV4 = /(?<![\d.])\d{1,3}(?:[.-]\d{1,3}){3}(?![\d.]*\d)/g;
const MAC = /\b[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}(?:[:-][0-9a-f]{2})*\b/gi;
const HOST = /(?<![\w.-])(?:[\p{L}\p{N}_-]+\.)+\p{L}[\p{L}\p{N}-]+(?::\d+)?(?![\w-])/gu;
/** A secret that says so. */
const NAMED_SECRET = /\b(token|resume|password|credential|passphrase|secret|bearer|ice-pwd|ice-ufrag|username)(["']?\s*[=:]\s*["']?|\s+)([^\s"',;&}]+)/gi;
/** Something long without a word in it: ids, tokens, fingerprints. */
const LONG = /(?<![\p{L}\p{N}_])(?=[\w+/=-]*\d)(?=[\w+/=-]*[a-z])[\w+/=-]{20,}/giu;
/** The folder of a person, on Linux, macOS and Windows, with backslashes as they are or doubled. */
const FOLDER = /(?:\/(?:home|Users)\/|[a-z]:(?:\\{1,2}|\/)Users(?:\\{1,2}|\/))[^\s\\/"'<>:]+(?:(?: [^\s\\/"'<>:]+)+(?=[\\/]))?/gi;
const ROOT_FOLDER = /\/root(?=[\s/"':]|$)/g;

/**
 * @param {string} text
 * @param {[word: string, instead: string][]} words what is to be said instead of names, of people and rooms
 */
export function redact(text, words = []) {
  let result = text;
  // The longest first: one name can be a part of another.
  const known = words.filter(([word]) => word.trim() !== "").sort(([a], [b]) => b.length - a.length);
  for (const [word, instead] of known) result = result.replace(finder(word.trim()), () => instead);
  return result
    .replace(LINK, (_, scheme) => `${scheme}:${ADDRESS}`)
    .replace(NAMED_SECRET, (_, name, between) => `${name}${between}${SECRET}`)
    .replace(FOLDER, HOME)
    .replace(ROOT_FOLDER, HOME)
    .replace(EMAIL, ADDRESS)
    .replace(MAC, ADDRESS)
    .replace(COLONS, (run) => (isIpv6(run) ? ADDRESS : run))
    .replace(IPV4, ADDRESS)
    .replace(HOST, (host) => (FILES.test(host.replace(/:\d+$/, "")) ? host : ADDRESS))
    .replace(LONG, SECRET);
}

/**
 * A name wherever it is written; a short one in Latin letters only where it is a word of its own, or half of the
 * text would be gone.
 * @param {string} word
 */
function finder(word) {
  const literal = word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/\s+/g, "\\s+");
  const short = /^[\x20-\x7e]{1,3}$/.test(word);
  return new RegExp(short ? `(?<![\\p{L}\\p{N}])${literal}(?![\\p{L}\\p{N}])` : literal, "giu");
}

/** @param {string} run */
function isIpv6(run) {
  const [address = ""] = run.split("%");
  // What is written as IPv4 at its end takes the place of two groups.
  const groups = address.replace(/\d{1,3}(\.\d{1,3}){3}$/, "0:0").replace(/^::|::$/g, ":").split(":");
  const open = address.includes("::");
  const filled = groups.filter((group) => group !== "");
  if (filled.some((group) => group.length > 4)) return false;
  if (open) return address !== "::" || filled.length === 0;
  return filled.length === 8;
}
