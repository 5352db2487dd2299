//! All devices of this machine, as the engine is given them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use maru_media::audio::ring::{RingConsumer, RingProducer};
use maru_media::device::{Camera, DeviceWatch, Microphone, OnDevices, OnLost, Speaker, VideoFormat};
use maru_media::screen::{OnScreenEnded, Screen};
use maru_media::{
    DeviceError, DeviceId, DeviceInfo, DeviceKind, DeviceList, Devices, LatestFrame, ScreenError,
    ScreenSource, ScreenSourceId,
};

use crate::id::{self, CameraChoice, MicrophoneChoice, SpeakerChoice};
use crate::list::compose;
use crate::lost::Lost;
use crate::poll::Poll;
use crate::sound::SoundList;
use crate::{camera, hotplug, screen, sound, synthetic};

/// Set to anything but `0` or nothing, this environment variable has synthetic devices listed.
pub const SYNTHETIC_ENVIRONMENT: &str = "MARU_SYNTHETIC_DEVICES";

/// How long a list may take. A system that is slower is listed with what was known before.
const LIST_LIMIT: Duration = Duration::from_millis(1500);

/// How devices are offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// List synthetic devices beside the real ones. They can be opened by id in any case, and take the
    /// place of a kind of device that there is none of.
    pub synthetic: bool,
}

/// The devices of this machine.
pub struct SystemDevices {
    lists: Arc<Lists>,
}

/// What is listed.
struct Lists {
    synthetic: AtomicBool,
    /// The environment says so, whatever else is said.
    always_synthetic: bool,
    cameras: Poll<Vec<DeviceInfo>>,
    sounds: Poll<SoundList>,
}

impl Lists {
    fn list(&self) -> DeviceList {
        let deadline = Instant::now() + LIST_LIMIT;
        let asked = (self.cameras.ask(), self.sounds.ask());
        let cameras = self.cameras.answer(asked.0, deadline);
        let SoundList { microphones, speakers } = self.sounds.answer(asked.1, deadline);
        let synthetic = self.offers_synthetic();
        DeviceList {
            cameras: compose(DeviceKind::Camera, cameras, synthetic),
            microphones: compose(DeviceKind::Microphone, microphones, synthetic),
            speakers: compose(DeviceKind::Speaker, speakers, synthetic),
        }
    }
}

impl Lists {
    fn offers_synthetic(&self) -> bool {
        self.always_synthetic || self.synthetic.load(Ordering::Relaxed)
    }
}

impl SystemDevices {
    /// With the given options; synthetic devices are also listed when the environment variable
    /// [`SYNTHETIC_ENVIRONMENT`] says so.
    pub fn new(options: Options) -> Self {
        let wished =
            std::env::var(SYNTHETIC_ENVIRONMENT).is_ok_and(|value| !matches!(value.as_str(), "" | "0"));
        Self {
            lists: Arc::new(Lists {
                synthetic: AtomicBool::new(options.synthetic),
                always_synthetic: wished,
                cameras: Poll::new("camera-list", camera::lister()),
                sounds: Poll::new("sound-list", sound::lister()),
            }),
        }
    }

    /// Lists synthetic devices, or not, from now on; `true` when that is something new. What is not listed
    /// any more still opens: a call does not lose its camera to a setting.
    pub fn offer_synthetic(&self, synthetic: bool) -> bool {
        self.lists.synthetic.swap(synthetic, Ordering::Relaxed) != synthetic
    }

    /// What there is to share, screens first. May block for a moment.
    ///
    /// # Errors
    /// [`ScreenError`] when the system does not let anybody see its screens.
    pub fn screens(&self) -> Result<Vec<ScreenSource>, ScreenError> {
        screen::sources(self.lists.offers_synthetic())
    }

    /// A small picture of each of these screens and windows, as a PNG; `None` where there is none to be had in
    /// `limit`. Blocks for little more than that.
    pub fn screen_thumbnails(&self, ids: &[ScreenSourceId], limit: Duration) -> Vec<Option<Vec<u8>>> {
        screen::thumbnails(ids, Instant::now() + limit)
    }
}

impl Devices for SystemDevices {
    fn list(&self) -> DeviceList {
        self.lists.list()
    }

    fn watch(&self, on_devices: OnDevices) -> Box<dyn DeviceWatch> {
        let lists = Arc::clone(&self.lists);
        hotplug::watch(move || lists.list(), on_devices)
    }

    fn open_camera(
        &self,
        id: &DeviceId,
        format: VideoFormat,
        output: Arc<LatestFrame>,
        on_lost: OnLost,
    ) -> Result<Box<dyn Camera>, DeviceError> {
        let lost = Lost::new(on_lost);
        match id::camera(id)? {
            CameraChoice::Pattern(variant) => synthetic::open_pattern(variant, format, output, lost),
            CameraChoice::File(path) => synthetic::open_y4m(path, output, lost),
            CameraChoice::Real(name) => camera::open(name, id, format, output, lost),
        }
    }

    fn open_screen(
        &self,
        id: &ScreenSourceId,
        output: Arc<LatestFrame>,
        on_ended: OnScreenEnded,
    ) -> Result<Box<dyn Screen>, ScreenError> {
        screen::open(id, output, on_ended)
    }

    fn open_microphone(
        &self,
        id: &DeviceId,
        output: RingProducer,
        on_lost: OnLost,
    ) -> Result<Box<dyn Microphone>, DeviceError> {
        let lost = Lost::new(on_lost);
        match id::microphone(id)? {
            MicrophoneChoice::Tone => synthetic::open_tone(output, lost),
            MicrophoneChoice::Silence => synthetic::open_silence(output, lost),
            MicrophoneChoice::File(path) => synthetic::open_wav_source(path, output, lost),
            MicrophoneChoice::Real(choice) => sound::open_microphone(choice, id, output, lost),
        }
    }

    fn open_speaker(
        &self,
        id: &DeviceId,
        input: RingConsumer,
        on_lost: OnLost,
    ) -> Result<Box<dyn Speaker>, DeviceError> {
        let lost = Lost::new(on_lost);
        match id::speaker(id)? {
            SpeakerChoice::Null => synthetic::open_null(input, lost),
            SpeakerChoice::File(path) => synthetic::open_wav_sink(path, input, lost),
            SpeakerChoice::Real(choice) => sound::open_speaker(choice, id, input, lost),
        }
    }
}
