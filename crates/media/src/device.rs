//! What the call needs of cameras, microphones and speakers. The `devices` crate implements it for
//! real and synthetic ones; the engine is given a [`Devices`] and knows nothing else.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::audio::ring::{RingConsumer, RingProducer};
use crate::frame::LatestFrame;

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

    /// The device to use when none was chosen: the system's default, else the first one.
    pub fn preferred(&self, kind: DeviceKind) -> Option<&DeviceInfo> {
        let devices = self.of(kind);
        devices.iter().find(|device| device.default).or_else(|| devices.first())
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
    #[error(
        "The {kind} “{name}” is in use by another program. Close that program, or choose another {kind}."
    )]
    Busy {
        /// Which kind.
        kind: DeviceKind,
        /// Its name.
        name: String,
    },
    /// The system does not allow it.
    #[error("The system does not let Maru use the {0}. Allow it in the system's privacy settings.")]
    Denied(DeviceKind),
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(id: &str, default: bool) -> DeviceInfo {
        DeviceInfo { id: DeviceId::new(id), name: id.to_uppercase(), default, synthetic: false }
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
    }

    #[test]
    fn errors_tell_a_person_what_to_do() {
        let kind = DeviceKind::Camera;
        let name = "Front".to_owned();
        let errors = [
            DeviceError::None(kind),
            DeviceError::Unknown { kind, id: DeviceId::new("x1") },
            DeviceError::Busy { kind, name: name.clone() },
            DeviceError::Denied(kind),
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
    fn a_device_is_json_as_the_page_expects_it() {
        let json = serde_json::to_value(device("front", true)).unwrap();
        let expected =
            serde_json::json!({"id": "front", "name": "FRONT", "default": true, "synthetic": false});
        assert_eq!(json, expected);
        assert_eq!(serde_json::to_value(DeviceKind::Microphone).unwrap(), "microphone");
    }
}
