//! Microphones that misbehave, behind the sound library's own traits.

use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

use cpal::{
    Data, DeviceDescription, DeviceDescriptionBuilder, DeviceId as SystemId, InputCallbackInfo,
    InputStreamTimestamp, OutputCallbackInfo, SampleFormat, StreamConfig, StreamInstant, SupportedBufferSize,
    SupportedStreamConfig, SupportedStreamConfigRange,
};
use maru_media::DeviceKind;
use maru_media::audio::ring::{RingConsumer, ring};
use parking_lot::Mutex;

use super::super::direction::Capture;
use super::*;
use crate::worker::Worker;

const LIMIT: Duration = Duration::from_secs(20);
const BLOCK: Duration = Duration::from_millis(10);

/// What a stream of the microphone does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    /// Delivers blocks of 10 ms, each sample a half.
    Well,
    /// Calls without a single sample.
    Empty,
    /// Delivers what is no number.
    NoNumbers,
    /// Delivers blocks of any size, also half frames.
    AnySize,
    /// Delivers a few blocks and then hangs until it is let go.
    Hangs,
    /// Delivers a few blocks and then says that its configuration is no more.
    Reconfigured,
}

/// A microphone whose streams, one after the other, are of these moods, rates and channels; the last one
/// stays.
#[derive(Clone, Debug)]
struct Fake {
    streams: Arc<Mutex<Vec<(Mood, u32, u16)>>>,
}

impl Fake {
    fn next(&self) -> (Mood, u32, u16) {
        self.streams.lock()[0]
    }
}

impl PartialEq for Fake {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.streams, &other.streams)
    }
}

impl Eq for Fake {}

impl std::hash::Hash for Fake {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.streams).hash(state);
    }
}

impl std::fmt::Display for Fake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fake")
    }
}

struct FakeStream {
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl StreamTrait for FakeStream {
    fn play(&self) -> Result<(), Error> {
        Ok(())
    }
    fn pause(&self) -> Result<(), Error> {
        Ok(())
    }
    fn now(&self) -> StreamInstant {
        StreamInstant::ZERO
    }
    fn buffer_size(&self) -> Result<u32, Error> {
        Ok(480)
    }
}

impl Drop for FakeStream {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Release);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl DeviceTrait for Fake {
    type SupportedInputConfigs = std::vec::IntoIter<SupportedStreamConfigRange>;
    type SupportedOutputConfigs = std::vec::IntoIter<SupportedStreamConfigRange>;
    type Stream = FakeStream;

    fn description(&self) -> Result<DeviceDescription, Error> {
        Ok(DeviceDescriptionBuilder::new("Fake").build())
    }

    fn id(&self) -> Result<SystemId, Error> {
        Ok(SystemId::new(cpal::ALL_HOSTS[0], "fake"))
    }

    fn supported_input_configs(&self) -> Result<Self::SupportedInputConfigs, Error> {
        let (_, rate, channels) = self.next();
        let buffer = SupportedBufferSize::Unknown;
        let range = SupportedStreamConfigRange::new(channels, rate, rate, buffer, SampleFormat::F32);
        Ok(vec![range].into_iter())
    }

    fn supported_output_configs(&self) -> Result<Self::SupportedOutputConfigs, Error> {
        Ok(Vec::new().into_iter())
    }

    fn default_input_config(&self) -> Result<SupportedStreamConfig, Error> {
        let (_, rate, channels) = self.next();
        let buffer = SupportedBufferSize::Unknown;
        Ok(SupportedStreamConfig::new(channels, rate, buffer, SampleFormat::F32))
    }

    fn default_output_config(&self) -> Result<SupportedStreamConfig, Error> {
        Err(Error::new(ErrorKind::UnsupportedConfig))
    }

    fn build_input_stream_raw<D, E>(
        &self,
        config: StreamConfig,
        _: SampleFormat,
        mut on_data: D,
        mut on_error: E,
        _: Option<Duration>,
    ) -> Result<FakeStream, Error>
    where
        D: FnMut(&Data, &InputCallbackInfo) + Send + 'static,
        E: FnMut(Error) + Send + 'static,
    {
        let (mood, rate, channels) = self.next();
        if (config.sample_rate, config.channels) != (rate, channels) {
            return Err(Error::new(ErrorKind::UnsupportedConfig));
        }
        let mut streams = self.streams.lock();
        if streams.len() > 1 {
            streams.remove(0);
        }
        let end = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&end);
        let thread = std::thread::spawn(move || {
            let frames = rate as usize / 100 * usize::from(channels);
            let sample = if mood == Mood::NoNumbers { f32::NAN } else { 0.5 };
            for block in 0_usize.. {
                std::thread::sleep(BLOCK);
                if ended.load(Ordering::Acquire) {
                    return;
                }
                let size = match mood {
                    Mood::Empty => 0,
                    Mood::AnySize => [1, 7, frames, 3 * frames + 1, 10 * frames][block % 5],
                    Mood::Hangs | Mood::Reconfigured if block >= 10 => {
                        if mood == Mood::Reconfigured {
                            on_error(Error::new(ErrorKind::StreamInvalidated));
                        }
                        while !ended.load(Ordering::Acquire) {
                            std::thread::sleep(BLOCK);
                        }
                        return;
                    }
                    _ => frames,
                };
                let mut samples = vec![sample; size];
                // SAFETY: the vector outlives the call, and is of that length and format.
                let data = unsafe { Data::from_parts(samples.as_mut_ptr().cast(), size, SampleFormat::F32) };
                let (callback, capture) = (StreamInstant::from_millis(30), StreamInstant::from_millis(10));
                on_data(&data, &InputCallbackInfo::new(InputStreamTimestamp { callback, capture }));
            }
        });
        Ok(FakeStream { end, thread: Some(thread) })
    }

