// @ts-check
// The rooms that were joined last, to be chosen again.

import { byId, element } from "./dom.js";

/** More would push the button to join off small windows. */
const SHOWN = 4;

/**
 * What a remembered room is called: an invite by the room in it.
 * @param {string} room
 */
export function roomLabel(room) {
  if (!/^[a-z]+:\/\//i.test(room)) return room;
  try {
    const url = new URL(room);
    const segment = url.searchParams.get("room") ?? decodeURIComponent(url.pathname.split("/").pop() ?? "");
    return segment === "" ? room : segment;
  } catch {
    return room;
  }
}

export class RecentRooms {
  #host = byId("recent-rooms", HTMLElement);
  #onChoose;

  /** @param {(room: string) => void} onChoose */
  constructor(onChoose) {
    this.#onChoose = onChoose;
  }

  /** @param {string[]} rooms the newest first */
  render(rooms) {
    this.#host.hidden = rooms.length === 0;
    this.#host.replaceChildren(
      ...rooms.slice(0, SHOWN).map((room) => {
        const text = roomLabel(room);
        const chip = element("button", { type: "button", class: "button quiet chip", dir: "auto", text });
        if (text !== room) chip.dataset.tooltip = room;
        chip.addEventListener("click", () => this.#onChoose(room));
        return chip;
      }),
    );
  }
}
