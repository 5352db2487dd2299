use serde::{Deserialize, Deserializer, Serialize};
use ts_rs::TS;

use crate::{DisplayName, GuestLink, IceServer, Limits, PeerId, ResumeToken, RoomName};

/// From a client to the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
#[ts(export_to = "protocol.d.ts")]
pub enum ClientMessage {
    /// Enter a room. The first message of a connection; answered by `joined` or by a fatal `error`.
    Join {
        /// The room.
        room: RoomName,
        /// The participant's name.
        name: DisplayName,
        /// Access token of a private server.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        token: Option<String>,
        /// Which program this is.
        client: ClientInfo,
        /// What it can send and receive.
        capabilities: Capabilities,
        /// The status to start with, so that the others never see a wrong one.
        #[serde(default)]
        status: Status,
        /// From an earlier `joined`: come back with the old [`PeerId`], to the old place if the
        /// server still keeps it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        resume: Option<ResumeToken>,
    },
    /// Relay to one member of the same room.
    Signal {
        /// The member.
        to: PeerId,
        /// What to relay.
        signal: Signal,
    },
    /// The own status changed.
    Status(Status),
    /// Leave the room in an orderly way.
    Leave,
    /// A type this version does not know; ignored.
    #[serde(other)]
    #[ts(skip)]
    Unknown,
}

/// From the server to a client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
#[ts(export_to = "protocol.d.ts")]
pub enum ServerMessage {
    /// The room was entered.
    Joined {
        /// The own id.
        you: PeerId,
        /// Give this in `join.resume` to take the place back after a broken connection.
        resume: ResumeToken,
        /// Whether the server had kept the place: the others noticed nothing.
        resumed: bool,
        /// The room's name as the server normalised it.
        room: RoomName,
        /// Who is there already. They make the offers.
        peers: Vec<PeerInfo>,
        /// STUN and TURN servers to use.
        ice_servers: Vec<IceServer>,
        /// What this server allows.
        limits: Limits,
        /// Links that bring a browser into this room, the best one first.
        #[serde(default)]
        links: Vec<GuestLink>,
    },
    /// Somebody entered. Whoever gets this message makes the offer.
    PeerJoined {
        /// The newcomer.
        peer: PeerInfo,
    },
    /// Somebody is gone.
    PeerLeft {
        /// Who.
        peer: PeerId,
        /// Why.
        reason: LeftReason,
    },
    /// A member's connection to the server broke; its place is kept for
    /// [`RESUME_SECONDS`](crate::RESUME_SECONDS). Media may well go on: only together with a dead
    /// peer connection does this mean that the member is gone.
    PeerAway {
        /// Who.
        peer: PeerId,
    },
    /// A member that was away took its place back.
    PeerBack {
        /// Who.
        peer: PeerId,
    },
    /// Relayed from a member of the same room.
    Signal {
        /// The sender, as the server knows it (never as the sender claims).
        from: PeerId,
        /// What was relayed.
        signal: Signal,
    },
    /// A member's status changed.
    Status {
        /// The member.
        from: PeerId,
        /// The new status.
        status: Status,
    },
    /// STUN and TURN servers to use from now on in place of those in `joined`: the credentials of those
    /// expire soon. What is connected stays so; new connections and ICE restarts use these.
    IceServers {
        /// All servers to use.
        ice_servers: Vec<IceServer>,
    },
    /// Something was refused.
    Error {
        /// For programs.
        code: ErrorCode,
        /// For people: a sentence that says what to do.
        message: String,
        /// Whether the server closes the connection after this.
        fatal: bool,
    },
    /// The server is about to close the connection.
    Closing {
        /// Why.
        reason: ClosingReason,
        /// Seconds to wait before connecting again; `None` when there is no point in it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        retry_after: Option<u32>,
    },
    /// A type this version does not know; ignored.
    #[serde(other)]
    #[ts(skip)]
    Unknown,
}

/// What one peer tells another through the server; SDP and candidates as in WebRTC.
#[derive(Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[ts(export_to = "protocol.d.ts")]
pub enum Signal {
    /// An offer or an answer.
    Description {
        /// Which of the two.
        #[serde(rename = "type")]
        sdp_type: SdpType,
        /// The session description.
        sdp: String,
        /// An offer's number among those of one participant to another; its answer repeats it, so that one to
        /// an earlier offer is not taken for one to the newest.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        offer: Option<u32>,
    },
    /// An ICE candidate.
    Candidate {
        /// The candidate's line.
        candidate: String,
        /// The media section it belongs to, by name.
        #[serde(default)]
        sdp_mid: Option<String>,
        /// The media section it belongs to, by position.
        #[serde(default)]
        sdp_m_line_index: Option<u16>,
    },
    /// No more candidates for now.
    EndOfCandidates,
    /// The connection is dead for the sender: please offer anew, with an ICE restart.
    Restart,
    /// A kind this version does not know; ignored.
    #[serde(other)]
    #[ts(skip)]
    Unknown,
}

