//! What differs between operating systems, behind the same functions everywhere.

#[cfg(any(target_os = "macos", target_os = "windows"))]
mod direct;
#[cfg(target_os = "linux")]
mod linux;
// Elsewhere only its tests.
#[cfg(any(target_os = "macos", target_os = "windows", test))]
mod newest;
#[cfg(target_os = "linux")]
pub use linux::*;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "macos")]
pub use macos::*;
#[cfg(target_os = "windows")]
mod windows;
#[cfg(target_os = "windows")]
pub use windows::*;

use std::sync::mpsc::Receiver;

use maru_media::{DeviceError, DeviceKind};

/// Whether the system lets a program use the camera.
#[derive(Debug)]
// Only systems with privacy settings ask, and tests.
#[cfg_attr(not(target_os = "macos"), allow(dead_code))]
pub enum Permission {
    /// It does.
    Granted,
    /// It asks the person; the answer comes.
    Asked(Receiver<bool>),
}

/// Another program has a device.
pub fn busy(kind: DeviceKind, name: String) -> DeviceError {
    DeviceError::Busy { kind, name, system: SYSTEM }
}

/// The system does not let this program use a device.
pub fn denied(kind: DeviceKind) -> DeviceError {
    DeviceError::Denied { kind, system: SYSTEM }
}

/// What a camera's error message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Another program has it.
    Busy,
    /// The system does not allow it.
    Denied,
    /// It is not there any more.
    Gone,
    /// Something else.
    Other,
}

/// The trouble whose marks a message carries.
fn classify(message: &str, marks: &[(Trouble, &[&str])]) -> Trouble {
    let found = marks.iter().find(|(_, marks)| marks.iter().any(|mark| message.contains(mark)));
    found.map_or(Trouble::Other, |(trouble, _)| *trouble)
}
