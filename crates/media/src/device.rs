//! What the call needs of cameras, microphones and speakers. The `devices` crate implements it for
//! real and synthetic ones; the engine is given a [`Devices`] and knows nothing else.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::audio::ring::{RingConsumer, RingProducer};
use crate::frame::LatestFrame;
use crate::screen::{OnScreenEnded, Screen, ScreenError, ScreenSourceId};

/// Names a device for good: the same after a restart and after other devices came and went.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(transparent)]
#[ts(type = "string", export_to = "media.d.ts")]
pub struct DeviceId(pub String);

impl DeviceId {
    /// From its text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Of a real device, as the system names it.
    pub fn of_system(kind: DeviceKind, name: &str) -> Self {
        Self(format!("{kind}:{name}"))
    }

    /// What the system calls the device; `None` when it is no real one of this kind.
    pub fn system_name(&self, kind: DeviceKind) -> Option<&str> {
        let name = self.0.strip_prefix(&kind.to_string())?.strip_prefix(':')?;
        Some(name).filter(|name| !name.is_empty())
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which kind of device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export_to = "media.d.ts")]
pub enum DeviceKind {
    /// Pictures in.
    Camera,
    /// Sound in.
    Microphone,
    /// Sound out.
    Speaker,
}

impl fmt::Display for DeviceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Camera => "camera",
            Self::Microphone => "microphone",
            Self::Speaker => "speaker",
        })
    }
}

/// The operating system: what a person has to do about a device differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export_to = "media.d.ts")]
pub enum System {
    /// Linux, and whatever is like it.
    Linux,
    /// macOS.
    Macos,
    /// Windows.
    Windows,
}

/// A device as a person sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "media.d.ts")]
pub struct DeviceInfo {
    /// For opening it.
    pub id: DeviceId,
    /// For showing it.
    pub name: String,
    /// Whether the system would take this one.
    pub default: bool,
    /// Whether it is made up (a test pattern, a file) rather than a real device.
    pub synthetic: bool,
    /// Whether it stands for whichever device the system uses at the time; the name is then that device's,
    /// and empty where the system does not say.
    pub follows_system: bool,
}

impl DeviceInfo {
    /// For showing it in English.
    pub fn label(&self) -> String {
        match (self.follows_system, self.name.as_str()) {
            (false, name) => name.to_owned(),
            (true, "") => "System default".to_owned(),
            (true, name) => format!("System default ({name})"),
        }
    }
}

/// All devices there are now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "media.d.ts")]
pub struct DeviceList {
    /// Cameras.
    pub cameras: Vec<DeviceInfo>,
    /// Microphones.
    pub microphones: Vec<DeviceInfo>,
    /// Speakers.
    pub speakers: Vec<DeviceInfo>,
}

impl DeviceList {
    /// The devices of one kind.
    pub fn of(&self, kind: DeviceKind) -> &[DeviceInfo] {
        match kind {
            DeviceKind::Camera => &self.cameras,
            DeviceKind::Microphone => &self.microphones,
            DeviceKind::Speaker => &self.speakers,
        }
    }

    /// The device of this id, if it is there.
    pub fn find(&self, kind: DeviceKind, id: &DeviceId) -> Option<&DeviceInfo> {
        self.of(kind).iter().find(|device| device.id == *id)
    }

    /// The device to use when none was chosen: the system's default, else the first one.
    pub fn preferred(&self, kind: DeviceKind) -> Option<&DeviceInfo> {
        self.preferred_but(kind, &[])
    }

    /// The device to use when none was chosen and these do not work.
    pub fn preferred_but(&self, kind: DeviceKind, broken: &[&DeviceId]) -> Option<&DeviceInfo> {
        let mut devices = self.of(kind).iter().filter(|device| !broken.contains(&&device.id));
        let first = devices.clone().next();
        devices.find(|device| device.default).or(first)
    }
}

/// What can go wrong with a device: each a sentence that a person can act on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// No device of this kind at all.
    #[error("There is no {0}. Connect one, or go on without.")]
    None(DeviceKind),
    /// No device with this id.
    #[error("There is no {kind} “{id}”. `maru-cli devices` lists what there is.")]
    Unknown {
        /// Which kind was wanted.
        kind: DeviceKind,
        /// Which id was wanted.
        id: DeviceId,
    },
    /// Another program has it.
    #[error("The {kind} “{name}” is in use by another program. {}", close_it(*.system, *.kind))]
    Busy {
        /// Which kind.
        kind: DeviceKind,
        /// Its name.
        name: String,
        /// Where.
        system: System,
    },
    /// The system does not allow it.
    #[error("The system does not let Maru use the {kind}. {}", allow_it(*.system, *.kind))]
    Denied {
        /// Which kind.
        kind: DeviceKind,
        /// Where.
        system: System,
    },
    /// It was there and is not any more, or stopped delivering.
    #[error("The {kind} “{name}” is gone. Connect it again, or choose another {kind}.")]
    Lost {
        /// Which kind.
        kind: DeviceKind,
        /// Its name.
        name: String,
    },
    /// A file that stands in for a device cannot be used.
    #[error("The file {path} cannot be used as a {kind}: {problem}.")]
    File {
        /// Which kind.
        kind: DeviceKind,
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Anything else the system said.
    #[error("The {kind} “{name}” does not work: {problem}.")]
    Failed {
        /// Which kind.
        kind: DeviceKind,
        /// Its name.
        name: String,
        /// What the system said.
        problem: String,
    },
}

