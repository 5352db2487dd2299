//! Meeting across servers as on one.

use std::collections::HashMap;
use std::time::Instant;

use maru_protocol::{
    ClosingReason, ErrorCode, LeftReason, Limits, PeerId, ResumeToken, ServerMessage, Status,
};
use maru_signaling::Config;
use serde_json::json;

use super::redis::Redis;
use super::{at, bus, hears, meets, nodes, nodes_with};
use crate::client::{Client, PATIENCE, join};

#[tokio::test]
async fn people_on_different_servers_meet_and_hear_of_each_other_as_on_one() {
    let redis = Redis::start();
    let servers = nodes(&redis, 2).await;
    let (mut ada, a) = servers[0].join("Standup", "Ada").await;
    assert!(a.peers.is_empty());
    let (mut ben, b) = servers[1].join("standup", "Ben").await;
    assert_eq!((b.peer_ids(), b.peers[0].name.as_str()), (vec![a.you], "Ada"));
    let newcomer = ada.peer_joined().await;
    assert_eq!((newcomer.id, newcomer.name.as_str()), (b.you, "Ben"));
    meets(&mut ada, a.you, &mut ben, b.you).await;

    ada.send(json!({ "type": "status", "muted": true })).await;
    let status = Status { muted: true, ..Status::default() };
    assert_eq!(ben.message().await, ServerMessage::Status { from: a.you, status });
    let (_cleo, c) = servers[1].join("standup", "Cleo").await;
    assert_eq!(c.peers.iter().find(|peer| peer.id == a.you).unwrap().status, status);
    assert_eq!(ben.peer_joined().await.id, c.you);
    assert_eq!(ada.peer_joined().await.id, c.you);

    ada.send(json!({ "type": "leave" })).await;
    assert_eq!(ada.next().await, None);
    assert_eq!(ben.message().await, ServerMessage::PeerLeft { peer: a.you, reason: LeftReason::Left });
    assert_eq!((servers[0].counts().await, servers[1].counts().await), ((0, 0), (1, 2)));
}

#[tokio::test]
async fn a_signal_across_servers_stays_in_its_room() {
    let redis = Redis::start();
    let servers = nodes(&redis, 2).await;
    let (mut ada, _) = servers[0].join("standup", "Ada").await;
    let (mut stranger, s) = servers[1].join("elsewhere", "Stranger").await;
    ada.signal(s.you, "candidate:1").await;
    assert_eq!(ada.refused().await.0, ErrorCode::NoSuchPeer);
    stranger.hears_nothing().await;
}

#[tokio::test]
async fn of_any_two_who_come_at_once_on_three_servers_exactly_one_makes_the_offer() {
    let redis = Redis::start();
    let servers = nodes(&redis, 3).await;
    for round in 0..10 {
        let room = format!("room {round}");
        let joining = (0..9).map(|n| {
            let (url, room) = (servers[n % 3].url(), room.clone());
            tokio::spawn(async move {
                let mut client = Client::connect(&url).await;
                client.send(join(&room, &format!("P{n}"))).await;
                let joined = client.joined().await;
                let others = 8 - joined.peers.len();
                let mut offers = Vec::new();
                for _ in 0..others {
                    offers.push(client.peer_joined().await.id);
                }
                (client, joined.you, joined.peer_ids(), offers)
            })
        });
        let joining: Vec<_> = joining.collect();
        let mut answers: HashMap<PeerId, Vec<PeerId>> = HashMap::new();
        let mut offers: HashMap<PeerId, Vec<PeerId>> = HashMap::new();
        let mut clients = Vec::new();
        for one in joining {
            let (client, id, found, later) = one.await.unwrap();
            answers.insert(id, found);
            offers.insert(id, later);
            clients.push(client);
        }
        for one in answers.keys() {
            for other in answers.keys().filter(|other| *other != one) {
                let offered = offers[one].contains(other);
                assert_eq!(offered, answers[other].contains(one), "who waits is offered to, and nobody else");
                assert_ne!(offered, offers[other].contains(one), "exactly one of the two offers");
            }
        }
        for client in &mut clients {
            client.hears_nothing().await;
        }
    }
}

