//! A connection's path and figures, as the webrtc crate has them.

use std::net::IpAddr;
use std::time::Instant;

use maru_media::VideoCodec;
use rtc::peer_connection::transport::RTCIceCandidatePair;
use rtc::statistics::StatsSelector;
use rtc::statistics::report::RTCStatsReportEntry;

use super::Actor;
use crate::peer::losses::Reported;
use crate::peer::path;
use crate::stats::PathStats;

/// The path in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CandidatePair {
    pub local: String,
    pub remote: String,
    pub protocol: String,
}

/// A connection's figures at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectionStats {
    pub path: Option<PathStats>,
    /// In seconds.
    pub round_trip: Option<f64>,
    pub bytes_sent: u64,
    pub bytes_received: u64,
    /// Losses by the peer's reports, and by ours.
    pub sent: Reported,
    pub received: Reported,
    /// What pictures go out in.
    pub video_codec: Option<VideoCodec>,
}

impl Actor<'_> {
    /// This machine's address that the path begins at.
    pub(super) async fn path_begins_at(&self) -> Option<IpAddr> {
        let pair = self.selected_pair().await?;
        let local = pair.local();
        // Reflexive and relayed candidates are based on an address of this machine (RFC 8445, section 5.1.1).
        let base = if local.related_address.is_empty() { &local.address } else { &local.related_address };
        base.parse().ok()
    }

    async fn selected_pair(&self) -> Option<RTCIceCandidatePair> {
        let ice = self.pc.sctp().await?.transport().ice_transport();
        ice.get_selected_candidate_pair().await.ok()?
    }

    pub(super) async fn stats(&self) -> ConnectionStats {
        let report = self.pc.get_stats(Instant::now(), StatsSelector::None).await;
        let pair = self.selected_pair().await;
        let round_trip = pair.as_ref().and_then(|pair| {
            let id = format!("RTCIceCandidatePair_{}_{}", pair.local().id, pair.remote().id);
            match report.get(&id)? {
                RTCStatsReportEntry::IceCandidatePair(pair) => Some(pair.current_round_trip_time),
                _ => None,
            }
        });
        let way = self.config.network.tunnels.way();
        let bytes_sent = report.outbound_rtp_streams().map(|stream| stream.sent_rtp_stream_stats.bytes_sent);
        ConnectionStats {
            path: pair.map(|pair| path::describe(pair.local(), pair.remote(), way)),
            round_trip: round_trip.filter(|seconds| *seconds > 0.0), // 0 before the first answer
            bytes_sent: bytes_sent.sum(),
            bytes_received: report.inbound_rtp_streams().map(|stream| stream.bytes_received).sum(),
            sent: self.taps.losses.sent(),
            received: self.taps.losses.received(),
            video_codec: self.formats.lock().first().map(|format| format.codec),
        }
    }

    pub(super) async fn candidate_pair(&self) -> Option<CandidatePair> {
        let pair = self.selected_pair().await?;
        Some(CandidatePair {
            local: pair.local().typ.to_string(),
            remote: pair.remote().typ.to_string(),
            protocol: pair.local().protocol.to_string().to_lowercase(),
        })
    }
}