/// What to do about a device that another program has.
fn close_it(system: System, kind: DeviceKind) -> String {
    let close = format!("Close that program, or choose another {kind}.");
    match (system, kind) {
        // A sound device is shared there, unless a program asks to have it alone.
        (System::Windows, DeviceKind::Microphone | DeviceKind::Speaker) => format!(
            "{close} If it happens again: Settings → System → Sound → the device → Advanced, and do not let \
             applications take exclusive control."
        ),
        _ => close,
    }
}

/// What to do about a device that the system keeps to itself.
fn allow_it(system: System, kind: DeviceKind) -> String {
    let page = match kind {
        DeviceKind::Camera => "Camera",
        DeviceKind::Microphone | DeviceKind::Speaker => "Microphone",
    };
    match (system, kind) {
        (System::Macos, _) => {
            format!("Switch Maru on in System Settings → Privacy & Security → {page}, and start Maru again.")
        }
        (System::Windows, _) => format!(
            "Switch on “{page} access” and “Let desktop apps access your {}” in Settings → Privacy & security \
             → {page}.",
            page.to_lowercase()
        ),
        (System::Linux, DeviceKind::Camera) => {
            "Your account may have to be in the group “video”; log out and in after that.".to_owned()
        }
        (System::Linux, _) => {
            "Your account may have to be in the group “audio”; log out and in after that.".to_owned()
        }
    }
}

/// What to ask a camera for; it takes the nearest it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VideoFormat {
    /// Width in pixels.
    pub width_px: u32,
    /// Height in pixels.
    pub height_px: u32,
    /// Pictures per second.
    pub fps: u32,
}

impl VideoFormat {
    /// 1280 × 720 at 30 pictures a second.
    pub const HD: Self = Self { width_px: 1280, height_px: 720, fps: 30 };
}

/// Called once, from any thread, when an open device stops working. Must not block.
pub type OnLost = Box<dyn FnOnce(DeviceError) + Send>;

/// Called with the devices there are: at first, and whenever there are others. From a thread of its own, which
/// it should not hold up.
pub type OnDevices = Box<dyn FnMut(DeviceList) + Send>;

/// Looks for devices that come and go, until it is dropped.
pub trait DeviceWatch: Send + Sync {
    /// Looks now rather than in a second or two.
    fn look(&self);
}

/// Where nothing comes and goes.
impl DeviceWatch for () {
    fn look(&self) {}
}

/// An open camera. Dropping it releases the device, so that its light goes off.
pub trait Camera: Send {
    /// What it really delivers.
    fn format(&self) -> VideoFormat;
}

/// An open microphone. Dropping it releases the device.
pub trait Microphone: Send {}

/// An open speaker. Dropping it releases the device.
pub trait Speaker: Send {}