#[tokio::test]
async fn a_room_is_full_for_all_servers_together() {
    let redis = Redis::start();
    let limits = Limits { peers_per_room: 4, ..Limits::default() };
    let servers = nodes_with(Config { limits, ..at(&redis) }, 3).await;
    let joining = (0..12).map(|n| {
        let url = servers[n % 3].url();
        tokio::spawn(async move {
            let mut client = Client::connect(&url).await;
            client.send(join("standup", &format!("P{n}"))).await;
            (client.message().await, client)
        })
    });
    let joining: Vec<_> = joining.collect();
    let (mut inside, mut refused) = (Vec::new(), 0);
    for one in joining {
        match one.await.unwrap() {
            (ServerMessage::Joined { .. }, client) => inside.push(client),
            (ServerMessage::Error { code: ErrorCode::RoomFull, fatal: true, .. }, _) => refused += 1,
            (other, _) => panic!("{other:?}"),
        }
    }
    assert_eq!((inside.len(), refused), (4, 8));

    inside[0].send(json!({ "type": "leave" })).await;
    while inside[0].next().await.is_some() {}
    // The other servers hear of it a moment later.
    let by = Instant::now() + PATIENCE;
    let late = loop {
        let mut late = servers[2].connect().await;
        late.send(join("standup", "Late")).await;
        match late.message().await {
            ServerMessage::Joined { peers, .. } => break peers,
            ServerMessage::Error { code: ErrorCode::RoomFull, .. } if Instant::now() < by => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(late.len(), 3, "the place of who left is free on all servers");
}

#[tokio::test]
async fn who_comes_back_on_another_server_keeps_id_and_place_and_what_was_said_meanwhile() {
    let redis = Redis::start();
    let servers = nodes(&redis, 3).await;
    let (ada, a) = servers[0].join("standup", "Ada").await;
    let (mut ben, b) = servers[1].join("standup", "Ben").await;
    let (mut cleo, c) = servers[0].join("standup", "Cleo").await;
    assert_eq!(ben.peer_joined().await.id, c.you);
    ada.vanish();
    for other in [&mut ben, &mut cleo] {
        assert_eq!(other.message().await, ServerMessage::PeerAway { peer: a.you });
    }
    for text in ["one", "two", "three"] {
        ben.signal(a.you, text).await;
        cleo.signal(a.you, text).await;
    }
    ben.hears_nothing().await;
    cleo.hears_nothing().await;

    let (mut ada, again) = servers[2].resume("standup", "Ada", &a.resume).await;
    assert_eq!((again.you, again.resumed), (a.you, true));
    for other in [&mut ben, &mut cleo] {
        assert_eq!(other.message().await, ServerMessage::PeerBack { peer: a.you });
    }
    let mut told: HashMap<PeerId, Vec<String>> = HashMap::new();
    let mut announced = again.peer_ids();
    while told.values().map(Vec::len).sum::<usize>() < 6 {
        match ada.message().await {
            // They came moments before she vanished: her old server may not have got to tell her.
            ServerMessage::PeerJoined { peer } => announced.push(peer.id),
            ServerMessage::Signal { from, signal: maru_protocol::Signal::Candidate { candidate, .. } } => {
                told.entry(from).or_default().push(candidate);
            }
            other => panic!("{other:?}"),
        }
    }
    for other in [b.you, c.you] {
        assert_eq!(told[&other], ["one", "two", "three"], "in order");
        assert!(announced.contains(&other));
    }
    meets(&mut ada, a.you, &mut ben, b.you).await;
    meets(&mut cleo, c.you, &mut ada, a.you).await;
}

#[tokio::test]
async fn who_connects_again_on_another_server_replaces_its_first_connection_and_the_others_notice_nothing() {
    let redis = Redis::start();
    let servers = nodes(&redis, 2).await;
    let (mut first, a) = servers[0].join("standup", "Ada").await;
    let (mut ben, b) = servers[0].join("standup", "Ben").await;
    first.peer_joined().await;
    let (mut second, again) = servers[1].resume("standup", "Ada", &a.resume).await;
    assert_eq!((again.you, again.resumed), (a.you, true));
    let replaced = ServerMessage::Closing { reason: ClosingReason::Replaced, retry_after: None };
    assert_eq!(first.next().await, Some(replaced));
    assert_eq!(first.next().await, None);
    ben.signal(a.you, "still there").await;
    let said = ServerMessage::Signal {
        from: b.you,
        signal: maru_protocol::Signal::Candidate {
            candidate: "still there".into(),
            sdp_mid: None,
            sdp_m_line_index: None,
        },
    };
    hears(&mut second, said).await;
    ben.hears_nothing().await;
    assert_eq!((servers[0].counts().await, servers[1].counts().await), ((1, 1), (1, 1)));
}

#[tokio::test]
async fn what_is_garbled_or_forged_on_the_bus_changes_nothing_and_is_counted() {
    let redis = Redis::start();
    let servers = nodes(&redis, 2).await;
    let (mut ada, a) = servers[0].join("standup", "Ada").await;
    let (mut ben, b) = servers[1].join("standup", "Ben").await;
    ada.peer_joined().await;
    let channels = redis.say(&["PUBSUB", "CHANNELS"]);
    let channels: Vec<&str> = channels.lines().filter(|line| line.starts_with("{maru}:node:")).collect();
    assert_eq!(channels.len(), 2, "{channels:?}");
    let rooms = redis.say(&["KEYS", "{maru}:room:*"]);
    let room = rooms.lines().find_map(|line| line.strip_prefix("{maru}:room:")).unwrap();
    assert!(!rooms.to_lowercase().contains("standup"), "the room's name is not for the store");

    let stranger = ResumeToken::random().peer_id();
    let large = "x".repeat(2_000_000);
    let forged = [
        "nonsense".to_owned(),
        "{\"v\":99,\"room\":\"x\"}".to_owned(),
        format!("{{\"v\":1,\"room\":\"{room}\",\"left\":{{\"{}\":\"left\"}}}}", a.you),
        format!(
            "{{\"v\":1,\"room\":\"{room}\",\"signal\":{{\"from\":\"{stranger}\",\"to\":\"{}\",\
             \"body\":{{\"kind\":\"restart\"}}}}}}",
            b.you
        ),
        large,
    ];
    for channel in &channels {
        for message in &forged {
            redis.say(&["PUBLISH", channel, message]);
        }
    }
    for client in [&mut ada, &mut ben] {
        client.hears_nothing().await;
    }
    meets(&mut ada, a.you, &mut ben, b.you).await;
    for server in &servers {
        let report = bus(server.address).await;
        assert_eq!((&report["garbled"], &report["state"]), (&json!(3), &json!("up")), "{report}");
        assert!(report["dropped"].as_u64() >= Some(1), "{report}");
    }
}
