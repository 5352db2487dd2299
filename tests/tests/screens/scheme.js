// Arguments: "light" or "dark". Has the page look as a system of that kind would have it, at rest. By its style
// sheets: not every driver can tell its browser what the system likes.
const [scheme] = arguments;
const rewrite = (rules) => {
  for (const rule of rules) {
    if (!(rule instanceof CSSMediaRule)) continue;
    rule.maruTestMedia ??= rule.media.mediaText;
    if (/prefers-color-scheme: ?dark/.test(rule.maruTestMedia)) rule.media.mediaText = scheme === "dark" ? "all" : "not all";
    if (/prefers-reduced-motion: ?reduce/.test(rule.maruTestMedia)) rule.media.mediaText = "all";
  }
};
for (const sheet of document.styleSheets) rewrite(sheet.cssRules);
document.documentElement.style.colorScheme = scheme;
return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))));
