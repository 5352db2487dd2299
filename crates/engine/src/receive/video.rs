//! One peer's pictures: packets are put in order, frames are handed to whoever shows them, either
//! encoded as they are or decoded on a thread of their own.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use maru_media::stats::{FreezeMeter, Percentiles};
use maru_media::sync::LipSync;
use maru_media::video::codec::{VideoDecoder, decoder};
use maru_media::video::receive::{VideoEvent, VideoPacket, VideoReceiveStats, VideoReceiver};
use maru_media::video::timecode;
use maru_media::{EncodedFrame, FramePool, LatestFrame, VideoCodec};
use parking_lot::{Condvar, Mutex};

use super::audio::PeerAudio;

/// Encoded pictures that may wait for the decoder. Beyond it the machine is too slow: skip to a key frame.
const DECODE_QUEUE: usize = 8;
/// Pictures that may wait for their sound; beyond it the oldest go on at once.
const HELD_PICTURES: usize = 24;
/// No picture for this long: there is no video, whatever was said.
const VIDEO_TIMEOUT: Duration = Duration::from_secs(3);
/// A time code further off than this is no time code.
const MAX_LATENCY_MS: f64 = 10_000.0;

/// Takes a peer's encoded pictures. Called on the receive path: must not block.
pub trait EncodedSink: Send + Sync + 'static {
    /// The next picture in order. After one that was not taken, ask for a key frame.
    fn frame(&self, frame: &EncodedFrame);
}

/// Where a peer's pictures go.
#[derive(Clone, Default)]
pub enum VideoOutput {
    /// Nowhere.
    #[default]
    Off,
    /// As they come.
    Encoded(Arc<dyn EncodedSink>),
    /// Decoded into this slot.
    Decoded(Arc<LatestFrame>),
}

/// The statistics of one peer's pictures.
#[derive(Clone)]
pub(crate) struct VideoStats {
    pub codec: VideoCodec,
    pub receive: VideoReceiveStats,
    pub width_px: u32,
    pub height_px: u32,
    /// Pictures shown (decoded, or handed on encoded).
    pub frames: u64,
    pub fps: f64,
    pub freezes: u64,
    pub frozen: Duration,
    /// Capture to decoded, in milliseconds, where the peer's picture carries a time code.
    pub latency_ms: Option<Percentiles>,
    pub first_frame: Option<Instant>,
    /// How late the sound was for each picture when that was shown, in milliseconds; early below 0.
    pub sound_lag_ms: SoundLag,
}

/// A distribution on both sides of 0.
#[derive(Clone, Default)]
pub(crate) struct SoundLag {
    pub late: Percentiles,
    pub early: Percentiles,
    pub sum_ms: f64,
}

impl SoundLag {
    fn push(&mut self, lag_us: i64) {
        let ms = lag_us as f64 / 1000.0;
        self.late.push(ms.max(0.0));
        self.early.push((-ms).max(0.0));
        self.sum_ms += ms;
    }
}

/// One peer's video, shared by its connection, its decoder thread and the engine.
pub(crate) struct PeerVideo {
    receiver: Mutex<VideoReceiver>,
    sound: Option<Arc<PeerAudio>>,
    held: Mutex<Held>,
    output: Mutex<VideoOutput>,
    decoder: Mutex<Option<Decoder>>,
    shown: Mutex<Shown>,
    key_frame_wanted: AtomicBool,
    key_frame_notify: tokio::sync::Notify,
}

/// Pictures that are there long before their sound.
struct Held {
    sync: LipSync,
    /// In order, each with the time at which it arrived.
    pictures: VecDeque<(Instant, EncodedFrame)>,
}

#[derive(Default)]
struct Shown {
    sound_lag_ms: SoundLag,
    frames: u64,
    first: Option<Instant>,
    last: Option<Instant>,
    width_px: u32,
    height_px: u32,
    freezes: FreezeMeter,
    latency_ms: Option<Percentiles>,
}

impl PeerVideo {
    /// Pictures that are shown when their sound, if they have any, is heard; else as they come.
    pub fn new(output: VideoOutput, sound: Option<Arc<PeerAudio>>) -> Arc<Self> {
        let video = Arc::new(Self {
            receiver: Mutex::new(VideoReceiver::new()),
            sound,
            held: Mutex::new(Held { sync: LipSync::new(Instant::now()), pictures: VecDeque::new() }),
            output: Mutex::new(VideoOutput::Off),
            decoder: Mutex::new(None),
            shown: Mutex::new(Shown::default()),
            key_frame_wanted: AtomicBool::new(false),
            key_frame_notify: tokio::sync::Notify::new(),
        });
        video.set_output(output);
        video
    }

