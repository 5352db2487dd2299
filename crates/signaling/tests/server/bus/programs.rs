//! Servers as programs, one of which is killed.

use std::time::{Duration, Instant};

use maru_protocol::{ClosingReason, LeftReason, ServerMessage};
use serde_json::json;
use tokio::time::timeout;

use super::redis::Redis;
use super::{bus_is, hears, meets};
use crate::client::{Client, Joined, join};
use crate::running::Program;

async fn three(redis: &Redis) -> [Program; 3] {
    let url = redis.url();
    let start = async || Program::start(&["--bus", &url], &[]).await;
    let all = [start().await, start().await, start().await];
    for program in &all {
        bus_is(program.address, "up", 3).await;
    }
    all
}

async fn enter(program: &Program, name: &str, resume: Option<&Joined>) -> (Client, Joined) {
    let mut client = Client::connect(&program.url).await;
    let mut request = join("standup", name);
    if let Some(before) = resume {
        request["resume"] = json!(before.resume);
    }
    client.send(request).await;
    let joined = client.joined().await;
    (client, joined)
}

#[tokio::test]
async fn who_was_on_a_killed_server_comes_back_on_another_and_is_away_until_then_not_gone() {
    let redis = Redis::start();
    let [mut dies, two, three] = three(&redis).await;
    let (mut ada, a) = enter(&dies, "Ada", None).await;
    let (mut ben, b) = enter(&two, "Ben", None).await;
    let (mut cleo, c) = enter(&three, "Cleo", None).await;
    for other in [b.you, c.you] {
        assert_eq!(ada.peer_joined().await.id, other);
    }
    assert_eq!(ben.peer_joined().await.id, c.you);

    dies.child.kill().await.unwrap();
    let killed = Instant::now();
    for other in [&mut ben, &mut cleo] {
        assert_eq!(other.message().await, ServerMessage::PeerAway { peer: a.you });
    }
    assert!(killed.elapsed() < Duration::from_millis(4800), "{:?}", killed.elapsed());
    ben.signal(a.you, "while you were away").await;
    let (mut ada, again) = enter(&two, "Ada", Some(&a)).await;
    assert_eq!((again.you, again.resumed), (a.you, true));
    assert!(killed.elapsed() < Duration::from_secs(5), "{:?}", killed.elapsed());
    for other in [&mut ben, &mut cleo] {
        assert_eq!(other.message().await, ServerMessage::PeerBack { peer: a.you });
    }
    while !matches!(ada.message().await, ServerMessage::Signal { from, .. } if from == b.you) {}
    meets(&mut ada, a.you, &mut cleo, c.you).await;
}

#[tokio::test]
async fn who_comes_back_before_a_servers_death_is_noticed_is_not_even_away() {
    let redis = Redis::start();
    let [mut dies, two, three] = three(&redis).await;
    let (_ada, a) = enter(&dies, "Ada", None).await;
    let (mut ben, b) = enter(&two, "Ben", None).await;
    assert_eq!(b.peer_ids(), [a.you]);
    dies.child.kill().await.unwrap();
    // Nobody has noticed yet, and no node takes this: it is kept for her.
    ben.signal(a.you, "into the void").await;
    let killed = Instant::now();
    let (mut ada, again) = enter(&three, "Ada", Some(&a)).await;
    assert_eq!((again.you, again.resumed), (a.you, true));
    while !matches!(ada.message().await, ServerMessage::Signal { from, .. } if from == b.you) {}
    assert!(killed.elapsed() < Duration::from_secs(5), "{:?}", killed.elapsed());
    ben.hears_nothing().await;
}

#[tokio::test]
async fn who_does_not_come_back_from_a_killed_server_is_lost_after_the_window() {
    let redis = Redis::start();
    let [mut dies, two, _three] = three(&redis).await;
    let (_ada, a) = enter(&dies, "Ada", None).await;
    let (mut ben, _) = enter(&two, "Ben", None).await;
    dies.child.kill().await.unwrap();
    let killed = Instant::now();
    assert_eq!(ben.message().await, ServerMessage::PeerAway { peer: a.you });
    // Other events end no wait of a test's client: asking keeps it.
    let lost = async {
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            ben.send(json!({ "type": "signal", "to": maru_protocol::ResumeToken::random().peer_id(),
                             "signal": { "kind": "restart" } }))
                .await;
            match ben.message().await {
                ServerMessage::PeerLeft { peer, reason } => return (peer, reason),
                ServerMessage::Error { fatal: false, .. } => {}
                other => panic!("{other:?}"),
            }
        }
    };
    let gone = timeout(Duration::from_secs(60), lost).await.unwrap();
    assert_eq!(gone, (a.you, LeftReason::Lost));
    assert!(killed.elapsed() > Duration::from_secs(29), "{:?}", killed.elapsed());
}

#[tokio::test]
async fn a_server_that_stops_in_an_orderly_way_hands_its_clients_to_the_others_at_once() {
    let redis = Redis::start();
    let [stops, two, three] = three(&redis).await;
    let (mut ada, a) = enter(&stops, "Ada", None).await;
    let (mut ben, _) = enter(&two, "Ben", None).await;
    ada.peer_joined().await;
    stops.send("TERM").await;
    let closing = ServerMessage::Closing { reason: ClosingReason::Shutdown, retry_after: Some(1) };
    assert_eq!(ada.next().await, Some(closing));
    assert_eq!(ben.message().await, ServerMessage::PeerAway { peer: a.you });
    let (_ada, again) = enter(&three, "Ada", Some(&a)).await;
    assert_eq!((again.you, again.resumed), (a.you, true));
    hears(&mut ben, ServerMessage::PeerBack { peer: a.you }).await;
    bus_is(two.address, "up", 2).await;
}

#[tokio::test]
async fn the_log_says_when_redis_is_out_of_reach_and_when_it_is_back_and_shows_no_password() {
    let mut redis = Redis::with(Some("sesame"));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("password");
    std::fs::write(&file, "sesame\n").unwrap();
    let url = redis.url();
    let mut program =
        Program::start(&["--bus", &url, "--bus-password-file", file.to_str().unwrap()], &[]).await;
    let mut said = vec![program.says("rooms span all servers").await];
    redis.kill();
    said.push(program.says("cannot reach Redis at 127.0.0.1").await);
    redis.start_again();
    said.push(program.says("rooms span all servers").await);
    assert!(said.iter().all(|line| !line.contains("sesame")), "{said:?}");
}
