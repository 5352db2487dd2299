// @ts-check
// From loudness to what is shown. Pure.

/** Softer than this is an empty meter. */
const METER_FLOOR_DBFS = -60;

/**
 * How much of the meter is filled, 0 to 1.
 * @param {number} dbfs
 */
export function meterFraction(dbfs) {
  if (!Number.isFinite(dbfs)) return 0;
  return Math.min(1, Math.max(0, 1 - dbfs / METER_FLOOR_DBFS));
}
