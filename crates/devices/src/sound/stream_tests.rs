//! Microphones and speakers that misbehave, behind the sound library's own traits.

use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

use cpal::traits::HostTrait;
use cpal::{
    Data, DeviceDescription, DeviceDescriptionBuilder, DeviceId as SystemId, InputCallbackInfo,
    InputStreamTimestamp, OutputCallbackInfo, OutputStreamTimestamp, SampleFormat, StreamConfig,
    StreamInstant, SupportedBufferSize, SupportedStreamConfig, SupportedStreamConfigRange,
};
use maru_media::DeviceKind;
use maru_media::audio::ring::{RingConsumer, RingProducer, ring};
use parking_lot::Mutex;

use super::super::direction::{Capture, Direction, Playback};
use super::*;
use crate::worker::Worker;

const LIMIT: Duration = Duration::from_secs(20);
const BLOCK: Duration = Duration::from_millis(10);

/// What a stream of the device does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    /// Takes or delivers blocks of 10 ms, each sample a half.
    Well,
    /// Calls without a single sample.
    Empty,
    /// Delivers what is no number.
    NoNumbers,
    /// Takes or delivers blocks of any size, also half frames.
    AnySize,
    /// Takes or delivers a few blocks and then hangs until it is let go.
    Hangs,
    /// Delivers a few blocks and then says that its configuration is no more.
    Reconfigured,
}

/// A device whose streams, one after the other, are of these moods, rates and channels; the last one
/// stays.
#[derive(Clone, Debug)]
struct Fake {
    streams: Arc<Mutex<Vec<(Mood, u32, u16)>>>,
    /// What a speaker played.
    played: Arc<Mutex<Vec<f32>>>,
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
        self.supported_input_configs()
    }

    fn default_input_config(&self) -> Result<SupportedStreamConfig, Error> {
        let (_, rate, channels) = self.next();
        let buffer = SupportedBufferSize::Unknown;
        Ok(SupportedStreamConfig::new(channels, rate, buffer, SampleFormat::F32))
    }

    fn default_output_config(&self) -> Result<SupportedStreamConfig, Error> {
        self.default_input_config()
    }

    fn build_input_stream_raw<D, E>(
        &self,
        config: StreamConfig,
        _: SampleFormat,
        mut on_data: D,
        on_error: E,
        _: Option<Duration>,
    ) -> Result<FakeStream, Error>
    where
        D: FnMut(&Data, &InputCallbackInfo) + Send + 'static,
        E: FnMut(Error) + Send + 'static,
    {
        let mut deliver = move |samples: &mut [f32]| {
            // SAFETY: the samples outlive the call, and are of that number and format.
            let data =
                unsafe { Data::from_parts(samples.as_mut_ptr().cast(), samples.len(), SampleFormat::F32) };
            let (callback, capture) = (StreamInstant::from_millis(30), StreamInstant::from_millis(10));
            on_data(&data, &InputCallbackInfo::new(InputStreamTimestamp { callback, capture }));
        };
        self.stream(config, move |samples| deliver(samples), on_error)
    }

    fn build_output_stream_raw<D, E>(
        &self,
        config: StreamConfig,
        _: SampleFormat,
        mut on_data: D,
        on_error: E,
        _: Option<Duration>,
    ) -> Result<FakeStream, Error>
    where
        D: FnMut(&mut Data, &OutputCallbackInfo) + Send + 'static,
        E: FnMut(Error) + Send + 'static,
    {
        let played = Arc::clone(&self.played);
        let mut fetch = move |samples: &mut [f32]| {
            // SAFETY: the samples outlive the call, and are of that number and format.
            let mut data =
                unsafe { Data::from_parts(samples.as_mut_ptr().cast(), samples.len(), SampleFormat::F32) };
            let (callback, playback) = (StreamInstant::from_millis(10), StreamInstant::from_millis(30));
            on_data(&mut data, &OutputCallbackInfo::new(OutputStreamTimestamp { callback, playback }));
            played.lock().extend_from_slice(samples);
        };
        self.stream(config, move |samples| fetch(samples), on_error)
    }
}

impl Fake {
    /// Calls with blocks as the next stream's mood is, from a thread of its own.
    fn stream(
        &self,
        config: StreamConfig,
        mut on_block: impl FnMut(&mut [f32]) + Send + 'static,
        mut on_error: impl FnMut(Error) + Send + 'static,
    ) -> Result<FakeStream, Error> {
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
                on_block(&mut vec![sample; size]);
            }
        });
        Ok(FakeStream { end, thread: Some(thread) })
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
        Some(self.clone())
    }
}

