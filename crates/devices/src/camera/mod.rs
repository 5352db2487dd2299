//! Real cameras: found, opened, read and released by nokhwa, each on a thread of its own.

mod decode;
mod format;
mod session;
mod source;

use std::sync::Arc;
use std::time::Duration;

use maru_media::device::{Camera, VideoFormat};
use maru_media::{DeviceError, DeviceId, DeviceInfo, DeviceKind, LatestFrame};

use crate::lost::Lost;
use crate::platform;
use crate::traced::Traced;
use session::Limits;

/// Asks the system for its cameras, again and again: for real only when something may have changed.
pub fn lister() -> impl FnMut() -> Vec<DeviceInfo> {
    let mut list = Traced::new(Duration::MAX);
    move || list.get(platform::camera_traces(), || Some(query())).unwrap_or_default()
}

fn query() -> Vec<DeviceInfo> {
    let _thread = platform::enter_camera_thread();
    let found = source::find_all().into_iter().enumerate();
    found
        .map(|(index, found)| DeviceInfo {
            id: DeviceId::of_system(DeviceKind::Camera, &found.stable_name),
            name: found.info.human_name(),
            // No system has a choice of its own that could be asked for.
            default: index == 0,
            synthetic: false,
            follows_system: false,
        })
        .collect()
}

/// Opens the camera of this stable name.
pub fn open(
    stable_name: String,
    id: &DeviceId,
    wanted: VideoFormat,
    output: Arc<LatestFrame>,
    lost: Lost,
) -> Result<Box<dyn Camera>, DeviceError> {
    let id = id.clone();
    let name = id.to_string();
    let permission = || {
        let _thread = platform::enter_camera_thread();
        platform::camera_permission()
    };
    session::open(
        name,
        wanted,
        permission,
        move || source::SystemCamera::open(&stable_name, &id, wanted),
        output,
        lost,
        Limits::DEFAULT,
    )
}
