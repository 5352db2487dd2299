// @ts-check
// Amounts of bytes in words. Pure.

/** @type {[number, string][]} */
const UNITS = [[1e9, "gigabyte"], [1e6, "megabyte"], [1e3, "kilobyte"], [1, "byte"]];

/**
 * @param {string} language @param {number} bytes @param {string} [per] such as `-per-second`
 */
export function bytesIn(language, bytes, per = "") {
  const [size, unit] = UNITS.find(([size]) => bytes >= size) ?? [1, "byte"];
  const amount = bytes / size;
  const digits = size === 1 || amount >= 100 ? 0 : 1;
  return new Intl.NumberFormat(language, {
    style: "unit", unit: unit + per, maximumFractionDigits: digits,
  }).format(amount);
}
