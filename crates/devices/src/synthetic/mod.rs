//! Devices that are made up: a test pattern, a tone, files. They keep time like real devices, so
//! that nothing behind them can tell the difference.

mod clock;
mod noise;
mod pattern;
mod pictures;
mod sounds;
mod tone;
mod wav;
mod y4m;

use std::path::Path;
use std::sync::Arc;

use maru_media::audio::ring::{RingConsumer, RingProducer};
use maru_media::device::{Camera, Microphone, Speaker, VideoFormat};
use maru_media::{DeviceError, DeviceKind, LatestFrame};

use crate::lost::Lost;
pub use clock::Pace;
pub use pattern::Pattern;
pub use pictures::Pictures;
use sounds::{Nothing, Silence};
use tone::Tone;
use wav::{WavSink, WavSource};
pub use y4m::Y4m;

/// Opens the test pattern of the given variant.
pub fn open_pattern(
    variant: u32,
    format: VideoFormat,
    output: Arc<LatestFrame>,
    lost: Lost,
) -> Result<Box<dyn Camera>, DeviceError> {
    pictures::open(move || Ok(Pattern::new(format, variant)), output, lost)
}

/// Opens a file of uncompressed pictures.
pub fn open_y4m(path: String, output: Arc<LatestFrame>, lost: Lost) -> Result<Box<dyn Camera>, DeviceError> {
    pictures::open(move || Y4m::open(Path::new(&path)), output, lost)
}

/// Opens the tone.
pub fn open_tone(output: RingProducer, lost: Lost) -> Result<Box<dyn Microphone>, DeviceError> {
    sounds::open_source(|| Ok(Tone::new()), output, lost)
}

/// Opens silence.
pub fn open_silence(output: RingProducer, lost: Lost) -> Result<Box<dyn Microphone>, DeviceError> {
    sounds::open_source(|| Ok(Silence), output, lost)
}

/// Opens a file of uncompressed sound.
pub fn open_wav_source(
    path: String,
    output: RingProducer,
    lost: Lost,
) -> Result<Box<dyn Microphone>, DeviceError> {
    sounds::open_source(move || WavSource::open(Path::new(&path)), output, lost)
}

/// Opens the speaker that plays nothing.
pub fn open_null(input: RingConsumer, lost: Lost) -> Result<Box<dyn Speaker>, DeviceError> {
    sounds::open_sink(|| Ok(Nothing), input, lost)
}

/// Opens a file that takes what would be played.
pub fn open_wav_sink(path: String, input: RingConsumer, lost: Lost) -> Result<Box<dyn Speaker>, DeviceError> {
    sounds::open_sink(move || WavSink::create(Path::new(&path)), input, lost)
}

/// The error for a file that cannot stand in for a device.
fn file_error(kind: DeviceKind, path: &Path, problem: impl ToString) -> DeviceError {
    let problem = problem.to_string().trim_end_matches('.').to_owned();
    DeviceError::File { kind, path: path.display().to_string(), problem }
}
