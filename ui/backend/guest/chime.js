// @ts-check
// The sound that a person plays to try a speaker; the same as in the app (`media::audio::chime`).

/** A major triad: C, E, G. */
const NOTES_HZ = [523.25, 659.25, 783.99];
/** From one note to the next, in seconds. */
const STEP_S = 0.2;
/** How long a note is heard. */
const NOTE_S = 1;
/** How long it takes to swell, so that it does not click. */
const ATTACK_S = 0.008;
/** A note is softer by a factor of e after this long. */
const DECAY_S = 0.18;
/** The peak of a note, and of its octave, which is heard softly as in a bell. */
const PARTIALS = [
  { factor: 1, peak: 0.17 },
  { factor: 2, peak: 0.03 },
];
/** What the system still plays when the last of it was handed over. */
const TAIL_S = 0.5;

/**
 * Plays it, for as long as it takes.
 * @param {(track: MediaStreamTrack | null) => void} onSound where it is heard; null when it is over
 * @returns {object | null} something while it plays; null where the browser cannot
 */
export function playChime(onSound) {
  try {
    const context = new AudioContext();
    const output = context.createMediaStreamDestination();
    const start = context.currentTime + 0.1;
    for (const [number, hz] of NOTES_HZ.entries()) {
      for (const { factor, peak } of PARTIALS) {
        const at = start + number * STEP_S;
        const loudness = new GainNode(context, { gain: 0 });
        loudness.gain.setValueAtTime(0, at);
        loudness.gain.linearRampToValueAtTime(peak, at + ATTACK_S);
        loudness.gain.setTargetAtTime(0, at + ATTACK_S, DECAY_S);
        const note = new OscillatorNode(context, { frequency: hz * factor });
        note.connect(loudness).connect(output);
        note.start(at);
        note.stop(at + NOTE_S);
      }
    }
    const [track] = output.stream.getAudioTracks();
    if (!track) return null;
    void context.resume();
    onSound(track);
    const length = 0.1 + (NOTES_HZ.length - 1) * STEP_S + NOTE_S + TAIL_S;
    window.setTimeout(() => {
      onSound(null);
      void context.close();
    }, length * 1000);
    return context;
  } catch {
    return null; // no Web Audio here
  }
}
