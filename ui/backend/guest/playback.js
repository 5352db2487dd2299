// @ts-check
// The others' sound: one hidden `<audio>` per peer, through the chosen speaker. A browser may keep them silent
// until the person touches the page.

/** @typedef {import("../../types/engine").PeerView} PeerView */

export class Playback {
  /** @type {Map<string, HTMLAudioElement>} by peer */
  #players = new Map();
  #onBlocked;
  #onSpeakerTrouble;
  /** @type {string | null} */
  #speaker = "";

  /**
   * @param {object} options
   * @param {() => void} options.onBlocked the browser keeps somebody silent
   * @param {() => void} options.onSpeakerTrouble the chosen speaker cannot be used
   */
  constructor({ onBlocked, onSpeakerTrouble }) {
    this.#onBlocked = onBlocked;
    this.#onSpeakerTrouble = onSpeakerTrouble;
  }

  /** @param {string} peer @param {MediaStreamTrack} track */
  play(peer, track) {
    let player = this.#players.get(peer);
    if (!player) {
      player = document.createElement("audio");
      player.autoplay = true;
      player.hidden = true;
      player.dataset.sound = peer;
      this.#players.set(peer, player);
      document.body.append(player);
      this.#aim(player);
    }
    player.srcObject = new MediaStream([track]);
    this.#start(player);
  }

  /** @param {string} peer */
  stop(peer) {
    const player = this.#players.get(peer);
    if (!player) return;
    this.#players.delete(peer);
    player.srcObject = null;
    player.remove();
  }

  /** @param {string | null} id the speaker; empty for the system's, null for none */
  setSpeaker(id) {
    if (id === this.#speaker) return;
    this.#speaker = id;
    for (const player of this.#players.values()) this.#aim(player);
  }

  /** Once more; called while a tap or a key is handled. */
  resume() {
    for (const player of this.#players.values()) if (player.paused) this.#start(player);
  }

  /** @param {HTMLAudioElement} player */
  #start(player) {
    player.play().catch((error) => {
      // Any other failure is that the track is gone meanwhile.
      if (error instanceof Error && error.name === "NotAllowedError") this.#onBlocked();
    });
  }

  /** @param {HTMLAudioElement} player */
  #aim(player) {
    player.muted = this.#speaker === null;
    if (this.#speaker === null || !("setSinkId" in player)) return;
    const sink = this.#speaker;
    /** @type {Promise<void>} */ (/** @type {any} */ (player).setSinkId(sink)).catch(() => {
      if (sink !== "" && sink === this.#speaker) this.#onSpeakerTrouble();
    });
  }
}