/// Finds and opens devices. All methods may block for a second or two: not for async threads.
pub trait Devices: Send + Sync + 'static {
    /// What there is now, synthetic devices included where they are wanted.
    fn list(&self) -> DeviceList;

    /// Tells what there is, now and whenever that changes. As it stands, nothing ever does.
    fn watch(&self, mut on_devices: OnDevices) -> Box<dyn DeviceWatch> {
        on_devices(self.list());
        Box::new(())
    }

    /// Opens a camera that publishes every picture to `output`.
    ///
    /// # Errors
    /// [`DeviceError`] when there is no such camera or it cannot be used.
    fn open_camera(
        &self,
        id: &DeviceId,
        format: VideoFormat,
        output: Arc<LatestFrame>,
        on_lost: OnLost,
    ) -> Result<Box<dyn Camera>, DeviceError>;

    /// Opens a microphone that writes 48 kHz mono to `output`.
    ///
    /// # Errors
    /// [`DeviceError`] when there is no such microphone or it cannot be used.
    fn open_microphone(
        &self,
        id: &DeviceId,
        output: RingProducer,
        on_lost: OnLost,
    ) -> Result<Box<dyn Microphone>, DeviceError>;

    /// Opens a speaker that plays 48 kHz mono from `input`.
    ///
    /// # Errors
    /// [`DeviceError`] when there is no such speaker or it cannot be used.
    fn open_speaker(
        &self,
        id: &DeviceId,
        input: RingConsumer,
        on_lost: OnLost,
    ) -> Result<Box<dyn Speaker>, DeviceError>;

    /// Begins to take pictures of a screen or window and publishes each that differs from the one before to
    /// `output`. May take as long as the person does in the system's dialog, which closing `output` ends. As it
    /// stands, there is nothing to share.
    ///
    /// # Errors
    /// [`ScreenError`] when there is no such screen or window or it cannot be shared.
    fn open_screen(
        &self,
        id: &ScreenSourceId,
        output: Arc<LatestFrame>,
        on_ended: OnScreenEnded,
    ) -> Result<Box<dyn Screen>, ScreenError> {
        let (_, _, _) = (id, output, on_ended);
        Err(ScreenError::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(id: &str, default: bool) -> DeviceInfo {
        DeviceInfo {
            id: DeviceId::new(id),
            name: id.to_uppercase(),
            default,
            synthetic: false,
            follows_system: false,
        }
    }

    #[test]
    fn the_systems_default_is_preferred_else_the_first_of_the_kind() {
        let list = DeviceList {
            cameras: vec![device("front", false), device("back", true)],
            microphones: vec![device("built-in", false), device("headset", false)],
            speakers: Vec::new(),
        };
        let preferred = |kind| list.preferred(kind).map(|device| device.id.as_str());
        assert_eq!(preferred(DeviceKind::Camera), Some("back"));
        assert_eq!(preferred(DeviceKind::Microphone), Some("built-in"));
        assert_eq!(preferred(DeviceKind::Speaker), None);
        assert_eq!(list.of(DeviceKind::Camera).len(), 2);
        let but =
            |id: &str| list.preferred_but(DeviceKind::Camera, &[&DeviceId::new(id)]).unwrap().id.clone();
        assert_eq!(but("back"), DeviceId::new("front"));
        assert_eq!(but("front"), DeviceId::new("back"));
    }

    #[test]
    fn a_real_device_is_told_by_its_id_from_one_that_is_made_up() {
        let id = DeviceId::of_system(DeviceKind::Microphone, "usb:1");
        assert_eq!(id.as_str(), "microphone:usb:1");
        assert_eq!(id.system_name(DeviceKind::Microphone), Some("usb:1"));
        assert_eq!(id.system_name(DeviceKind::Speaker), None);
        for made_up in ["tone", "file:voice.wav", "microphone:", "microphone"] {
            assert_eq!(DeviceId::new(made_up).system_name(DeviceKind::Microphone), None, "{made_up}");
        }
    }

    #[test]
    fn what_follows_the_system_says_which_device_that_is_where_the_system_says() {
        let follows =
            |name: &str| DeviceInfo { name: name.into(), follows_system: true, ..device("x", true) };
        assert_eq!(follows("Headset").label(), "System default (Headset)");
        assert_eq!(follows("").label(), "System default");
        assert_eq!(device("x", true).label(), "X");
    }

    #[test]
    fn errors_tell_a_person_what_to_do() {
        let kind = DeviceKind::Camera;
        let name = "Front".to_owned();
        let errors = [
            DeviceError::None(kind),
            DeviceError::Unknown { kind, id: DeviceId::new("x1") },
            DeviceError::Busy { kind, name: name.clone(), system: System::Linux },
            DeviceError::Denied { kind, system: System::Linux },
            DeviceError::Lost { kind, name: name.clone() },
            DeviceError::Failed { kind, name, problem: "it is upside down".into() },
        ];
        for error in errors {
            let text = error.to_string();
            assert!(text.contains("camera") && text.ends_with('.'), "{text}");
        }
        let id = DeviceId::new("x1");
        assert!(DeviceError::Unknown { kind, id }.to_string().contains("“x1”"));
    }

    #[test]
    fn who_is_denied_a_device_is_told_where_the_system_keeps_its_settings() {
        let denied = |kind, system| DeviceError::Denied { kind, system }.to_string();
        let mac = denied(DeviceKind::Camera, System::Macos);
        assert!(mac.contains("System Settings → Privacy & Security → Camera"), "{mac}");
        let windows = denied(DeviceKind::Microphone, System::Windows);
        assert!(windows.contains("“Let desktop apps access your microphone”"), "{windows}");
        assert!(denied(DeviceKind::Camera, System::Linux).contains("“video”"));
    }

    #[test]
    fn a_device_is_json_as_the_page_expects_it() {
        let json = serde_json::to_value(device("front", true)).unwrap();
        let expected = serde_json::json!({
            "id": "front", "name": "FRONT", "default": true, "synthetic": false, "follows_system": false,
        });
        assert_eq!(json, expected);
        assert_eq!(serde_json::to_value(DeviceKind::Microphone).unwrap(), "microphone");
    }
}
