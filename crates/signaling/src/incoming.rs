//! Reads a client's text message, with an answer for each way in which it can be wrong.

use maru_protocol::{
    Capabilities, ClientInfo, ClientMessage, DisplayName, ResumeToken, RoomName, Signal, Status,
};
use serde_json::Value;

use crate::refusal::Refusal;

/// Characters of a program's name or version that are passed on to others.
const CLIENT_INFO_CHARS: usize = 64;

/// Codecs of a client that are passed on to others.
const CODECS: usize = 16;

/// A `join`, checked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct JoinRequest {
    pub(crate) room: RoomName,
    pub(crate) name: DisplayName,
    pub(crate) token: Option<String>,
    pub(crate) client: ClientInfo,
    pub(crate) capabilities: Capabilities,
    pub(crate) status: Status,
    pub(crate) resume: Option<ResumeToken>,
}

/// What a client says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Incoming {
    Join(Box<JoinRequest>),
    Signal {
        to: maru_protocol::PeerId,
        signal: Signal,
    },
    Status(Status),
    Leave,
    /// Of a later version: ignored.
    Unknown,
}

/// Reads one message.
///
/// # Errors
/// [`Refusal`]: `malformed`, `bad_room_name` or `bad_display_name`. A `join` that cannot be read is
/// fatal: there is nothing else that its sender waits for.
pub(crate) fn parse(text: &str) -> Result<Incoming, Refusal> {
    let value: Value = serde_json::from_str(text).map_err(Refusal::malformed)?;
    let Some(kind) = value.get("type").and_then(Value::as_str) else {
        return Err(Refusal::malformed("it is not an object with a type"));
    };
    let joins = kind == "join";
    if joins {
        check_names(&value)?;
    }
    let message = serde_json::from_value(value).map_err(|error| {
        let refusal = Refusal::malformed(error);
        if joins { refusal.fatal() } else { refusal }
    })?;
    Ok(match message {
        ClientMessage::Join { room, name, token, client, capabilities, status, resume } => {
            let (client, capabilities) = (shortened(client), bounded(capabilities));
            Incoming::Join(Box::new(JoinRequest { room, name, token, client, capabilities, status, resume }))
        }
        ClientMessage::Signal { signal: Signal::Unknown, .. } | ClientMessage::Unknown => Incoming::Unknown,
        ClientMessage::Signal { to, signal } => Incoming::Signal { to, signal },
        ClientMessage::Status(status) => Incoming::Status(status),
        ClientMessage::Leave => Incoming::Leave,
    })
}

/// Looks at the names before anything else: an error of the parser would carry their fault as text
/// only, and a person who typed a bad name deserves the sentence about that name.
fn check_names(join: &Value) -> Result<(), Refusal> {
    if let Some(room) = join.get("room").and_then(Value::as_str) {
        RoomName::parse(room).map_err(Refusal::bad_room_name)?;
    }
    if let Some(name) = join.get("name").and_then(Value::as_str) {
        DisplayName::parse(name).map_err(Refusal::bad_display_name)?;
    }
    Ok(())
}

/// Everybody in the room gets these strings: nobody may make them long.
fn shortened(client: ClientInfo) -> ClientInfo {
    let short = |text: String| text.chars().take(CLIENT_INFO_CHARS).collect();
    ClientInfo { name: short(client.name), version: short(client.version) }
}

fn bounded(mut capabilities: Capabilities) -> Capabilities {
    capabilities.video_codecs.truncate(CODECS);
    capabilities
}

#[cfg(test)]
mod tests {
    use maru_protocol::ErrorCode;
    use serde_json::json;

    use super::*;

    fn join() -> Value {
        json!({
            "type": "join", "room": "standup", "name": "Ada", "client": { "name": "test", "version": "1" },
            "capabilities": { "video_codecs": ["h264"], "chat": true },
        })
    }

    fn refusal(value: &Value) -> Refusal {
        parse(&value.to_string()).unwrap_err()
    }

    #[test]
    fn a_bad_name_is_answered_with_the_sentence_about_that_name() {
        for (field, text, code, sentence) in [
            ("room", "  ", ErrorCode::BadRoomName, "The room name is empty."),
            ("room", "a\u{7}b", ErrorCode::BadRoomName, "The room name contains a control character."),
            ("name", "", ErrorCode::BadDisplayName, "The display name is empty."),
        ] {
            let mut join = join();
            join[field] = json!(text);
            let refusal = refusal(&join);
            assert_eq!((refusal.code, refusal.fatal), (code, true));
            assert!(refusal.message.starts_with(sentence), "{}", refusal.message);
        }
        let mut join = join();
        join["room"] = json!("회".repeat(65));
        assert!(refusal(&join).message.contains("65"));
    }

    #[test]
    fn a_join_of_the_wrong_shape_is_fatal_and_other_garbage_is_not() {
        let mut join = join();
        join["room"] = json!(7);
        let fatal = refusal(&join);
        assert_eq!((fatal.code, fatal.fatal), (ErrorCode::Malformed, true));

        for garbage in ["", "{", "hello", "[]", "null", "7", "{}", r#"{"type":7}"#, r#"{"type":"signal"}"#] {
            let refusal = parse(garbage).unwrap_err();
            assert_eq!((refusal.code, refusal.fatal), (ErrorCode::Malformed, false), "{garbage}");
        }
    }

    #[test]
    fn what_a_later_version_says_is_ignored() {
        assert_eq!(parse(r#"{"type":"reaction","emoji":"👏"}"#), Ok(Incoming::Unknown));
        let to = ResumeToken::random().peer_id();
        let signal = json!({ "type": "signal", "to": to, "signal": { "kind": "hologram" } });
        assert_eq!(parse(&signal.to_string()), Ok(Incoming::Unknown));
    }

    #[test]
    fn long_strings_about_the_program_are_cut_before_others_get_them() {
        let mut join = join();
        join["client"]["name"] = json!("x".repeat(10_000));
        join["capabilities"]["video_codecs"] = json!(vec!["vp8"; 1000]);
        let Ok(Incoming::Join(join)) = parse(&join.to_string()) else { panic!("not a join") };
        assert_eq!(join.client.name.len(), CLIENT_INFO_CHARS);
        assert_eq!(join.capabilities.video_codecs.len(), CODECS);
    }
}
