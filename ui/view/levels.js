// @ts-check
// From loudness to what is shown. Pure.

/** Softer than this is an empty meter. */
const METER_FLOOR_DBFS = -60;
/** What differs less looks the same, and is not painted anew. */
const METER_STEPS = 40;

/**
 * How much of the meter is filled, 0 to 1.
 * @param {number} dbfs
 */
export function meterFraction(dbfs) {
  if (!Number.isFinite(dbfs)) return 0;
  const fraction = Math.min(1, Math.max(0, 1 - dbfs / METER_FLOOR_DBFS));
  return Math.round(fraction * METER_STEPS) / METER_STEPS;
}
