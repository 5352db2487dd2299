//! Changes the sample rate of mono sound, fed with or asked for any number of samples at a time.
//! Everything is allocated beforehand.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Async, Fft, FixedAsync, FixedSync, Resampler as _, SincInterpolationParameters, SincInterpolationType,
    WindowFunction,
};

/// Blocks per second that the resampler works in: 10 ms each, or the nearest that the two rates allow.
const BLOCKS_PER_SECOND: u32 = 100;
/// Two rates that have next to nothing in common would need blocks of up to a second; above this many
/// times the wanted length (30 ms) they are interpolated instead.
const LONGEST_BLOCK: usize = 3;
/// Length of the filter where rates are interpolated.
const SINC_LENGTH: usize = 64;

/// Brings mono sound from one sample rate to another; does nothing when they are the same.
pub struct Resampler {
    stage: Option<Box<Stage>>,
}

struct Stage {
    method: Box<dyn rubato::Resampler<f32>>,
    from_hz: u32,
    to_hz: u32,
    /// A block to work on, of which the first `filled` samples are there.
    input: Vec<f32>,
    filled: usize,
    /// A finished block of `ready` samples, of which the first `taken` have been handed out.
    output: Vec<f32>,
    ready: usize,
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
        if from_hz == 0 || to_hz == 0 {
            return Err("a rate of nothing".into());
        }
        let method = method(from_hz, to_hz)?;
        let input = vec![0.0; method.input_frames_max()];
        let output = vec![0.0; method.output_frames_max()];
        let (filled, ready, taken) = (0, 0, 0);
        Ok(Self {
            stage: Some(Box::new(Stage { method, from_hz, to_hz, input, filled, output, ready, taken })),
        })
    }

    /// How much later than the sample that is pushed next the sample that comes out next was heard, in
    /// seconds: negative, as the latter is older.
    pub fn pushed_ahead(&self) -> f64 {
        let Some(stage) = &self.stage else { return 0.0 };
        -(stage.filled as f64 / f64::from(stage.from_hz)) - stage.delay()
    }

    /// How much later than the sample that is handed out next the sample that is asked for next will be
    /// heard, in seconds.
    pub fn pulled_ahead(&self) -> f64 {
        let Some(stage) = &self.stage else { return 0.0 };
        (stage.ready - stage.taken) as f64 / f64::from(stage.to_hz) + stage.delay()
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
                sink(&stage.output[..stage.ready]);
            }
        }
    }

    /// Fills `out`; whenever it needs samples, `source` fills a slice with them.
    pub fn pull(&mut self, out: &mut [f32], mut source: impl FnMut(&mut [f32])) {
        let Some(stage) = &mut self.stage else { return source(out) };
        let mut written = 0;
        while written < out.len() {
            if stage.taken == stage.ready {
                source(&mut stage.input);
                stage.work();
            }
            let ready = &stage.output[stage.taken..stage.ready];
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
        (self.filled, self.taken) = (0, 0);
        let (frames_in, frames_out) = (self.input.len(), self.output.len());
        let input = InterleavedSlice::new(&self.input, 1, frames_in);
        let output = InterleavedSlice::new_mut(&mut self.output, 1, frames_out);
        let done = match (input, output) {
            (Ok(input), Ok(mut output)) => self.method.process_into_buffer(&input, &mut output, None),
            _ => Ok((0, 0)),
        };
        self.ready = match done {
            Ok((_, count)) if count > 0 => count.min(frames_out),
            // Cannot happen with buffers of the sizes that it asked for; if it does, silence is the
            // only thing a callback can do about it.
            _ => {
                self.output.fill(0.0);
                frames_out
            }
        };
    }

    /// By how much the filter makes the sound late, in seconds.
    fn delay(&self) -> f64 {
        self.method.output_delay() as f64 / f64::from(self.to_hz)
    }
}

fn method(from_hz: u32, to_hz: u32) -> Result<Box<dyn rubato::Resampler<f32>>, String> {
    let (from, to) = (from_hz as usize, to_hz as usize);
    let chunk = (from_hz / BLOCKS_PER_SECOND).max(1) as usize;
    let fft = Fft::new(from, to, chunk, 1, FixedSync::Both).map_err(|error| error.to_string())?;
    if fft.input_frames_max() <= chunk * LONGEST_BLOCK {
        return Ok(Box::new(fft));
    }
    let parameters = SincInterpolationParameters::new(SINC_LENGTH, WindowFunction::BlackmanHarris2)
        .interpolation(SincInterpolationType::Linear);
    let ratio = f64::from(to_hz) / f64::from(from_hz);
    let sinc = Async::new_sinc(ratio, 1.0, &parameters, chunk, 1, FixedAsync::Input)
        .map_err(|error| error.to_string())?;
    Ok(Box::new(sinc))
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::*;

    const PAIRS: [(u32, u32); 11] = [
        (8_000, 48_000),
        (48_000, 44_101),
        (47_999, 48_000),
        (384_000, 48_000),
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
        // Leave out the beginning, which the filter makes late.
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
            assert!(missing < to as usize / 12, "{from} → {to}: {missing} missing");
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
