// @ts-check
// Signs that somebody is there: what is made ready for a person is kept for as long as there are any.

/** Told of at most this often. */
const EVERY_MS = 20_000;
const SIGNS = ["focus", "pointermove", "pointerdown", "keydown", "touchstart"];

/** @param {() => void} onSign at the first sign after a while */
export function watchSigns(onSign) {
  let told = -Infinity;
  /** @param {globalThis.Event} sign */
  const tell = ({ type, timeStamp }) => {
    if (type !== "focus" && type !== "visibilitychange" && timeStamp - told < EVERY_MS) return;
    told = timeStamp;
    onSign();
  };
  for (const sign of SIGNS) window.addEventListener(sign, tell, { capture: true, passive: true });
  document.addEventListener("visibilitychange", tell);
}
