//! The threads of one open camera: one that opens, reads and releases it, and one that watches over
//! the first. A driver that hangs costs these threads, and nothing else.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use maru_media::device::{Camera, VideoFormat};
use maru_media::{DeviceError, DeviceKind, FramePool, LatestFrame};

use super::decode::{Claim, Decoder};
use crate::lost::Lost;
use crate::platform::{self, Permission};
use crate::watchdog::{self, Pulse};
use crate::worker::{OPEN_LIMIT, OpenError, Ready, Stop, Worker};

/// Pictures in a row that cannot be decoded before a camera is given up: two seconds of them.
const BAD_LIMIT: u32 = 60;

/// A camera that is open on the thread that it was opened on.
pub trait Source {
    /// Its name, for people.
    fn name(&self) -> String;

    /// What it really delivers.
    fn format(&self) -> VideoFormat;

    /// How it says its pictures lie in memory.
    fn claim(&self) -> Claim;

    /// Waits for the next picture.
    ///
    /// # Errors
    /// [`DeviceError`] when there will be none.
    fn next(&mut self) -> Result<Cow<'_, [u8]>, DeviceError>;
}

/// How long to wait for a camera.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Between two pictures.
    pub next: Duration,
    /// For the first one: sensors need a moment, and some cameras focus first.
    pub first: Duration,
    /// For a person to answer the system's question before the camera counts as open meanwhile.
    pub answer: Duration,
    /// For a person to answer at all.
    pub patience: Duration,
}

impl Limits {
    /// What suits real cameras and people.
    pub const DEFAULT: Self = Self {
        next: Duration::from_secs(2),
        first: Duration::from_secs(6),
        answer: Duration::from_secs(3),
        patience: Duration::from_secs(120),
    };
}

/// An open camera.
struct Running {
    format: VideoFormat,
    lost: Lost,
    _camera: Worker,
    _watchdog: Worker,
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

/// Opens a camera. `permission` and `make` are called on the camera's own thread.
pub fn open<S: Source>(
    name: String,
    wanted: VideoFormat,
    permission: impl FnOnce() -> Permission + Send + 'static,
    make: impl FnOnce() -> Result<S, DeviceError> + Send + 'static,
    output: Arc<LatestFrame>,
    lost: Lost,
    limits: Limits,
) -> Result<Box<dyn Camera>, DeviceError> {
    let failed = |error: OpenError<DeviceError>| error.for_device(DeviceKind::Camera, &name);
    // As good a name as any, until the camera has told its own.
    let unnamed = name.clone();
    let pulse = Arc::new(Pulse::default());
    let thread = Thread { lost: lost.clone(), output, limits, pulse: Arc::clone(&pulse) };
    let (camera, (format, name)) = Worker::open("camera", OPEN_LIMIT, move |stop, ready| {
        if thread.allowed(permission(), (wanted, unnamed), stop, ready) {
            thread.run(make, stop, ready);
        }
        thread.pulse.rest();
    })
    .map_err(failed)?;
    let gone = DeviceError::Lost { kind: DeviceKind::Camera, name };
    let watchdog = watchdog::start("camera-watchdog", pulse, lost.clone(), gone).map_err(failed)?;
    Ok(Box::new(Running { format, lost, _camera: camera, _watchdog: watchdog }))
}

/// Says what an open camera delivers, and its name for people.
type Opening = Ready<(VideoFormat, String), DeviceError>;

/// What the camera's thread works with.
struct Thread {
    lost: Lost,
    output: Arc<LatestFrame>,
    limits: Limits,
    pulse: Arc<Pulse>,
}

impl Thread {
    /// Waits until a person has answered the system's question. After a while the camera is said to be
    /// open, so that nobody waits for a person; its pictures come once it is allowed.
    fn allowed(
        &self,
        permission: Permission,
        meanwhile: (VideoFormat, String),
        stop: &Stop,
        ready: &Opening,
    ) -> bool {
        let answer = match permission {
            Permission::Granted => return true,
            Permission::Asked(answer) => answer,
        };
        let asked = Instant::now();
        let allowed = loop {
            match answer.recv_timeout(Duration::from_millis(50)) {
                Ok(allowed) => break allowed,
                Err(RecvTimeoutError::Disconnected) => break false,
                Err(RecvTimeoutError::Timeout) if stop.is_raised() => return false,
                Err(RecvTimeoutError::Timeout) if asked.elapsed() > self.limits.patience => break false,
                Err(RecvTimeoutError::Timeout) if asked.elapsed() > self.limits.answer => {
                    ready.say(Ok(meanwhile.clone()));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        };
        if !allowed {
            self.fail(ready, platform::denied(DeviceKind::Camera));
        }
        allowed
    }

    fn run<S: Source>(&self, make: impl FnOnce() -> Result<S, DeviceError>, stop: &Stop, ready: &Opening) {
        let mut source = match make() {
            Ok(source) => source,
            Err(error) => return self.fail(ready, error),
        };
        let (format, claim, name) = (source.format(), source.claim(), source.name());
        tracing::info!(name, ?format, %claim.format, "camera open");
        self.pulse.beat(Instant::now() + self.limits.first);
        ready.say(Ok((format, name.clone())));
        let pool = FramePool::new();
        let mut decoder = Decoder::default();
        let mut bad = 0;
        while !stop.is_raised() {
            let data = match source.next() {
                Ok(data) => data,
                Err(error) => return self.lost.report(error),
            };
            let captured = Instant::now();
            match decoder.decode(claim, &data, captured, &pool) {
                _ if stop.is_raised() => return,
                Ok(frame) => {
                    bad = 0;
                    if !self.pulse.beat(captured + self.limits.next) {
                        return;
                    }
                    self.output.publish(Arc::new(frame));
                }
                // Now and then a picture is damaged on its way over USB.
                Err(problem) => {
                    bad += 1;
                    tracing::debug!(problem, "a camera's picture cannot be decoded");
                    if bad >= BAD_LIMIT {
                        let kind = DeviceKind::Camera;
                        return self.lost.report(DeviceError::Failed { kind, name, problem });
                    }
                }
            }
        }
    }

    /// Opening failed: tells the caller, if it still waits, else the owner.
    fn fail(&self, ready: &Opening, error: DeviceError) {
        ready.say(Err(error.clone()));
        self.lost.report(error);
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
