//! Puts the list of devices together: real ones, and synthetic ones where they are wanted or where
//! there is nothing else.

use std::collections::HashSet;

use maru_media::{DeviceId, DeviceInfo, DeviceKind};

use crate::id;

/// The devices of one kind, from the real ones that the system named.
pub fn compose(kind: DeviceKind, mut real: Vec<DeviceInfo>, synthetic: bool) -> Vec<DeviceInfo> {
    tell_apart(&mut real);
    let none = real.is_empty();
    if synthetic || none {
        real.extend(made_up(kind, synthetic));
    }
    // Somebody has to be taken when nobody chose.
    if !real.iter().any(|device| device.default)
        && let Some(first) = real.first_mut()
    {
        first.default = true;
    }
    real
}

/// The synthetic devices of one kind; without `wanted` only the one that a call can do with.
fn made_up(kind: DeviceKind, wanted: bool) -> Vec<DeviceInfo> {
    let silence = synthetic(id::SILENCE, "No microphone (silence)");
    match (kind, wanted) {
        (DeviceKind::Camera, false) => vec![synthetic(id::TEST_PATTERN, "Test pattern")],
        (DeviceKind::Camera, true) => vec![
            synthetic(id::TEST_PATTERN, "Test pattern"),
            synthetic(&format!("{}:2", id::TEST_PATTERN), "Test pattern 2"),
        ],
        // Nobody wants to send a tone unasked.
        (DeviceKind::Microphone, false) => vec![silence],
        (DeviceKind::Microphone, true) => vec![synthetic(id::TONE, "Test tone"), silence],
        (DeviceKind::Speaker, _) => vec![synthetic(id::NULL, "No speaker (silent)")],
    }
}

fn synthetic(id: &str, name: &str) -> DeviceInfo {
    DeviceInfo {
        id: DeviceId::new(id),
        name: name.to_owned(),
        default: false,
        synthetic: true,
        follows_system: false,
    }
}

/// Numbers devices of the same name, and drops those that were named twice.
fn tell_apart(devices: &mut Vec<DeviceInfo>) {
    let mut ids = HashSet::new();
    devices.retain(|device| ids.insert(device.id.clone()));
    let mut names = HashSet::new();
    // What follows the system is called as the device that it is.
    for device in devices.iter_mut().filter(|device| !device.follows_system) {
        let mut name = device.name.trim().to_owned();
        if name.is_empty() {
            name = device.id.to_string();
        }
        let plain = name.clone();
        let mut number = 1;
        while !names.insert(name.clone()) {
            number += 1;
            name = format!("{plain} ({number})");
        }
        device.name = name;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(id: &str, name: &str, default: bool) -> DeviceInfo {
        DeviceInfo {
            id: DeviceId::new(id),
            name: name.into(),
            default,
            synthetic: false,
            follows_system: false,
        }
    }

    fn ids(devices: &[DeviceInfo]) -> Vec<&str> {
        devices.iter().map(|device| device.id.as_str()).collect()
    }

    fn default_id(devices: &[DeviceInfo]) -> Vec<&str> {
        devices.iter().filter(|device| device.default).map(|device| device.id.as_str()).collect()
    }

    #[test]
    fn a_machine_without_devices_still_has_one_of_each_kind() {
        let cameras = compose(DeviceKind::Camera, vec![], false);
        let microphones = compose(DeviceKind::Microphone, vec![], false);
        let speakers = compose(DeviceKind::Speaker, vec![], false);
        assert_eq!(default_id(&cameras), ["test-pattern"]);
        assert_eq!(default_id(&microphones), ["silence"]);
        assert_eq!(default_id(&speakers), ["null"]);
        assert_eq!(ids(&microphones), ["silence"], "no tone unasked");
    }

    #[test]
    fn real_devices_stand_alone_unless_synthetic_ones_are_wanted() {
        let real = vec![device("camera:a", "A", false)];
        assert_eq!(ids(&compose(DeviceKind::Camera, real.clone(), false)), ["camera:a"]);
        let all = compose(DeviceKind::Camera, real, true);
        assert_eq!(ids(&all), ["camera:a", "test-pattern", "test-pattern:2"]);
        assert_eq!(default_id(&all), ["camera:a"]);
    }

    #[test]
    fn wanted_synthetic_devices_make_the_tone_the_microphone_of_a_machine_without_one() {
        let microphones = compose(DeviceKind::Microphone, vec![], true);
        assert_eq!(ids(&microphones), ["tone", "silence"]);
        assert_eq!(default_id(&microphones), ["tone"]);
    }

    #[test]
    fn devices_of_the_same_name_are_told_apart() {
        let real = vec![
            device("camera:a", "Webcam", false),
            device("camera:b", "Webcam", false),
            device("camera:a", "Webcam", false),
            device("camera:c", "Webcam (2)", false),
            device("camera:d", " ", false),
        ];
        let devices = compose(DeviceKind::Camera, real, false);
        let names: Vec<_> = devices.iter().map(|device| device.name.as_str()).collect();
        assert_eq!(names, ["Webcam", "Webcam (2)", "Webcam (2) (2)", "camera:d"]);
    }
}
