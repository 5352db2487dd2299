//! What nodes send each other: JSON with a version, of bounded size, believed as little as possible.

use std::collections::HashMap;

use maru_protocol::{LeftReason, PeerId, Signal};
use serde::{Deserialize, Serialize};

use super::{NodeId, RoomId};

/// The version of the messages and of what is in the store.
const VERSION: u32 = 1;

/// How often a signal is passed on to a node to which its receiver went.
pub(crate) const MAX_HOPS: u8 = 2;

/// Members who left are named in a hint, up to this many.
const MOST_LEFT: usize = 4096;

/// A signal on its way to a member elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Envelope {
    pub(crate) node: NodeId,
    pub(crate) room: RoomId,
    pub(crate) from: PeerId,
    pub(crate) to: PeerId,
    pub(crate) signal: Signal,
    pub(crate) hops: u8,
}

/// Something changed in a room.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct News {
    pub(crate) room: RoomId,
    /// Why those who are not there any more left, if they said so.
    pub(crate) left: HashMap<PeerId, LeftReason>,
}

/// What comes from other nodes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum NodeMessage {
    News(News),
    Signal(Envelope),
}

/// As it goes over the wire.
#[derive(Serialize, Deserialize)]
struct Wire {
    v: u32,
    room: String,
    #[serde(default, skip_serializing_if = "HashMap::is_empty")]
    left: HashMap<PeerId, LeftReason>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signal: Option<WireSignal>,
}

#[derive(Serialize, Deserialize)]
struct WireSignal {
    from: PeerId,
    to: PeerId,
    #[serde(default)]
    hops: u8,
    body: Signal,
}

impl Envelope {
    /// The message for the node.
    pub(crate) fn to_wire(&self) -> String {
        let signal = WireSignal { from: self.from, to: self.to, hops: self.hops, body: self.signal.clone() };
        let wire =
            Wire { v: VERSION, room: self.room.to_string(), left: HashMap::new(), signal: Some(signal) };
        // Strings, numbers and lists only: there is nothing in it that JSON cannot say.
        serde_json::to_string(&wire).unwrap_or_default()
    }
}

/// Reads a message for `node`; `None` for anything that is not one, or is larger than `most` bytes.
pub(crate) fn parse(node: NodeId, payload: &[u8], most: usize) -> Option<NodeMessage> {
    if payload.len() > most {
        return None;
    }
    let wire: Wire = serde_json::from_slice(payload).ok()?;
    if wire.v != VERSION || wire.left.len() > MOST_LEFT {
        return None;
    }
    let room = RoomId::parse(&wire.room)?;
    Some(match wire.signal {
        None => NodeMessage::News(News { room, left: wire.left }),
        Some(WireSignal { body: Signal::Unknown, .. }) => return None,
        Some(WireSignal { from, to, hops, body }) => {
            NodeMessage::Signal(Envelope { node, room, from, to, signal: body, hops })
        }
    })
}

#[cfg(test)]
mod tests {
    use maru_protocol::ResumeToken;

    use super::*;

    fn envelope() -> Envelope {
        Envelope {
            node: NodeId(7),
            room: RoomId::of("standup"),
            from: ResumeToken::random().peer_id(),
            to: ResumeToken::random().peer_id(),
            signal: Signal::Candidate { candidate: "c".into(), sdp_mid: None, sdp_m_line_index: Some(1) },
            hops: 1,
        }
    }

    #[test]
    fn a_signal_arrives_as_it_was_sent() {
        let sent = envelope();
        let read = parse(sent.node, sent.to_wire().as_bytes(), 1024);
        assert_eq!(read, Some(NodeMessage::Signal(sent)));
    }

    #[test]
    fn a_hint_of_the_script_is_read_with_the_reasons_for_leaving() {
        let (room, gone) = (RoomId::of("standup"), ResumeToken::random().peer_id());
        let text = format!(r#"{{"v":1,"room":"{room}","left":{{"{gone}":"left"}}}}"#);
        let left = HashMap::from([(gone, LeftReason::Left)]);
        assert_eq!(parse(NodeId(1), text.as_bytes(), 1024), Some(NodeMessage::News(News { room, left })));
    }

    #[test]
    fn what_is_garbled_of_another_version_or_too_large_is_no_message() {
        let room = RoomId::of("standup");
        let good = format!(r#"{{"v":1,"room":"{room}","left":{{}}}}"#);
        assert!(parse(NodeId(1), good.as_bytes(), 1024).is_some());
        assert_eq!(parse(NodeId(1), good.as_bytes(), 10), None);
        for bad in [
            "",
            "nonsense",
            "{}",
            "[1]",
            &good.replace(":1,", ":2,"),
            &good.replace(&room.to_string(), "é"),
            &good.replace(&room.to_string(), &"ß".repeat(32)),
            &good.replace("{}", r#"{"nobody":"left"}"#),
            &good.replace(r#""left":{}"#, r#""signal":{"from":"x"}"#),
        ] {
            assert_eq!(parse(NodeId(1), bad.as_bytes(), 1024), None, "{bad}");
        }
        assert_eq!(parse(NodeId(1), &[0xff, 0xfe], 1024), None);
    }
}
