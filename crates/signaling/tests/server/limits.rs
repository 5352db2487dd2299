//! What a server allows, and what happens beyond it.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use maru_protocol::{ErrorCode, Limits, ResumeToken, ServerMessage};
use maru_signaling::Config;
use serde_json::json;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Client, Server, join};

fn with(limits: Limits) -> Config {
    Config { limits, ..Config::default() }
}

#[tokio::test]
async fn a_message_that_is_too_large_is_answered_with_the_limit() {
    let server = Server::start().await;
    let (mut ada, _) = server.join("standup", "Ada").await;
    let (mut ben, b) = server.join("standup", "Ben").await;
    ada.peer_joined().await;
    ada.signal(b.you, &"x".repeat(100_000)).await;
    let (code, message) = ada.refused().await;
    assert_eq!(code, ErrorCode::MessageTooLarge);
    assert!(message.contains("65536"), "{message}");
    // Nothing is lost but that message.
    ada.signal(b.you, &"y".repeat(60_000)).await;
    assert_eq!(ben.candidate().await.1.len(), 60_000);
}

#[tokio::test]
async fn even_a_message_that_is_too_large_to_be_read_is_answered_before_the_connection_ends() {
    let server = Server::start().await;
    let (mut ada, _) = server.join("standup", "Ada").await;
    // Sixteen mebibytes do not fit into any buffer on the way: the server takes them off the wire.
    let _ = ada.send_raw(Message::text("x".repeat(16 * 1024 * 1024))).await;
    let (code, message) = ada.turned_away().await;
    assert_eq!(code, ErrorCode::MessageTooLarge);
    assert!(message.contains("65536"), "{message}");
    assert_eq!(server.counts().await, (0, 0));
}

