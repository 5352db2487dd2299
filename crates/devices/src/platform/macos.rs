//! macOS: AVFoundation, Core Audio and ScreenCaptureKit.

mod screen;

use std::borrow::Cow;
use std::sync::mpsc;

use cpal::HostId;
use maru_media::System;
use maru_media::device::VideoFormat;
use nokhwa::utils::{CameraFormat, CameraInfo, FrameFormat, RequestedFormatType};
use nokhwa::{Camera, NokhwaError};

pub use self::screen::{open_screen, screen_sources};
pub use super::direct::*;
use super::{Permission, Trouble, classify};

/// What a person has to do is told for this one.
pub const SYSTEM: System = System::Macos;
/// Where sound devices are looked for.
pub const SOUND_HOSTS: &[HostId] = &[HostId::CoreAudio];
/// A device has one rate for all programs: changing it would be heard in their sound.
pub const KEEPS_SOUND_RATE: bool = true;

/// Sizes to try when the wanted one is not offered.
const SIZES: [(u32, u32); 5] = [(1280, 720), (1920, 1080), (960, 540), (640, 480), (640, 360)];

/// Nothing is needed.
pub struct CameraThread;

/// Prepares a thread for calling the camera library.
pub fn enter_camera_thread() -> CameraThread {
    CameraThread
}

/// Asks the person, unless that was done before. The library wants this called before anything else.
pub fn camera_permission() -> Permission {
    if nokhwa::nokhwa_check() {
        return Permission::Granted;
    }
    let (answer, asked) = mpsc::sync_channel(1);
    nokhwa::nokhwa_initialize(move |granted| {
        // Nobody waits any more: the camera was closed meanwhile.
        let _ = answer.try_send(granted);
    });
    Permission::Asked(asked)
}

/// Everything that the system lists is one.
pub fn is_camera(_: &CameraInfo) -> bool {
    true
}

/// The unique id, which the library calls "misc".
pub fn camera_name(info: &CameraInfo) -> String {
    let id = info.misc();
    if id.is_empty() { info.human_name() } else { id }
}

/// Nothing is needed.
pub fn prepare_camera(_: &CameraInfo) {}

/// The library cannot list an open camera's formats here (its filter is the wrong way round), and finds
/// the closest one only for a size that is offered: so sizes are tried one after the other. Biplanar
/// formats are listed as YUYV, which is also what is then delivered.
pub fn first_requests(wanted: VideoFormat) -> Vec<RequestedFormatType> {
    let sizes = [(wanted.width_px, wanted.height_px)].into_iter().chain(SIZES);
    let closest = |(width, height)| {
        RequestedFormatType::Closest(CameraFormat::new_from(width, height, FrameFormat::YUYV, wanted.fps))
    };
    sizes.map(closest).chain([RequestedFormatType::None]).collect()
}

/// Waits for the next picture and drops those that queued up behind it: `frame_raw` keeps them in a
/// queue without bounds.
pub fn next_picture(camera: &mut Camera) -> Result<Cow<'_, [u8]>, NokhwaError> {
    camera.frame().map(|buffer| Cow::Owned(buffer.buffer().to_vec()))
}

/// What a camera's error is about.
pub fn trouble(message: &str) -> Trouble {
    classify(
        message,
        &[
            (Trouble::Busy, &["in use", "busy", "AVErrorDeviceAlreadyUsedByAnotherSession"]),
            (Trouble::Denied, &["permission", "Permission", "not authorized", "denied"]),
            (Trouble::Gone, &["not found", "disconnected", "is null"]),
        ],
    )
}
