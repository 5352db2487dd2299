//! A call goes on, whatever the network does.
#![cfg(target_os = "linux")]

use std::time::Duration;

use maru_tests::faults::{Gap, Scene};
use maru_tests::wait::{eventually, now_ms};
use tokio::time::sleep;

/// For what should take less than a second: a machine that does much else gets more.
const SOON: u64 = 4_000;
/// For a call to be one again.
const LIMIT: Duration = Duration::from_secs(30);

/// Waits until both see and hear each other again after what happened at that moment.
async fn back(scene: &Scene, since_ms: u64) {
    eventually("picture and sound on both sides", LIMIT, async || {
        let back = scene.back_after(since_ms).longest() < u64::MAX;
        (back && scene.anna.is_connected() && scene.ben.is_connected()).then_some(())
    })
    .await;
}

/// Back, and a second more, in which nothing else breaks.
async fn settled(scene: &Scene, since_ms: u64) {
    back(scene, since_ms).await;
    sleep(Duration::from_secs(1)).await;
}

/// Ben's machine gets another address; returns when.
async fn another_address(scene: &mut Scene) -> u64 {
    let moved = now_ms();
    scene.bens.move_to(7);
    settled(scene, moved).await;
    moved
}

/// Anna's machine goes from one network to another; returns when.
async fn another_network(scene: &mut Scene) -> u64 {
    let other = scene.network.cable(&scene.annas, "eth1");
    sleep(Duration::from_secs(1)).await;
    let moved = now_ms();
    scene.annas.unplug("eth0");
    scene.annas.route_by("eth1", other);
    settled(scene, moved).await;
    moved
}

/// Both machines get another address; returns when.
async fn other_addresses(scene: &mut Scene) -> u64 {
    let moved = now_ms();
    scene.annas.move_to(8);
    scene.bens.move_to(8);
    settled(scene, moved).await;
    moved
}

/// Nothing reaches Ben's machine for so long; returns when it does again.
async fn no_network(scene: &Scene, span: Duration) -> u64 {
    scene.network.lose_machine(&scene.bens);
    sleep(span).await;
    healed(scene).await
}

/// Nothing from Anna's machine reaches Ben's for so long, while both reach the server; returns when it does again.
async fn no_path(scene: &Scene, span: Duration) -> u64 {
    scene.network.lose(&[format!("ip saddr {} ip daddr {}", scene.annas.address, scene.bens.address)]);
    sleep(span).await;
    healed(scene).await
}

async fn healed(scene: &Scene) -> u64 {
    let found = now_ms();
    scene.network.heal();
    settled(scene, found).await;
    found
}

/// Ben's machine sleeps for so long; returns when it wakes.
async fn asleep(scene: &Scene, span: Duration) -> u64 {
    scene.ben.sleep(true);
    sleep(span).await;
    let woken = now_ms();
    scene.ben.sleep(false);
    settled(scene, woken).await;
    woken
}

/// The server is killed, and started again after so long; returns when it was killed.
async fn killed_server(scene: &mut Scene, span: Duration) -> u64 {
    let killed = now_ms();
    scene.kill_server();
    sleep(span).await;
    scene.restart_server();
    sleep(2 * span).await;
    killed
}

