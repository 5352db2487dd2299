//! One camera as nokhwa opens it.

use std::borrow::Cow;
use std::mem;

use maru_media::device::VideoFormat;
use maru_media::{DeviceError, DeviceId, DeviceKind};
use nokhwa::utils::{ApiBackend, CameraFormat, CameraInfo, RequestedFormat, RequestedFormatType};
use nokhwa::{Camera, NokhwaError};

use super::decode::Claim;
use super::format::{FORMATS, ranked};
use super::session::Source;
use crate::id;
use crate::platform::{self, Trouble};

/// Formats to try before the camera is left at what it has: drivers refuse what they offer.
const TRIES: usize = 6;

/// A camera that the system named.
pub struct Found {
    /// The same after a restart, and after other cameras came and went.
    pub stable_name: String,
    /// What nokhwa knows of it.
    pub info: CameraInfo,
}

/// All cameras that can be used, in the system's order.
pub fn find_all() -> Vec<Found> {
    let infos = nokhwa::query(ApiBackend::Auto).unwrap_or_else(|error| {
        tracing::debug!(%error, "no list of cameras");
        Vec::new()
    });
    let mut infos: Vec<_> = infos.into_iter().filter(platform::is_camera).collect();
    infos.sort_by_key(|info| info.index().clone());
    let named = |info: CameraInfo| Found { stable_name: platform::camera_name(&info), info };
    infos.into_iter().map(named).collect()
}

/// An open camera.
pub struct SystemCamera {
    camera: Camera,
    name: String,
    format: CameraFormat,
    /// Whether a picture was waited for yet: the system starts the camera then, and not before.
    started: bool,
    /// Dropped last: what the system needs on this thread as long as the camera lives.
    _thread: platform::CameraThread,
}

impl SystemCamera {
    /// Opens the camera of this stable name with a format near the wanted one.
    pub fn open(stable_name: &str, id: &DeviceId, wanted: VideoFormat) -> Result<Self, DeviceError> {
        Self::open_as(stable_name, id, wanted, |offers| ranked(offers, wanted))
    }

    /// Opens it with the first one that it takes of what `choose` makes of its offers.
    fn open_as(
        stable_name: &str,
        id: &DeviceId,
        wanted: VideoFormat,
        choose: impl FnOnce(&[CameraFormat]) -> Vec<CameraFormat>,
    ) -> Result<Self, DeviceError> {
        let thread = platform::enter_camera_thread();
        let found = find_all().into_iter().find(|found| found.stable_name == stable_name);
        let info = found.ok_or_else(|| id::unknown(DeviceKind::Camera, id))?.info;
        let name = info.human_name();
        let failed = |error: NokhwaError| device_error(&name, &error);
        platform::prepare_camera(&info);
        let mut camera = first_open(&info, wanted).map_err(failed)?;
        let offers = camera.compatible_camera_formats().unwrap_or_default();
        for offer in choose(&offers).into_iter().take(TRIES) {
            let exact = RequestedFormatType::Exact(offer);
            // "requset" is the library's spelling.
            match camera.set_camera_requset(RequestedFormat::with_formats(exact, FORMATS)) {
                Ok(_) => break,
                Err(error) => tracing::debug!(%offer, %error, "a camera refuses what it offers"),
            }
        }
        camera.open_stream().map_err(failed)?;
        let format = camera.camera_format();
        Ok(Self { camera, name, format, started: false, _thread: thread })
    }
}

/// Opens a camera with any format that it takes at first.
fn first_open(info: &CameraInfo, wanted: VideoFormat) -> Result<Camera, NokhwaError> {
    let mut last = None;
    for request in platform::first_requests(wanted) {
        match Camera::new(info.index().clone(), RequestedFormat::with_formats(request, FORMATS)) {
            Ok(camera) => return Ok(camera),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or(NokhwaError::UnitializedError))
}

impl Source for SystemCamera {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn format(&self) -> VideoFormat {
        VideoFormat {
            width_px: self.format.width(),
            height_px: self.format.height(),
            fps: self.format.frame_rate().max(1),
        }
    }

    fn claim(&self) -> Claim {
        Claim { format: self.format.format(), width_px: self.format.width(), height_px: self.format.height() }
    }

    fn next(&mut self) -> Result<Cow<'_, [u8]>, DeviceError> {
        let started = mem::replace(&mut self.started, true);
        platform::next_picture(&mut self.camera).map_err(|error| match device_error(&self.name, &error) {
            // A camera that worked and now fails is gone, whatever the system calls it. One that does not
            // even start may lack bandwidth, or power: the system's word says more.
            DeviceError::Failed { kind, name, problem } if started => {
                tracing::debug!(problem, "a camera failed");
                DeviceError::Lost { kind, name }
            }
            error => error,
        })
    }
}

/// What the library reports, as a sentence that a person can act on.
fn device_error(name: &str, error: &NokhwaError) -> DeviceError {
    let (kind, name, problem) = (DeviceKind::Camera, name.to_owned(), error.to_string());
    match platform::trouble(&problem) {
        Trouble::Busy => platform::busy(kind, name),
        Trouble::Denied => platform::denied(kind),
        Trouble::Gone => DeviceError::Lost { kind, name },
        Trouble::Other => {
            DeviceError::Failed { kind, name, problem: problem.trim_end_matches('.').to_owned() }
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
#[path = "source_tests.rs"]
mod tests;