#[tokio::test]
async fn a_flood_is_complained_about_first_and_then_ends_the_connection() {
    let server = Server::with(with(Limits { messages_per_second: 20, ..Limits::default() })).await;
    let (mut ada, a) = server.join("standup", "Ada").await;
    let (mut ben, _) = server.join("standup", "Ben").await;
    ada.peer_joined().await;
    for n in 0..400 {
        // The server may hang up on the way.
        if ada
            .send_raw(Message::text(json!({ "type": "status", "muted": n % 2 == 0 }).to_string()))
            .await
            .is_err()
        {
            break;
        }
    }
    let (code, message) = ada.refused().await;
    assert_eq!(code, ErrorCode::TooManyMessages);
    assert!(message.contains("20"), "{message}");
    loop {
        match ada.message().await {
            ServerMessage::Error { code, fatal: true, .. } => {
                break assert_eq!(code, ErrorCode::TooManyMessages);
            }
            ServerMessage::Error { fatal: false, .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(ada.next().await, None);

    let mut passed = 0;
    loop {
        match ben.message().await {
            ServerMessage::Status { .. } => passed += 1,
            ServerMessage::PeerLeft { peer, .. } => break assert_eq!(peer, a.you),
            other => panic!("{other:?}"),
        }
    }
    assert!((1..200).contains(&passed), "{passed} messages of the flood reached another client");
}

#[tokio::test]
async fn one_address_has_so_many_connections_and_a_closed_one_makes_room() {
    let server = Server::with(with(Limits { connections_per_address: 2, ..Limits::default() })).await;
    let (mut ada, _) = server.join("standup", "Ada").await;
    let (_ben, _) = server.join("standup", "Ben").await;
    let mut third = server.connect().await;
    let (code, message) = third.turned_away().await;
    assert_eq!(code, ErrorCode::TooManyConnections);
    assert!(message.contains('2'), "{message}");

    ada.peer_joined().await;
    ada.send(json!({ "type": "leave" })).await;
    assert_eq!(ada.next().await, None);
    drop((ada, third));
    // Their sockets close in their own time.
    let mut later = loop {
        let mut client = server.connect().await;
        client.send(join("standup", "Cleo")).await;
        match client.message().await {
            ServerMessage::Error { code: ErrorCode::TooManyConnections, .. } => {
                assert_eq!(client.next().await, None)
            }
            ServerMessage::Joined { .. } => break client,
            other => panic!("{other:?}"),
        }
    };
    later.hears_nothing().await;
}

#[tokio::test]
async fn a_page_that_is_just_loading_takes_nobodys_place() {
    let server = Server::with(with(Limits { connections_per_address: 1, ..Limits::default() })).await;
    let mut loading = Vec::new();
    for _ in 0..6 {
        loading.push(tokio::net::TcpStream::connect(server.address).await.unwrap());
    }
    let (mut ada, _) = server.join("standup", "Ada").await;
    ada.hears_nothing().await;
}

#[tokio::test]
async fn a_full_room_says_so_and_has_a_place_again_when_somebody_leaves() {
    let server = Server::with(with(Limits { peers_per_room: 2, ..Limits::default() })).await;
    let (mut ada, _) = server.join("standup", "Ada").await;
    let (_ben, _) = server.join("standup", "Ben").await;
    let mut cleo = server.connect().await;
    cleo.send(join("standup", "Cleo")).await;
    let (code, message) = cleo.turned_away().await;
    assert_eq!(code, ErrorCode::RoomFull);
    assert!(message.starts_with("The room is full: 2 participants"), "{message}");

    ada.peer_joined().await;
    ada.send(json!({ "type": "leave" })).await;
    assert_eq!(ada.next().await, None);
    server.join("standup", "Cleo").await;
}

/// A server with short queues, a client that does not read, and one that sends to it until the server
/// has had enough of the first.
async fn deaf_client() -> (Server, Client, Client) {
    let config = Config {
        limits: Limits { messages_per_second: 10_000, ..Limits::default() },
        send_queue: 16,
        ..Config::default()
    };
    let server = Server::with(config).await;
    let mut deaf = Client::with_small_buffers(&server.url()).await;
    deaf.send(join("standup", "Deaf")).await;
    let d = deaf.joined().await;
    let (mut ben, _) = server.join("standup", "Ben").await;
    let large = "x".repeat(60_000);
    for _ in 0..1000 {
        ben.signal(d.you, &large).await;
        // The answer to a question shows what came before it.
        ben.signal(ResumeToken::random().peer_id(), "").await;
        match ben.message().await {
            ServerMessage::Error { code: ErrorCode::NoSuchPeer, .. } => {}
            ServerMessage::PeerAway { peer } => {
                assert_eq!(peer, d.you);
                assert_eq!(ben.refused().await.0, ErrorCode::NoSuchPeer);
                return (server, deaf, ben);
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("the server keeps sixty megabytes for a client that does not read");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_dropped_and_the_others_go_on() {
    let (server, _deaf, mut ben) = deaf_client().await;
    let (mut cleo, c) = server.join("standup", "Cleo").await;
    ben.peer_joined().await;
    ben.signal(c.you, "still working").await;
    loop {
        match cleo.message().await {
            ServerMessage::PeerAway { .. } => {}
            ServerMessage::Signal { .. } => break,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_slow_client_that_reads_again_hears_that_it_was_too_slow() {
    let (_server, mut deaf, _ben) = deaf_client().await;
    let last = loop {
        match deaf.message().await {
            ServerMessage::PeerJoined { .. } | ServerMessage::Signal { .. } => {}
            other => break other,
        }
    };
    assert_eq!(
        serde_json::to_value(last).unwrap(),
        json!({ "type": "closing", "reason": "too_slow", "retry_after": 0 })
    );
    assert_eq!(deaf.next().await, None);
}

/// A server that asks for signs of life often and does not wait long for a join.
fn hasty() -> Config {
    Config {
        join_timeout: Duration::from_secs(1),
        ping_interval: Duration::from_millis(20),
        ..Config::default()
    }
}

#[tokio::test]
async fn whoever_opens_a_connection_early_has_it_when_it_joins() {
    let server = Server::with(hasty()).await;
    let mut early = server.connect().await;
    let ended = timeout(hasty().join_timeout * 3 / 2, early.turned_away()).await;
    assert!(ended.is_err(), "{ended:?}");
    early.send(join("standup", "Ada")).await;
    early.joined().await;
}

#[tokio::test]
async fn an_early_connection_ends_when_nobody_joins() {
    let server = Server::with(Config { early_timeout: Duration::from_secs(2), ..hasty() }).await;
    let mut early = server.connect().await;
    assert_eq!(early.turned_away().await.0, ErrorCode::JoinTimeout);
}

#[tokio::test]
async fn few_connections_of_one_address_can_be_early() {
    let server = Server::with(Config { join_timeout: Duration::from_secs(3), ..hasty() }).await;
    let waiting = FuturesUnordered::new();
    for _ in 0..20 {
        let mut client = server.connect().await;
        waiting.push(tokio::spawn(async move {
            let sent_away = timeout(Duration::from_secs(6), client.turned_away()).await;
            (client, sent_away)
        }));
    }
    let outcomes: Vec<_> = waiting.map(Result::unwrap).collect().await;
    let (stay, gone): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(|(_, sent_away)| sent_away.is_err());
    assert_eq!((stay.len(), gone.len()), (16, 4));
    for (mut client, _) in stay {
        client.send(join("standup", "Ada")).await;
        client.joined().await;
    }
}
