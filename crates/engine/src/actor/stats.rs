//! Once a second, how the connections are: asked of each and told to whoever watches. Nothing of it is on the path
//! of a packet.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use maru_media::VideoCodec;
use maru_media::video::adapt::Limit;
use maru_protocol::PeerId;
use tokio::time::timeout_at;

use super::Actor;
use super::media::PeerMedia;
use crate::api::Event;
use crate::peer::ConnectionStats;
use crate::stats::{
    CallStats, InboundAudio, InboundVideo, OutboundVideo, PeerStats, QualityLimitation, Traffic,
};

/// How often.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long all connections together may take to answer: less than that.
const PATIENCE: Duration = Duration::from_millis(500);

/// What all peers get, but for the codec.
#[derive(Clone, Copy)]
struct SentVideo {
    frame_width: u32,
    frame_height: u32,
    frames_encoded: u64,
    limit: Option<Limit>,
}

impl SentVideo {
    fn in_codec(self, codec: VideoCodec) -> OutboundVideo {
        OutboundVideo {
            codec: codec.name().into(),
            frame_width: self.frame_width,
            frame_height: self.frame_height,
            frames_encoded: self.frames_encoded,
            encoder_implementation: codec.implementation().into(),
            power_efficient_encoder: Some(false),
            quality_limitation_reason: match self.limit {
                None => QualityLimitation::None,
                Some(Limit::Processor) => QualityLimitation::Cpu,
                Some(Limit::Path) => QualityLimitation::Bandwidth,
            },
        }
    }
}

impl Actor {
    /// Takes figures when it is time to, while there are connections and somebody watches.
    pub(super) fn send_stats(&mut self, now: Instant) {
        if self.connections.is_empty() {
            self.stats_due = None;
            return;
        }
        let due = *self.stats_due.get_or_insert(now + INTERVAL);
        if now < due || !self.shared.is_watched() {
            return;
        }
        self.stats_due = Some(now + INTERVAL);
        let asked: Vec<_> = (self.connections.iter())
            .filter_map(|(id, (_, connection))| Some((*id, connection.stats(), self.shared.media_of(*id)?)))
            .collect();
        let stats = &self.media.video_stats;
        let sent = SentVideo {
            frame_width: stats.width_px.load(Ordering::Relaxed),
            frame_height: stats.height_px.load(Ordering::Relaxed),
            frames_encoded: stats.frames.load(Ordering::Relaxed),
            limit: self.adaptation.lock().limit(),
        };
        let shared = Arc::clone(&self.shared);
        tokio::spawn(async move {
            let deadline = tokio::time::Instant::now() + PATIENCE;
            let mut peers = Vec::with_capacity(asked.len());
            for (id, answer, media) in asked {
                if let Ok(Ok(stats)) = timeout_at(deadline, answer).await {
                    let stats = peer_stats(id, &stats, &media, sent);
                    *media.stats.lock() = Some(stats.clone());
                    peers.push(stats);
                }
            }
            peers.sort_by_key(|peer| peer.id);
            shared.emit(Event::Stats { stats: CallStats { peers } });
        });
    }
}

fn peer_stats(id: PeerId, stats: &ConnectionStats, media: &PeerMedia, sent: SentVideo) -> PeerStats {
    let (video, jitter) = (media.camera.video.stats(), media.audio.stats().jitter);
    PeerStats {
        id,
        path: stats.path,
        current_round_trip_time: stats.round_trip,
        sent: Traffic { bytes: stats.bytes_sent, packets: stats.sent.packets, lost: stats.sent.lost },
        received: Traffic {
            bytes: stats.bytes_received,
            packets: stats.received.packets,
            lost: stats.received.lost,
        },
        outbound_video: stats.video_codec.map(|codec| sent.in_codec(codec)),
        inbound_video: (video.frames > 0).then(|| InboundVideo {
            codec: video.codec.name().into(),
            frame_width: video.width_px,
            frame_height: video.height_px,
            frames_decoded: video.frames,
            freeze_count: video.freezes,
        }),
        inbound_audio: InboundAudio {
            codec: "opus".into(),
            jitter_buffer_ms: Some(f64::from(jitter.buffer_ms)),
            jitter_buffer_target_ms: Some(f64::from(jitter.target_ms)),
            total_samples_received: jitter.total_samples_received,
            concealed_samples: jitter.concealed_samples.saturating_sub(jitter.silent_concealed_samples),
        },
    }
}
