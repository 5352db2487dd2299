//! Screens that are shared by and with guests.

use maru_engine::{Command, VideoKind};
use maru_media::ScreenSourceId;
use maru_media::video::timecode;
use maru_tests::browser::Kind;
use maru_tests::guest::Guest;
use maru_tests::order::First;
use maru_tests::server::LocalServer;
use maru_tests::wait::{eventually, now_ms};
use serde_json::json;

use crate::meeting::{ENGINE, GUEST, LIMIT, MACHINE, Meeting, ROOM};

/// The size of the shared picture that is shown.
const SIZE: &str = "
    const video = document.querySelector('.share video');
    return video ? [video.videoWidth, video.videoHeight] : null;";

/// How large the picture of a share is painted, in CSS pixels.
const PAINTED: &str = "
    const { width, height } = document.querySelector('.share-picture').getBoundingClientRect();
    return [width, height].map(Math.round);";

/// Waits until a guest is shown a share of this size that was taken from now on.
async fn sees_screen(guest: &Guest, of: &str, size: [u32; 2]) {
    guest.see_text(".share-title", of).await;
    guest.picture_after(".share", now_ms()).await;
    eventually("the screen in its size", LIMIT, async || {
        (guest.run(SIZE, &[]).await == json!(size)).then_some(())
    })
    .await;
}

/// Two guests share their screens with each other, in turn and at once.
async fn share(one: Kind, other: Kind) {
    const OTHER: &str = "Olga Other";
    let _machine = MACHINE.lock().await;
    let server = LocalServer::start();
    let first = Guest::join(one, &server, ROOM, GUEST).await;
    let second = Guest::join(other, &server, ROOM, OTHER).await;
    for guest in [&first, &second] {
        guest.see("the other's picture", "[data-peer][data-picture=true]").await;
        guest.see_no("shared screen", ".share").await;
    }

    first.share(1920, 1080).await;
    sees_screen(&second, GUEST, [1920, 1080]).await;
    second.see("who shares", "[data-peer][data-sharing=true]").await;
    println!("screenshot: {}", second.screenshot(&format!("sharing-{other:?}")).await.display());

    // Pixel by pixel, and back.
    second.click(".share-size").await;
    second.see("the actual size", ".share[data-size=actual]").await;
    assert_eq!(second.run(PAINTED, &[]).await, json!([1920, 1080]));
    second.click(".share-size").await;
    second.see("the whole screen", ".share[data-size=fit]").await;

    // Both at once; each sees the other's.
    second.share(1280, 720).await;
    sees_screen(&first, OTHER, [1280, 720]).await;
    second.picture_after(".share", now_ms()).await;

    first.end_share().await;
    second.see_no("shared screen", ".share").await;
    second.see_no("who shares", "[data-peer][data-sharing=true]").await;
    second.click("#stop-sharing").await;
    first.see_no("shared screen", ".share").await;
    // Nothing had to be negotiated for it, so once more is as easy.
    first.share(1920, 1080).await;
    sees_screen(&second, GUEST, [1920, 1080]).await;
    first.click("#leave").await;
    second.see_no("shared screen", ".share").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_chromiums_share_their_screens() {
    share(Kind::Chromium, Kind::Chromium).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_and_firefox_share_their_screens() {
    share(Kind::Chromium, Kind::Firefox).await;
}

/// What the browser itself captures, and not a canvas in its place: nothing on the page or in its headers forbids it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_chromium_itself_captures_is_seen() {
    let _machine = MACHINE.lock().await;
    let server = LocalServer::start();
    let first = Guest::join(Kind::Chromium, &server, ROOM, GUEST).await;
    let second = Guest::join(Kind::Chromium, &server, ROOM, "Olga Other").await;
    second.see("the other's picture", "[data-peer][data-picture=true]").await;
    first.click("#share").await;
    first.see("the own share", "#sharing").await;
    second.see("a picture of the screen", ".share[data-picture=true]").await;
    first.click("#share[aria-pressed=true]").await;
    second.see_no("shared screen", ".share").await;
}

/// An engine and a guest share their screens with each other, at once.
async fn share_with_engine(kind: Kind, first: First) {
    let meeting = Meeting::of(kind, first).await;
    let (guest, engine) = (&meeting.guest, &meeting.engine);
    let negotiated = meeting.negotiations().await;
    engine.command(Command::StartShare { source: ScreenSourceId::new("pattern") }).await;
    sees_screen(guest, ENGINE, [1920, 1080]).await;
    println!("screenshot: {}", guest.screenshot(&format!("sharing-engine-{kind:?}")).await.display());

    guest.share(1920, 1080).await;
    engine.until_peer("sharing", GUEST, |peer| peer.sharing && peer.has_screen).await;
    let shared = now_ms();
    eventually("a newer picture of the guest's screen", LIMIT, async || {
        let pictures = engine.engine().pictures(VideoKind::Screen);
        let (_, _, picture) = pictures.iter().find(|(_, of, _)| of == GUEST)?;
        timecode::read(picture).filter(|taken| *taken > shared)
    })
    .await;
    guest.picture_after(".share", now_ms()).await;

    guest.click("#stop-sharing").await;
    engine.until_peer("sharing no more", GUEST, |peer| !peer.sharing && !peer.has_screen).await;
    engine.command(Command::StopShare).await;
    guest.see_no("shared screen", ".share").await;
    assert_eq!(meeting.negotiations().await, negotiated);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_and_a_chromium_that_answers_share_their_screens() {
    share_with_engine(Kind::Chromium, First::Engine).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_and_a_chromium_that_offers_share_their_screens() {
    share_with_engine(Kind::Chromium, First::Other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_and_a_firefox_share_their_screens() {
    share_with_engine(Kind::Firefox, First::Engine).await;
}
