import { languages } from "../strings/languages.js";

/** Every language's texts. */
export const dictionaries = Object.fromEntries(
  await Promise.all(Object.entries(languages).map(async ([tag, { load }]) => [tag, await load()])),
);
