//! What a device id means: which synthetic device, which file, or which real device.

use maru_media::{DeviceError, DeviceId, DeviceKind};

/// The synthetic camera.
pub const TEST_PATTERN: &str = "test-pattern";
/// The synthetic microphone that can be heard.
pub const TONE: &str = "tone";
/// The synthetic microphone that cannot be heard.
pub const SILENCE: &str = "silence";
/// The synthetic speaker.
pub const NULL: &str = "null";
/// What follows is the path of a file that stands in for a device.
const FILE: &str = "file:";
/// What a real device of the system's own choice is called, after the kind.
const SYSTEM_DEFAULT: &str = "default";

/// Which test pattern there is at most; hues beyond this would repeat.
const PATTERN_VARIANTS: u32 = 100;

/// A camera to open.
#[derive(Debug, PartialEq, Eq)]
pub enum CameraChoice {
    /// The test pattern in the given variant, 1 being the plain one.
    Pattern(u32),
    /// A file of uncompressed pictures.
    File(String),
    /// A real one, named by what follows the prefix.
    Real(String),
}

/// A microphone to open.
#[derive(Debug, PartialEq, Eq)]
pub enum MicrophoneChoice {
    /// The tone.
    Tone,
    /// Silence.
    Silence,
    /// A file of uncompressed sound.
    File(String),
    /// A real one.
    Real(SoundChoice),
}

/// A speaker to open.
#[derive(Debug, PartialEq, Eq)]
pub enum SpeakerChoice {
    /// Takes everything, plays nothing.
    Null,
    /// Writes a file.
    File(String),
    /// A real one.
    Real(SoundChoice),
}

/// A real sound device.
#[derive(Debug, PartialEq, Eq)]
pub enum SoundChoice {
    /// Whatever the system uses at the time.
    Default,
    /// This one, named as the sound library names it.
    Named(String),
}

/// The id of the device that follows the system's own choice.
pub fn system_default(kind: DeviceKind) -> DeviceId {
    DeviceId::of_system(kind, SYSTEM_DEFAULT)
}

/// Reads the id of a camera.
pub fn camera(id: &DeviceId) -> Result<CameraChoice, DeviceError> {
    let text = id.as_str();
    if text == TEST_PATTERN {
        return Ok(CameraChoice::Pattern(1));
    }
    if let Some(variant) = text.strip_prefix(TEST_PATTERN).and_then(|rest| rest.strip_prefix(':')) {
        let variant = variant.parse().ok().filter(|number| (1..=PATTERN_VARIANTS).contains(number));
        return variant.map(CameraChoice::Pattern).ok_or_else(|| unknown(DeviceKind::Camera, id));
    }
    if let Some(path) = file(text) {
        return Ok(CameraChoice::File(path));
    }
    named(DeviceKind::Camera, id).map(CameraChoice::Real)
}

/// Reads the id of a microphone.
pub fn microphone(id: &DeviceId) -> Result<MicrophoneChoice, DeviceError> {
    match id.as_str() {
        TONE => Ok(MicrophoneChoice::Tone),
        SILENCE => Ok(MicrophoneChoice::Silence),
        text => match file(text) {
            Some(path) => Ok(MicrophoneChoice::File(path)),
            None => sound(DeviceKind::Microphone, id).map(MicrophoneChoice::Real),
        },
    }
}

/// Reads the id of a speaker.
pub fn speaker(id: &DeviceId) -> Result<SpeakerChoice, DeviceError> {
    match id.as_str() {
        NULL => Ok(SpeakerChoice::Null),
        text => match file(text) {
            Some(path) => Ok(SpeakerChoice::File(path)),
            None => sound(DeviceKind::Speaker, id).map(SpeakerChoice::Real),
        },
    }
}

fn file(text: &str) -> Option<String> {
    text.strip_prefix(FILE).filter(|path| !path.is_empty()).map(str::to_owned)
}

fn sound(kind: DeviceKind, id: &DeviceId) -> Result<SoundChoice, DeviceError> {
    let name = named(kind, id)?;
    Ok(if name == SYSTEM_DEFAULT { SoundChoice::Default } else { SoundChoice::Named(name) })
}

/// What follows the prefix of the kind.
fn named(kind: DeviceKind, id: &DeviceId) -> Result<String, DeviceError> {
    id.system_name(kind).map(str::to_owned).ok_or_else(|| unknown(kind, id))
}

/// There is no device with this id.
pub fn unknown(kind: DeviceKind, id: &DeviceId) -> DeviceError {
    DeviceError::Unknown { kind, id: id.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> DeviceId {
        DeviceId::new(text)
    }

    #[test]
    fn every_documented_camera_id_is_understood() {
        assert_eq!(camera(&id("test-pattern")), Ok(CameraChoice::Pattern(1)));
        assert_eq!(camera(&id("test-pattern:7")), Ok(CameraChoice::Pattern(7)));
        assert_eq!(camera(&id("file:a b.y4m")), Ok(CameraChoice::File("a b.y4m".into())));
        assert_eq!(camera(&id("camera:usb-Cam")), Ok(CameraChoice::Real("usb-Cam".into())));
    }

    #[test]
    fn every_documented_sound_id_is_understood() {
        let named = SoundChoice::Named("alsa:plughw:CARD=PCH,DEV=0".into());
        assert_eq!(microphone(&id("tone")), Ok(MicrophoneChoice::Tone));
        assert_eq!(microphone(&id("silence")), Ok(MicrophoneChoice::Silence));
        assert_eq!(microphone(&id("file:/x.wav")), Ok(MicrophoneChoice::File("/x.wav".into())));
        assert_eq!(
            microphone(&id("microphone:alsa:plughw:CARD=PCH,DEV=0")),
            Ok(MicrophoneChoice::Real(named))
        );
        assert_eq!(speaker(&id("null")), Ok(SpeakerChoice::Null));
        assert_eq!(speaker(&id("file:out.wav")), Ok(SpeakerChoice::File("out.wav".into())));
        assert_eq!(
            speaker(&system_default(DeviceKind::Speaker)),
            Ok(SpeakerChoice::Real(SoundChoice::Default))
        );
    }

    #[test]
    fn an_id_of_no_device_or_of_another_kind_is_unknown() {
        for text in ["", "file:", "camera:", "speaker:default", "test-pattern:0", "test-pattern:x", "tone"] {
            assert_eq!(camera(&id(text)), Err(unknown(DeviceKind::Camera, &id(text))), "{text}");
        }
        assert!(microphone(&id("camera:usb-Cam")).is_err());
        assert!(speaker(&id("tone")).is_err());
    }
}
