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
/// How long the gain takes to come back by 63 %.
const RELEASE_SECONDS: f32 = 0.1;

/// Keeps a mix within −1…1: the gain goes down at once when a sample would exceed −1 dBFS, and
/// comes back slowly. Below that it changes nothing.
#[derive(Clone, Debug)]
pub struct Limiter {
    gain: f32,
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
        Self { gain: 1.0, release }
    }

    /// Limits the samples; those that are not finite become silence.
    pub fn process(&mut self, samples: &mut [f32]) {
        for sample in samples {
            if !sample.is_finite() {
                *sample = 0.0;
            }
            let level = sample.abs();
            self.gain += (1.0 - self.gain) * self.release;
            if level * self.gain > CEILING {
                self.gain = CEILING / level;
            }
            *sample *= self.gain;
        }
    }
}
