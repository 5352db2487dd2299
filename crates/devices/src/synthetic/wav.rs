//! A microphone that plays a `.wav` file, looped, and a speaker that writes one.

use std::fs::File;
use std::io::{BufReader, BufWriter, ErrorKind, Seek};
use std::path::{Path, PathBuf};

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use maru_media::{DeviceError, DeviceKind};

use super::clock::Tick;
use super::file_error;
use super::sounds::{BLOCK, RATE_HZ, Sink, Source};
use crate::sound::resample::Resampler;

/// Sample rates that a file may have.
const RATES_HZ: std::ops::RangeInclusive<u32> = 4_000..=384_000;
/// Channels that a file may have.
const CHANNELS_LIMIT: u16 = 64;
/// Blocks after which what was written so far is made a complete file: half a second.
const FLUSH_BLOCKS: u32 = 50;

/// A file that is played.
pub struct WavSource {
    path: PathBuf,
    reader: WavReader<BufReader<File>>,
    spec: WavSpec,
    resampler: Resampler,
}

impl WavSource {
    /// Opens a file and checks that it is whole.
    pub fn open(path: &Path) -> Result<Self, DeviceError> {
        Self::open_checked(path).map_err(|problem| file_error(DeviceKind::Microphone, path, problem))
    }

    fn open_checked(path: &Path) -> Result<Self, String> {
        let file = File::open(path).map_err(|error| error.to_string())?;
        let info = file.metadata().map_err(|error| error.to_string())?;
        if !info.is_file() {
            return Err("it is not a file".to_owned());
        }
        let reader = WavReader::new(BufReader::new(file)).map_err(describe)?;
        let spec = reader.spec();
        if !RATES_HZ.contains(&spec.sample_rate) {
            return Err(format!("its sample rate is {} Hz; Maru takes 4000 to 384000", spec.sample_rate));
        }
        if spec.channels == 0 || spec.channels > CHANNELS_LIMIT {
            return Err(format!("it has {} channels; Maru takes 1 to {CHANNELS_LIMIT}", spec.channels));
        }
        if !matches!(
            (spec.sample_format, spec.bits_per_sample),
            (SampleFormat::Int, 8 | 16 | 24 | 32) | (SampleFormat::Float, 32)
        ) {
            return Err(format!(
                "its samples have {} bits; Maru takes 8, 16, 24 or 32",
                spec.bits_per_sample
            ));
        }
        if reader.duration() == 0 {
            return Err("there is no sound in it".to_owned());
        }
        let promised = u64::from(reader.len()) * u64::from(spec.bits_per_sample / 8);
        let mut file = reader.into_inner();
        let start = file.stream_position().map_err(|error| error.to_string())?;
        let there = info.len().saturating_sub(start);
        if there < promised {
            return Err(format!("it is cut off: {there} of {promised} bytes of sound are there"));
        }
        file.rewind().map_err(|error| error.to_string())?;
        let reader = WavReader::new(file).map_err(describe)?;
        let resampler = Resampler::new(spec.sample_rate, RATE_HZ as u32)?;
        Ok(Self { path: path.to_owned(), reader, spec, resampler })
    }
}

impl Source for WavSource {
    fn block(&mut self, _: &Tick, out: &mut [f32; BLOCK]) -> Result<(), DeviceError> {
        let Self { reader, spec, .. } = self;
        let mut problem = None;
        self.resampler.pull(out, |frames| {
            for frame in frames {
                *frame = match read_frame(reader, spec) {
                    Ok(sample) => sample,
                    Err(error) => {
                        problem = Some(error);
                        0.0
                    }
                };
            }
        });
        match problem {
            None => Ok(()),
            Some(problem) => Err(file_error(DeviceKind::Microphone, &self.path, problem)),
        }
    }
}

/// The mean of all channels of the next frame, of the first one after the last.
fn read_frame(reader: &mut WavReader<BufReader<File>>, spec: &WavSpec) -> Result<f32, String> {
    if let Some(frame) = read_samples(reader, spec) {
        return frame.map_err(describe);
    }
    reader.seek(0).map_err(|error| error.to_string())?;
    read_samples(reader, spec).ok_or_else(|| "it ended".to_owned())?.map_err(describe)
}

/// `None` at the end of the file.
fn read_samples(reader: &mut WavReader<BufReader<File>>, spec: &WavSpec) -> Option<hound::Result<f32>> {
    let channels = usize::from(spec.channels);
    let mut sum = 0.0;
    if spec.sample_format == SampleFormat::Float {
        let mut samples = reader.samples::<f32>().take(channels);
        for _ in 0..channels {
            match samples.next()? {
                // A file may hold anything; infinities would stay in every filter behind.
                Ok(sample) if sample.is_finite() => sum += sample.clamp(-1.0, 1.0),
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    } else {
        let scale = 1.0 / (1_u64 << (spec.bits_per_sample - 1)) as f32;
        let mut samples = reader.samples::<i32>().take(channels);
        for _ in 0..channels {
            match samples.next()? {
                Ok(sample) => sum += sample as f32 * scale,
                Err(error) => return Some(Err(error)),
            }
        }
    }
    Some(Ok(sum / channels as f32))
}

/// A file that is written: 48 kHz, mono, 16 bits.
pub struct WavSink {
    path: PathBuf,
    writer: WavWriter<BufWriter<File>>,
    blocks: u32,
}

impl WavSink {
    /// Creates the file, over one that is there.
    pub fn create(path: &Path) -> Result<Self, DeviceError> {
        let spec = WavSpec {
            channels: 1,
            sample_rate: RATE_HZ as u32,
            bits_per_sample: 16,
            sample_format: SampleFormat::Int,
        };
        let mut writer = WavWriter::create(path, spec)
            .map_err(|error| file_error(DeviceKind::Speaker, path, describe(error)))?;
        // Readable from the first moment on.
        writer.flush().map_err(|error| file_error(DeviceKind::Speaker, path, describe(error)))?;
        Ok(Self { path: path.to_owned(), writer, blocks: 0 })
    }

    fn write(&mut self, samples: &[f32; BLOCK]) -> hound::Result<()> {
        for sample in samples {
            self.writer.write_sample((sample.clamp(-1.0, 1.0) * f32::from(i16::MAX)).round() as i16)?;
        }
        self.blocks += 1;
        if self.blocks.is_multiple_of(FLUSH_BLOCKS) {
            // Also writes the lengths into the header: who is killed leaves a file that can be played.
            self.writer.flush()?;
        }
        Ok(())
    }
}

impl Sink for WavSink {
    fn block(&mut self, samples: &[f32; BLOCK]) -> Result<(), DeviceError> {
        // A dropped writer finalises the file.
        self.write(samples).map_err(|error| file_error(DeviceKind::Speaker, &self.path, describe(error)))
    }
}

fn describe(error: hound::Error) -> String {
    match error {
        // The library's own words for the end of the file, which have no kind of their own.
        hound::Error::IoError(error)
            if error.kind() == ErrorKind::UnexpectedEof
                || error.to_string().starts_with("Failed to read") =>
        {
            "it is cut off".to_owned()
        }
        hound::Error::IoError(error) => error.to_string(),
        hound::Error::FormatError(reason) => format!("it is not a proper .wav file: {reason}"),
        hound::Error::Unsupported => {
            "it holds sound of a kind that Maru does not play; save it as PCM".to_owned()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
#[path = "wav_tests.rs"]
mod tests;
