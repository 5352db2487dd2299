//! Several voices to one.

use crate::audio::SAMPLE_RATE_HZ;

/// Adds `input` × `gain` to `sum`, over the shorter of the two lengths.
pub fn mix_into(sum: &mut [f32], input: &[f32], gain: f32) {
    for (sum, input) in sum.iter_mut().zip(input) {
        *sum += input * gain;
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
        let mut sum = [0.1, 0.2, 0.3];
        mix_into(&mut sum, &[1.0, -1.0], 0.5);
        assert_eq!(sum, [0.6, -0.3, 0.3]);
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
