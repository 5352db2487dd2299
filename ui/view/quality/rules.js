// @ts-check
// Which one thing is worth saying of a connection. Pure. The same rules for the app and for a guest; the words are
// the dictionaries'.

/** @typedef {import("./history").Figures} Figures */
/** @typedef {"good" | "fair" | "bad"} Grade */
/** @typedef {"cpu" | "uplink_loss" | "sent_loss" | "downlink_loss" | "received_loss" | "far" | "uneven" | "relay" | "well"} VerdictKey */

/**
 * @typedef {object} Verdict
 * @property {VerdictKey} key
 * @property {Grade} grade
 * @property {number} value percent for shares, milliseconds for times; 0 where the sentence has none
 */

/**
 * One connection among all of them.
 * @typedef {object} Situation
 * @property {Figures} figures
 * @property {Figures[]} others the connections to the others in the room
 * @property {boolean} tooSlow this machine gives up picture size for speed
 * @property {boolean} relayed
 */

/**
 * Something that can be wrong: by a measure, from `fair` on, and from `bad` on badly.
 * @typedef {object} Rule
 * @property {VerdictKey} key
 * @property {(situation: Situation) => number | null} measure
 * @property {number} fair
 * @property {number} bad
 * @property {number} unit of the value that is said
 */

/** What is said goes on being said until it is this much better: values near a limit would make it flicker. */
const EASE = 0.6;
/** Seconds for which a new trouble has to be there, and those after which one is believed to be over. */
const COMES_AFTER = 3;
const GOES_AFTER = 5;
/** A value that is said changes when it is this far off, in its unit. */
const STEP = { percent: 2, ms: 50 };

const LOSS = { fair: 0.02, bad: 0.08, unit: 100 };

/**
 * What all connections have in common is this machine's own; nothing where there is one alone.
 * @param {Situation} situation @param {"lossSent" | "lossReceived"} loss
 */
function common({ figures, others }, loss) {
  const known = [figures, ...others].flatMap(({ [loss]: share }) => (share === null ? [] : [share]));
  return figures[loss] === null || known.length < 2 ? null : Math.min(...known);
}

/** @type {Rule[]} the first of equally bad ones is said */
const RULES = [
  { key: "uplink_loss", measure: (situation) => common(situation, "lossSent"), ...LOSS },
  { key: "downlink_loss", measure: (situation) => common(situation, "lossReceived"), ...LOSS },
  // Alone with one other person, it is said of the way on which things are lost most often: the one up from whoever sends.
  { key: "uplink_loss", measure: ({ figures, others }) => (others.length > 0 ? null : figures.lossSent), ...LOSS },
  { key: "sent_loss", measure: ({ figures, others }) => (others.length > 0 ? figures.lossSent : null), ...LOSS },
  { key: "received_loss", measure: ({ figures }) => figures.lossReceived, ...LOSS },
  { key: "far", measure: ({ figures }) => figures.roundTripMs, fair: 300, bad: 600, unit: 1 },
  { key: "uneven", measure: ({ figures }) => figures.concealed, fair: 0.04, bad: 0.12, unit: 100 },
  { key: "cpu", measure: ({ tooSlow }) => Number(tooSlow), fair: 1, bad: Infinity, unit: 0 },
];

/** @type {Record<Grade, number>} */
const WEIGHT = { good: 0, fair: 1, bad: 2 };

/**
 * @param {Situation} situation
 * @param {Verdict | null} said what is being said
 * @returns {Verdict}
 */
export function judge(situation, said = null) {
  /** @type {Verdict} */
  let worst = { key: situation.relayed ? "relay" : "well", grade: "good", value: 0 };
  for (const { key, measure, fair, bad, unit } of RULES) {
    const measured = measure(situation);
    /** @param {boolean} there */
    const limit = (there) => (there && key === said?.key ? EASE : 1);
    if (measured === null || measured < fair * limit(true)) continue;
    const grade = measured >= bad * limit(said?.grade === "bad") ? "bad" : "fair";
    if (WEIGHT[grade] > WEIGHT[worst.grade]) worst = { key, grade, value: Math.round(measured * unit) };
  }
  return worst;
}

/** What is said of one connection, second by second. */
export class Judge {
  /** @type {Verdict | null} null as long as too little is known */
  said = null;
  /** @type {VerdictKey | null} */
  #next = null;
  #seconds = 0;

  /** @param {Situation} situation once a second */
  take(situation) {
    const found = judge(situation, this.said);
    if (found.key === this.said?.key) {
      this.#next = null;
      const step = found.key === "far" ? STEP.ms : STEP.percent;
      const moved = Math.abs(found.value - this.said.value) >= step || found.grade !== this.said.grade;
      if (moved) this.said = found;
      return this.said;
    }
    this.#seconds = found.key === this.#next ? this.#seconds + 1 : 1;
    this.#next = found.key;
    const patience = this.said && found.grade === "good" ? GOES_AFTER : COMES_AFTER;
    if (this.#seconds >= patience) {
      this.said = found;
      this.#next = null;
    }
    return this.said;
  }
}
