//! Real microphones and speakers. Whatever sample format, channel count and rate a device has, what
//! leaves and enters this module is 48 kHz mono.

mod config;
mod convert;
mod direction;
mod error;
mod lease;
mod list;
mod pump;
pub mod resample;
mod stream;
mod watch;

use std::sync::Arc;

use maru_media::audio::ring::{RingConsumer, RingProducer};
use maru_media::device::{Microphone, Speaker};
use maru_media::{DeviceError, DeviceId, DeviceKind};

pub use list::{SoundList, lister};

use crate::id::SoundChoice;
use crate::lost::Lost;
use crate::watchdog::{self, Pulse};
use crate::worker::{OPEN_LIMIT, OpenError, Worker};
use direction::{Capture, Direction, Playback};
use stream::Session;

/// The sample rate of everything behind the devices.
pub const RATE_HZ: u32 = 48_000;

/// Opens a microphone.
pub fn open_microphone(
    choice: SoundChoice,
    id: &DeviceId,
    output: RingProducer,
    lost: Lost,
) -> Result<Box<dyn Microphone>, DeviceError> {
    open::<Capture>(choice, id, output, lost).map(|open| Box::new(open) as _)
}

/// Opens a speaker.
pub fn open_speaker(
    choice: SoundChoice,
    id: &DeviceId,
    input: RingConsumer,
    lost: Lost,
) -> Result<Box<dyn Speaker>, DeviceError> {
    open::<Playback>(choice, id, input, lost).map(|open| Box::new(open) as _)
}

/// An open sound device.
struct Running {
    lost: Lost,
    _worker: Worker,
    _watchdog: Worker,
}

impl Microphone for Running {}
impl Speaker for Running {}

impl Drop for Running {
    fn drop(&mut self) {
        self.lost.cancel();
    }
}

fn open<D: Direction>(
    choice: SoundChoice,
    id: &DeviceId,
    ring: D::Ring,
    lost: Lost,
) -> Result<Running, DeviceError> {
    let report = lost.clone();
    let name = id.to_string();
    let id = id.clone();
    let (thread, watchdog) = match D::KIND {
        DeviceKind::Microphone => ("microphone", "microphone-watchdog"),
        _ => ("speaker", "speaker-watchdog"),
    };
    let pulse = Arc::new(Pulse::default());
    let beating = Arc::clone(&pulse);
    // The sound library's streams cannot change threads everywhere, so one thread makes, keeps and
    // drops them.
    let opened = Worker::open(thread, OPEN_LIMIT, move |stop, ready| {
        Session::<D>::new(choice, id, ring, report, beating).run(stop, ready);
    });
    let failed = |error: OpenError<DeviceError>| error.for_device(D::KIND, &name);
    let (worker, ()) = opened.map_err(failed)?;
    let gone = DeviceError::Lost { kind: D::KIND, name: name.clone() };
    let watchdog = watchdog::start(watchdog, pulse, lost.clone(), gone).map_err(failed)?;
    Ok(Running { lost, _worker: worker, _watchdog: watchdog })
}
