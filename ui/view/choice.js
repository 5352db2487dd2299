// @ts-check
// Whose screen is on the stage, when several share theirs. Pure.

export class ShareChoice {
  /** @type {string[]} who shares, the newest last */
  #sharing = [];
  /** @type {string | null} */
  #chosen = null;

  /** Who shares, in the order in which they began. */
  get sharing() {
    return this.#sharing;
  }

  /** Whose screen is on the stage; null for nobody's. */
  get shown() {
    return this.#chosen;
  }

  /**
   * Whoever begins is shown; when that ends, whoever began last of the others.
   * @param {string[]} sharing who shares now
   */
  update(sharing) {
    const before = this.#sharing.filter((id) => sharing.includes(id));
    const begun = sharing.filter((id) => !before.includes(id));
    this.#sharing = [...before, ...begun];
    const stays = begun.length === 0 && this.#chosen !== null && before.includes(this.#chosen);
    if (!stays) this.#chosen = this.#sharing.at(-1) ?? null;
  }

  /** @param {string} id the person wants to see this one, until somebody else begins */
  choose(id) {
    if (this.#sharing.includes(id)) this.#chosen = id;
  }
}
