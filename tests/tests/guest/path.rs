//! What becomes of the path between a guest and an engine: the page is loaded anew, the browser dies, both
//! sides negotiate at once, the network comes back, addresses are hidden behind names.

use std::time::Duration;

use maru_engine::PeerState;
use maru_tests::browser::{Devices, Kind};
use maru_tests::guest::Guest;
use maru_tests::order::{First, in_order};
use maru_tests::participant::Participant;
use maru_tests::relay::Relay;
use maru_tests::server::LocalServer;
use maru_tests::wait::now_ms;

use crate::meeting::{ENGINE, GUEST, MACHINE, Meeting, ROOM, TONE_HZ};

/// How a person who refused mends it.
const HOW_TO_ALLOW: &str = "Click the sign beside the page’s address";

/// A page that was loaded anew is who it was, and media flows again.
async fn reload(kind: Kind) {
    let meeting = Meeting::of(kind, First::Engine).await;
    let before = meeting.engine.until_peer("there", GUEST, |_| true).await.id;
    meeting.guest_sees_and_hears().await;
    meeting.guest.reload().await;
    meeting.guest.see("the call", "body[data-screen=call]").await;
    meeting.guest.paint(640, 480).await;
    meeting.engine_sees().await;
    meeting.guest_sees_and_hears().await;
    let after = meeting.engine.until_peer("there", GUEST, |peer| peer.state == PeerState::Connected).await.id;
    assert_eq!(before, after);
    assert_eq!(meeting.engine.until("one peer", |view| Some(view.peers.len())).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reloaded_page_in_chromium_takes_its_place_back() {
    reload(Kind::Chromium).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_that_is_killed_is_missed() {
    let meeting = Meeting::of(Kind::Chromium, First::Other).await;
    meeting.guest_sees_and_hears().await;
    let Meeting { guest, engine, server, .. } = meeting;
    guest.kill();
    engine.until("alone", |view| view.peers.is_empty().then_some(())).await;
    engine.leave().await;
    drop(server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_tab_is_missed() {
    let meeting = Meeting::of(Kind::Chromium, First::Other).await;
    meeting.guest.driver().close().await.unwrap();
    meeting.engine.until("alone", |view| view.peers.is_empty().then_some(())).await;
}

/// Another path would be no better, and a moment without picture and sound.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_changes_disturbs_nobody_whose_path_works() {
    for first in [First::Engine, First::Other] {
        let meeting = Meeting::of(Kind::Chromium, first).await;
        meeting.guest.paint(640, 480).await;
        meeting.engine_sees().await;
        for _ in 0..2 {
            let before = meeting.negotiations().await;
            meeting.guest.run("window.dispatchEvent(new Event('online'))", &[]).await;
            tokio::time::sleep(Duration::from_secs(2)).await;
            meeting.engine_sees().await;
            meeting.guest_sees_and_hears().await;
            assert_eq!(meeting.negotiations().await, before);
        }
        assert_eq!(meeting.engine.until("one peer", |view| Some(view.peers.len())).await, 1);
    }
}

/// A browser that may not use a camera hides its addresses behind names of the kind `….local`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_without_permission_listens_and_its_hidden_addresses_are_found() {
    let _machine = MACHINE.lock().await;
    let server = LocalServer::start();
    let guest = Guest::join_with(Kind::Chromium, Devices::Denied, &server, ROOM, GUEST).await;
    guest.see_text("#notice", HOW_TO_ALLOW).await;
    let engine = Participant::join(&server.url(), ROOM, ENGINE).await;
    let tile = format!("[data-peer=\"{}\"]", engine.id());
    guest.picture_after(&tile, now_ms()).await;
    guest.hear(&engine.id(), TONE_HZ).await;
    let seen = engine.until_peer("connected", GUEST, |peer| peer.state == PeerState::Connected).await;
    assert!(!seen.has_video);
    // It stays until it is dismissed.
    assert!(guest.is_shown("#notice").await);
    guest.see_text("#notice", HOW_TO_ALLOW).await;
    println!("screenshot: {}", guest.screenshot("guest-denied").await.display());
    guest.click("#notice .notice-dismiss").await;
    guest.see_no("notice", "#notice").await;
    engine.leave().await;
}

/// Everything between guest and engine goes through a relay that the server names.
async fn relayed(kind: Kind, first: First, server: LocalServer) {
    let url = server.url();
    let engine = Participant::join(&url, ROOM, ENGINE);
    let guest = async {
        let guest = Guest::open(kind, &server, ROOM, GUEST).await;
        guest.relay_only().await;
        guest.join_again().await;
        guest
    };
    let (engine, guest) = in_order(first, engine, guest).await;
    guest.paint(640, 480).await;
    engine.picture_after(GUEST, now_ms()).await;
    guest.picture_after(&format!("[data-peer=\"{}\"]", engine.id()), now_ms()).await;
    guest.hear(&engine.id(), TONE_HZ).await;
    assert_eq!(guest.own_candidate().await, "relay");
    engine.leave().await;
}

async fn relayed_by_coturn(kind: Kind, first: First) {
    let _machine = MACHINE.lock().await;
    let relay = Relay::start().await;
    relayed(kind, first, LocalServer::start_with_relay(&relay)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_connects_chromium_and_an_engine_that_offers() {
    relayed_by_coturn(Kind::Chromium, First::Engine).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_connects_an_engine_and_a_chromium_that_offers() {
    relayed_by_coturn(Kind::Chromium, First::Other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_servers_own_relay_connects_chromium_and_an_engine() {
    let _machine = MACHINE.lock().await;
    relayed(Kind::Chromium, First::Engine, LocalServer::start_relaying()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reloaded_page_in_firefox_takes_its_place_back() {
    reload(Kind::Firefox).await;
}
