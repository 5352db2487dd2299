//! The devices to offer: the real ones, and the synthetic ones while the person wants them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use maru_devices::{Options, SystemDevices};
use maru_media::audio::ring::{RingConsumer, RingProducer};
use maru_media::device::{Camera, Microphone, OnLost, Speaker, VideoFormat};
use maru_media::{DeviceError, DeviceId, DeviceList, Devices, LatestFrame};

/// Lists synthetic devices or not, as the setting says at the time.
pub struct OfferedDevices {
    without: SystemDevices,
    with: SystemDevices,
    synthetic: AtomicBool,
}

impl OfferedDevices {
    /// All devices of this machine, synthetic ones only if wanted.
    pub fn new(synthetic: bool) -> Self {
        Self {
            without: SystemDevices::new(Options { synthetic: false }),
            with: SystemDevices::new(Options { synthetic: true }),
            synthetic: AtomicBool::new(synthetic),
        }
    }

    /// Changes whether synthetic devices are listed; `true` when that is something new.
    pub fn offer_synthetic(&self, synthetic: bool) -> bool {
        self.synthetic.swap(synthetic, Ordering::Relaxed) != synthetic
    }
}

impl Devices for OfferedDevices {
    fn list(&self) -> DeviceList {
        if self.synthetic.load(Ordering::Relaxed) { self.with.list() } else { self.without.list() }
    }

    // What is not listed any more still opens: a call does not lose its camera to a setting.

    fn open_camera(
        &self,
        id: &DeviceId,
        format: VideoFormat,
        output: Arc<LatestFrame>,
        on_lost: OnLost,
    ) -> Result<Box<dyn Camera>, DeviceError> {
        self.with.open_camera(id, format, output, on_lost)
    }

    fn open_microphone(
        &self,
        id: &DeviceId,
        output: RingProducer,
        on_lost: OnLost,
    ) -> Result<Box<dyn Microphone>, DeviceError> {
        self.with.open_microphone(id, output, on_lost)
    }

    fn open_speaker(
        &self,
        id: &DeviceId,
        input: RingConsumer,
        on_lost: OnLost,
    ) -> Result<Box<dyn Speaker>, DeviceError> {
        self.with.open_speaker(id, input, on_lost)
    }
}
