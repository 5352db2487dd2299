//! Which devices the person chose, and which should be open because of it.

use std::time::Instant;

use maru_media::{DeviceId, DeviceKind};
use maru_protocol::Status;

use super::Actor;
use super::chosen::Chosen;
use crate::api::CallState;
use crate::call::Input;
use crate::devices::{DeviceNews, Wanted};
use crate::engine::{Choice, EngineConfig};
use crate::notice::Problem;

const KINDS: [DeviceKind; 3] = [DeviceKind::Camera, DeviceKind::Microphone, DeviceKind::Speaker];

pub(super) struct Selection {
    pub preview: bool,
    pub muted: bool,
    pub camera_off: bool,
    /// A sound is played to try the speaker.
    speaker_test: bool,
    /// The microphone was unmuted since the preview or the call began. From then on muting does not close it:
    /// opening it again takes a while, and with a wireless headset seconds.
    microphone_warm: bool,
    in_call: bool,
    camera: Chosen,
    microphone: Chosen,
    speaker: Chosen,
    asked: Wanted,
}

impl Selection {
    pub fn new(config: &EngineConfig) -> Self {
        Self {
            preview: false,
            muted: config.muted,
            camera_off: config.camera_off,
            speaker_test: false,
            microphone_warm: false,
            in_call: false,
            camera: Chosen::new(DeviceKind::Camera, config.camera.clone()),
            microphone: Chosen::new(DeviceKind::Microphone, config.microphone.clone()),
            speaker: Chosen::new(DeviceKind::Speaker, config.speaker.clone()),
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

    /// The device that is used, or would be.
    pub fn device(&self, kind: DeviceKind) -> Option<DeviceId> {
        self.of(kind).in_use().cloned()
    }

    pub fn is_open(&self, kind: DeviceKind) -> bool {
        self.of(kind).is_open()
    }

    pub fn choose(&mut self, kind: DeviceKind, id: Option<DeviceId>) {
        self.of_mut(kind).choose(id.map_or(Choice::None, Choice::Device));
    }

    /// Switching it on is the wish to use it, also where it failed before.
    pub fn set_muted(&mut self, muted: bool) {
        self.muted = muted;
        if !muted {
            self.microphone.retry();
        }
    }

    /// Switching it on is the wish to use it, also where it failed before.
    pub fn set_camera_off(&mut self, camera_off: bool) {
        self.camera_off = camera_off;
        if !camera_off {
            self.camera.retry();
        }
    }

    /// Whether the speaker is wanted, call or not, to try it.
    pub fn test_speaker(&mut self, on: bool) {
        self.speaker_test = on;
        if on {
            self.speaker.retry();
        }
    }

    pub fn is_testing_speaker(&self) -> bool {
        self.speaker_test
    }

    /// Whether there is one that may work.
    pub fn wants(&self, kind: DeviceKind) -> bool {
        self.of(kind).wanted().is_some()
    }

    /// Lets devices that broke be tried again when it is time to; true when something changed.
    pub fn tick(&mut self, now: Instant) -> bool {
        KINDS.map(|kind| self.of_mut(kind).tick(now)).contains(&true)
    }

    /// What the others should see beside our name, of devices.
    pub fn status(&self) -> Status {
        Status {
            muted: self.muted || self.microphone.wanted().is_none(),
            camera_off: self.camera_off || self.camera.wanted().is_none(),
            sharing: false,
        }
    }

    fn wanted(&mut self, in_call: bool) -> Wanted {
        let capturing = in_call || self.preview;
        let ended = std::mem::replace(&mut self.in_call, in_call) && !in_call;
        self.microphone_warm = capturing && (self.microphone_warm && !ended || !self.muted);
        Wanted {
            camera: self.camera.wanted().filter(|_| capturing && !self.camera_off),
            microphone: self.microphone.wanted().filter(|_| self.microphone_warm),
            speaker: self.speaker.wanted().filter(|_| in_call || self.speaker_test),
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
        self.media.set_sending(state.is_in_room() && !self.selection.muted);
        self.follow_share();
        let sharing = self.share.view().is_some();
        let status = Status { sharing, ..self.selection.status() };
        self.call.handle(Instant::now(), Input::Status(status));
        self.perform();
    }

    pub(super) fn device_news(&mut self, news: DeviceNews) {
        let now = Instant::now();
        let (kind, problem) = match news {
            DeviceNews::List(list) => {
                let before = std::mem::replace(&mut self.device_list, list);
                for kind in KINDS {
                    let problem = self.selection.of_mut(kind).listed(&before, &self.device_list);
                    self.tell_of_device(kind, problem);
                }
                return self.update_devices();
            }
            DeviceNews::Open(kind, id) => {
                let problem = self.selection.of_mut(kind).opened(id, &self.device_list);
                self.play_speaker_test();
                (kind, problem)
            }
            DeviceNews::Failed { kind, id, kept, error } => {
                let chosen = self.selection.of_mut(kind);
                (kind, chosen.failed(now, &id, kept, error, &self.device_list))
            }
            DeviceNews::Lost { kind, id, error } => {
                self.devices.refresh();
                (kind, self.selection.of_mut(kind).lost(now, &id, error, &self.device_list))
            }
        };
        self.tell_of_device(kind, problem);
        self.update_devices();
    }

    fn tell_of_device(&mut self, kind: DeviceKind, problem: Option<Problem>) {
        if let Some(problem) = problem {
            tracing::info!(%kind, "{problem}");
            self.notice = Some(problem.notice(kind));
        }
    }
}