    /// From now on the pictures go there. They begin with a key frame, which is asked for.
    pub fn set_output(self: &Arc<Self>, output: VideoOutput) {
        let decoder = match &output {
            VideoOutput::Decoded(slot) => Decoder::start(Arc::clone(self), Arc::clone(slot)),
            VideoOutput::Off | VideoOutput::Encoded(_) => None,
        };
        let wanted = !matches!(output, VideoOutput::Off);
        *self.output.lock() = output;
        let old = std::mem::replace(&mut *self.decoder.lock(), decoder);
        drop(old); // joins the thread: not under the lock
        if wanted {
            self.request_key_frame();
        }
    }

    /// Asks the peer for a key frame; many requests at once make one.
    pub fn request_key_frame(&self) {
        if !self.key_frame_wanted.swap(true, Ordering::AcqRel) {
            self.key_frame_notify.notify_one();
        }
    }

    /// Waits until a key frame is wanted.
    pub async fn key_frame_wanted(&self) {
        while !self.key_frame_wanted.load(Ordering::Acquire) {
            self.key_frame_notify.notified().await;
        }
    }

    /// The request was sent.
    pub fn key_frame_requested(&self) {
        self.key_frame_wanted.store(false, Ordering::Release);
    }

    /// A new stream from the same peer: nothing of the old one counts any more. It begins with a key frame, for
    /// which nobody has to ask.
    pub fn restart(&self) {
        self.key_frame_requested();
        *self.receiver.lock() = VideoReceiver::new();
        let mut held = self.held.lock();
        held.sync = LipSync::new(Instant::now());
        held.pictures.clear();
    }

    /// What time of day an RTP timestamp of the pictures is.
    pub fn sender_report(&self, ntp: u64, timestamp: u32) {
        self.held.lock().sync.video_report(ntp, timestamp);
    }

    /// The same of the sound that goes with them.
    pub fn voice_report(&self, ntp: u64, timestamp: u32) {
        self.held.lock().sync.audio_report(ntp, timestamp);
    }

    /// A packet came, or a deadline passed (`None`). Returns when to come again without a packet.
    pub fn handle(&self, now: Instant, packet: Option<VideoPacket>) -> Option<Instant> {
        let mut receiver = self.receiver.lock();
        if let Some(packet) = packet {
            receiver.push(now, packet);
        }
        let mut held = self.held.lock();
        let mut behind = Duration::ZERO;
        if let Some((heard, by)) = self.sound.as_ref().and_then(|sound| sound.heard()) {
            held.sync.heard(heard.at, heard.timestamp);
            behind = by;
        }
        while let Some(event) = receiver.poll(now) {
            match event {
                VideoEvent::Frame(frame) => self.hold(&mut held, now, behind, frame),
                VideoEvent::KeyFrameNeeded => self.request_key_frame(),
            }
        }
        let mut due = None;
        while let Some((arrived, frame)) = held.pictures.pop_front() {
            let at = held.sync.due(now, arrived, frame.timestamp);
            if at > now && held.pictures.len() < HELD_PICTURES {
                due = Some(at);
                held.pictures.push_front((arrived, frame));
                break;
            }
            if let Some(lag_us) = held.sync.lag_us(now, frame.timestamp) {
                self.shown.lock().sound_lag_ms.push(lag_us);
            }
            self.frame(now, frame);
        }
        receiver.next_deadline().into_iter().chain(due).min()
    }

    /// A picture waits until the sound is near enough, and for those before it.
    fn hold(&self, held: &mut Held, now: Instant, behind: Duration, frame: EncodedFrame) {
        held.sync.arrived(now, frame.timestamp, behind);
        if let Some(sound) = &self.sound {
            sound.set_minimum_delay(held.sync.audio_floor());
        }
        held.pictures.push_back((now, frame));
    }

    fn frame(&self, now: Instant, frame: EncodedFrame) {
        match &*self.output.lock() {
            VideoOutput::Off => {}
            VideoOutput::Encoded(sink) => {
                self.shown.lock().frame(now, frame.width_px, frame.height_px, None);
                sink.frame(&frame);
            }
            VideoOutput::Decoded(_) => {
                if let Some(decoder) = &*self.decoder.lock()
                    && !decoder.queue.push(frame)
                {
                    self.request_key_frame();
                }
            }
        }
    }

    /// Whether pictures arrive.
    pub fn is_live(&self, now: Instant) -> bool {
        self.shown.lock().last.is_some_and(|last| now.saturating_duration_since(last) < VIDEO_TIMEOUT)
    }

    /// Whether pictures came since the last pause, however long ago: what does not move sends few.
    pub fn has_pictures(&self) -> bool {
        self.shown.lock().last.is_some()
    }

    pub fn stats(&self) -> VideoStats {
        let (codec, receive) = {
            let receiver = self.receiver.lock();
            (receiver.codec(), receiver.stats())
        };
        let shown = self.shown.lock();
        let span = shown.first.zip(shown.last).map_or(0.0, |(first, last)| (last - first).as_secs_f64());
        VideoStats {
            codec,
            receive,
            width_px: shown.width_px,
            height_px: shown.height_px,
            frames: shown.frames,
            fps: if span > 0.0 { shown.frames.saturating_sub(1) as f64 / span } else { 0.0 },
            freezes: shown.freezes.freezes(),
            frozen: shown.freezes.frozen(),
            latency_ms: shown.latency_ms.clone(),
            first_frame: shown.first,
            sound_lag_ms: shown.sound_lag_ms.clone(),
        }
    }

