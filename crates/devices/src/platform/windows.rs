//! Windows: Media Foundation, WASAPI and Windows.Graphics.Capture.

mod screen;

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::OnceLock;

use cpal::HostId;
use maru_media::System;
use maru_media::device::VideoFormat;
use nokhwa::utils::{CameraInfo, RequestedFormatType};
use nokhwa::{Camera, NokhwaError};
use windows::Win32::Media::MediaFoundation::{MF_VERSION, MFSTARTUP_NOSOCKET, MFStartup};
use windows::Win32::System::Com::{
    COINIT_APARTMENTTHREADED, COINIT_DISABLE_OLE1DDE, CoInitializeEx, CoUninitialize,
};

pub use self::screen::{open_screen, screen_sources};
pub use super::direct::*;
use super::{Permission, Trouble, classify};

/// What a person has to do is told for this one.
pub const SYSTEM: System = System::Windows;
/// Where sound devices are looked for.
pub const SOUND_HOSTS: &[HostId] = &[HostId::Wasapi];
/// In shared mode only the rate of the mixer is offered anyway.
pub const KEEPS_SOUND_RATE: bool = false;

/// Keeps COM open on a thread. The camera library opens it on the first thread that calls it and
/// closes it on the one that drops the last camera, which need not be the same; so every thread that
/// calls it holds on to COM itself.
pub struct CameraThread {
    initialised: bool,
    /// COM is closed on the thread that it was opened on.
    _not_send: PhantomData<*const ()>,
}

/// Prepares a thread for calling the camera library.
pub fn enter_camera_thread() -> CameraThread {
    static MEDIA_FOUNDATION: OnceLock<bool> = OnceLock::new();
    // In the apartment that the library asks for: another one would make its own call fail.
    // SAFETY: no pointer is passed; the call is balanced in `drop`, on the same thread.
    let result = unsafe { CoInitializeEx(None, COINIT_APARTMENTTHREADED | COINIT_DISABLE_OLE1DDE) };
    MEDIA_FOUNDATION.get_or_init(|| {
        // Once and never shut down, so that the library, which shuts it down with each last camera,
        // never shuts it down for a list that is being made meanwhile.
        // SAFETY: takes no pointers; may be called on any thread.
        unsafe { MFStartup(MF_VERSION, MFSTARTUP_NOSOCKET) }.is_ok()
    });
    CameraThread { initialised: result.is_ok(), _not_send: PhantomData }
}

impl Drop for CameraThread {
    fn drop(&mut self) {
        if self.initialised {
            // SAFETY: balances the successful call in `enter_camera_thread`; `_not_send` keeps this
            // value on that call's thread.
            unsafe { CoUninitialize() };
        }
    }
}

/// The privacy settings decide, at opening.
pub fn camera_permission() -> Permission {
    Permission::Granted
}

/// Everything that the system lists is one.
pub fn is_camera(_: &CameraInfo) -> bool {
    true
}

/// The symbolic link, which the library calls "misc".
pub fn camera_name(info: &CameraInfo) -> String {
    let link = info.misc();
    if link.is_empty() { info.human_name() } else { link }
}

/// Nothing is needed.
pub fn prepare_camera(_: &CameraInfo) {}

/// Any format will do at first: what the camera offers is asked for once it is open.
pub fn first_requests(_: VideoFormat) -> Vec<RequestedFormatType> {
    vec![RequestedFormatType::None]
}

/// Waits for the next picture.
pub fn next_picture(camera: &mut Camera) -> Result<Cow<'_, [u8]>, NokhwaError> {
    camera.frame_raw()
}

/// What a camera's error is about. The texts are translated, the codes are not.
pub fn trouble(message: &str) -> Trouble {
    let message = message.to_ascii_uppercase();
    classify(
        &message,
        &[
            // MF_E_HW_MFT_FAILED_START_STREAMING, MF_E_VIDEO_RECORDING_DEVICE_PREEMPTED,
            // ERROR_SHARING_VIOLATION, ERROR_BUSY.
            (Trouble::Busy, &["C00D3704", "C00D3EA3", "80070020", "800700AA"]),
            // E_ACCESSDENIED.
            (Trouble::Denied, &["80070005"]),
            // MF_E_VIDEO_RECORDING_DEVICE_INVALIDATED, MF_E_SHUTDOWN, ERROR_DEVICE_NOT_CONNECTED,
            // ERROR_FILE_NOT_FOUND, ERROR_NO_SUCH_DEVICE.
            (Trouble::Gone, &["C00D3EA2", "C00D3E85", "8007048F", "80070002", "800701B1", "NO DEVICE"]),
        ],
    )
}
