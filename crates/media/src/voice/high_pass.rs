//! Takes out what is lower than a voice: hum, rumble, and a microphone's constant offset. Gentle: a steeper
//! filter makes the lowest tones of a deep voice late by many milliseconds, which is heard.

use std::f64::consts::{FRAC_1_SQRT_2, TAU};

use super::bands::BAND_SAMPLES;

/// Here it is 3 dB quieter, and 12 dB for each halving below.
const CUTOFF_HZ: f64 = 80.0;

/// A Butterworth filter of second order, on the lowest band.
pub(super) struct HighPass {
    /// Of what goes in and what came out, for the newest and the two before.
    forward: [f64; 3],
    back: [f64; 2],
    state: [f64; 2],
}

impl HighPass {
    /// Which has heard nothing.
    pub fn new() -> Self {
        let turn = TAU * CUTOFF_HZ / (BAND_SAMPLES as f64 * 100.0);
        let (sine, cosine) = turn.sin_cos();
        let slope = sine * FRAC_1_SQRT_2;
        let all = 1.0 + slope;
        let outer = (1.0 + cosine) / 2.0 / all;
        Self {
            forward: [outer, -2.0 * outer, outer],
            back: [-2.0 * cosine / all, (1.0 - slope) / all],
            state: [0.0; 2],
        }
    }

    /// Filters 10 ms in place.
    pub fn process(&mut self, band: &mut [f32; BAND_SAMPLES]) {
        for sample in band {
            let input = f64::from(*sample);
            let output = self.forward[0] * input + self.state[0];
            self.state[0] = self.forward[1] * input - self.back[0] * output + self.state[1];
            self.state[1] = self.forward[2] * input - self.back[1] * output;
            *sample = output as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How loud a tone comes out, of one with the amplitude 1.
    fn loudness(hz: f64) -> f64 {
        let mut filter = HighPass::new();
        let mut largest = 0.0_f32;
        for frame in 0..100 {
            let mut band = std::array::from_fn(|index| {
                let at = (frame * BAND_SAMPLES + index) as f64 / (BAND_SAMPLES as f64 * 100.0);
                (TAU * hz * at).cos() as f32
            });
            filter.process(&mut band);
            if frame > 50 {
                largest = band.iter().fold(largest, |largest, sample| largest.max(sample.abs()));
            }
        }
        f64::from(largest)
    }

    #[test]
    fn voices_pass_and_what_is_below_them_does_not() {
        assert!(loudness(0.0) < 1e-3, "an offset: {}", loudness(0.0));
        assert!(loudness(25.0) < 0.12, "rumble: {}", loudness(25.0));
        assert!((0.68..0.73).contains(&loudness(80.0)), "{}", loudness(80.0));
        assert!(loudness(200.0) > 0.97, "a voice: {}", loudness(200.0));
        assert!((0.99..1.01).contains(&loudness(3_000.0)), "{}", loudness(3_000.0));
    }
}
