//! What a peer says, without a peer, for fuzzing.

use std::net::IpAddr;

use maru_media::VideoCodec;

use super::chat::ChatWire;
use super::{codec, mdns, setup, told};
use crate::api::{AddressPolicy, CHAT_MAX_BYTES};

/// A description.
pub fn description(sdp: &str) {
    let formats = codec::video_sections(sdp, &[VideoCodec::H264, VideoCodec::Vp8]).concat();
    assert!(formats.len() <= sdp.lines().count());
    let _ = (setup::voice_types(sdp), setup::understands_redundancy(sdp));
    let bare = told::without_candidates(sdp);
    assert!(bare.len() <= sdp.len() && told::without_candidates(&bare) == bare);
}

/// A candidate's line.
pub fn candidate(line: &str) {
    if let Some(name) = mdns::name(line) {
        assert!(name.ends_with(".local") && line.contains(name));
    }
    let hidden: fn(IpAddr) -> Option<String> = |_| None;
    for policy in [AddressPolicy::All, AddressPolicy::HidePrivate, AddressPolicy::RelayOnly] {
        let _ = told::told(line, policy, hidden);
    }
}

/// A message on the chat's channel.
pub fn chat(data: &[u8]) {
    if let Some(text) = ChatWire::parse(data) {
        assert!(!text.is_empty() && text.len() <= CHAT_MAX_BYTES);
        assert!(!text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')));
    }
}
