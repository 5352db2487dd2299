//! A call comes about where only part of the network is open, through the server's own relay.
#![cfg(target_os = "linux")]

use maru_tests::faults::Scene;

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
}

#[tokio::test]
async fn where_only_the_servers_own_port_is_open_a_call_goes_over_that() {
    let Some(scene) = call_without(&["ip protocol udp", "tcp dport 3478", "tcp dport 5349"], &[]).await
    else {
        return;
    };
    assert_relayed(&scene);
}
