//! The signaling protocol: what client and server say to each other, as JSON text messages over a
//! WebSocket with the subprotocol [`SUBPROTOCOL`].
//!
//! This crate holds types and their rules only. It refuses to know sockets, rooms in memory, SDP
//! syntax or time: descriptions and candidates are opaque strings that the server relays unread.
//!
//! Compatibility: unknown fields are ignored, unknown message types become `Unknown` and are
//! ignored by both ends. An incompatible change gets a new subprotocol name.

mod ice;
pub mod invite;
mod limits;
mod link;
mod message;
mod name;

pub use ice::IceServer;
pub use invite::{Invite, InviteError};
pub use limits::Limits;
pub use link::{GuestLink, LinkScope};
pub use message::{
    Capabilities, ClientInfo, ClientMessage, ClosingReason, ErrorCode, LeftReason, PeerInfo, SdpType,
    ServerMessage, Signal, Status, VideoCodec,
};
pub use name::{DisplayName, NameError, PeerId, ResumeToken, RoomName};

/// The WebSocket subprotocol that both ends must agree on.
pub const SUBPROTOCOL: &str = "maru.v1";

/// The WebSocket subprotocol for who reaches the server's relay no other way: each binary message is one STUN
/// message or one message of channel data (RFC 8656), without padding.
pub const TUNNEL_SUBPROTOCOL: &str = "maru.turn.v1";

/// The TCP port a Maru server listens on unless told otherwise (`MARU` on a telephone's keys).
pub const DEFAULT_PORT: u16 = 6278;

/// The path of the WebSocket endpoint on a Maru server.
pub const WEBSOCKET_PATH: &str = "/ws";

/// How long the server keeps a participant's place after its connection broke, in seconds.
pub const RESUME_SECONDS: u64 = 30;
