// @ts-check
// From loudness to what is shown. Pure; told the time in milliseconds.

/** Softer than this is an empty meter. */
const METER_FLOOR_DBFS = -60;

/** The own voice lights the own tile from here on. */
const SPEAKING_DBFS = -42;

/** For this long after the last loud moment it stays lit: pauses between words do not flicker. */
const SPEAKING_HOLD_MS = 600;

/**
 * How much of the meter is filled, 0 to 1.
 * @param {number} dbfs
 */
export function meterFraction(dbfs) {
  if (!Number.isFinite(dbfs)) return 0;
  return Math.min(1, Math.max(0, 1 - dbfs / METER_FLOOR_DBFS));
}

/** Whether somebody speaks, from a level now and then. */
export class SpeakingHold {
  #until = -Infinity;

  /**
   * @param {number} dbfs
   * @param {number} now
   */
  update(dbfs, now) {
    if (dbfs >= SPEAKING_DBFS) this.#until = now + SPEAKING_HOLD_MS;
    return now < this.#until;
  }
}
