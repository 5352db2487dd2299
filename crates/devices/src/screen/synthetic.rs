//! Screens that are made up: a page of text, the test pattern, files.

use std::path::Path;
use std::time::Instant;

use maru_media::device::VideoFormat;
use maru_media::{DeviceError, FramePool, ScreenError, ScreenSource, VideoFrame};

use super::{FILE, Grabber, PATIENCE, PATTERN, TEXT, made_up, page, still};
use crate::synthetic::{Pace, Pattern, Pictures, Y4m};
use crate::worker::Stop;

/// The pattern's pictures: as many as two cores encode and decode beside a camera's.
const PATTERN_FORMAT: VideoFormat = VideoFormat { width_px: 1920, height_px: 1080, fps: 15 };

pub fn text_source() -> ScreenSource {
    made_up(TEXT, "Test text", page::WIDTH_PX, page::HEIGHT_PX)
}

pub fn pattern_source() -> ScreenSource {
    made_up(PATTERN, "Test pattern", PATTERN_FORMAT.width_px, PATTERN_FORMAT.height_px)
}

/// The page of text.
pub fn text() -> impl Grabber {
    Still { source: text_source(), picture: Some(page::draw()) }
}

/// A picture that does not move.
pub fn picture(path: &Path) -> Result<impl Grabber + use<>, ScreenError> {
    let picture = still::read(path).map_err(|problem| file_error(path, problem))?;
    let source = of_file(path, picture.width_px(), picture.height_px());
    Ok(Still { source, picture: Some(picture) })
}

/// The test pattern with the time code.
pub fn pattern() -> impl Grabber {
    Moving::new(pattern_source(), Pattern::new(PATTERN_FORMAT, 1))
}

/// A file of uncompressed pictures.
pub fn y4m(path: &Path) -> Result<impl Grabber + use<>, ScreenError> {
    let pictures = Y4m::open(path).map_err(|error| of_device(path, error))?;
    let VideoFormat { width_px, height_px, .. } = pictures.format();
    Ok(Moving::new(of_file(path, width_px, height_px), pictures))
}

fn of_file(path: &Path, width: u32, height: u32) -> ScreenSource {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    made_up(&format!("{FILE}{}", path.display()), &name, width, height)
}

fn file_error(path: &Path, problem: String) -> ScreenError {
    ScreenError::File { path: path.display().to_string(), problem }
}

fn of_device(path: &Path, error: DeviceError) -> ScreenError {
    match error {
        DeviceError::File { path, problem, .. } => ScreenError::File { path, problem },
        other => file_error(path, other.to_string()),
    }
}

struct Still {
    source: ScreenSource,
    /// Until it was taken.
    picture: Option<VideoFrame>,
}

impl Grabber for Still {
    fn source(&self) -> ScreenSource {
        self.source.clone()
    }

    fn next(&mut self, _: &FramePool, stop: &Stop) -> Result<Option<VideoFrame>, ScreenError> {
        let Some(mut picture) = self.picture.take() else {
            stop.wait_until(Instant::now() + PATIENCE);
            return Ok(None);
        };
        picture.set_captured(Instant::now());
        Ok(Some(picture))
    }
}

struct Moving<P> {
    source: ScreenSource,
    pictures: P,
    pace: Pace,
}

impl<P: Pictures> Moving<P> {
    fn new(source: ScreenSource, pictures: P) -> Self {
        let pace = Pace::new(pictures.rate(), 0);
        Self { source, pictures, pace }
    }
}

impl<P: Pictures> Grabber for Moving<P> {
    fn source(&self) -> ScreenSource {
        self.source.clone()
    }

    fn next(&mut self, pool: &FramePool, stop: &Stop) -> Result<Option<VideoFrame>, ScreenError> {
        let Some(tick) = self.pace.next(stop) else { return Ok(None) };
        let taken = self.pictures.take(&tick, pool);
        taken.map(Some).map_err(|error| of_device(Path::new(&self.source.name), error))
    }
}