/// Opens such a microphone: its sound, the report of its loss, and what keeps it open.
fn open(streams: &[(Mood, u32, u16)]) -> (RingConsumer, Receiver<DeviceError>, Worker) {
    let (producer, consumer) = ring(96_000);
    let fake = Fake { streams: Arc::new(Mutex::new(streams.to_vec())), played: Arc::default() };
    let (reported, worker) = open_with::<Capture>(fake, producer);
    (consumer, reported, worker)
}

/// Opens such a speaker: what feeds it, what it plays, the report of its loss, and what keeps it open.
fn open_speaker(
    streams: &[(Mood, u32, u16)],
) -> (RingProducer, Arc<Mutex<Vec<f32>>>, Receiver<DeviceError>, Worker) {
    let (producer, consumer) = ring(96_000);
    let fake = Fake { streams: Arc::new(Mutex::new(streams.to_vec())), played: Arc::default() };
    let played = Arc::clone(&fake.played);
    let (reported, worker) = open_with::<Playback>(fake, consumer);
    (producer, played, reported, worker)
}

fn open_with<D: Direction>(fake: Fake, ring: D::Ring) -> (Receiver<DeviceError>, Worker) {
    let (report, reported) = channel();
    let lost = Lost::new(Box::new(move |error| report.send(error).unwrap()));
    let (worker, ()) = Worker::open("test", LIMIT, move |stop, ready| {
        let choice = SoundChoice::Named(fake.id().unwrap().to_string());
        let service =
            move |_: &SoundChoice| Some(Host::from(cpal::platform::CustomHost::from_host(fake.clone())));
        let pulse = Arc::default();
        Session::<D>::new(choice, DeviceId::new("fake"), ring, lost, pulse).run_on(&service, stop, ready);
    })
    .unwrap();
    (reported, worker)
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

fn speaker_is_gone(error: &DeviceError) -> bool {
    matches!(error, DeviceError::Lost { kind: DeviceKind::Speaker, name } if name == "Fake")
}

#[test]
fn a_speaker_that_takes_not_a_sample_or_hangs_for_two_seconds_is_reported_gone_and_let_go() {
    for mood in [Mood::Empty, Mood::Hangs] {
        let (producer, _played, reported, worker) = open_speaker(&[(mood, 48_000, 2)]);
        assert!(speaker_is_gone(&reported.recv_timeout(LIMIT).unwrap()), "{mood:?}");
        drop(worker);
        assert!(producer.is_closed());
    }
}

#[test]
fn a_speaker_whose_blocks_have_any_size_plays_all_of_it_in_order() {
    let (mut producer, played, reported, _worker) = open_speaker(&[(Mood::AnySize, 48_000, 1)]);
    let sound: Vec<f32> = (1..=24_000_u16).map(|index| f32::from(index) / 32_000.0).collect();
    producer.push(&sound);
    assert!(producer.wait_below(0, LIMIT));
    let deadline = Instant::now() + LIMIT;
    while played.lock().last() != Some(&0.0) {
        assert!(Instant::now() < deadline, "what the ring has no more of is silence");
        std::thread::sleep(BLOCK);
    }
    let played = played.lock();
    let heard: Vec<f32> = played.iter().copied().filter(|sample| *sample != 0.0).collect();
    assert_eq!(heard, sound);
    assert!(reported.try_recv().is_err());
}

#[test]
fn a_speaker_is_never_given_what_is_no_number() {
    let (mut producer, played, _reported, _worker) = open_speaker(&[(Mood::NoNumbers, 44_100, 6)]);
    producer.push(&[f32::NAN; 4_800]);
    assert!(producer.wait_below(0, LIMIT));
    assert!(played.lock().iter().all(|sample| sample.is_finite()));
}

#[test]
fn a_speaker_that_asks_for_half_a_frame_gets_silence_there_and_not_what_its_buffer_held() {
    let (_producer, played, _reported, _worker) = open_speaker(&[(Mood::AnySize, 48_000, 2)]);
    let deadline = Instant::now() + LIMIT;
    while played.lock().len() < 20_000 {
        assert!(Instant::now() < deadline, "nothing is played");
        std::thread::sleep(BLOCK);
    }
    assert!(played.lock().iter().all(|sample| *sample == 0.0));
}
