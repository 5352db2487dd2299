//! Meeting in a room: who is told of whom, and what reaches whom.

use maru_protocol::{IceServer, LeftReason, ServerMessage, Status};
use maru_signaling::{Config, PerAddress};
use serde_json::json;

use crate::client::{Server, join};

#[tokio::test]
async fn people_who_type_the_same_name_meet_however_they_write_it() {
    let server = Server::start().await;
    let (mut ada, first) = server.join("  회의실  A ", "Ada").await;
    assert_eq!((first.room.as_str(), first.resumed), ("회의실 A", false));
    assert!(first.peers.is_empty());

    // The same name in decomposed Hangul and lower case.
    let decomposed = "\u{1112}\u{116c}\u{110b}\u{1174}\u{1109}\u{1175}\u{11af} a";
    let (_ben, second) = server.join(decomposed, "Ben").await;
    assert_eq!(second.peer_ids(), [first.you]);
    assert_eq!(second.peers[0].name.as_str(), "Ada");

    let newcomer = ada.peer_joined().await;
    assert_eq!((newcomer.id, newcomer.name.as_str()), (second.you, "Ben"));
    assert_eq!(second.you, second.resume.peer_id());
    assert_eq!(server.counts().await, (1, 2));
}

#[tokio::test]
async fn a_signal_is_relayed_to_the_addressed_member_only_with_its_real_sender() {
    let server = Server::start().await;
    let (mut ada, a) = server.join("standup", "Ada").await;
    let (mut ben, b) = server.join("standup", "Ben").await;
    let (mut cleo, _) = server.join("standup", "Cleo").await;
    ada.peer_joined().await;
    ada.peer_joined().await;
    ben.peer_joined().await;

    // A claimed sender is not believed.
    ada.send(json!({ "type": "signal", "to": b.you, "from": b.you,
                     "signal": { "kind": "description", "type": "offer", "sdp": "v=0 garbage" } }))
        .await;
    ada.signal(b.you, "candidate:1").await;
    let offer = ben.message().await;
    let ServerMessage::Signal { from, signal } = offer else { panic!("{offer:?}") };
    assert_eq!(from, a.you);
    assert_eq!(
        serde_json::to_value(signal).unwrap(),
        json!({ "kind": "description", "type": "offer", "sdp": "v=0 garbage" }),
        "relayed unread"
    );
    assert_eq!(ben.candidate().await, (a.you, "candidate:1".to_owned()));
    cleo.hears_nothing().await;
    ada.hears_nothing().await;
}

#[tokio::test]
async fn a_status_is_told_to_the_others_and_a_newcomer_sees_it() {
    let server = Server::start().await;
    let mut ada = server.connect().await;
    let mut request = join("standup", "Ada");
    request["status"] = json!({ "camera_off": true });
    ada.send(request).await;
    let a = ada.joined().await;
    let (mut ben, b) = server.join("standup", "Ben").await;
    assert_eq!(b.peers[0].status, Status { muted: false, camera_off: true, ..Status::default() });

    ada.peer_joined().await;
    ada.send(json!({ "type": "status", "muted": true })).await;
    let status = Status { muted: true, ..Status::default() };
    assert_eq!(ben.message().await, ServerMessage::Status { from: a.you, status });
}

#[tokio::test]
async fn leaving_is_told_at_once_and_an_empty_room_is_gone() {
    let server = Server::start().await;
    let (mut ada, a) = server.join("standup", "Ada").await;
    let (mut ben, _) = server.join("standup", "Ben").await;
    ada.peer_joined().await;
    ada.send(json!({ "type": "leave" })).await;
    assert_eq!(ada.next().await, None, "the server closes the connection of who left");
    assert_eq!(ben.message().await, ServerMessage::PeerLeft { peer: a.you, reason: LeftReason::Left });
    assert_eq!(server.counts().await, (1, 1));

    ben.send(json!({ "type": "leave" })).await;
    assert_eq!(ben.next().await, None);
    assert_eq!(server.counts().await, (0, 0));
}

#[tokio::test]
async fn what_the_server_offers_and_allows_is_told_on_joining() {
    let turn = IceServer {
        urls: vec!["turn:turn.example.org:3478".into()],
        username: Some("user".into()),
        credential: Some("password".into()),
    };
    let config = Config { ice_servers: vec![turn.clone()], ..Config::default() };
    let limits = config.limits.clone();
    let server = Server::with(config).await;
    let mut ada = server.connect().await;
    ada.send(join("standup", "Ada")).await;
    let joined = ada.message().await;
    let ServerMessage::Joined { ice_servers, limits: told, .. } = joined else { panic!("{joined:?}") };
    assert_eq!((ice_servers, told), (vec![turn], limits));
}

#[tokio::test]
async fn two_thousand_rooms_come_and_go_and_nothing_is_left() {
    let config = Config {
        limits: maru_protocol::Limits { connections_per_address: 10_000, ..Default::default() },
        per_address: PerAddress { joins_per_minute: 0, new_rooms_per_minute: 0, messages_per_second: 0 },
        ..Config::default()
    };
    let server = std::sync::Arc::new(Server::with(config).await);
    let workers = (0..20).map(|worker| {
        let server = std::sync::Arc::clone(&server);
        tokio::spawn(async move {
            for n in 0..100 {
                let room = format!("room {worker} {n}");
                let (mut ada, _) = server.join(&room, "Ada").await;
                let (mut ben, b) = server.join(&room, "Ben").await;
                assert_eq!(b.peers.len(), 1, "only who typed this name is in this room");
                assert_eq!(ada.peer_joined().await.id, b.you);
                for client in [&mut ben, &mut ada] {
                    client.send(json!({ "type": "leave" })).await;
                }
                assert_eq!(ben.next().await, None);
                assert!(matches!(ada.message().await, ServerMessage::PeerLeft { .. }));
                assert_eq!(ada.next().await, None);
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.unwrap();
    }
    assert_eq!(server.counts().await, (0, 0));
}
