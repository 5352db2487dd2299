//! The call: room and peers, signaling client, send and receive paths.
//!
//! This crate refuses to know real devices, windows and terminals: sources and sinks come in
//! through [`maru_media::Devices`], orders through [`Command`], and what happens goes out as
//! [`Event`].

mod actor;
mod api;
mod call;
mod check;
mod devices;
mod engine;
mod files;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod network;
mod notice;
mod peer;
mod pinned;
mod receive;
mod report;
mod send;
mod signaling;
mod stats;
mod tunnel;

pub use api::{
    AddressPolicy, CHAT_MAX_BYTES, CHAT_RATE_MESSAGES, CHAT_RATE_SECONDS, CallState, CallView, ChatMessage,
    Command, Event, FileDirection, FileId, FileState, FileView, Levels, MeView, PeerLevel, PeerState,
    PeerView, PickedFile, ShareView, VideoKind,
};
pub use check::{NetworkCheck, NetworkFinding};
pub use engine::{Choice, Engine, EngineConfig};
pub use files::FILE_MAX_BYTES;
pub use notice::{NameField, Notice, NoticeCode, Problem, Sentence};
pub use receive::video::{EncodedSink, VideoOutput};
pub use report::{
    AudioReport, CallReport, EncodeReport, InboundAudioReport, LatencyReport, MeReport, PairReport,
    PeerReport, ScreenReport, SentAudioReport, SentReport, SentVideoReport, VideoReport,
};
pub use signaling::{FixedServer, ServerAddress, ServerLocator, SignalingError};
pub use stats::{
    CallStats, InboundAudio, InboundVideo, OutboundVideo, PathKind, PathStats, PeerStats, QualityLimitation,
    RelayProtocol, Traffic,
};
