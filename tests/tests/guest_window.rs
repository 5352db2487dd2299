//! A guest in a browser and the real app in its window, in the same room.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use maru_tests::browser::Kind;
use maru_tests::guest::Guest;
use maru_tests::server::LocalServer;
use maru_tests::wait::now_ms;
use maru_tests::window::AppWindow;
use serde_json::json;
use tokio::sync::Mutex;

/// One call at a time: a window and a browser are as much as two cores carry.
static MACHINE: Mutex<()> = Mutex::const_new(());

const ROOM: &str = "창문 <b>window</b>";
const WINDOW: &str = "<img src=x onerror=window.hacked=1> Wanda";
const GUEST: &str = "\u{202e}Greta</span><script>window.hacked=1</script>";
/// The only tile of somebody else.
const TILE: &str = "[data-peer]";

#[derive(Clone, Copy, PartialEq, Eq)]
enum First {
    Window,
    Guest,
}

/// Both see and write to each other, whoever was there first, and names are nothing but text.
async fn meet(first: First) {
    let _machine = MACHINE.lock().await;
    let server = LocalServer::start();
    let window = AppWindow::open(&server.url(), json!({})).await;
    if first == First::Window {
        window.join(ROOM, WINDOW).await;
    }
    let guest = Guest::join(Kind::Chromium, &server, ROOM, GUEST).await;
    if first == First::Guest {
        window.join(ROOM, WINDOW).await;
    }
    guest.see_text(&format!("{TILE} .name"), WINDOW).await;
    window.see("the guest's tile", TILE).await;
    guest.paint(640, 480).await;
    window.picture_after(TILE, now_ms()).await;
    guest.picture_after(TILE, now_ms()).await;
    let id = guest.attribute(TILE, "data-peer").await.unwrap();
    guest.hear(&id, 440.0).await;

    window.click("#chat-toggle").await;
    guest.click("#chat-toggle").await;
    window.type_into("#chat-input", "안녕 <b>guest</b>").await;
    window.press_enter("#chat-input").await;
    guest.see_text("#chat-log", "안녕 <b>guest</b>").await;
    guest.say("Grüß <i>window</i>").await;
    window.see_text("#chat-log", "Grüß <i>window</i>").await;
    let strange =
        "return [typeof window.hacked, document.querySelectorAll('img[onerror], #chat-log i').length]";
    assert_eq!(window.run(strange, &[]).await, json!(["undefined", 0]));
    assert_eq!(guest.run(strange, &[]).await, json!(["undefined", 0]));
    println!("screenshot: {}", window.screenshot("window-with-guest").await.display());

    guest.click("#leave").await;
    window.see_no("tile of who left", TILE).await;
    window.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_joins_a_window() {
    meet(First::Window).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_joins_a_guest() {
    meet(First::Guest).await;
}
