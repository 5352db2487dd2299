//! The real app in a window under a virtual screen, in a call with a participant without one.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use maru_engine::{CallState, Command};
use maru_tests::participant::Participant;
use maru_tests::server::LocalServer;
use maru_tests::wait::now_ms;
use maru_tests::window::{AppWindow, Call, OTHER_NAME, ROOM, WINDOW_NAME, screen};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_who_type_the_same_room_see_each_other() {
    let call = Call::start(json!({})).await;
    call.window.see_text(&format!("{} .name", call.tile()), OTHER_NAME).await;
    call.pictures_move().await;
    let paint = call.window.attribute(&format!("{} canvas", call.tile()), "data-paint").await;
    assert_eq!(paint.as_deref(), Some("webcodecs"));
    let seen = call.other.picture_after(WINDOW_NAME, 0).await;
    call.other.picture_after(WINDOW_NAME, seen + 500).await;
    call.window.see("the own picture", "[data-self] canvas[data-paint=webgl]").await;
    println!("screenshot: {}", call.window.screenshot("call").await.display());
    call.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pictures_are_painted_by_webgl_where_the_settings_ask_for_it() {
    let call = Call::start(json!({ "force_fallback": true })).await;
    call.pictures_move().await;
    let paint = call.window.attribute(&format!("{} canvas", call.tile()), "data-paint").await;
    assert_eq!(paint.as_deref(), Some("webgl"));
    println!("screenshot: {}", call.window.screenshot("fallback").await.display());
    call.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_accepted_is_saved_with_the_downloads_and_a_declined_one_is_not() {
    let call = Call::start(json!({})).await;
    let folder = tempfile::TempDir::new().unwrap();
    for name in ["보고서.txt", "declined.txt"] {
        let path = folder.path().join(name);
        std::fs::write(&path, "a report").unwrap();
        let picked = call.other.engine().pick_file(path).unwrap();
        call.other.command(Command::OfferFile { handle: picked.handle }).await;
    }
    call.window.see_text("#chat-badge", "2").await;
    call.window.click("#chat-toggle").await;
    call.window.see_text("[data-file='1'] .file-name", "보고서.txt").await;
    println!("screenshot: {}", call.window.screenshot("files").await.display());
    call.window.click("[data-file='1'] .primary").await;
    call.window.see_text("[data-file='1'] .file-status", "보고서.txt").await;
    call.window.click("[data-file='2'] button:not(.primary)").await;
    call.window.see("a declined file", "[data-file='2'][data-state=declined]").await;
    let saved: Vec<_> =
        std::fs::read_dir(call.window.downloads()).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(saved, [call.window.downloads().join("보고서.txt")]);
    assert_eq!(std::fs::read_to_string(&saved[0]).unwrap(), "a report");
    call.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mute_and_camera_off_are_seen_by_the_other_side() {
    let call = Call::start(json!({})).await;
    let (window, other, tile) = (&call.window, &call.other, call.tile());

    window.click("#mute").await;
    other.until_peer("muted", WINDOW_NAME, |peer| peer.muted && !peer.camera_off).await;
    window.click("#camera").await;
    other.until_peer("camera off", WINDOW_NAME, |peer| peer.muted && peer.camera_off).await;
    window.see("the own switches", "#mute[aria-pressed=true]").await;
    window.click("#mute").await;
    window.click("#camera").await;
    other.until_peer("both on again", WINDOW_NAME, |peer| !peer.muted && !peer.camera_off).await;
    other.picture_after(WINDOW_NAME, now_ms()).await;

    other.command(Command::SetMuted { muted: true }).await;
    window.see("the other's mute", &format!("{tile}[data-muted=true][data-camera-off=false]")).await;
    other.command(Command::SetCameraOff { camera_off: true }).await;
    window.see("the other's camera off", &format!("{tile}[data-muted=true][data-camera-off=true]")).await;
    other.command(Command::SetCameraOff { camera_off: false }).await;
    window.see("the other's camera on", &format!("{tile}[data-camera-off=false]")).await;
    window.picture_after(&tile, now_ms()).await;
    call.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chat_goes_both_ways() {
    let call = Call::start(json!({})).await;
    call.window.click("#chat-toggle").await;
    call.other.until_peer("connected", WINDOW_NAME, |peer| peer.has_video).await;
    call.window.type_into("#chat-input", "안녕 <b>everybody</b>").await;
    call.window.press_enter("#chat-input").await;
    let said = call.other.until("the window's message", |view| view.chat.last().cloned()).await;
    assert_eq!((said.name.as_str(), said.text.as_str()), (WINDOW_NAME, "안녕 <b>everybody</b>"));
    call.other.command(Command::SendChat { text: "Welcome & <i>sit down</i>".into() }).await;
    call.window.see_text("#chat-log", "Welcome & <i>sit down</i>").await;
    call.window.see_text("#chat-log", "안녕 <b>everybody</b>").await;
    println!("screenshot: {}", call.window.screenshot("chat").await.display());
    call.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reloaded_page_shows_the_call_again() {
    let call = Call::start(json!({})).await;
    call.pictures_move().await;
    call.other.command(Command::SendChat { text: "said before".into() }).await;
    call.window.reload().await;
    call.window.see("the call", "body[data-screen=call]").await;
    call.window.see_text(&format!("{} .name", call.tile()), OTHER_NAME).await;
    let reloaded = now_ms();
    call.window.picture_after(&call.tile(), reloaded).await;
    call.window.click("#chat-toggle").await;
    call.window.see_text("#chat-log", "said before").await;
    // For the other side nothing happened.
    let peers = call.other.until("one peer", |view| Some(view.peers.len())).await;
    assert_eq!(peers, 1);
    call.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_room_name_is_answered_with_a_sentence() {
    let _screen = screen().await;
    let server = LocalServer::start();
    let window = AppWindow::open(&server.url(), json!({})).await;
    window.type_into("#name", WINDOW_NAME).await;
    window.type_into("#room", &"회".repeat(65)).await;
    window.click("#join").await;
    window.see_text("#notice", "The room name has 65 characters. 64 is the most.").await;
    // And the way out: another name.
    window.join(ROOM, WINDOW_NAME).await;
    window.see_no("notice", "#notice").await;
    window.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn media_goes_on_while_the_server_is_away_and_a_newcomer_can_join_afterwards() {
    let mut call = Call::start(json!({})).await;
    call.pictures_move().await;
    call.server.kill().await;
    call.window.see_text("#call-screen", "reconnecting").await;
    call.pictures_move().await;
    println!("screenshot: {}", call.window.screenshot("reconnecting").await.display());
    call.server.restart();
    call.other.until("back at the server", |view| (view.call == CallState::InCall).then_some(())).await;
    let newcomer = Participant::join(&call.server.url(), ROOM, "Nora Newcomer").await;
    let tile = format!("[data-peer=\"{}\"]", newcomer.id());
    call.window.picture_after(&tile, 0).await;
    call.pictures_move().await;
    newcomer.leave().await;
    call.window.see_no("tile of who left", &tile).await;
    call.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leaving_and_ending_the_app_are_seen_by_the_other_side_at_once() {
    let call = Call::start(json!({})).await;
    call.other.until_peer("in the room", WINDOW_NAME, |_| true).await;
    call.window.click("#leave").await;
    call.window.see("the join screen", "body[data-screen=join]").await;
    call.other.until("alone", |view| view.peers.is_empty().then_some(())).await;

    // As another person might type it.
    call.window.join(&ROOM.to_uppercase(), WINDOW_NAME).await;
    call.other.until_peer("back", WINDOW_NAME, |_| true).await;
    let asked = std::time::Instant::now();
    call.window.end().await;
    call.other.until("alone again", |view| view.peers.is_empty().then_some(())).await;
    // Said goodbye: a participant that vanishes is missed only after several seconds.
    assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());
    call.other.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_server_lets_in_who_typed_its_address_with_the_token() {
    let _screen = screen().await;
    let public = LocalServer::start();
    let private = LocalServer::start_private("open-sesame");
    let window = AppWindow::open(&public.url(), json!({})).await;
    window.click("#advanced summary").await;
    window.type_into("#server", &private.url()).await;
    window.type_into("#room", ROOM).await;
    window.type_into("#name", WINDOW_NAME).await;
    window.click("#join").await;
    window.see_text("#notice", "token").await;

    window.type_into("#server", &format!("{}?token=open-sesame", private.url())).await;
    window.join(ROOM, WINDOW_NAME).await;
    assert!(!window.settings().contains("sesame"), "the token is in the settings file");
    window.end().await;
}
