//! The camera's encoder thread: the newest captured picture, scaled, encoded once for each codec in use, cut
//! into payloads; and what the screen's thread does likewise.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use maru_media::stats::Percentiles;
use maru_media::video::adapt::{Adaptation, Step};
use maru_media::video::codec::{Content, EncoderConfig, VideoEncoder, encoder};
use maru_media::video::rtp::Packetizer;
use maru_media::video::scale::{Scaler, fit};
use maru_media::{EncodedFrame, FramePool, LatestFrame, VideoCodec, VideoFrame};
use parking_lot::Mutex;

use super::fanout::{Fanout, VideoUnit};

/// How often a waiting thread looks whether it should end.
pub(super) const WAKE: Duration = Duration::from_millis(200);
/// Key frames are large: many requests in this span get one.
const KEY_FRAME_SPACING: Duration = Duration::from_millis(150);
/// Payload bytes in a packet: fits 1280-byte paths (IPv6's minimum) with IP, UDP, SRTP and RTP headers.
pub(crate) const MAX_PAYLOAD_BYTES: usize = 1160;

/// What the encoder did, for the statistics.
pub(crate) struct VideoSendStats {
    /// Encoders alive now.
    pub encoders: AtomicUsize,
    /// The most that were alive at once.
    pub encoders_most: AtomicUsize,
    /// Pictures encoded, in however many codecs.
    pub frames: AtomicU64,
    pub bytes: AtomicU64,
    pub key_frames: AtomicU64,
    /// Size of the newest encoded picture.
    pub width_px: AtomicU32,
    pub height_px: AtomicU32,
    /// From a picture's scaling to the end of its last encoding.
    pub encode_ms: Mutex<Percentiles>,
}

impl Default for VideoSendStats {
    fn default() -> Self {
        Self {
            encoders: AtomicUsize::new(0),
            encoders_most: AtomicUsize::new(0),
            frames: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            key_frames: AtomicU64::new(0),
            width_px: AtomicU32::new(0),
            height_px: AtomicU32::new(0),
            encode_ms: Mutex::new(Percentiles::new()),
        }
    }
}

/// An encoder that is counted while it lives.
struct Counted {
    encoder: Box<dyn VideoEncoder>,
    stats: Arc<VideoSendStats>,
}

