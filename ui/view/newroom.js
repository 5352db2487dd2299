// @ts-check
// A name for a new room: one that can be read out and remembered, and that nobody types by accident.

import { strings } from "../strings.js";

/** Numbers have two digits, so that no name is shorter than it looks. */
const NUMBERS = { from: 10, count: 90 };

/** @param {number} count @returns {number} at random, from 0 on */
function anyOf(count) {
  const [random] = crypto.getRandomValues(new Uint32Array(1));
  return (random ?? 0) % count;
}

/**
 * Two words and a number, one name of some hundred thousand.
 * @param {(count: number) => number} [pick] gives a number below `count`
 */
export function newRoomName(pick = anyOf) {
  /** @param {string} words */
  const word = (words) => {
    const all = words.split(" ");
    return all[pick(all.length)] ?? "";
  };
  return [word(strings.roomWordsFirst), word(strings.roomWordsSecond), NUMBERS.from + pick(NUMBERS.count)].join("-");
}
