//! What a call was like, in numbers: what `maru-cli --json` prints.

use std::time::{Duration, Instant};

use maru_media::audio::jitter::JitterStats;
use maru_media::stats::Percentiles;
use maru_media::voice::EchoState;
use maru_protocol::{PeerId, RoomName};
use serde::Serialize;

use crate::api::PeerState;
use crate::receive::audio::AudioStats;
use crate::receive::video::{SoundLag, VideoStats};
use crate::stats::PeerStats;

/// One participant's call. Times in milliseconds, rates in kbit/s.
#[derive(Clone, Debug, Serialize)]
pub struct CallReport {
    /// The room, once joined.
    pub room: Option<RoomName>,
    /// This participant.
    pub me: MeReport,
    /// From the wish to join to the server's answer.
    pub joined_ms: Option<f64>,
    /// Everybody who was in the room meanwhile, who left included.
    pub peers: Vec<PeerReport>,
    /// What was sent.
    pub sent: SentReport,
}

/// This participant.
#[derive(Clone, Debug, Serialize)]
pub struct MeReport {
    /// The id in the room.
    pub id: Option<PeerId>,
    /// The name.
    pub name: String,
}

/// One other participant.
#[derive(Clone, Debug, Serialize)]
pub struct PeerReport {
    /// Its id.
    pub id: PeerId,
    /// Its name.
    pub name: String,
    /// Where its connection stands, or stood when it left.
    pub state: PeerState,
    /// From our join request (where it was there first) or its arrival to a connected path.
    pub connected_ms: Option<f64>,
    /// From the same moment to its first shown picture.
    pub first_frame_ms: Option<f64>,
    /// Offers made or taken: 1 unless a path was lost or a device change went wrong.
    pub negotiations: u32,
    /// The path in use.
    pub candidate_pair: Option<PairReport>,
    /// The newest figures of its connection; `None` before the first, and where nobody watches events.
    pub stats: Option<PeerStats>,
    /// Its camera's pictures.
    pub video: VideoReport,
    /// Its screen's pictures; `None` where none came.
    pub screen: Option<ScreenReport>,
    /// Its sound.
    pub audio: AudioReport,
}

/// A path: kinds of candidates (`host`, `srflx`, `prflx`, `relay`), never addresses.
#[derive(Clone, Debug, Serialize)]
pub struct PairReport {
    /// Ours.
    pub local: String,
    /// The peer's.
    pub remote: String,
    /// `udp` or `tcp`.
    pub protocol: String,
}

/// Pictures from one peer.
#[derive(Clone, Debug, Serialize)]
pub struct VideoReport {
    /// The codec.
    pub codec: &'static str,
    /// Width of the newest picture in pixels.
    pub width: u32,
    /// Height of the newest picture in pixels.
    pub height: u32,
    /// Pictures shown.
    pub frames: u64,
    /// Pictures per second between the first and the last.
    pub fps: f64,
    /// Freezes as the W3C counts them (webrtc-stats, `freezeCount`).
    pub freezes: u64,
    /// Their duration together.
    pub frozen_ms: f64,
    /// From the capture to the decoded picture; `None` where the picture has no time code.
    pub latency_ms: Option<LatencyReport>,
    /// Key frames received.
    pub key_frames: u64,
    /// Packets that never came.
    pub packets_lost: u64,
    /// How late the sound was for the pictures when they were shown, in milliseconds; `None` where the
    /// peer said nothing to tell it by.
    pub sound_lag_ms: Option<SoundLagReport>,
}

/// Pictures of one peer's screen. They come when something changes, so that a rest is no freeze, and wait for no
/// sound.
#[derive(Clone, Debug, Serialize)]
pub struct ScreenReport {
    /// The codec.
    pub codec: &'static str,
    /// Width of the newest picture in pixels.
    pub width: u32,
    /// Height of the newest picture in pixels.
    pub height: u32,
    /// Pictures shown.
    pub frames: u64,
    /// From the capture to the decoded picture; `None` where the picture has no time code.
    pub latency_ms: Option<LatencyReport>,
    /// Key frames received.
    pub key_frames: u64,
    /// Packets that never came.
    pub packets_lost: u64,
}