impl Counted {
    fn new(codec: VideoCodec, config: EncoderConfig, stats: &Arc<VideoSendStats>) -> Option<Self> {
        match encoder(codec, config) {
            Ok(encoder) => {
                let alive = stats.encoders.fetch_add(1, Ordering::Relaxed) + 1;
                stats.encoders_most.fetch_max(alive, Ordering::Relaxed);
                Some(Self { encoder, stats: Arc::clone(stats) })
            }
            Err(error) => {
                tracing::error!(%error, "no video encoder");
                None
            }
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.stats.encoders.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What is sent in one codec, while a peer takes it.
struct Stream {
    codec: VideoCodec,
    encoder: Option<Counted>,
    packetizer: Packetizer,
    last_key: Option<Instant>,
}

/// A picture and what belongs to it.
struct Picture<'a> {
    frame: &'a VideoFrame,
    timestamp: u32,
    start: Instant,
}

impl Stream {
    fn new(codec: VideoCodec) -> Self {
        Self { codec, encoder: None, packetizer: Packetizer::default(), last_key: None }
    }

    /// Encodes a picture and hands it out. `count` is told of the frame before anybody gets it.
    fn send(
        &mut self,
        picture: &Picture<'_>,
        config: EncoderConfig,
        fanout: &Fanout,
        stats: &Arc<VideoSendStats>,
        count: impl FnOnce(&EncodedFrame),
    ) -> Outcome {
        if !retune(&mut self.encoder, self.codec, config, stats) {
            return Outcome::NoEncoder;
        }
        let key = self.key_frame_due(picture.start, fanout);
        let Some(Counted { encoder, .. }) = &mut self.encoder else { return Outcome::NoEncoder };
        if key {
            fanout.take_key_frame_request(self.codec);
        }
        match encoder.encode(picture.frame, picture.timestamp, key) {
            Ok(Some(encoded)) => {
                if encoded.key {
                    self.last_key = Some(picture.start);
                }
                count(&encoded);
                let mut payloads = Vec::with_capacity(encoded.data.len() / MAX_PAYLOAD_BYTES + 2);
                self.packetizer.packetize(&encoded, MAX_PAYLOAD_BYTES, &mut payloads);
                fanout.video(&Arc::new(VideoUnit {
                    codec: self.codec,
                    key: encoded.key,
                    timestamp: picture.timestamp,
                    captured: picture.frame.captured(),
                    payloads,
                }));
                Outcome::Sent { key: encoded.key }
            }
            Ok(None) => {
                if key {
                    fanout.request_key_frame(Some(self.codec));
                }
                Outcome::LeftOut
            }
            Err(error) => {
                tracing::warn!(%error, "a picture could not be encoded; starting the encoder anew");
                self.encoder = None;
                fanout.request_key_frame(Some(self.codec));
                Outcome::LeftOut
            }
        }
    }

    /// Whether somebody waits for a picture that stands alone, and the last one is long enough ago.
    fn key_frame_due(&self, now: Instant, fanout: &Fanout) -> bool {
        fanout.key_frame_wanted(self.codec)
            && self.last_key.is_none_or(|last| now.saturating_duration_since(last) >= KEY_FRAME_SPACING)
    }
}

/// What became of a picture; of several codecs the better, which is the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    /// The encoder left it out, or failed and starts anew.
    LeftOut,
    /// There is no encoder to be had.
    NoEncoder,
    /// Somebody gets it.
    Sent {
        /// As a picture that stands alone.
        key: bool,
    },
}

/// Encodes pictures in each codec that somebody takes.
pub(super) struct Encoding<'a> {
    content: Content,
    fanout: &'a Fanout,
    adaptation: &'a Mutex<Adaptation>,
    stats: &'a Arc<VideoSendStats>,
    streams: Vec<Stream>,
    scaler: Scaler,
    pool: FramePool,
    epoch: Instant,
}

impl<'a> Encoding<'a> {
    pub fn new(
        content: Content,
        fanout: &'a Fanout,
        adaptation: &'a Mutex<Adaptation>,
        stats: &'a Arc<VideoSendStats>,
    ) -> Self {
        Self {
            content,
            fanout,
            adaptation,
            stats,
            streams: VideoCodec::BUILT_IN.iter().copied().map(Stream::new).collect(),
            scaler: Scaler::new(),
            pool: FramePool::new(),
            epoch: Instant::now(),
        }
    }

    /// Whether anybody takes pictures. An encoder that nobody watches goes: it holds tens of megabytes.
    pub fn is_watched(&mut self) -> bool {
        let mut watched = false;
        for stream in &mut self.streams {
            if self.fanout.wants_video(stream.codec) {
                watched = true;
            } else {
                stream.encoder = None;
            }
        }
        watched
    }

    /// There are no pictures for now: all encoders go.
    pub fn release(&mut self) {
        for stream in &mut self.streams {
            stream.encoder = None;
        }
    }

    /// Whether somebody waits for a picture that stands alone and can have it now.
    pub fn key_frame_due(&self, now: Instant) -> bool {
        let mut streams = self.streams.iter();
        streams.any(|stream| self.fanout.wants_video(stream.codec) && stream.key_frame_due(now, self.fanout))
    }

    /// Pictures per second at the most.
    pub fn fps(&self) -> f32 {
        self.adaptation.lock().step().fps
    }

