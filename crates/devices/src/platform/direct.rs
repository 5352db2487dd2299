//! Where one sound service knows all devices, lists them as they are and does as it is told: macOS and Windows.

use std::time::Duration;

use cpal::{Device, DeviceId, HostId};
use maru_media::{DeviceKind, ScreenSourceId};

/// Nothing is cheaper to look at than the list itself.
pub fn camera_traces() -> Option<String> {
    None
}

/// Nothing is cheaper to look at than the list itself.
pub fn sound_traces(_: HostId) -> Option<String> {
    None
}

/// Nothing is needed.
pub fn prepare_sound_service(_: HostId) {}

/// Blocks are about as long as they are asked for.
pub fn block_to_ask_for(_: &Device, _: DeviceKind, wanted: Duration) -> Duration {
    wanted
}

/// The default device is one of those listed.
pub fn names_default_sound_device(_: HostId) -> bool {
    true
}

/// Everything that the system lists is one.
pub fn offers_sound_device(_: &DeviceId) -> bool {
    true
}

/// It takes and gives what it is made for.
pub fn is_sound_device(_: &DeviceId, _: DeviceKind) -> bool {
    true
}

/// It exists only when it works.
pub fn default_sound_device_works(_: &Device, _: DeviceKind) -> bool {
    true
}

/// What there is to share is known by name.
pub fn asks_person(_: &ScreenSourceId) -> bool {
    false
}

/// Nothing is needed.
pub struct Quiet;

/// The sound library writes nothing here.
pub fn quiet_sound_library() -> Quiet {
    Quiet
}
