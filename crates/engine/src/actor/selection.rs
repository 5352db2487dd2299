//! Which devices the person chose, and which should be open because of it.

use std::time::Instant;

use maru_media::{DeviceId, DeviceKind, DeviceList};
use maru_protocol::Status;

use super::Actor;
use crate::api::CallState;
use crate::call::Input;
use crate::devices::{DeviceNews, Wanted};
use crate::engine::{Choice, EngineConfig};
use crate::notice::Problem;

pub(super) struct Selection {
    pub preview: bool,
    pub muted: bool,
    pub camera_off: bool,
    camera: Chosen,
    microphone: Chosen,
    speaker: Chosen,
    asked: Wanted,
}

/// One kind's choice.
#[derive(Default)]
struct Chosen {
    choice: Choice,
    /// What the choice means with the devices there are.
    device: Option<DeviceId>,
    /// What is open.
    open: Option<DeviceId>,
    /// It could not be opened, or was lost: not tried again until another choice is made.
    failed: bool,
}

impl Chosen {
    fn new(choice: Choice) -> Self {
        let device = match &choice {
            Choice::Device(id) => Some(id.clone()),
            Choice::Preferred | Choice::None => None,
        };
        Self { choice, device, ..Self::default() }
    }

    fn wanted(&self) -> Option<DeviceId> {
        if self.failed { None } else { self.device.clone() }
    }
}

impl Selection {
    pub fn new(config: &EngineConfig) -> Self {
        let chosen = |choice: &Choice| Chosen::new(choice.clone());
        Self {
            preview: false,
            muted: config.muted,
            camera_off: config.camera_off,
            camera: chosen(&config.camera),
            microphone: chosen(&config.microphone),
            speaker: chosen(&config.speaker),
            asked: Wanted::default(),
        }
    }

    fn of(&self, kind: DeviceKind) -> &Chosen {
        match kind {
            DeviceKind::Camera => &self.camera,
            DeviceKind::Microphone => &self.microphone,
            DeviceKind::Speaker => &self.speaker,
        }
    }

    fn of_mut(&mut self, kind: DeviceKind) -> &mut Chosen {
        match kind {
            DeviceKind::Camera => &mut self.camera,
            DeviceKind::Microphone => &mut self.microphone,
            DeviceKind::Speaker => &mut self.speaker,
        }
    }

    /// The device that the choice means.
    pub fn device(&self, kind: DeviceKind) -> Option<DeviceId> {
        self.of(kind).device.clone()
    }

    pub fn is_open(&self, kind: DeviceKind) -> bool {
        self.of(kind).open.is_some()
    }

    pub fn choose(&mut self, kind: DeviceKind, id: Option<DeviceId>) {
        let open = self.of_mut(kind).open.take();
        *self.of_mut(kind) = Chosen { open, ..Chosen::new(id.map_or(Choice::None, Choice::Device)) };
    }

    /// There are other devices than before: who follows the system's choice may get another one.
    fn listed(&mut self, list: &DeviceList) {
        for kind in [DeviceKind::Camera, DeviceKind::Microphone, DeviceKind::Speaker] {
            let preferred = list.preferred(kind).map(|device| device.id.clone());
            let chosen = self.of_mut(kind);
            // What works is not changed under the person's hands.
            if chosen.choice == Choice::Preferred && chosen.open.is_none() && chosen.device != preferred {
                chosen.device = preferred;
                chosen.failed = false;
            }
        }
    }

    /// What the others should see beside our name.
    pub fn status(&self) -> Status {
        Status {
            muted: self.muted || self.microphone.wanted().is_none(),
            camera_off: self.camera_off || self.camera.wanted().is_none(),
        }
    }

    fn wanted(&self, in_call: bool) -> Wanted {
        let capturing = in_call || self.preview;
        Wanted {
            camera: self.camera.wanted().filter(|_| capturing && !self.camera_off),
            microphone: self.microphone.wanted().filter(|_| capturing && !self.muted),
            speaker: self.speaker.wanted().filter(|_| in_call),
        }
    }
}

impl Actor {
    /// Brings devices and status in line with what was chosen and with the call.
    pub(super) fn update_devices(&mut self) {
        let state = self.call.state();
        // Already while joining: the devices open while the server answers.
        let in_call = !matches!(state, CallState::Idle | CallState::Leaving);
        let wanted = self.selection.wanted(in_call);
        if wanted != self.selection.asked {
            if self.selection.asked.camera.is_some() && wanted.camera.is_none() {
                self.shared.preview().clear();
            }
            self.selection.asked = wanted.clone();
            self.devices.want(wanted);
        }
        self.media.set_sending(matches!(state, CallState::InCall | CallState::Reconnecting));
        self.call.handle(Instant::now(), Input::Status(self.selection.status()));
        self.perform();
    }

    pub(super) fn device_news(&mut self, news: DeviceNews) {
        match news {
            DeviceNews::List(list) => {
                self.selection.listed(&list);
                self.device_list = list;
            }
            DeviceNews::Open(kind, id) => self.selection.of_mut(kind).open = id,
            DeviceNews::Failed { kind, kept, error } => {
                self.notice = Some(Problem::from(error).notice(kind));
                let chosen = self.selection.of_mut(kind);
                match kept {
                    Some(id) => {
                        *chosen = Chosen { open: Some(id.clone()), ..Chosen::new(Choice::Device(id)) }
                    }
                    None => (chosen.failed, chosen.open) = (true, None),
                }
            }
            DeviceNews::Lost { kind, id, error } => {
                self.notice = Some(Problem::from(error).notice(kind));
                let chosen = self.selection.of_mut(kind);
                // Whatever the system now prefers takes over, once the list is there; not the lost one.
                *chosen = Chosen { device: Some(id), failed: true, ..Chosen::new(Choice::Preferred) };
            }
        }
        self.update_devices();
    }
}
