//! Runs synthetic cameras at their own rate.

use std::sync::Arc;
use std::time::Instant;

use maru_media::device::{Camera, VideoFormat};
use maru_media::{DeviceError, DeviceKind, FramePool, LatestFrame, VideoFrame};

use super::clock::{Pace, Rate, Tick, unix_now};
use crate::lost::Lost;
use crate::worker::{OPEN_LIMIT, Worker};

/// Where the pictures of a synthetic camera come from.
pub trait Pictures {
    /// What it delivers.
    fn format(&self) -> VideoFormat;

    /// When it delivers.
    fn rate(&self) -> Rate;

    /// Draws the picture of a slot into a frame of the right size with unspecified content.
    ///
    /// # Errors
    /// [`DeviceError`] when there are no more pictures to be had.
    fn draw(&mut self, tick: &Tick, frame: &mut VideoFrame) -> Result<(), DeviceError>;

    /// Writes the time of capture into a picture that is otherwise finished.
    fn stamp(&self, frame: &mut VideoFrame, unix_ms: u64);

    /// The finished picture of a slot, captured now.
    ///
    /// # Errors
    /// As [`Pictures::draw`].
    fn take(&mut self, tick: &Tick, pool: &FramePool) -> Result<VideoFrame, DeviceError> {
        let VideoFormat { width_px, height_px, .. } = self.format();
        let mut frame = pool.take(width_px, height_px, Instant::now());
        self.draw(tick, &mut frame)?;
        let unix_ms = u64::try_from(unix_now().as_millis()).unwrap_or(u64::MAX);
        frame.set_captured(Instant::now());
        self.stamp(&mut frame, unix_ms);
        Ok(frame)
    }
}

/// An open synthetic camera.
struct Running {
    format: VideoFormat,
    lost: Lost,
    _worker: Worker,
}

impl Camera for Running {
    fn format(&self) -> VideoFormat {
        self.format
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.lost.cancel();
    }
}

/// Opens a synthetic camera. `make` is called on the camera's own thread.
pub fn open<P: Pictures>(
    make: impl FnOnce() -> Result<P, DeviceError> + Send + 'static,
    output: Arc<LatestFrame>,
    lost: Lost,
) -> Result<Box<dyn Camera>, DeviceError> {
    let report = lost.clone();
    let opened = Worker::open("synthetic-camera", OPEN_LIMIT, move |stop, ready| {
        let mut pictures = match make() {
            Ok(pictures) => pictures,
            Err(error) => return ready.say(Err(error)),
        };
        let format = pictures.format();
        ready.say(Ok(format));
        let pool = FramePool::new();
        // A camera has no patience: a picture that is late is not taken.
        let mut pace = Pace::new(pictures.rate(), 0);
        while let Some(tick) = pace.next(stop) {
            match pictures.take(&tick, &pool) {
                Ok(frame) => output.publish(Arc::new(frame)),
                Err(error) => return report.report(error),
            }
        }
    });
    match opened {
        Ok((worker, format)) => Ok(Box::new(Running { format, lost, _worker: worker })),
        Err(error) => Err(error.for_device(DeviceKind::Camera, "synthetic")),
    }
}
