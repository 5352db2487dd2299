//! What can be measured of a call while it runs, once a second: counters and states as W3C's webrtc-stats
//! names them, wherever it has a name. What they mean for a person is the page's business.

use maru_protocol::PeerId;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The connections to all peers, at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export_to = "engine.d.ts")]
pub struct CallStats {
    /// One of each connection that answered in time.
    pub peers: Vec<PeerStats>,
}

/// One connection. Counters begin with it, and may begin again when it is made anew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export_to = "engine.d.ts")]
pub struct PeerStats {
    /// With whom.
    pub id: PeerId,
    /// The path in use.
    pub path: Option<PathStats>,
    /// From a request on the path in use to its answer, in seconds.
    pub current_round_trip_time: Option<f64>,
    /// What goes to the peer, losses as it reports them.
    pub sent: Traffic,
    /// What comes from the peer, losses as they are reported to it.
    pub received: Traffic,
    /// Pictures that go there; `None` where there is no common codec.
    pub outbound_video: Option<OutboundVideo>,
    /// Pictures that come from there; `None` before the first one.
    pub inbound_video: Option<InboundVideo>,
    /// Sound that comes from there.
    pub inbound_audio: InboundAudio,
}

/// A path: never an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export_to = "engine.d.ts")]
pub struct PathStats {
    /// Where it leads along.
    pub kind: PathKind,
    /// How this machine reaches the relay; `None` on other paths, and where only the peer uses one.
    pub relay_protocol: Option<RelayProtocol>,
    /// 4 or 6, the version of the Internet Protocol; `None` where this machine sees the relay's alone.
    pub ip_version: Option<u8>,
}

/// Where a path leads along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export_to = "engine.d.ts")]
pub enum PathKind {
    /// This machine or this network only.
    Network,
    /// From machine to machine over the internet.
    Internet,
    /// Through a relay of either side.
    Relay,
}

/// How a relay is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export_to = "engine.d.ts")]
pub enum RelayProtocol {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
    /// A stream within TLS.
    Tls,
    /// A WebSocket on the signaling server's port.
    Websocket,
}

/// What went one way so far, sound and pictures together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "engine.d.ts")]
pub struct Traffic {
    /// Bytes of media.
    #[ts(type = "number")]
    pub bytes: u64,
    /// Packets that reports were made about.
    #[ts(type = "number")]
    pub packets: u64,
    /// How many of those were lost.
    #[ts(type = "number")]
    pub lost: u64,
}

/// Pictures that go to a peer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export_to = "engine.d.ts")]
pub struct OutboundVideo {
    /// The codec.
    pub codec: String,
    /// In pixels.
    pub frame_width: u32,
    /// In pixels.
    pub frame_height: u32,
    /// Pictures encoded so far.
    #[ts(type = "number")]
    pub frames_encoded: u64,
    /// Which library or device encodes; empty where nobody says.
    pub encoder_implementation: String,
    /// Whether hardware encodes; `None` where nobody says.
    pub power_efficient_encoder: Option<bool>,
    /// Why they are smaller, or fewer, than they could be.
    pub quality_limitation_reason: QualityLimitation,
}

/// Why pictures are smaller, or fewer, than they could be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export_to = "engine.d.ts")]
pub enum QualityLimitation {
    /// They are not.
    None,
    /// The processor is too slow.
    Cpu,
    /// The path is too narrow.
    Bandwidth,
    /// Something else.
    Other,
}

/// Pictures that come from a peer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export_to = "engine.d.ts")]
pub struct InboundVideo {
    /// The codec.
    pub codec: String,
    /// In pixels; 0 before the first picture.
    pub frame_width: u32,
    /// In pixels.
    pub frame_height: u32,
    /// Pictures shown so far.
    #[ts(type = "number")]
    pub frames_decoded: u64,
    /// Freezes so far.
    #[ts(type = "number")]
    pub freeze_count: u64,
}

/// Sound that comes from a peer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export_to = "engine.d.ts")]
pub struct InboundAudio {
    /// The codec.
    pub codec: String,
    /// Sound waiting in the jitter buffer now, in milliseconds.
    pub jitter_buffer_ms: Option<f64>,
    /// How long packets should be held back now, in milliseconds.
    pub jitter_buffer_target_ms: Option<f64>,
    /// Samples played so far, made up ones included.
    #[ts(type = "number")]
    pub total_samples_received: u64,
    /// Samples made up for lost or late ones; silence is not counted.
    #[ts(type = "number")]
    pub concealed_samples: u64,
}
