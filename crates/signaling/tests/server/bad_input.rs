//! Whatever a client sends, it gets a clear answer, and the others go on undisturbed.

use std::time::Duration;

use maru_protocol::ErrorCode;
use maru_signaling::Config;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Client, Server, join};

#[tokio::test]
async fn garbage_is_answered_twice_and_the_third_time_is_the_last() {
    let server = Server::start().await;
    let (mut ada, a) = server.join("standup", "Ada").await;
    let (mut ben, b) = server.join("standup", "Ben").await;
    ada.peer_joined().await;

    ada.send_raw(Message::text("not json at all")).await.unwrap();
    let (code, message) = ada.refused().await;
    assert_eq!(code, ErrorCode::Malformed);
    assert!(message.contains("Update Maru"), "{message}");
    ada.send_raw(Message::binary(vec![0xff, 0x00, 0x7f])).await.unwrap();
    assert_eq!(ada.refused().await.0, ErrorCode::Malformed);
    ada.signal(b.you, "still working").await;
    assert_eq!(ben.candidate().await, (a.you, "still working".to_owned()));

    ada.send(json!({ "type": "signal", "to": 7 })).await;
    assert_eq!(ada.turned_away().await.0, ErrorCode::Malformed);
    let removed = json!({ "type": "peer_left", "peer": a.you, "reason": "removed" });
    assert_eq!(serde_json::to_value(ben.message().await).unwrap(), removed);
    ben.hears_nothing().await;
}

#[tokio::test]
async fn text_that_is_not_utf8_is_answered_too() {
    use tokio_tungstenite::tungstenite::protocol::frame::Frame;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

    let server = Server::start().await;
    let (mut ada, _) = server.join("standup", "Ada").await;
    let frame = Frame::message(vec![0xc3, 0x28], OpCode::Data(Data::Text), true);
    ada.send_raw(Message::Frame(frame)).await.unwrap();
    let (code, message) = ada.turned_away().await;
    assert_eq!(code, ErrorCode::Malformed);
    assert!(message.contains("UTF-8"), "{message}");
}

#[tokio::test]
async fn bad_names_are_answered_with_a_sentence_about_the_name() {
    let server = Server::start().await;
    let long = "회".repeat(65);
    for (room, name, code, sentence) in [
        ("", "Ada", ErrorCode::BadRoomName, "The room name is empty. Type at least one character."),
        (&long, "Ada", ErrorCode::BadRoomName, "The room name has 65 characters. 64 is the most."),
        (
            "a\u{0}b",
            "Ada",
            ErrorCode::BadRoomName,
            "The room name contains a control character. Use letters, digits, spaces and punctuation.",
        ),
        (
            "standup",
            " ",
            ErrorCode::BadDisplayName,
            "The display name is empty. Type at least one character.",
        ),
    ] {
        let mut client = server.connect().await;
        client.send(join(room, name)).await;
        assert_eq!(client.turned_away().await, (code, sentence.to_owned()));
    }
    assert_eq!(server.counts().await, (0, 0));
}

#[tokio::test]
async fn joining_twice_is_refused_and_the_first_room_stays() {
    let server = Server::start().await;
    let (mut ada, _) = server.join("standup", "Ada").await;
    let (mut ben, b) = server.join("standup", "Ben").await;
    ada.peer_joined().await;
    ada.send(join("elsewhere", "Ada")).await;
    assert_eq!(ada.refused().await.0, ErrorCode::AlreadyJoined);
    ada.signal(b.you, "x").await;
    assert_eq!(ben.candidate().await.1, "x");
    assert_eq!(server.counts().await, (1, 2));
}

#[tokio::test]
async fn anything_before_joining_is_refused() {
    let server = Server::start().await;
    let mut client = server.connect().await;
    client.send(json!({ "type": "status", "muted": true })).await;
    assert_eq!(client.turned_away().await.0, ErrorCode::NotJoined);
}

#[tokio::test]
async fn who_never_joins_is_sent_away() {
    let config = Config { join_timeout: Duration::from_millis(50), ..Config::default() };
    let server = Server::with(config).await;
    let mut client = server.connect().await;
    assert_eq!(client.turned_away().await.0, ErrorCode::JoinTimeout);
}

#[tokio::test]
async fn a_client_of_another_protocol_version_hears_which_one_the_server_speaks() {
    let server = Server::start().await;
    for offered in [None, Some("maru.v0"), Some("maru.v2, maru.v3")] {
        let mut client = Client::offering(&server.url(), offered).await;
        let (code, message) = client.turned_away().await;
        assert_eq!(code, ErrorCode::UnsupportedVersion);
        assert!(message.contains("maru.v1") && message.contains("Update Maru"), "{message}");
    }
    let mut both = Client::offering(&server.url(), Some("maru.v2, maru.v1")).await;
    both.send(join("standup", "Ada")).await;
    both.joined().await;
}

#[tokio::test]
async fn a_private_server_lets_in_only_who_has_its_token() {
    let server = Server::with(Config { token: Some("sesame".into()), ..Config::default() }).await;
    let mut without = server.connect().await;
    without.send(join("standup", "Ada")).await;
    let (code, message) = without.turned_away().await;
    assert_eq!(code, ErrorCode::Unauthorized);
    assert!(message.contains("private"), "{message}");

    for (token, accepted) in [("open", false), ("sesame", true)] {
        let mut client = server.connect().await;
        let mut request = join("standup", "Ada");
        request["token"] = json!(token);
        client.send(request).await;
        if accepted {
            client.joined().await;
        } else {
            assert_eq!(client.turned_away().await.0, ErrorCode::Unauthorized);
        }
    }
}

#[tokio::test]
async fn messages_and_fields_of_a_later_version_are_ignored() {
    let server = Server::start().await;
    let mut ada = server.connect().await;
    let mut request = join("standup", "Ada");
    request["mood"] = json!({ "colour": "blue" });
    ada.send(request).await;
    ada.joined().await;
    ada.send(json!({ "type": "raise_hand", "high": true })).await;
    ada.hears_nothing().await;
}
