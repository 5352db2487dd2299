//! A call comes about where only part of the network is open, through the server's own relay.
#![cfg(target_os = "linux")]

use std::time::Duration;

use maru_tests::faults::Scene;
use maru_tests::wait::eventually;

/// For what takes seconds, on a busy machine.
const LIMIT: Duration = Duration::from_secs(40);

/// What the router does not let through, from the start.
async fn call_without(blocked: &[&str], callers: &[&str]) -> Option<Scene> {
    let blocked: Vec<String> = blocked.iter().map(|rule| (*rule).to_owned()).collect();
    let scene = Scene::begin_without(&blocked, callers).await?;
    println!("without {blocked:?}: {} and {}", scene.anna.path(), scene.ben.path());
    Some(scene)
}

/// Both came to each other through the relay.
fn assert_relayed(scene: &Scene) {
    for path in [scene.anna.path(), scene.ben.path()] {
        assert!(path.contains("relay"), "{path}");
    }
}

/// Both say that they reach the relay so, and none of them that it is another way.
async fn relay_is_reached_by(scene: &Scene, way: &str) {
    for caller in [&scene.anna, &scene.ben] {
        let said = eventually("the way to the relay", LIMIT, async || {
            // Where only the other one's relay is used, there is nothing to say of it.
            (!caller.path().starts_with("relay")).then(|| way.to_owned()).or_else(|| caller.relay())
        })
        .await;
        assert_eq!(said, way);
    }
}

/// What is lost between two machines is said by both within seconds: by who sends it, and by who misses it.
#[tokio::test]
async fn losses_are_told_on_the_side_where_they_are() {
    // Every tenth packet of what Anna sends to Ben.
    let lossy = "ip saddr 10.77.1.0/24 ip daddr 10.77.2.0/24 ip protocol udp numgen random mod 10 == 0";
    let Some(scene) = call_without(&[lossy], &[]).await else { return };
    let share = |(packets, lost): (u64, u64)| lost as f64 / packets.max(1) as f64;
    let (anna, ben) = eventually("a thousand packets each way", LIMIT, async || {
        let (anna, ben) = (scene.anna.losses(), scene.ben.losses());
        (anna.sent.0 > 1000 && ben.received.0 > 1000 && ben.sent.0 > 300).then_some((anna, ben))
    })
    .await;
    for lost in [share(anna.sent), share(ben.received)] {
        assert!((0.05..0.16).contains(&lost), "{anna:?}, {ben:?}");
    }
    for lost in [share(ben.sent), share(anna.received)] {
        assert!(lost < 0.02, "{anna:?}, {ben:?}");
    }
}

#[tokio::test]
async fn where_everything_is_open_nothing_goes_through_the_relay() {
    let Some(scene) = call_without(&[], &[]).await else { return };
    for path in [scene.anna.path(), scene.ben.path()] {
        assert!(!path.contains("relay"), "{path}");
    }
}

#[tokio::test]
async fn whoever_wants_it_goes_through_the_relay_only() {
    let Some(scene) = call_without(&[], &["--addresses", "relay-only"]).await else { return };
    assert_eq!((scene.anna.path(), scene.ben.path()), ("relay-relay".into(), "relay-relay".into()));
    relay_is_reached_by(&scene, "udp").await;
}

#[tokio::test]
async fn two_who_cannot_reach_each_other_go_through_the_relay() {
    let Some(scene) = call_without(&["ip saddr 10.77.1.0/24 ip daddr 10.77.2.0/24"], &[]).await else {
        return;
    };
    assert_relayed(&scene);
}

#[tokio::test]
async fn where_udp_is_blocked_a_call_goes_over_tcp() {
    let Some(scene) = call_without(&["ip protocol udp"], &[]).await else { return };
    assert_relayed(&scene);
    relay_is_reached_by(&scene, "tcp").await;
}

#[tokio::test]
async fn where_only_the_servers_own_port_is_open_a_call_goes_over_that() {
    let Some(scene) = call_without(&["ip protocol udp", "tcp dport 3478", "tcp dport 5349"], &[]).await
    else {
        return;
    };
    assert_relayed(&scene);
    relay_is_reached_by(&scene, "websocket").await;
}
