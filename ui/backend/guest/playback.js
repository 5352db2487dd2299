// @ts-check
// The others' sound: one player per peer, all through the chosen speaker, each as loud as it is wanted. A browser
// may keep them silent until the person touches the page.

import { Booster } from "./booster.js";
import { Player } from "./player.js";

export class Playback {
  /** @type {Map<string, Player>} by peer */
  #players = new Map();
  #onBlocked;
  #onSpeakerTrouble;
  #gain;
  #booster = new Booster(() => {
    for (const player of this.#players.values()) player.update();
  });
  /** @type {string | null} */
  #speaker = "";

  /**
   * @param {object} options
   * @param {() => void} options.onBlocked the browser keeps somebody silent
   * @param {() => void} options.onSpeakerTrouble the chosen speaker cannot be used
   * @param {(peer: string) => number} options.gain how loud somebody is wanted
   */
  constructor({ onBlocked, onSpeakerTrouble, gain }) {
    this.#onBlocked = onBlocked;
    this.#onSpeakerTrouble = onSpeakerTrouble;
    this.#gain = gain;
  }

  /** @param {string} peer @param {MediaStreamTrack} track */
  play(peer, track) {
    let player = this.#players.get(peer);
    if (!player) {
      player = new Player({ peer, booster: this.#booster, onBlocked: this.#onBlocked });
      player.setGain(this.#gain(peer));
      player.setSpeaker(this.#speaker, this.#onSpeakerTrouble);
      this.#players.set(peer, player);
    }
    player.play(track);
  }

  /** @param {string} peer */
  stop(peer) {
    this.#players.get(peer)?.close();
    this.#players.delete(peer);
  }

  /** @param {string} peer who is wanted louder or softer */
  changed(peer) {
    this.#players.get(peer)?.setGain(this.#gain(peer));
  }

  /** @param {string | null} id the speaker; empty for the system's, null for none */
  setSpeaker(id) {
    if (id === this.#speaker) return;
    this.#speaker = id;
    if (id !== null) this.#booster.setSpeaker(id);
    for (const player of this.#players.values()) player.setSpeaker(id, this.#onSpeakerTrouble);
  }

  /** Once more; called while a tap or a key is handled. */
  resume() {
    this.#booster.resume();
    for (const player of this.#players.values()) player.resume();
  }
}
