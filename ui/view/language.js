// @ts-check
// The picker for the page's language. A choice takes effect by loading the page anew: it is on the join screen,
// whose form is remembered.

import { rememberedLanguage, rememberLanguage } from "../language.js";
import { strings } from "../strings.js";
import { languages } from "../strings/languages.js";
import { byId, element } from "./dom.js";

export function setUpLanguagePicker() {
  const select = byId("language", HTMLSelectElement);
  select.append(
    element("option", { value: "", text: strings.languageSystem }),
    ...Object.entries(languages).map(([tag, { name }]) => element("option", { value: tag, lang: tag, text: name })),
  );
  select.value = rememberedLanguage() ?? "";
  select.addEventListener("change", () => {
    if (!rememberLanguage(select.value || null)) return;
    const here = new URL(window.location.href);
    here.searchParams.delete("lang"); // it would win over the choice
    if (here.href === window.location.href) window.location.reload();
    else window.location.replace(here);
  });
}
