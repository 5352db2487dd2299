//! Anything that clients may say to the server, and what one may write for a room, a name or an invite. No panic;
//! whatever the server answers can be read; whatever is read and written again means the same.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use maru_protocol::{ClientMessage, DisplayName, Invite, RoomName, ServerMessage};
use maru_signaling::fuzzing;

const NAMES: [&str; 3] = ["standup", "회의실", "elsewhere"];

#[derive(Arbitrary, Debug)]
enum Words<'a> {
    Join { room: u8, name: &'a str },
    JoinAny { room: &'a str, resume: &'a str },
    Signal { to: &'a str, candidate: &'a str },
    Status { muted: bool },
    Leave,
    HangUp,
    Any(&'a str),
}

impl Words<'_> {
    fn said(&self) -> String {
        use serde_json::json;
        let client = json!({ "name": "fuzz", "version": "1" });
        let said = match self {
            Self::Join { room, name } => {
                let room = NAMES[usize::from(*room) % NAMES.len()];
                json!({ "type": "join", "room": room, "name": name, "client": client, "capabilities": {} })
            }
            Self::JoinAny { room, resume } => {
                json!({ "type": "join", "room": room, "name": "Ada", "resume": resume, "client": client, "capabilities": {} })
            }
            Self::Signal { to, candidate } => {
                json!({ "type": "signal", "to": to, "signal": { "kind": "candidate", "candidate": candidate } })
            }
            Self::Status { muted } => json!({ "type": "status", "muted": muted }),
            Self::Leave => json!({ "type": "leave" }),
            Self::HangUp => return String::new(),
            Self::Any(text) => return (*text).to_owned(),
        };
        said.to_string()
    }
}

fuzz_target!(|input: (Vec<(u8, u16, Words)>, &str)| {
    let (steps, text) = input;
    let said: Vec<_> = steps.iter().map(|(who, wait, words)| (*who, *wait, words.said())).collect();
    let said: Vec<_> = said.iter().map(|(who, wait, text)| (*who, *wait, text.as_str())).collect();
    fuzzing::clients(&said);

    if let Ok(message) = serde_json::from_str::<ClientMessage>(text) {
        let again = serde_json::to_string(&message).expect("JSON");
        assert_eq!(serde_json::from_str::<ClientMessage>(&again).expect("what we wrote"), message);
    }
    if let Ok(message) = serde_json::from_str::<ServerMessage>(text) {
        let again = serde_json::to_string(&message).expect("JSON");
        assert_eq!(serde_json::from_str::<ServerMessage>(&again).expect("what we wrote"), message);
    }
    if let Ok(room) = RoomName::parse(text) {
        assert_eq!(RoomName::parse(room.as_str()).expect("what we wrote").key(), room.key());
    }
    if let Ok(name) = DisplayName::parse(text) {
        assert_eq!(DisplayName::parse(name.as_str()).expect("what we wrote"), name);
    }
    if let Ok(invite) = Invite::parse(text) {
        for written in [Some(invite.to_string()), invite.app_link()].into_iter().flatten() {
            assert_eq!(Invite::parse(&written).expect("what we wrote"), invite, "{written}");
        }
    }
});
