//! The synthetic microphone: 440 Hz, and at each full UNIX second a short beep of 1 kHz, which
//! belongs to the white square of the test pattern.

use std::f32::consts::TAU;

use maru_media::DeviceError;

use super::clock::Tick;
use super::sounds::{BLOCK, RATE_HZ, Source};

/// The steady tone.
const TONE_HZ: f32 = 440.0;
/// Its peak: −20 dBFS.
const TONE_PEAK: f32 = 0.1;
/// The beep.
const BEEP_HZ: f32 = 1000.0;
/// Its peak: −10 dBFS, to stand out.
const BEEP_PEAK: f32 = 0.316;
/// Its length: 20 ms.
const BEEP_SAMPLES: usize = RATE_HZ / 50;

/// One second of sound, which repeats: both frequencies have whole periods in it.
pub struct Tone {
    second: Vec<f32>,
}

impl Tone {
    /// Computes the second.
    pub fn new() -> Self {
        let wave = |index: usize, hz: f32| (TAU * (index as f32 * hz / RATE_HZ as f32).fract()).sin();
        let sample = |index| match index {
            0..BEEP_SAMPLES => BEEP_PEAK * wave(index, BEEP_HZ),
            _ => TONE_PEAK * wave(index, TONE_HZ),
        };
        Self { second: (0..RATE_HZ).map(sample).collect() }
    }
}

impl Source for Tone {
    fn block(&mut self, tick: &Tick, out: &mut [f32; BLOCK]) -> Result<(), DeviceError> {
        let blocks = (RATE_HZ / BLOCK) as u64;
        let start = (tick.slot % blocks) as usize * BLOCK;
        out.copy_from_slice(&self.second[start..start + BLOCK]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::clock::tick;
    use super::super::sounds::BLOCKS;
    use super::*;

    /// The power of one frequency in a signal, as the amplitude of a sine (Goertzel's algorithm).
    fn amplitude(signal: &[f32], hz: f32) -> f32 {
        let step = TAU * hz / RATE_HZ as f32;
        let (mut one, mut two) = (0.0_f64, 0.0_f64);
        let factor = 2.0 * f64::from(step).cos();
        for sample in signal {
            let zero = f64::from(*sample) + factor * one - two;
            two = one;
            one = zero;
        }
        let power = one * one + two * two - factor * one * two;
        (power.max(0.0).sqrt() * 2.0 / signal.len() as f64) as f32
    }

    fn blocks_from(unix: Duration, count: u64) -> Vec<f32> {
        let mut tone = Tone::new();
        let first = BLOCKS.slot(unix);
        let mut sound = Vec::new();
        for slot in first..first + count {
            let mut block = [0.0; BLOCK];
            tone.block(&tick(BLOCKS, slot - 1, slot), &mut block).unwrap();
            sound.extend(block);
        }
        sound
    }

    #[test]
    fn the_tone_has_440_hz_at_20_db_below_full_scale() {
        let sound = blocks_from(Duration::from_millis(1_000_100), 50);
        let level = 20.0 * amplitude(&sound, TONE_HZ).log10();
        assert!((level + 20.0).abs() < 0.1, "{level} dBFS");
        assert!(amplitude(&sound, BEEP_HZ) < 0.001);
    }

    #[test]
    fn each_full_second_begins_with_20_ms_of_1_khz() {
        let sound = blocks_from(Duration::from_secs(1_000), 200);
        for second in [0, RATE_HZ] {
            let beep = &sound[second..second + BEEP_SAMPLES];
            assert!(amplitude(beep, BEEP_HZ) > 0.3);
            let after = &sound[second + BEEP_SAMPLES..second + 2 * BEEP_SAMPLES];
            assert!(amplitude(after, BEEP_HZ) < 0.05);
        }
    }
}