// SDP and candidates hold addresses: they must not reach a log through `{:?}`.
impl std::fmt::Debug for Signal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Signal::Description { sdp_type: SdpType::Offer, .. } => "offer",
            Signal::Description { sdp_type: SdpType::Answer, .. } => "answer",
            Signal::Candidate { .. } => "candidate",
            Signal::EndOfCandidates => "end_of_candidates",
            Signal::Restart => "restart",
            Signal::Unknown => "unknown",
        })
    }
}

/// Which kind of session description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export_to = "protocol.d.ts")]
pub enum SdpType {
    /// An offer.
    Offer,
    /// An answer.
    Answer,
}

/// What the others show beside a participant's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(export_to = "protocol.d.ts")]
pub struct Status {
    /// The microphone is muted.
    pub muted: bool,
    /// The camera is off.
    pub camera_off: bool,
    /// A screen or window is shared.
    pub sharing: bool,
}

/// Which program a client is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "protocol.d.ts")]
pub struct ClientInfo {
    /// The program's name, such as `maru` or `maru-cli`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// What a client can send and receive. Unknown codecs are dropped on reading.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(export_to = "protocol.d.ts")]
pub struct Capabilities {
    /// Video codecs, the preferred one first.
    #[serde(deserialize_with = "known_codecs")]
    pub video_codecs: Vec<VideoCodec>,
    /// Chat over a data channel.
    pub chat: bool,
    /// Files over a data channel.
    pub files: bool,
    /// Takes a second video section, for a shared screen. It is there where both sides say so.
    pub screen: bool,
}

/// Reads a list of codecs and drops what this version does not know, whatever its shape: a newer
/// client's list must not make the whole message unreadable.
fn known_codecs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<VideoCodec>, D::Error> {
    let listed = Vec::<serde_json::Value>::deserialize(deserializer)?;
    let known = listed.into_iter().filter_map(|codec| serde_json::from_value(codec).ok());
    Ok(known.filter(|codec| *codec != VideoCodec::Unknown).collect())
}

/// A video codec that Maru knows by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
#[ts(export_to = "protocol.d.ts")]
pub enum VideoCodec {
    /// H.264, constrained baseline.
    H264,
    /// VP8.
    Vp8,
    /// A codec this version does not know.
    #[serde(other)]
    #[ts(skip)]
    Unknown,
}

/// A member of a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "protocol.d.ts")]
pub struct PeerInfo {
    /// Its id.
    pub id: PeerId,
    /// Its name.
    pub name: DisplayName,
    /// Its program.
    pub client: ClientInfo,
    /// What it can send and receive.
    pub capabilities: Capabilities,
    /// What to show beside its name.
    #[serde(default)]
    pub status: Status,
}

/// Why a member is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export_to = "protocol.d.ts")]
pub enum LeftReason {
    /// It said `leave`.
    Left,
    /// Its connection broke and it did not come back in time.
    Lost,
    /// The server removed it.
    Removed,
    /// A reason this version does not know.
    #[serde(other)]
    #[ts(skip)]
    Unknown,
}

/// What was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export_to = "protocol.d.ts")]
pub enum ErrorCode {
    /// The message is not JSON, or not of the protocol's shape.
    Malformed,
    /// The message is larger than `limits.message_bytes`.
    MessageTooLarge,
    /// More than `limits.messages_per_second`.
    TooManyMessages,
    /// More than `limits.connections_per_address`.
    TooManyConnections,
    /// Too many joins, or too many rooms that nobody was in, from one address in a short time.
    TooManyJoins,
    /// The server has as many connections or rooms as it takes.
    Overloaded,
    /// The client speaks no version that the server speaks.
    UnsupportedVersion,
    /// The room's name is not one.
    BadRoomName,
    /// The participant's name is not one.
    BadDisplayName,
    /// The room holds `limits.peers_per_room` already.
    RoomFull,
    /// The first message must be `join`.
    NotJoined,
    /// This connection joined already.
    AlreadyJoined,
    /// The addressed peer is not in this room.
    NoSuchPeer,
    /// The server wants another access token.
    Unauthorized,
    /// No `join` within the time allowed.
    JoinTimeout,
    /// A fault of the server's.
    Internal,
    /// A code this version does not know.
    #[serde(other)]
    #[ts(skip)]
    Unknown,
}

/// Why the server closes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export_to = "protocol.d.ts")]
pub enum ClosingReason {
    /// The server stops or restarts.
    Shutdown,
    /// The same participant connected again and took this place.
    Replaced,
    /// The client read too slowly.
    TooSlow,
    /// Too much is asked of the server, by this address or in all: later.
    Busy,
    /// A reason this version does not know.
    #[serde(other)]
    #[ts(skip)]
    Unknown,
}
