//! Which microphones and speakers there are.

use std::time::{Duration, Instant};

use cpal::traits::{DeviceTrait, HostTrait};
use cpal::{Device, Host, HostId};
use maru_media::{DeviceId, DeviceInfo, DeviceKind};

use crate::id;
use crate::platform;
use crate::traced::Traced;

/// What is asked again after this long in any case.
const GOOD_FOR: Duration = Duration::from_secs(30);
/// A sound service that takes longer to say that it does not run hangs, …
const HANGS: Duration = Duration::from_secs(1);
/// … and is left alone for this long at first, then twice as long, up to the other.
const PATIENCE: Duration = Duration::from_secs(30);
const MOST_PATIENCE: Duration = Duration::from_secs(600);

/// All real sound devices.
#[derive(Clone, Debug, Default)]
pub struct SoundList {
    /// Sound in.
    pub microphones: Vec<DeviceInfo>,
    /// Sound out.
    pub speakers: Vec<DeviceInfo>,
}

/// The system's sound service: the best one that runs.
pub fn host() -> Option<Host> {
    platform::SOUND_HOSTS.iter().find_map(|id| connect(*id))
}

/// This sound service, if it runs.
pub fn connect(id: HostId) -> Option<Host> {
    platform::prepare_sound_service(id);
    cpal::host_from_id(id).inspect_err(|error| tracing::debug!(%error, "no sound service")).ok()
}

/// Asks the system, again and again. May take a while where the sound service hangs.
pub fn lister() -> impl FnMut() -> SoundList {
    let mut lister =
        Lister { host: None, answer: Traced::new(GOOD_FOR), better_from: Instant::now(), patience: PATIENCE };
    move || lister.list()
}

struct Lister {
    /// Kept, since to some services it is a connection.
    host: Option<Host>,
    answer: Traced<SoundList>,
    /// A better service is looked for from then on.
    better_from: Instant,
    /// How long one that hangs is left alone.
    patience: Duration,
}

impl Lister {
    fn list(&mut self) -> SoundList {
        let _quiet = platform::quiet_sound_library();
        self.look_for_better(Instant::now());
        if let Some(list) = self.ask() {
            return list;
        }
        // The service ended: what is there now?
        self.take(host());
        self.ask().unwrap_or_default()
    }

    /// A better service may have started meanwhile.
    fn look_for_better(&mut self, now: Instant) {
        if now < self.better_from {
            return;
        }
        if let Some(better) = self.host.as_ref().and_then(better_than) {
            self.take(Some(better));
            self.patience = PATIENCE;
        } else if now.elapsed() > HANGS {
            // The library leaves a thread behind at each try.
            self.better_from = Instant::now() + self.patience;
            self.patience = (self.patience * 2).min(MOST_PATIENCE);
        }
    }

    fn take(&mut self, host: Option<Host>) {
        self.host = host;
        self.answer.forget();
    }

    fn ask(&mut self) -> Option<SoundList> {
        let host = self.host.as_ref()?;
        self.answer.get(platform::sound_traces(host.id()), || query(host))
    }
}

/// What is in front of this one in the order of choice, if it runs.
fn better_than(host: &Host) -> Option<Host> {
    let better = platform::SOUND_HOSTS.iter().take_while(|id| **id != host.id());
    better.filter(|id| cpal::available_hosts().contains(id)).find_map(|id| connect(*id))
}

fn query(host: &Host) -> Option<SoundList> {
    let devices = host.devices().inspect_err(|error| tracing::debug!(%error, "no list of sound devices"));
    let mut list = SoundList::default();
    for device in devices.ok()? {
        let Ok(device_id) = device.id() else { continue };
        if !platform::offers_sound_device(&device_id) {
            continue;
        }
        let info = |kind| DeviceInfo {
            id: DeviceId::of_system(kind, &device_id.to_string()),
            name: name(&device),
            default: false,
            synthetic: false,
            follows_system: false,
        };
        if device.supports_input() && platform::is_sound_device(&device_id, DeviceKind::Microphone) {
            list.microphones.push(info(DeviceKind::Microphone));
        }
        if device.supports_output() {
            list.speakers.push(info(DeviceKind::Speaker));
        }
    }
    list.microphones.splice(0..0, system_default(host, DeviceKind::Microphone));
    list.speakers.splice(0..0, system_default(host, DeviceKind::Speaker));
    Some(list)
}

/// The device that the system would take, if there is one.
pub fn default_device(host: &Host, kind: DeviceKind) -> Option<Device> {
    let device = match kind {
        DeviceKind::Microphone => host.default_input_device(),
        _ => host.default_output_device(),
    }?;
    let fits = device.id().map_or(true, |id| platform::is_sound_device(&id, kind));
    fits.then_some(device)
}

fn system_default(host: &Host, kind: DeviceKind) -> Option<DeviceInfo> {
    let device = default_device(host, kind)?;
    if !platform::default_sound_device_works(&device, kind) {
        return None;
    }
    let name = if platform::names_default_sound_device(host.id()) { name(&device) } else { String::new() };
    Some(DeviceInfo {
        id: id::system_default(kind),
        name,
        default: true,
        synthetic: false,
        follows_system: true,
    })
}

fn name(device: &Device) -> String {
    device.description().map(|description| description.name().trim().to_owned()).unwrap_or_default()
}
