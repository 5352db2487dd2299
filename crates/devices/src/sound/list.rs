//! Which microphones and speakers there are.

use cpal::traits::{DeviceTrait, HostTrait};
use cpal::{Device, Host};
use maru_media::{DeviceInfo, DeviceKind};

use crate::id;
use crate::platform;

/// All real sound devices.
#[derive(Clone, Debug, Default)]
pub struct SoundList {
    /// Sound in.
    pub microphones: Vec<DeviceInfo>,
    /// Sound out.
    pub speakers: Vec<DeviceInfo>,
}

/// The system's sound service.
pub fn host() -> Option<Host> {
    let id = cpal::ALL_HOSTS.first()?;
    cpal::host_from_id(*id).inspect_err(|error| tracing::debug!(%error, "no sound service")).ok()
}

/// Asks the system. May take a while where the sound service hangs.
pub fn query() -> SoundList {
    let _quiet = platform::quiet_sound_library();
    let Some(host) = host() else { return SoundList::default() };
    let mut list = SoundList {
        microphones: Vec::from_iter(system_default(&host, DeviceKind::Microphone)),
        speakers: Vec::from_iter(system_default(&host, DeviceKind::Speaker)),
    };
    let devices = host.devices().inspect_err(|error| tracing::debug!(%error, "no list of sound devices"));
    for device in devices.into_iter().flatten() {
        let Ok(device_id) = device.id() else { continue };
        if !platform::offers_sound_device(device_id.id()) {
            continue;
        }
        let info = |kind| DeviceInfo {
            id: id::real(kind, &device_id.to_string()),
            name: name(&device),
            default: false,
            synthetic: false,
        };
        if device.supports_input() {
            list.microphones.push(info(DeviceKind::Microphone));
        }
        if device.supports_output() {
            list.speakers.push(info(DeviceKind::Speaker));
        }
    }
    list
}

/// The device that the system would take, if there is one that works.
pub fn default_device(host: &Host, kind: DeviceKind) -> Option<Device> {
    match kind {
        DeviceKind::Microphone => host.default_input_device(),
        _ => host.default_output_device(),
    }
}

fn system_default(host: &Host, kind: DeviceKind) -> Option<DeviceInfo> {
    let device = default_device(host, kind)?;
    if !platform::default_sound_device_works(&device, kind) {
        return None;
    }
    let name = match platform::NAMES_DEFAULT_SOUND_DEVICE {
        true => format!("System default ({})", name(&device)),
        false => "System default".to_owned(),
    };
    Some(DeviceInfo { id: id::system_default(kind), name, default: true, synthetic: false })
}

fn name(device: &Device) -> String {
    device.description().map(|description| description.name().trim().to_owned()).unwrap_or_default()
}
