//! Connections that break and participants who come back.

use std::time::Duration;

use maru_protocol::{ClosingReason, LeftReason, ResumeToken, ServerMessage};
use maru_signaling::Config;

use crate::client::Server;

#[tokio::test]
async fn a_client_that_is_killed_is_away_and_its_return_keeps_its_place() {
    let server = Server::start().await;
    let (ada, a) = server.join("standup", "Ada").await;
    let (mut ben, b) = server.join("standup", "Ben").await;
    ada.vanish();
    assert_eq!(ben.message().await, ServerMessage::PeerAway { peer: a.you });
    ben.signal(a.you, "first").await;
    ben.signal(a.you, "second").await;
    ben.hears_nothing().await;

    let (mut ada, again) = server.resume("standup", "Ada", &a.resume).await;
    assert_eq!((again.you, again.resumed, again.peer_ids()), (a.you, true, vec![b.you]));
    assert_eq!(ben.message().await, ServerMessage::PeerBack { peer: a.you });
    assert_eq!(ada.candidate().await, (b.you, "first".to_owned()));
    assert_eq!(ada.candidate().await, (b.you, "second".to_owned()));
    assert_eq!(server.counts().await, (1, 2));
}

#[tokio::test]
async fn who_does_not_come_back_in_time_is_lost_and_the_room_goes_with_the_last() {
    let config = Config { resume_window: Duration::from_millis(100), ..Config::default() };
    let server = Server::with(config).await;
    let (ada, a) = server.join("standup", "Ada").await;
    let (mut ben, _) = server.join("standup", "Ben").await;
    ada.vanish();
    assert_eq!(ben.message().await, ServerMessage::PeerAway { peer: a.you });
    assert_eq!(ben.message().await, ServerMessage::PeerLeft { peer: a.you, reason: LeftReason::Lost });

    let (_, late) = server.resume("standup", "Ada", &a.resume).await;
    assert_eq!((late.you, late.resumed), (a.you, false), "the id stays, the place was given up");
}

#[tokio::test]
async fn a_dead_line_without_any_goodbye_is_noticed() {
    let config = Config {
        ping_interval: Duration::from_millis(50),
        idle_timeout: Duration::from_millis(400),
        ..Config::default()
    };
    let server = Server::with(config).await;
    // Its socket stays open, but nobody answers there: as when the network is gone.
    let (_dead, d) = server.join("standup", "Dead").await;
    let (mut ben, _) = server.join("standup", "Ben").await;
    assert_eq!(ben.message().await, ServerMessage::PeerAway { peer: d.you });
}

#[tokio::test]
async fn a_client_that_answers_pings_stays_however_long_it_is_silent() {
    let config = Config {
        ping_interval: Duration::from_millis(50),
        idle_timeout: Duration::from_millis(400),
        resume_window: Duration::from_millis(800),
        ..Config::default()
    };
    let server = Server::with(config).await;
    let (mut ada, _) = server.join("standup", "Ada").await;
    let (gone, g) = server.join("standup", "Gone").await;
    ada.peer_joined().await;
    gone.vanish();
    // Two idle timeouts pass while Ada only waits, and her connection is still there.
    assert_eq!(ada.message().await, ServerMessage::PeerAway { peer: g.you });
    assert_eq!(ada.message().await, ServerMessage::PeerLeft { peer: g.you, reason: LeftReason::Lost });
    ada.hears_nothing().await;
}

#[tokio::test]
async fn a_second_connection_with_the_same_token_replaces_the_first() {
    let server = Server::start().await;
    let (mut first, a) = server.join("standup", "Ada").await;
    let (mut ben, _) = server.join("standup", "Ben").await;
    first.peer_joined().await;
    let (mut second, again) = server.resume("standup", "Ada", &a.resume).await;
    assert_eq!((again.you, again.resumed), (a.you, true));
    let replaced = ServerMessage::Closing { reason: ClosingReason::Replaced, retry_after: None };
    assert_eq!(first.next().await, Some(replaced));
    assert_eq!(first.next().await, None);

    ben.signal(a.you, "x").await;
    assert_eq!(second.candidate().await.1, "x");
    ben.hears_nothing().await;
}

#[tokio::test]
async fn a_server_that_was_started_again_takes_everybody_back_as_who_they_were() {
    let before = Server::start().await;
    let (_ada, a) = before.join("standup", "Ada").await;
    let (_ben, b) = before.join("standup", "Ben").await;
    before.request_stop();
    before.stopped().await;

    let after = Server::start().await;
    let (mut ben, b_again) = after.resume("standup", "Ben", &b.resume).await;
    assert_eq!((b_again.you, b_again.resumed), (b.you, false));
    let (_ada, a_again) = after.resume("standup", "Ada", &a.resume).await;
    assert_eq!((a_again.you, a_again.peer_ids()), (a.you, vec![b.you]));
    assert_eq!(ben.peer_joined().await.id, a.you);
}

#[tokio::test]
async fn nobody_can_take_the_place_of_another_by_its_public_id() {
    let server = Server::start().await;
    let (_ada, a) = server.join("standup", "Ada").await;
    // The id of a participant is known to everybody in the room. As a token it is somebody else's.
    let stolen: ResumeToken = serde_json::from_value(serde_json::to_value(a.you).unwrap()).unwrap();
    let (_thief, thief) = server.resume("standup", "Thief", &stolen).await;
    assert_ne!(thief.you, a.you);
    assert_eq!((thief.resumed, thief.peer_ids()), (false, vec![a.you]));
}
