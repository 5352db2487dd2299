//! Changes the sample rate of mono sound, fed with or asked for any number of samples at a time.
//! Everything is allocated beforehand.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler as _};

/// Blocks per second that the resampler works in: 10 ms each, or the nearest that the two rates allow.
const BLOCKS_PER_SECOND: u32 = 100;

/// Brings mono sound from one sample rate to another; does nothing when they are the same.
pub struct Resampler {
    stage: Option<Box<Stage>>,
}

struct Stage {
    fft: Fft<f32>,
    /// A block to work on, of which the first `filled` samples are there.
    input: Vec<f32>,
    filled: usize,
    /// A finished block, of which the first `taken` samples have been handed out.
    output: Vec<f32>,
    taken: usize,
}

impl Resampler {
    /// Prepares for these rates, in hertz.
    ///
    /// # Errors
    /// What the library has against them.
    pub fn new(from_hz: u32, to_hz: u32) -> Result<Self, String> {
        if from_hz == to_hz {
            return Ok(Self { stage: None });
        }
        let chunk = (from_hz / BLOCKS_PER_SECOND).max(1) as usize;
        let fft = Fft::new(from_hz as usize, to_hz as usize, chunk, 1, FixedSync::Both)
            .map_err(|error| error.to_string())?;
        let input = vec![0.0; fft.input_frames_max()];
        let output = vec![0.0; fft.output_frames_max()];
        let taken = output.len();
        Ok(Self { stage: Some(Box::new(Stage { fft, input, filled: 0, output, taken })) })
    }

    /// Takes samples, and hands what comes of them to `sink`, in none, one or several pieces.
    pub fn push(&mut self, mut samples: &[f32], mut sink: impl FnMut(&[f32])) {
        let Some(stage) = &mut self.stage else { return sink(samples) };
        while !samples.is_empty() {
            let room = &mut stage.input[stage.filled..];
            let count = room.len().min(samples.len());
            room[..count].copy_from_slice(&samples[..count]);
            samples = &samples[count..];
            stage.filled += count;
            if stage.filled == stage.input.len() {
                stage.work();
                sink(&stage.output);
            }
        }
    }

    /// Fills `out`; whenever it needs samples, `source` fills a slice with them.
    pub fn pull(&mut self, out: &mut [f32], mut source: impl FnMut(&mut [f32])) {
        let Some(stage) = &mut self.stage else { return source(out) };
        let mut written = 0;
        while written < out.len() {
            if stage.taken == stage.output.len() {
                source(&mut stage.input);
                stage.work();
                stage.taken = 0;
            }
            let ready = &stage.output[stage.taken..];
            let count = ready.len().min(out.len() - written);
            out[written..written + count].copy_from_slice(&ready[..count]);
            stage.taken += count;
            written += count;
        }
    }
}

impl Stage {
    /// Turns the input block into the output block.
    fn work(&mut self) {
        self.filled = 0;
        let (frames_in, frames_out) = (self.input.len(), self.output.len());
        let input = InterleavedSlice::new(&self.input, 1, frames_in);
        let output = InterleavedSlice::new_mut(&mut self.output, 1, frames_out);
        let done = match (input, output) {
            (Ok(input), Ok(mut output)) => self.fft.process_into_buffer(&input, &mut output, None).is_ok(),
            _ => false,
        };
        // Cannot happen with buffers of the sizes that it asked for; if it does, silence is the
        // only thing a callback can do about it.
        if !done {
            self.output.fill(0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::*;

    const PAIRS: [(u32, u32); 7] = [
        (44_100, 48_000),
        (48_000, 44_100),
        (16_000, 48_000),
        (96_000, 48_000),
        (48_000, 192_000),
        (11_025, 48_000),
        (22_255, 48_000),
    ];

    fn sine(hz: f32, rate_hz: u32, count: usize) -> Vec<f32> {
        (0..count).map(|index| 0.5 * (TAU * (index as f32 * hz / rate_hz as f32).fract()).sin()).collect()
    }

    /// A sine of 440 Hz crosses zero upwards 440 times a second, whatever the rate.
    fn assert_440_hz(sound: &[f32], rate_hz: u32, name: &str) {
        // Leave out the filter's first half second at worst.
        let sound = &sound[sound.len() / 2..];
        let crossings = sound.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
        let hz = crossings as f32 * rate_hz as f32 / sound.len() as f32;
        assert!((hz - 440.0).abs() < 3.0, "{name}: {hz}");
        let peak = sound.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        assert!((peak - 0.5).abs() < 0.02, "{name}: {peak}");
    }

    #[test]
    fn pushed_sound_keeps_its_pitch_and_length_at_any_rate_and_block_size() {
        for (from, to) in PAIRS {
            let mut resampler = Resampler::new(from, to).unwrap();
            let mut sound = Vec::new();
            for piece in sine(440.0, from, 2 * from as usize).chunks(333) {
                resampler.push(piece, |piece| sound.extend_from_slice(piece));
            }
            let missing = 2 * to as usize - sound.len();
            assert!(missing < to as usize / 4, "{from} → {to}: {missing} missing");
            assert_440_hz(&sound, to, &format!("{from} → {to}"));
        }
    }

    #[test]
    fn pulled_sound_keeps_its_pitch_at_any_rate_and_block_size() {
        for (from, to) in PAIRS {
            let mut resampler = Resampler::new(from, to).unwrap();
            let source = sine(440.0, from, 3 * from as usize);
            let mut read = 0;
            let mut sound = vec![0.0; 2 * to as usize];
            for piece in sound.chunks_mut(333) {
                resampler.pull(piece, |wanted| {
                    wanted.copy_from_slice(&source[read..read + wanted.len()]);
                    read += wanted.len();
                });
            }
            assert_440_hz(&sound, to, &format!("{from} → {to}"));
        }
    }

    #[test]
    fn equal_rates_pass_everything_through_untouched() {
        let mut resampler = Resampler::new(48_000, 48_000).unwrap();
        let mut sound = Vec::new();
        resampler.push(&[0.1, 0.2], |piece| sound.extend_from_slice(piece));
        assert_eq!(sound, [0.1, 0.2]);
        resampler.pull(&mut sound, |wanted| wanted.fill(0.3));
        assert_eq!(sound, [0.3, 0.3]);
    }

    #[test]
    fn a_rate_of_nothing_is_refused() {
        assert!(Resampler::new(0, 48_000).is_err());
    }
}