    fn build_output_stream_raw<D, E>(
        &self,
        _: StreamConfig,
        _: SampleFormat,
        _: D,
        _: E,
        _: Option<Duration>,
    ) -> Result<FakeStream, Error>
    where
        D: FnMut(&mut Data, &OutputCallbackInfo) + Send + 'static,
        E: FnMut(Error) + Send + 'static,
    {
        Err(Error::new(ErrorKind::UnsupportedConfig))
    }
}

impl HostTrait for Fake {
    type Devices = std::iter::Once<Self>;
    type Device = Self;

    fn is_available() -> bool {
        true
    }

    fn devices(&self) -> Result<Self::Devices, Error> {
        Ok(std::iter::once(self.clone()))
    }

    fn default_input_device(&self) -> Option<Self> {
        Some(self.clone())
    }

    fn default_output_device(&self) -> Option<Self> {
        None
    }
}

/// Opens such a microphone: its sound, the report of its loss, and what keeps it open.
fn open(streams: &[(Mood, u32, u16)]) -> (RingConsumer, Receiver<DeviceError>, Worker) {
    let (producer, consumer) = ring(96_000);
    let (report, reported) = channel();
    let lost = Lost::new(Box::new(move |error| report.send(error).unwrap()));
    let fake = Fake { streams: Arc::new(Mutex::new(streams.to_vec())) };
    let (worker, ()) = Worker::open("test", LIMIT, move |stop, ready| {
        let host = Host::from(cpal::platform::CustomHost::from_host(fake.clone()));
        let choice = SoundChoice::Named(fake.id().unwrap().to_string());
        Session::<Capture>::new(choice, DeviceId::new("fake"), producer, lost).run_on(&host, stop, ready);
    })
    .unwrap();
    (consumer, reported, worker)
}

fn pull(consumer: &mut RingConsumer, count: usize) -> Vec<f32> {
    assert!(consumer.wait(count, LIMIT), "no sound");
    let mut heard = vec![9.0; count];
    consumer.pull(&mut heard);
    heard
}

fn is_gone(error: &DeviceError) -> bool {
    matches!(error, DeviceError::Lost { kind: DeviceKind::Microphone, name } if name == "Fake")
}

#[test]
fn a_microphone_that_calls_without_a_sample_is_reported_gone() {
    let (_consumer, reported, _worker) = open(&[(Mood::Empty, 48_000, 1)]);
    assert!(is_gone(&reported.recv_timeout(LIMIT).unwrap()));
}

#[test]
fn a_microphone_that_hangs_for_two_seconds_is_reported_gone_and_let_go() {
    let (mut consumer, reported, worker) = open(&[(Mood::Hangs, 48_000, 1)]);
    pull(&mut consumer, 4_800);
    let before = Instant::now();
    assert!(is_gone(&reported.recv_timeout(LIMIT).unwrap()));
    assert!(before.elapsed() > Duration::from_secs(1), "not for a short pause");
    drop(worker);
    assert!(consumer.is_closed());
}

#[test]
fn a_microphone_that_delivers_no_numbers_is_silent() {
    let (mut consumer, reported, _worker) = open(&[(Mood::NoNumbers, 44_100, 2)]);
    assert!(pull(&mut consumer, 24_000).iter().all(|sample| *sample == 0.0));
    assert!(reported.try_recv().is_err());
}

#[test]
fn a_microphone_whose_blocks_have_any_size_is_heard() {
    let (mut consumer, reported, _worker) = open(&[(Mood::AnySize, 48_000, 3)]);
    assert!(pull(&mut consumer, 24_000).iter().all(|sample| *sample == 0.5));
    assert!(reported.try_recv().is_err());
}

#[test]
fn a_microphone_that_changes_its_rate_and_channels_goes_on() {
    let (mut consumer, reported, _worker) =
        open(&[(Mood::Reconfigured, 48_000, 1), (Mood::Reconfigured, 16_000, 2), (Mood::Well, 96_000, 8)]);
    // 100 ms of each of the first two, and then more than they had.
    let heard = pull(&mut consumer, 48_000);
    let loud = heard.iter().filter(|sample| (**sample - 0.5).abs() < 0.01).count();
    assert!(loud > 43_000, "{loud} samples as they should be");
    assert!(reported.try_recv().is_err());
}

#[test]
fn what_was_heard_when_is_told_as_the_system_tells_it() {
    let (mut consumer, _reported, _worker) = open(&[(Mood::Well, 48_000, 1)]);
    pull(&mut consumer, 480);
    // A block's first sample was captured 20 ms before the call; what comes next is the first of the next.
    let heard = consumer.next_captured(Instant::now());
    assert!(heard.elapsed() >= Duration::from_millis(10), "{:?}", heard.elapsed());
}
