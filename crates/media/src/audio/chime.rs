//! The sound that a person plays to try a speaker: three soft notes that rise, a second and a half.

use std::f32::consts::TAU;

use super::{SAMPLE_RATE_HZ, SAMPLES_10_MS};

/// A major triad: C, E, G.
const NOTES_HZ: [f32; 3] = [523.25, 659.25, 783.99];
/// From one note to the next.
const STEP_SAMPLES: usize = SAMPLE_RATE_HZ as usize / 5;
/// How long a note is heard.
const NOTE_SAMPLES: usize = SAMPLE_RATE_HZ as usize;
/// How long it takes to swell, so that it does not click.
const ATTACK_SAMPLES: f32 = SAMPLE_RATE_HZ as f32 * 0.008;
/// A note is softer by a factor of e after this long.
const DECAY_SAMPLES: f32 = SAMPLE_RATE_HZ as f32 * 0.18;
/// The peak of a note.
const PEAK: f32 = 0.2;

/// The sound, played in steps of 10 ms.
pub struct Chime {
    played: usize,
}

impl Chime {
    /// Samples in all.
    const LENGTH: usize = (NOTES_HZ.len() - 1) * STEP_SAMPLES + NOTE_SAMPLES;

    /// From its beginning.
    pub fn new() -> Self {
        Self { played: 0 }
    }

    /// Adds the next 10 ms to a mix; false when there is no more.
    pub fn mix_into(&mut self, mix: &mut [f32; SAMPLES_10_MS]) -> bool {
        for (index, sample) in mix.iter_mut().enumerate() {
            *sample += at(self.played + index);
        }
        self.played += mix.len();
        self.played < Self::LENGTH
    }
}

impl Default for Chime {
    fn default() -> Self {
        Self::new()
    }
}

fn at(index: usize) -> f32 {
    let notes = NOTES_HZ.iter().enumerate();
    notes.map(|(number, hz)| index.checked_sub(number * STEP_SAMPLES).map_or(0.0, |age| note(*hz, age))).sum()
}

/// One note: its octave is heard softly, as in a bell, and all of it fades away.
fn note(hz: f32, age: usize) -> f32 {
    if age >= NOTE_SAMPLES {
        return 0.0;
    }
    let (since, left) = (age as f32, (NOTE_SAMPLES - age) as f32);
    let wave = |hz: f32| (TAU * (since * hz / SAMPLE_RATE_HZ as f32).fract()).sin();
    let envelope =
        (since / ATTACK_SAMPLES).min(1.0) * (-since / DECAY_SAMPLES).exp() * (left / ATTACK_SAMPLES).min(1.0);
    PEAK * envelope * (0.85 * wave(hz) + 0.15 * wave(2.0 * hz))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> Vec<f32> {
        let mut chime = Chime::new();
        let mut sound = Vec::new();
        loop {
            let mut mix = [0.0; SAMPLES_10_MS];
            let more = chime.mix_into(&mut mix);
            sound.extend(mix);
            if !more {
                return sound;
            }
        }
    }

    #[test]
    fn the_sound_is_short_loud_enough_and_far_from_clipping() {
        let sound = whole();
        assert!((1.0..2.0).contains(&(sound.len() as f32 / SAMPLE_RATE_HZ as f32)));
        let peak = sound.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        assert!((0.1..0.5).contains(&peak), "{peak}");
    }

    #[test]
    fn it_begins_and_ends_in_silence_and_never_jumps() {
        let sound = whole();
        assert!(sound[0].abs() < 0.001 && sound[sound.len() - 1].abs() < 0.001);
        let jump = sound.windows(2).fold(0.0_f32, |jump, pair| jump.max((pair[1] - pair[0]).abs()));
        assert!(jump < 0.05, "{jump}");
    }

    #[test]
    fn it_is_added_to_what_is_said_meanwhile() {
        let mut mix = [0.25; SAMPLES_10_MS];
        assert!(Chime::new().mix_into(&mut mix));
        assert!((mix[0] - 0.25).abs() < 0.001);
    }
}
