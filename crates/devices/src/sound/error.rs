//! What the sound library reports, as sentences that a person can act on.

use cpal::{Error, ErrorKind};
use maru_media::{DeviceError, DeviceKind};

use crate::platform;

/// The error of a device of this kind and name.
pub fn device_error(kind: DeviceKind, name: &str, error: &Error) -> DeviceError {
    let name = name.to_owned();
    match error.kind() {
        ErrorKind::DeviceBusy => platform::busy(kind, name),
        ErrorKind::PermissionDenied => platform::denied(kind),
        ErrorKind::DeviceNotAvailable => DeviceError::Lost { kind, name },
        ErrorKind::HostUnavailable => {
            let problem = "the system's sound service does not run".to_owned();
            DeviceError::Failed { kind, name, problem }
        }
        ErrorKind::UnsupportedConfig | ErrorKind::UnsupportedOperation => {
            let problem = format!("it cannot be used as a {kind}");
            DeviceError::Failed { kind, name, problem }
        }
        _ => {
            let problem = error.to_string().trim_end_matches('.').to_owned();
            DeviceError::Failed { kind, name, problem }
        }
    }
}

/// What to do about an error of a running stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It goes on by itself.
    Harmless,
    /// A gap: its blocks were too short for the machine's load.
    Gap,
    /// The stream is broken; the device may be well.
    Broken,
    /// The stream does not fit the device any more.
    Rebuild,
    /// The device is gone.
    Gone,
}

/// How bad an error of a running stream is.
pub fn severity(kind: ErrorKind) -> Severity {
    match kind {
        ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied => Severity::Harmless,
        ErrorKind::Xrun => Severity::Gap,
        ErrorKind::DeviceNotAvailable | ErrorKind::HostUnavailable | ErrorKind::PermissionDenied => {
            Severity::Gone
        }
        ErrorKind::StreamInvalidated | ErrorKind::UnsupportedConfig => Severity::Rebuild,
        _ => Severity::Broken,
    }
}

/// The error to report when a device that worked cannot be opened again: unless another program took
/// it, or the system forbids it, it is gone.
pub fn lost(kind: DeviceKind, name: String, error: Option<DeviceError>) -> DeviceError {
    match error {
        Some(error @ (DeviceError::Busy { .. } | DeviceError::Denied { .. })) => error,
        _ => DeviceError::Lost { kind, name },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_a_forbidden_and_a_missing_device_are_told_apart() {
        let sentence =
            |kind: ErrorKind| device_error(DeviceKind::Microphone, "Headset", &Error::new(kind)).to_string();
        assert!(sentence(ErrorKind::DeviceBusy).contains("“Headset” is in use by another program"));
        assert!(sentence(ErrorKind::PermissionDenied).contains("does not let Maru use the microphone"));
        assert!(sentence(ErrorKind::DeviceNotAvailable).contains("“Headset” is gone"));
        assert!(sentence(ErrorKind::HostUnavailable).contains("sound service"));
        assert!(!sentence(ErrorKind::BackendError).contains(".."));
    }
}
