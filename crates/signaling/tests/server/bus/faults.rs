//! Redis goes away and comes back.

use std::time::{Duration, Instant};

use maru_protocol::{ClosingReason, ErrorCode, LeftReason, ServerMessage};
use maru_signaling::{BusConfig, Config};

use super::redis::Redis;
use super::{at, bus, bus_is, hears, meets, nodes, nodes_with};
use crate::client::{Client, Server};

/// Where nobody listens.
fn nowhere() -> Config {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let bus = BusConfig::new(&format!("redis://127.0.0.1:{port}"), None).unwrap();
    Config { bus: Some(bus), ..Config::default() }
}

/// The word for who joins while servers cannot reach each other.
async fn is_told_to_be_alone(client: &mut Client) {
    let (code, text) = client.refused().await;
    assert_eq!(code, ErrorCode::Internal);
    assert!(text.contains("cannot reach the others"), "{text}");
}

#[tokio::test]
async fn without_redis_a_server_starts_says_so_and_serves_its_own_rooms() {
    let server = Server::with(nowhere()).await;
    let (mut ada, a) = server.join("standup", "Ada").await;
    is_told_to_be_alone(&mut ada).await;
    let (mut ben, b) = server.join("standup", "Ben").await;
    is_told_to_be_alone(&mut ben).await;
    assert_eq!(b.peer_ids(), [a.you]);
    assert_eq!(ada.peer_joined().await.id, b.you);
    meets(&mut ada, a.you, &mut ben, b.you).await;
    let report = bus(server.address).await;
    assert_eq!(report["state"], "degraded", "{report}");
}

#[tokio::test]
async fn while_redis_is_away_calls_go_on_and_when_it_is_back_with_nothing_rooms_are_whole_again() {
    let mut redis = Redis::start();
    let servers = nodes(&redis, 2).await;
    let (mut ada, a) = servers[0].join("standup", "Ada").await;
    let (mut ben, b) = servers[0].join("standup", "Ben").await;
    let (mut cleo, c) = servers[1].join("standup", "Cleo").await;
    for other in [b.you, c.you] {
        assert_eq!(ada.peer_joined().await.id, other);
    }
    assert_eq!(ben.peer_joined().await.id, c.you);

    redis.kill();
    for server in &servers {
        bus_is(server.address, "degraded", 0).await;
    }
    for own in [&mut ada, &mut ben] {
        assert_eq!(own.message().await, ServerMessage::PeerAway { peer: c.you });
    }
    for other in [a.you, b.you] {
        let away = cleo.message().await;
        assert!(
            matches!(away, ServerMessage::PeerAway { peer } if peer == a.you || peer == b.you),
            "{other}"
        );
    }
    meets(&mut ada, a.you, &mut ben, b.you).await;
    ada.signal(c.you, "kept").await;
    let (mut dan, d) = servers[0].join("standup", "Dan").await;
    assert_eq!(d.peer_ids(), [a.you, b.you, c.you], "who is on the other server keeps the place");
    assert_eq!(dan.message().await, ServerMessage::PeerAway { peer: c.you });
    is_told_to_be_alone(&mut dan).await;
    assert_eq!(ada.peer_joined().await.id, d.you);
    assert_eq!(ben.peer_joined().await.id, d.you);

    redis.start_again();
    let started = Instant::now();
    for own in [&mut ada, &mut ben, &mut dan] {
        assert_eq!(own.message().await, ServerMessage::PeerBack { peer: c.you });
    }
    let (mut back, mut joined, mut kept) = (0, 0, 0);
    while (back, joined, kept) != (2, 1, 1) {
        match cleo.message().await {
            ServerMessage::PeerBack { .. } => back += 1,
            ServerMessage::PeerJoined { peer } => {
                assert_eq!(peer.id, d.you, "who came meanwhile is offered to");
                joined += 1;
            }
            ServerMessage::Signal { from, .. } => {
                assert_eq!(from, a.you);
                kept += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    meets(&mut dan, d.you, &mut cleo, c.you).await;
    for client in [&mut ada, &mut ben, &mut cleo, &mut dan] {
        client.hears_nothing().await;
    }
}

#[tokio::test]
async fn two_who_joined_apart_are_introduced_when_redis_is_back_and_one_of_them_offers() {
    let mut redis = Redis::start();
    let servers = nodes(&redis, 2).await;
    redis.kill();
    for server in &servers {
        bus_is(server.address, "degraded", 0).await;
    }
    let (mut ada, a) = servers[0].join("standup", "Ada").await;
    is_told_to_be_alone(&mut ada).await;
    let (mut ben, b) = servers[1].join("standup", "Ben").await;
    is_told_to_be_alone(&mut ben).await;
    assert!(b.peers.is_empty());

    redis.start_again();
    assert_eq!(ada.peer_joined().await.id, b.you, "she was there first");
    ada.signal(b.you, "offer").await;
    // He should have found her when he joined: he is sent round, and finds her.
    let round = ServerMessage::Closing { reason: ClosingReason::Shutdown, retry_after: Some(0) };
    assert_eq!(ben.next().await, Some(round));
    assert_eq!(ben.next().await, None);
    let (mut ben, again) = servers[1].resume("standup", "Ben", &b.resume).await;
    assert_eq!((again.you, again.resumed, again.peer_ids()), (b.you, true, vec![a.you]));
    assert_eq!(ben.candidate().await, (a.you, "offer".to_owned()));
    hears(&mut ada, ServerMessage::PeerBack { peer: b.you }).await;
    meets(&mut ada, a.you, &mut ben, b.you).await;
}

#[tokio::test]
async fn who_left_while_redis_was_away_is_gone_for_all_when_it_is_back() {
    let mut redis = Redis::start();
    let servers = nodes_with(Config { resume_window: Duration::from_secs(4), ..at(&redis) }, 2).await;
    let (mut ada, a) = servers[0].join("standup", "Ada").await;
    let (mut ben, b) = servers[1].join("standup", "Ben").await;
    assert_eq!(ada.peer_joined().await.id, b.you);
    redis.kill();
    assert_eq!(ben.message().await, ServerMessage::PeerAway { peer: a.you });
    ada.send(serde_json::json!({ "type": "leave" })).await;
    while ada.next().await.is_some() {}
    // Longer than places are kept: while nobody can know, nobody is given up.
    tokio::time::sleep(Duration::from_secs(5)).await;
    ben.hears_nothing().await;
    redis.start_again();
    assert_eq!(ben.message().await, ServerMessage::PeerLeft { peer: a.you, reason: LeftReason::Lost });
}

#[tokio::test]
async fn a_password_is_used_and_never_shown() {
    let redis = Redis::with(Some("open sesame"));
    let config = BusConfig::new(&redis.url(), Some("open sesame")).unwrap();
    assert!(!format!("{config:?}").contains("sesame"), "{config:?}");
    let server = Server::with(Config { bus: Some(config), ..Config::default() }).await;
    bus_is(server.address, "up", 1).await;
    let wrong = BusConfig::new(&redis.url(), Some("wrong")).unwrap();
    let other = Server::with(Config { bus: Some(wrong), ..Config::default() }).await;
    let (mut ada, _) = other.join("standup", "Ada").await;
    is_told_to_be_alone(&mut ada).await;
    assert_eq!(bus(other.address).await["state"], "degraded");
}
