// @ts-check
// What the page has to know of the screen that CSS alone does not tell it.

/** Phones in either position; the same condition as in style/small.css. */
const SMALL = "(max-width: 640px), (max-height: 480px)";

/** @param {() => void} onChange @returns {() => boolean} whether panels are sheets that cover the screen */
export function watchSmallScreen(onChange) {
  const query = window.matchMedia(SMALL);
  query.addEventListener("change", onChange);
  return () => query.matches;
}

/**
 * Keeps the page as high as what is left of the screen above a keyboard. Some browsers shrink the page
 * themselves (`interactive-widget`), others only what is seen of it.
 */
export function followKeyboard() {
  const seen = window.visualViewport;
  if (!seen) return;
  const follow = () => {
    // Zoomed in by two fingers, the page is larger than what is seen and stays so.
    const height = seen.scale > 1.01 ? "" : `${Math.round(seen.height)}px`;
    document.documentElement.style.setProperty("--seen-height", height);
    if (height !== "") window.scrollTo(0, 0);
  };
  seen.addEventListener("resize", follow);
  follow();
}
