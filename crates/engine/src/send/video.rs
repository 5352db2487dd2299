//! The encoder thread: the newest captured picture, scaled, encoded once, cut into payloads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use maru_media::stats::Percentiles;
use maru_media::video::adapt::Adaptation;
use maru_media::video::codec::{EncoderConfig, VideoEncoder, encoder};
use maru_media::video::packet::packetize;
use maru_media::video::scale::{Scaler, fit};
use maru_media::{FramePool, LatestFrame, VideoCodec, VideoFrame};
use parking_lot::Mutex;

use super::fanout::{Fanout, VideoUnit};

/// How often a waiting thread looks whether it should end.
const WAKE: Duration = Duration::from_millis(200);
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
    pub frames: AtomicU64,
    pub bytes: AtomicU64,
    pub key_frames: AtomicU64,
    /// Size of the newest encoded picture.
    pub width_px: AtomicU32,
    pub height_px: AtomicU32,
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
    fn new(config: EncoderConfig, stats: &Arc<VideoSendStats>) -> Option<Self> {
        match encoder(VideoCodec::H264, config) {
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

/// Runs until `capture` is closed.
pub(crate) fn run(
    capture: &Arc<LatestFrame>,
    fanout: &Fanout,
    adaptation: &Mutex<Adaptation>,
    stats: &Arc<VideoSendStats>,
) {
    let mut reader = capture.reader();
    let mut scaler = Scaler::new();
    let pool = FramePool::new();
    let epoch = Instant::now();
    let mut current: Option<Counted> = None;
    let mut last_key: Option<Instant> = None;
    let mut last_sent: Option<Instant> = None;

    while !reader.is_closed() {
        let Some(frame) = reader.wait(WAKE) else {
            // No pictures, or nobody to send them to: an encoder holds tens of megabytes.
            if !fanout.has_video_subscribers() {
                current = None;
            }
            continue;
        };
        if !fanout.has_video_subscribers() {
            current = None;
            continue;
        }
        let start = Instant::now();
        let step = adaptation.lock().step();
        if is_too_soon(last_sent, frame.captured(), step.fps) {
            continue;
        }
        let (width_px, height_px) = fit(frame.width_px(), frame.height_px(), step.width_px, step.height_px);
        let scaled;
        let picture: &VideoFrame = if (width_px, height_px) == (frame.width_px(), frame.height_px()) {
            &frame
        } else {
            scaled = scaler.scale(&frame, width_px, height_px, &pool);
            &scaled
        };

        let wanted = EncoderConfig { width_px, height_px, fps: step.fps, bitrate_bps: step.bitrate_bps };
        if !retune(&mut current, wanted, stats) {
            std::thread::sleep(WAKE); // out of memory, most likely: do not spin
            continue;
        }
        let Some(counted) = &mut current else { continue };

        let key = fanout.key_frame_wanted()
            && last_key.is_none_or(|last| start.saturating_duration_since(last) >= KEY_FRAME_SPACING);
        if key {
            fanout.take_key_frame_request();
        }
        let timestamp = timestamp_90_khz(frame.captured().saturating_duration_since(epoch));
        match counted.encoder.encode(picture, timestamp, key) {
            Ok(Some(encoded)) => {
                let done = Instant::now();
                if encoded.key {
                    last_key = Some(start);
                    stats.key_frames.fetch_add(1, Ordering::Relaxed);
                }
                // Counted before it goes out: nobody can have received more than was encoded.
                record(stats, &encoded, done.saturating_duration_since(start), width_px, height_px);
                let mut payloads = Vec::with_capacity(encoded.data.len() / MAX_PAYLOAD_BYTES + 2);
                packetize(&encoded, MAX_PAYLOAD_BYTES, &mut payloads);
                fanout.video(&Arc::new(VideoUnit { key: encoded.key, timestamp, payloads }));
                last_sent = Some(frame.captured());
                adaptation.lock().encoded(done, frame.captured(), start);
            }
            Ok(None) => {
                if key {
                    fanout.request_key_frame();
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a picture could not be encoded; starting the encoder anew");
                current = None;
                fanout.request_key_frame();
            }
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
fn retune(current: &mut Option<Counted>, wanted: EncoderConfig, stats: &Arc<VideoSendStats>) -> bool {
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
    *current = Counted::new(wanted, stats);
    current.is_some()
}

fn record(
    stats: &VideoSendStats,
    encoded: &maru_media::EncodedFrame,
    took: Duration,
    width_px: u32,
    height_px: u32,
) {
    stats.frames.fetch_add(1, Ordering::Relaxed);
    stats.bytes.fetch_add(encoded.data.len() as u64, Ordering::Relaxed);
    stats.width_px.store(width_px, Ordering::Relaxed);
    stats.height_px.store(height_px, Ordering::Relaxed);
    stats.encode_ms.lock().push_duration(took);
}

/// RTP video clock; wraps every 13 hours, as RTP timestamps do.
fn timestamp_90_khz(since_epoch: Duration) -> u32 {
    (since_epoch.as_micros() * 9 / 100) as u32
}
