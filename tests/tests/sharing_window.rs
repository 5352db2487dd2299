//! The real app's window and screens: one is picked in it and seen by others, one of theirs is seen in it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use maru_engine::{Command, VideoKind};
use maru_media::ScreenSourceId;
use maru_tests::participant::Participant;
use maru_tests::server::LocalServer;
use maru_tests::wait::{eventually, now_ms};
use maru_tests::window::AppWindow;
use serde_json::json;

/// For anything that a busy machine may make wait.
const LIMIT: Duration = Duration::from_secs(30);

const ROOM: &str = "화면";
const WINDOW: &str = "Wanda Window";
const OTHER: &str = "Hedy Headless";
/// What is on the screen, and not made up: the whole of it comes first.
const REAL: &str = "#picker [role=option]:not([title^=Test])";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_screen_that_is_picked_in_the_window_is_seen_and_so_is_one_of_the_others() {
    let server = LocalServer::start();
    let other = Participant::join(&server.url(), ROOM, OTHER).await;
    let window = AppWindow::open(&server.url(), json!({})).await;
    window.join(ROOM, WINDOW).await;
    window.see("the other's picture", "[data-peer][data-picture=true]").await;

    // Changed one's mind: nothing is shared.
    window.click("#share").await;
    window.see("something to share", "#picker [role=option]").await;
    println!("screenshot: {}", window.screenshot("share-picker").await.display());
    window.click("#picker button[type=button]").await;
    window.see_no("picker", "#picker").await;

    window.click("#share").await;
    window.see("something to share", "#picker [role=option]").await;
    window.press_enter(REAL).await;
    window.see_no("picker", "#picker").await;
    window.see("what is shared", "#sharing").await;
    other.until_peer("sharing", WINDOW, |peer| peer.sharing && peer.has_screen).await;
    eventually("a picture of the whole screen", LIMIT, async || {
        let pictures = other.engine().pictures(VideoKind::Screen);
        let (_, _, picture) = pictures.iter().find(|(_, of, _)| of == WINDOW)?;
        ((picture.width_px(), picture.height_px()) == (1280, 800)).then_some(())
    })
    .await;

    other.command(Command::StartShare { source: ScreenSourceId::new("pattern") }).await;
    window.see_text(".share-title", OTHER).await;
    window.picture_after(".share", now_ms()).await;
    println!("screenshot: {}", window.screenshot("share-seen").await.display());
    window.click(".share-size").await;
    window.see("the actual size", ".share[data-size=actual]").await;
    window.picture_after(".share", now_ms()).await;

    window.click("#stop-sharing").await;
    window.see_no("what is shared", "#sharing").await;
    other.until_peer("sharing no more", WINDOW, |peer| !peer.sharing && !peer.has_screen).await;
    other.command(Command::StopShare).await;
    window.see_no("shared screen", ".share").await;
    window.end().await;
    other.leave().await;
}
