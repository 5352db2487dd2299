// @ts-check
// One peer's sound: a hidden `<audio>`, which also sets how soft it is; what is to be louder than it comes goes
// round it, where that works, and stays at most as loud as it comes where not.

export class Player {
  #element;
  #booster;
  #onBlocked;
  /** @type {MediaStreamTrack | null} */
  #track = null;
  /** @type {import("./booster").Boost | null} */
  #boost = null;
  #gain = 1;
  /** @type {string | null} the speaker; empty for the system's, null for none */
  #speaker = "";

  /**
   * @param {object} options
   * @param {string} options.peer
   * @param {import("./booster").Booster} options.booster
   * @param {() => void} options.onBlocked the browser keeps it silent
   */
  constructor({ peer, booster, onBlocked }) {
    this.#booster = booster;
    this.#onBlocked = onBlocked;
    const element = document.createElement("audio");
    element.autoplay = true;
    element.hidden = true;
    element.dataset.sound = peer;
    document.body.append(element);
    this.#element = element;
  }

  /** @param {MediaStreamTrack} track */
  play(track) {
    this.#track = track;
    this.#endBoost();
    this.#element.srcObject = new MediaStream([track]);
    this.update();
    this.#start();
  }

  /** @param {number} gain what the sound is multiplied by */
  setGain(gain) {
    this.#gain = gain;
    this.update();
  }

  /** @param {string | null} speaker @param {() => void} onTrouble it cannot be used */
  setSpeaker(speaker, onTrouble) {
    this.#speaker = speaker;
    this.update();
    const element = this.#element;
    if (speaker === null || !("setSinkId" in element)) return;
    /** @type {Promise<void>} */ (/** @type {any} */ (element).setSinkId(speaker)).catch(() => {
      if (speaker !== "" && speaker === this.#speaker) onTrouble();
    });
  }

  /** Once more; called while a tap or a key is handled. */
  resume() {
    if (this.#element.paused) this.#start();
  }

  close() {
    this.#endBoost();
    this.#element.srcObject = null;
    this.#element.remove();
  }

  /** Brings what plays in line with what is wanted and with what the browser can do. */
  update() {
    const element = this.#element;
    const silent = this.#speaker === null || this.#gain === 0;
    element.volume = Math.min(this.#gain, 1);
    // Some phones know no volume but their own.
    const obeys = Math.abs(element.volume - this.#gain) < 0.005;
    const boosted = !silent && !obeys && this.#track !== null && this.#booster.works;
    if (!boosted || !this.#track) this.#endBoost();
    else if (this.#boost) this.#boost.setGain(this.#gain);
    else this.#boost = this.#booster.boost(this.#track, this.#gain);
    // It goes on playing unheard: Chromium gives Web Audio nothing of a track that plays nowhere else.
    element.muted = silent || this.#boost !== null;
  }

  #endBoost() {
    this.#boost?.end();
    this.#boost = null;
  }

  #start() {
    this.#element.play().catch((error) => {
      // Any other failure is that the track is gone meanwhile.
      if (error instanceof Error && error.name === "NotAllowedError") this.#onBlocked();
    });
  }
}
