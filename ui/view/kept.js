// @ts-check
// Keeps what the person chose for the next time. What cannot be kept is told, and is no reason not to go on.

/** @typedef {import("../types/shell").Settings} Settings */
/** @typedef {import("../types/engine").Command} Command */

/** In the settings, "no device" is a choice; `null` there is none made yet. */
const NO_DEVICE = "none";

export class Kept {
  #backend;
  #command;
  #onTrouble;

  /**
   * @param {Pick<import("../backend/backend").Backend, "settings" | "saveSettings">} backend
   * @param {(command: Command) => Promise<boolean>} command whether it was taken: only then it is kept
   * @param {(error: unknown) => void} onTrouble
   */
  constructor(backend, command, onTrouble) {
    this.#backend = backend;
    this.#command = command;
    this.#onTrouble = onTrouble;
  }

  /** @param {Partial<Settings>} change */
  async save(change) {
    try {
      await this.#backend.saveSettings({ ...this.#backend.settings(), ...change });
    } catch (error) {
      this.#onTrouble(error);
    }
  }

  /** @param {import("../types/media").DeviceKind} kind @param {string | null} id null for none at all */
  async device(kind, id) {
    if (await this.#command({ type: "select_device", kind, id })) await this.save({ [kind]: id ?? NO_DEVICE });
  }

  /** @param {import("../types/media").VoiceSettings} voice */
  async voice(voice) {
    if (await this.#command({ type: "set_voice", voice })) await this.save({ voice });
  }

  /** @param {string} room that was joined @returns {string[]} those to offer again, the last one first */
  room(room) {
    const recent = [room, ...this.#backend.settings().recent_rooms.filter((other) => other !== room)];
    void this.save({ recent_rooms: recent });
    return recent;
  }
}
