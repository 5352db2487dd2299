//! More than one engine and one guest: two guests at once, and the program for the terminal.

use std::process::{Command, Stdio};

use maru_tests::browser::Kind;
use maru_tests::guest::Guest;
use maru_tests::participant::Participant;
use maru_tests::process::Group;
use maru_tests::programs;
use maru_tests::server::LocalServer;
use maru_tests::wait::now_ms;

use crate::meeting::{ENGINE, GUEST, MACHINE, ROOM, TONE_HZ};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_guests_and_an_engine_see_each_other() {
    const OTHER: &str = "Other Guest";
    let _machine = MACHINE.lock().await;
    let server = LocalServer::start();
    let engine = Participant::join(&server.url(), ROOM, ENGINE).await;
    let (one, other) = tokio::join!(
        Guest::join(Kind::Chromium, &server, ROOM, GUEST),
        Guest::join(Kind::Chromium, &server, ROOM, OTHER),
    );
    for (guest, name) in [(&one, GUEST), (&other, OTHER)] {
        guest.paint(640, 480).await;
        engine.picture_after(name, now_ms()).await;
    }
    for guest in [&one, &other] {
        let id = engine.id();
        guest.picture_after(&format!("[data-peer=\"{id}\"]"), now_ms()).await;
        guest.hear(&id, TONE_HZ).await;
        // The other guest has no fixed id: it is the tile that is not the engine's.
        guest.picture_after(&format!("[data-peer]:not([data-peer=\"{id}\"])"), now_ms()).await;
    }
    one.click("#leave").await;
    engine.until("one guest", |view| (view.peers.len() == 1).then_some(())).await;
    other.picture_after(&format!("[data-peer=\"{}\"]", engine.id()), now_ms()).await;
    engine.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_meets_a_terminal() {
    let _machine = MACHINE.lock().await;
    let server = LocalServer::start();
    let mut command = Command::new(programs::cli());
    command.args(["join", ROOM, "--name", "Terry Terminal", "--server", &server.url(), "--seconds", "600"]);
    command.args(["--camera", "test-pattern", "--microphone", "tone", "--speaker", "null"]);
    let terminal = Group::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()));
    let guest = Guest::join(Kind::Chromium, &server, ROOM, GUEST).await;
    guest.see_text("[data-peer] .name", "Terry Terminal").await;
    guest.picture_after("[data-peer]", now_ms()).await;
    let id = guest.attribute("[data-peer]", "data-peer").await.unwrap_or_default();
    guest.hear(&id, TONE_HZ).await;
    drop(terminal);
    guest.see_no("tile of who is gone", "[data-peer]").await;
}
