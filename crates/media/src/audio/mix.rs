//! Several voices to one, each as loud as it is wanted.

use crate::audio::{SAMPLE_RATE_HZ, SAMPLES_10_MS};

/// One voice's gain on its way into the mix. It takes one block to become another one, so that nothing clicks.
#[derive(Clone, Copy, Debug)]
pub struct Gain {
    now: f32,
}

impl Gain {
    /// This gain to begin with.
    pub fn new(gain: f32) -> Self {
        Self { now: gain }
    }

    /// Adds `input` to `sum`, with `gain` from the block's end on.
    pub fn mix_into(&mut self, sum: &mut [f32; SAMPLES_10_MS], input: &[f32; SAMPLES_10_MS], gain: f32) {
        let from = std::mem::replace(&mut self.now, gain);
        if from == gain {
            for (sum, input) in sum.iter_mut().zip(input) {
                *sum += input * gain;
            }
            return;
        }
        let step = (gain - from) / SAMPLES_10_MS as f32;
        for (index, (sum, input)) in sum.iter_mut().zip(input).enumerate() {
            *sum += input * (from + step * (index + 1) as f32);
        }
    }

    /// The voice pauses: from the next block on it has this gain.
    pub fn jump(&mut self, gain: f32) {
        self.now = gain;
    }
}

/// Where limiting begins: −1 dBFS.
const CEILING: f32 = 0.891;
/// From here on a sample counts as one of those that the gain went down for.
const NEARLY: f32 = 0.9 * CEILING;
/// How long the gain stays before it comes back: a period of the lowest voice (50 Hz), so that it
/// does not follow the wave itself.
const HOLD_SAMPLES: u32 = SAMPLE_RATE_HZ / 50;
/// How long the gain takes to come back by 63 %.
const RELEASE_SECONDS: f32 = 0.1;

/// Keeps a mix within −1…1: the gain goes down at once when a sample would exceed −1 dBFS, and
/// comes back slowly. Below that it changes nothing.
#[derive(Clone, Debug)]
pub struct Limiter {
    gain: f32,
    /// Samples to go until the gain may come back.
    hold: u32,
    release: f32,
}

impl Default for Limiter {
    fn default() -> Self {
        Self::new()
    }
}

impl Limiter {
    /// A limiter at full gain.
    pub fn new() -> Self {
        let release = 1.0 - (-1.0 / (RELEASE_SECONDS * SAMPLE_RATE_HZ as f32)).exp();
        Self { gain: 1.0, hold: 0, release }
    }

    /// Limits the samples; those that are not finite become silence.
    pub fn process(&mut self, samples: &mut [f32]) {
        for sample in samples {
            if !sample.is_finite() {
                *sample = 0.0;
            }
            let level = sample.abs();
            if self.gain < 1.0 {
                if level * self.gain > NEARLY {
                    self.hold = HOLD_SAMPLES;
                } else if self.hold > 0 {
                    self.hold -= 1;
                } else {
                    self.gain += (1.0 - self.gain) * self.release;
                }
            }
            if level * self.gain > CEILING {
                self.gain = CEILING / level;
                self.hold = HOLD_SAMPLES;
            }
            *sample *= self.gain;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voices_are_added_with_their_gains() {
        let mut sum = [0.25; SAMPLES_10_MS];
        Gain::new(1.0).mix_into(&mut sum, &[0.125; SAMPLES_10_MS], 1.0);
        assert_eq!(sum, [0.375; SAMPLES_10_MS]);
        Gain::new(0.0).mix_into(&mut sum, &[0.5; SAMPLES_10_MS], 0.0);
        assert_eq!(sum, [0.375; SAMPLES_10_MS]);
        Gain::new(2.0).mix_into(&mut sum, &[0.125; SAMPLES_10_MS], 2.0);
        assert_eq!(sum, [0.625; SAMPLES_10_MS]);
    }

    #[test]
    fn a_gain_that_changes_glides_over_a_block_and_stays() {
        let mut gain = Gain::new(2.0);
        let (mut first, mut second) = ([0.0; SAMPLES_10_MS], [0.0; SAMPLES_10_MS]);
        gain.mix_into(&mut first, &[1.0; SAMPLES_10_MS], 0.0);
        gain.mix_into(&mut second, &[1.0; SAMPLES_10_MS], 0.0);
        let steps = first.windows(2).map(|pair| (pair[1] - pair[0]).abs());
        assert!(first[0] > 1.99 && first[SAMPLES_10_MS - 1].abs() < 1e-3, "from {} on", first[0]);
        assert!(steps.fold(0.0, f32::max) < 0.005, "a step is heard as a click");
        assert_eq!(second, [0.0; SAMPLES_10_MS]);
    }

    #[test]
    fn a_gain_that_changes_in_a_pause_is_there_at_once() {
        let mut gain = Gain::new(1.0);
        gain.jump(0.5);
        let mut sum = [0.0; SAMPLES_10_MS];
        gain.mix_into(&mut sum, &[1.0; SAMPLES_10_MS], 0.5);
        assert_eq!(sum, [0.5; SAMPLES_10_MS]);
    }

    #[test]
    fn a_loud_voice_at_twice_its_volume_keeps_its_shape() {
        let mut limiter = Limiter::new();
        let mut gain = Gain::new(2.0);
        let mut heard = Vec::new();
        for block in 0..100 {
            let voice = std::array::from_fn(|index| ((block * SAMPLES_10_MS + index) as f32 * 0.05).sin());
            let mut sum = [0.0; SAMPLES_10_MS];
            gain.mix_into(&mut sum, &voice, 2.0);
            limiter.process(&mut sum);
            heard.extend(sum);
        }
        assert!(heard.iter().all(|sample| sample.abs() <= 0.9));
        // The wave is the one that came, at another height: neither cut flat nor turned round.
        for (index, sample) in heard.iter().enumerate().skip(48_000 / 2) {
            let wave = 0.891 * (index as f32 * 0.05).sin();
            assert!((sample - wave).abs() < 0.05, "{sample} for {wave}");
        }
    }

    #[test]
    fn what_is_not_too_loud_is_not_changed() {
        let mut samples: Vec<f32> = (0..4800).map(|index| (index as f32 * 0.05).sin() * 0.88).collect();
        let before = samples.clone();
        Limiter::new().process(&mut samples);
        assert_eq!(samples, before);
    }

    #[test]
    fn eight_shouting_voices_stay_within_bounds_without_being_cut_flat() {
        let mut samples: Vec<f32> = (0..48_000).map(|index| (index as f32 * 0.05).sin() * 8.0).collect();
        Limiter::new().process(&mut samples);
        assert!(samples.iter().all(|sample| sample.abs() <= 0.9));
        // A clipped wave stays at its ceiling; this one turns round.
        let settled = &samples[24_000..];
        let flat = settled.windows(2).filter(|pair| pair[0].abs() > 0.85 && pair[0] == pair[1]).count();
        assert!(flat < settled.len() / 100, "{flat} flat samples");
    }

    #[test]
    fn the_gain_comes_back_within_half_a_second() {
        let mut limiter = Limiter::new();
        limiter.process(&mut [5.0]);
        let mut quiet = vec![0.5; 24_000];
        limiter.process(&mut quiet);
        assert!(quiet[0] < 0.2);
        assert!(quiet[23_999] > 0.49);
    }

    #[test]
    fn what_is_not_finite_becomes_silence() {
        let mut samples = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.5];
        Limiter::new().process(&mut samples);
        assert_eq!(samples, [0.0, 0.0, 0.0, 0.5]);
    }
}