    /// Scales a picture, encodes it and hands it out.
    pub fn picture(&mut self, frame: &VideoFrame) -> Outcome {
        let start = Instant::now();
        let step = self.adaptation.lock().step();
        let (width_px, height_px) = fit(frame.width_px(), frame.height_px(), step.width_px, step.height_px);
        let scaled;
        let picture: &VideoFrame = if (width_px, height_px) == (frame.width_px(), frame.height_px()) {
            frame
        } else {
            scaled = self.scaler.scale(frame, width_px, height_px, &self.pool);
            &scaled
        };
        let timestamp = timestamp_90_khz(frame.captured().saturating_duration_since(self.epoch));
        let picture = Picture { frame: picture, timestamp, start };
        let Step { fps, bitrate_bps, .. } = step;
        let config = EncoderConfig { width_px, height_px, fps, bitrate_bps, content: self.content };

        let mut outcome = Outcome::LeftOut;
        let (fanout, stats) = (self.fanout, self.stats);
        for stream in self.streams.iter_mut().filter(|stream| fanout.wants_video(stream.codec)) {
            // Counted before it goes out: nobody can have received more than was encoded.
            let result = stream.send(&picture, config, fanout, stats, |encoded| {
                if !matches!(outcome, Outcome::Sent { .. }) {
                    stats.frames.fetch_add(1, Ordering::Relaxed);
                }
                record(stats, encoded);
            });
            outcome = outcome.max(result);
        }
        if let Outcome::Sent { .. } = outcome {
            let done = Instant::now();
            stats.encode_ms.lock().push_duration(done.saturating_duration_since(start));
            self.adaptation.lock().encoded(done, frame.captured(), start);
        }
        outcome
    }
}

/// Encodes a camera's pictures until `capture` is closed.
pub(crate) fn run(
    capture: &Arc<LatestFrame>,
    fanout: &Fanout,
    adaptation: &Mutex<Adaptation>,
    stats: &Arc<VideoSendStats>,
) {
    let mut reader = capture.reader();
    let mut encoding = Encoding::new(Content::Camera, fanout, adaptation, stats);
    let mut last_sent: Option<Instant> = None;
    while !reader.is_closed() {
        let frame = reader.wait(WAKE);
        let watched = encoding.is_watched();
        let Some(frame) = frame.filter(|_| watched) else { continue };
        if is_too_soon(last_sent, frame.captured(), encoding.fps()) {
            continue;
        }
        match encoding.picture(&frame) {
            Outcome::Sent { .. } => last_sent = Some(frame.captured()),
            Outcome::LeftOut => {}
            Outcome::NoEncoder => std::thread::sleep(WAKE), // out of memory, most likely: do not spin
        }
    }
}

/// Whether the picture comes earlier than the wanted rate allows, with a quarter of an interval to spare.
fn is_too_soon(last_sent: Option<Instant>, captured: Instant, fps: f32) -> bool {
    last_sent.is_some_and(|last| {
        captured.saturating_duration_since(last) < Duration::from_secs_f32(0.75 / fps.max(1.0))
    })
}

/// Makes the encoder fit the wanted configuration: in place where only the rate changes. False when there is none.
fn retune(
    current: &mut Option<Counted>,
    codec: VideoCodec,
    wanted: EncoderConfig,
    stats: &Arc<VideoSendStats>,
) -> bool {
    if let Some(counted) = current {
        let config = counted.encoder.config();
        if (config.width_px, config.height_px) == (wanted.width_px, wanted.height_px) {
            if (config.bitrate_bps, config.fps) != (wanted.bitrate_bps, wanted.fps)
                && let Err(error) = counted.encoder.set_rate(wanted.bitrate_bps, wanted.fps)
            {
                tracing::warn!(%error, "the encoder does not take the new rate");
            }
            return true;
        }
    }
    *current = None; // first the old one's memory, then the new one
    *current = Counted::new(codec, wanted, stats);
    current.is_some()
}

fn record(stats: &VideoSendStats, encoded: &EncodedFrame) {
    stats.key_frames.fetch_add(u64::from(encoded.key), Ordering::Relaxed);
    stats.bytes.fetch_add(encoded.data.len() as u64, Ordering::Relaxed);
    stats.width_px.store(encoded.width_px, Ordering::Relaxed);
    stats.height_px.store(encoded.height_px, Ordering::Relaxed);
}

/// RTP video clock; wraps every 13 hours, as RTP timestamps do.
fn timestamp_90_khz(since_epoch: Duration) -> u32 {
    (since_epoch.as_micros() * 9 / 100) as u32
}