/// How late the sound was for its pictures, over all pictures.
#[derive(Clone, Debug, Serialize)]
pub struct SoundLagReport {
    /// The mean; below 0 the sound was early.
    pub mean: f64,
    /// The 99th percentile of how late it was.
    pub late_p99: f64,
    /// The 99th percentile of how early it was.
    pub early_p99: f64,
}

/// A distribution.
#[derive(Clone, Debug, Serialize)]
pub struct LatencyReport {
    /// Median.
    pub p50: f64,
    /// 95th percentile.
    pub p95: f64,
    /// 99th percentile.
    pub p99: f64,
}

/// Sound from one peer.
#[derive(Clone, Debug, Serialize)]
pub struct AudioReport {
    /// The codec.
    pub codec: &'static str,
    /// The loudest that was heard, in dBFS; −100 for silence.
    pub level_dbfs: f64,
    /// Share of samples made up for lost ones.
    pub concealed_ratio: f64,
    /// Sound waiting in the jitter buffer now.
    pub jitter_buffer_ms: f64,
    /// How long packets should be held back now.
    pub jitter_buffer_target_ms: f64,
    /// The jitter buffer's counters.
    pub stats: InboundAudioReport,
}

/// Counters of one peer's sound, named and counted as in W3C's webrtc-stats
/// (`RTCInboundRtpStreamStats`); the delays in seconds over all samples emitted.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InboundAudioReport {
    /// Samples played, made up ones included.
    pub total_samples_received: u64,
    /// Samples made up because packets were lost or late.
    pub concealed_samples: u64,
    /// Those of them that were silence.
    pub silent_concealed_samples: u64,
    /// Runs of concealed samples.
    pub concealment_events: u64,
    /// Samples put in to slow the playout down.
    pub inserted_samples_for_deceleration: u64,
    /// Samples taken out to speed the playout up.
    pub removed_samples_for_acceleration: u64,
    /// Time in the jitter buffer.
    pub jitter_buffer_delay: f64,
    /// What that time should have been.
    pub jitter_buffer_target_delay: f64,
    /// Samples that came out of the jitter buffer.
    pub jitter_buffer_emitted_count: u64,
    /// Packets that came.
    pub packets_received: u64,
    /// Packets that came too late, twice, or were none.
    pub packets_discarded: u64,
    /// Packets that were not there when they were to be played.
    pub packets_lost: u64,
    /// Those of them whose sound a later packet brought.
    pub packets_recovered: u64,
}

/// What was sent.
#[derive(Clone, Debug, Serialize)]
pub struct SentReport {
    /// The camera's pictures.
    pub video: SentVideoReport,
    /// The shared screen's pictures.
    pub screen: SentVideoReport,
    /// Sound.
    pub audio: SentAudioReport,
}

/// Pictures sent.
#[derive(Clone, Debug, Serialize)]
pub struct SentVideoReport {
    /// The most encoders that ran at once.
    pub encoders: usize,
    /// Encoders that run now: one for each codec that a peer takes.
    pub encoders_now: usize,
    /// Pictures encoded.
    pub frames: u64,
    /// Bytes encoded.
    pub bytes: u64,
    /// Bits encoded per second of the call.
    pub kbps: f64,
    /// Time to encode a picture.
    pub encode_ms: EncodeReport,
    /// Width of the newest encoded picture in pixels.
    pub width: u32,
    /// Height of the newest encoded picture in pixels.
    pub height: u32,
}

/// Time to encode a picture.
#[derive(Clone, Debug, Serialize)]
pub struct EncodeReport {
    /// Median.
    pub p50: f64,
    /// 95th percentile.
    pub p95: f64,
}

/// Sound sent.
#[derive(Clone, Debug, Serialize)]
pub struct SentAudioReport {
    /// Bits encoded per second of the call.
    pub kbps: f64,
    /// What becomes of the speaker's echo.
    pub echo: EchoState,
    /// How much longer the voice takes for being processed, in the end.
    pub processing_delay_ms: f64,
    /// How often a stage of the processing failed and was built anew.
    pub processing_failures: u32,
}