    /// The peer switched its camera off, or shares no more: a pause is no freeze.
    pub fn pause(&self) {
        let mut shown = self.shown.lock();
        shown.last = None;
        shown.freezes.pause();
    }
}

impl Shown {
    fn frame(&mut self, now: Instant, width_px: u32, height_px: u32, latency_ms: Option<f64>) {
        self.frames += 1;
        self.first.get_or_insert(now);
        self.last = Some(now);
        if width_px != 0 {
            (self.width_px, self.height_px) = (width_px, height_px);
        }
        self.freezes.frame(now);
        if let Some(latency_ms) = latency_ms {
            self.latency_ms.get_or_insert_with(Percentiles::new).push(latency_ms);
        }
    }
}

/// The decoder thread's queue: bounded; when it is full everything goes up to the next key frame.
struct DecodeQueue {
    state: Mutex<DecodeState>,
    changed: Condvar,
}

#[derive(Default)]
struct DecodeState {
    frames: VecDeque<EncodedFrame>,
    /// The picture that the next one builds on was dropped.
    broken: bool,
    closed: bool,
}

impl DecodeQueue {
    /// False when a key frame is needed.
    fn push(&self, frame: EncodedFrame) -> bool {
        let mut state = self.state.lock();
        if frame.key {
            // All that waits is older than a picture that stands alone.
            if state.frames.len() >= DECODE_QUEUE / 2 {
                state.frames.clear();
            }
            state.broken = false;
        } else if state.frames.len() >= DECODE_QUEUE {
            state.frames.clear();
            state.broken = true;
        }
        if state.broken {
            return false;
        }
        state.frames.push_back(frame);
        drop(state);
        self.changed.notify_one();
        true
    }

    fn pop(&self) -> Option<EncodedFrame> {
        let mut state = self.state.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(frame) = state.frames.pop_front() {
                return Some(frame);
            }
            self.changed.wait(&mut state);
        }
    }
}

struct Decoder {
    queue: Arc<DecodeQueue>,
    thread: Option<JoinHandle<()>>,
}

impl Decoder {
    fn start(video: Arc<PeerVideo>, slot: Arc<LatestFrame>) -> Option<Self> {
        let queue = Arc::new(DecodeQueue { state: Mutex::default(), changed: Condvar::new() });
        let thread_queue = Arc::clone(&queue);
        let video = Arc::downgrade(&video);
        let thread = std::thread::Builder::new()
            .name("decode".into())
            .spawn(move || {
                let pool = FramePool::new();
                let mut decoder: Option<(VideoCodec, Box<dyn VideoDecoder>)> = None;
                while let Some(frame) = thread_queue.pop() {
                    let Some(video) = video.upgrade() else { return };
                    if decoder.as_ref().is_none_or(|(codec, _)| *codec != frame.codec) {
                        decoder = decoder_for(frame.codec).map(|decoder| (frame.codec, decoder));
                    }
                    let Some((_, working)) = &mut decoder else { return };
                    match working.decode(&frame, &pool) {
                        Ok(Some(picture)) => {
                            let latency_ms = latency_ms(&picture);
                            let now = Instant::now();
                            video.shown.lock().frame(
                                now,
                                picture.width_px(),
                                picture.height_px(),
                                latency_ms,
                            );
                            slot.publish(Arc::new(picture));
                        }
                        Ok(None) => {}
                        Err(error) => {
                            tracing::debug!(%error, "a picture could not be decoded");
                            video.request_key_frame();
                        }
                    }
                }
            })
            .map_err(|error| tracing::error!(%error, "no decoder thread"))
            .ok()?;
        Some(Self { queue, thread: Some(thread) })
    }
}

fn decoder_for(codec: VideoCodec) -> Option<Box<dyn VideoDecoder>> {
    decoder(codec).map_err(|error| tracing::error!(%error, "no video decoder")).ok()
}

impl Drop for Decoder {
    fn drop(&mut self) {
        self.queue.state.lock().closed = true;
        self.queue.changed.notify_one();
        // The last owner may be the decoder thread itself, which must not wait for itself.
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join(); // a picture takes milliseconds
        }
    }
}

/// From the time code in the picture to now; both are this machine's or a synchronised clock.
fn latency_ms(picture: &maru_media::VideoFrame) -> Option<f64> {
    let captured = timecode::read(picture)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let latency = now.as_secs_f64() * 1000.0 - captured as f64;
    (latency.abs() < MAX_LATENCY_MS).then_some(latency.max(0.0))
}