/// Every fault with what it did to a call, as a table for the docs.
#[tokio::test]
#[ignore = "a figure: cargo xtask bench reconnect"]
async fn figures_of_faults() {
    // One call at a time: each scene ends before the next begins.
    let mut rows = Vec::new();
    let mut row = |fault: &str, what: &str, gap: Gap| {
        rows.push(format!("| {fault} | {what} | {} ms | {} ms |", gap.picture, gap.sound));
        println!("{}", rows[rows.len() - 1]);
    };
    let seconds = Duration::from_secs;

    let Some(mut scene) = Scene::begin().await else { return };
    let moved = another_address(&mut scene).await;
    row("another address", "gap", scene.gap(moved));
    drop(scene);

    let Some(mut scene) = Scene::begin().await else { return };
    let moved = another_network(&mut scene).await;
    row("another network, the first unplugged", "gap", scene.gap(moved));
    drop(scene);

    let Some(mut scene) = Scene::begin().await else { return };
    let moved = other_addresses(&mut scene).await;
    row("other addresses for both at once", "gap", scene.gap(moved));
    drop(scene);

    for count in [10, 30] {
        let Some(scene) = Scene::begin().await else { return };
        let found = no_network(&scene, seconds(count)).await;
        row(&format!("no network for {count} s"), "back after", scene.back_after(found));
    }

    let Some(scene) = Scene::begin().await else { return };
    let found = no_path(&scene, seconds(10)).await;
    row("no path between the two for 10 s, the server in reach", "back after", scene.back_after(found));
    drop(scene);

    let Some(scene) = Scene::begin().await else { return };
    let woken = asleep(&scene, seconds(60)).await;
    row("a machine asleep for 60 s", "back after", scene.back_after(woken));
    drop(scene);

    let Some(mut scene) = Scene::begin().await else { return };
    let killed = killed_server(&mut scene, seconds(5)).await;
    row("the server killed, and started again 5 s later", "gap", scene.gap(killed));
    drop(scene);

    let Some(scene) = Scene::begin().await else { return };
    let lost = now_ms();
    scene.network.lose_machine(&scene.servers);
    sleep(seconds(600)).await;
    let gap = scene.gap(lost);
    scene.network.heal();
    sleep(seconds(15)).await;
    row("the server out of reach for 10 minutes", "gap", gap);

    println!("\n| fault | measured | picture | sound |\n|---|---|---|---|");
    for row in rows {
        println!("{row}");
    }
}

#[tokio::test]
async fn a_call_moves_on_with_a_machine_that_gets_another_address() {
    let Some(mut scene) = Scene::begin().await else { return };
    let moved = another_address(&mut scene).await;
    let gap = scene.gap(moved);
    println!("another address: {gap:?}");
    assert!(gap.longest() < SOON, "{gap:?}");
    assert!(scene.ben.said("restarting", moved), "nobody was told");
}

#[tokio::test]
async fn a_call_moves_on_with_a_machine_that_changes_from_one_network_to_another() {
    let Some(mut scene) = Scene::begin().await else { return };
    let moved = another_network(&mut scene).await;
    let gap = scene.gap(moved);
    println!("another network: {gap:?}");
    assert!(gap.longest() < SOON, "{gap:?}");
}

#[tokio::test]
async fn a_call_goes_on_when_both_get_other_addresses_at_once() {
    let Some(mut scene) = Scene::begin().await else { return };
    let moved = other_addresses(&mut scene).await;
    let gap = scene.gap(moved);
    println!("both: {gap:?}");
    assert!(gap.longest() < SOON, "{gap:?}");
}

#[tokio::test]
async fn after_ten_seconds_without_a_network_a_call_is_back_at_once() {
    let Some(scene) = Scene::begin().await else { return };
    let lost = now_ms();
    let found = no_network(&scene, Duration::from_secs(10)).await;
    let back = scene.back_after(found);
    println!("10 s without a network: back after {back:?}");
    assert!(back.longest() < SOON, "{back:?}");
    assert!(scene.anna.said("restarting", lost) && scene.ben.said("restarting", lost), "nobody was told");
}

#[tokio::test]
async fn a_call_finds_another_path_when_only_the_one_between_the_two_is_lost() {
    let Some(scene) = Scene::begin().await else { return };
    let found = no_path(&scene, Duration::from_secs(6)).await;
    let back = scene.back_after(found);
    println!("6 s without a path: back after {back:?}");
    assert!(back.longest() < SOON, "{back:?}");
}

#[tokio::test]
async fn a_call_does_not_notice_that_its_server_is_killed_and_started_again() {
    let Some(mut scene) = Scene::begin().await else { return };
    let killed = killed_server(&mut scene, Duration::from_secs(3)).await;
    let gap = scene.gap(killed);
    println!("server killed and started: {gap:?}");
    assert!(gap.longest() < 1_000, "{gap:?}");
    assert!(!scene.anna.said("restarting", killed) && !scene.ben.said("restarting", killed));
}

#[tokio::test]
async fn a_machine_that_slept_longer_than_its_place_was_kept_is_back_when_it_wakes() {
    let Some(scene) = Scene::begin().await else { return };
    let woken = asleep(&scene, Duration::from_secs(45)).await;
    let back = scene.back_after(woken);
    println!("45 s asleep: back after {back:?}");
    assert!(back.longest() < 2 * SOON, "{back:?}");
}