/// Two decimals are enough for anybody.
fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// A duration as the report writes it.
pub(crate) fn ms(duration: Duration) -> f64 {
    round(duration.as_secs_f64() * 1000.0)
}

/// Kilobits per second over a call of `span`.
pub(crate) fn kbps(bytes: u64, span: Duration) -> f64 {
    if span.is_zero() { 0.0 } else { round(bytes as f64 * 8.0 / 1000.0 / span.as_secs_f64()) }
}

impl EncodeReport {
    pub(crate) fn of(times: &Percentiles) -> Self {
        Self { p50: round(times.p50().unwrap_or(0.0)), p95: round(times.p95().unwrap_or(0.0)) }
    }
}

impl VideoReport {
    pub(crate) fn of(stats: &VideoStats) -> Self {
        Self {
            codec: stats.codec.name(),
            width: stats.width_px,
            height: stats.height_px,
            frames: stats.frames,
            fps: round(stats.fps),
            freezes: stats.freezes,
            frozen_ms: ms(stats.frozen),
            latency_ms: stats.latency_ms.as_ref().and_then(LatencyReport::of),
            key_frames: stats.receive.key_frames,
            packets_lost: stats.receive.packets_lost,
            sound_lag_ms: SoundLagReport::of(&stats.sound_lag_ms),
        }
    }
}

impl ScreenReport {
    /// `None` where no picture came.
    pub(crate) fn of(stats: &VideoStats) -> Option<Self> {
        (stats.frames > 0).then(|| Self {
            codec: stats.codec.name(),
            width: stats.width_px,
            height: stats.height_px,
            frames: stats.frames,
            latency_ms: stats.latency_ms.as_ref().and_then(LatencyReport::of),
            key_frames: stats.receive.key_frames,
            packets_lost: stats.receive.packets_lost,
        })
    }
}

impl LatencyReport {
    fn of(latency: &Percentiles) -> Option<Self> {
        Some(Self { p50: round(latency.p50()?), p95: round(latency.p95()?), p99: round(latency.p99()?) })
    }
}

impl SoundLagReport {
    fn of(lag: &SoundLag) -> Option<Self> {
        Some(Self {
            mean: round(lag.sum_ms / lag.late.count().max(1) as f64),
            late_p99: round(lag.late.p99()?),
            early_p99: round(lag.early.p99()?),
        })
    }
}

impl InboundAudioReport {
    fn of(stats: &JitterStats) -> Self {
        Self {
            total_samples_received: stats.total_samples_received,
            concealed_samples: stats.concealed_samples,
            silent_concealed_samples: stats.silent_concealed_samples,
            concealment_events: stats.concealment_events,
            inserted_samples_for_deceleration: stats.inserted_samples_for_deceleration,
            removed_samples_for_acceleration: stats.removed_samples_for_acceleration,
            jitter_buffer_delay: round(stats.jitter_buffer_delay.as_secs_f64()),
            jitter_buffer_target_delay: round(stats.jitter_buffer_target_delay.as_secs_f64()),
            jitter_buffer_emitted_count: stats.jitter_buffer_emitted_count,
            packets_received: stats.packets_received,
            packets_discarded: stats.packets_discarded,
            packets_lost: stats.packets_lost,
            packets_recovered: stats.packets_recovered,
        }
    }
}

impl AudioReport {
    pub(crate) fn of(stats: &AudioStats) -> Self {
        let total = stats.jitter.total_samples_received.max(1) as f64;
        Self {
            codec: "opus",
            level_dbfs: round(f64::from(stats.loudest_dbfs)),
            concealed_ratio: (stats.jitter.concealed_samples as f64 / total * 1e5).round() / 1e5,
            jitter_buffer_ms: round(f64::from(stats.jitter.buffer_ms)),
            jitter_buffer_target_ms: round(f64::from(stats.jitter.target_ms)),
            stats: InboundAudioReport::of(&stats.jitter),
        }
    }
}

/// From `since` to `at`, where `at` is known.
pub(crate) fn after(since: Instant, at: Option<Instant>) -> Option<f64> {
    at.map(|at| ms(at.saturating_duration_since(since)))
}
