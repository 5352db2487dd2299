//! The call: room and peers, signaling client, send and receive paths.
//!
//! This crate refuses to know real devices, windows and terminals: sources and sinks come in
//! through [`maru_media::Devices`], orders through [`Command`], and what happens goes out as
//! [`Event`].

mod api;

pub use api::{
    CHAT_MAX_BYTES, CHAT_RATE_MESSAGES, CHAT_RATE_SECONDS, CallState, CallView, ChatMessage, Command, Event,
    Levels, MeView, Notice, NoticeCode, PeerLevel, PeerState, PeerView,
};
