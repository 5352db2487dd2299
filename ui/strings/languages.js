// @ts-check
// Every language there is: what it is called by those who speak it, and where its dictionary is. A page loads only
// the one it is shown in.

/** @satisfies {Record<string, { name: string, load: () => Promise<import("./dictionary").Dictionary> }>} */
export const languages = {
  en: { name: "English", load: async () => (await import("./en.js")).en },
  ko: { name: "한국어", load: async () => (await import("./ko.js")).ko },
};
