//! Everything that two people in a room do, per browser and per who was there first.

use maru_engine::Command;
use maru_tests::browser::Kind;
use maru_tests::order::First;

use crate::meeting::{ENGINE, GUEST, Meeting};

async fn meet(kind: Kind, first: First) {
    let meeting = Meeting::of(kind, first).await;
    let (guest, engine, tile) = (&meeting.guest, &meeting.engine, meeting.tile());
    guest.see_text(&format!("{tile} .name"), ENGINE).await;
    meeting.engine_hears().await;
    guest.paint(640, 480).await;
    meeting.engine_sees().await;
    meeting.guest_sees_and_hears().await;
    println!("screenshot: {}", guest.screenshot(&format!("guest-{kind:?}")).await.display());

    engine.command(Command::SendChat { text: "안녕 <b>there</b>".into() }).await;
    guest.click("#chat-toggle").await;
    guest.see_text("#chat-log", "안녕 <b>there</b>").await;
    guest.say("Grüß <script>alert(1)</script>").await;
    let said = engine
        .until("the guest's message", |view| view.chat.iter().find(|said| said.name == GUEST).cloned())
        .await;
    assert_eq!(said.text, "Grüß <script>alert(1)</script>");

    guest.click("#mute").await;
    engine.until_peer("muted", GUEST, |peer| peer.muted && !peer.camera_off).await;
    guest.click("#camera").await;
    engine.until_peer("camera off", GUEST, |peer| peer.muted && peer.camera_off).await;
    guest.click("#mute").await;
    guest.click("#camera").await;
    engine.until_peer("both on", GUEST, |peer| !peer.muted && !peer.camera_off).await;
    meeting.engine_sees().await;
    engine.command(Command::SetMuted { muted: true }).await;
    engine.command(Command::SetCameraOff { camera_off: true }).await;
    guest.see("the engine's switches", &format!("{tile}[data-muted=true][data-camera-off=true]")).await;
    engine.command(Command::SetMuted { muted: false }).await;
    engine.command(Command::SetCameraOff { camera_off: false }).await;
    meeting.guest_sees_and_hears().await;

    guest.click("#leave").await;
    guest.see("the join screen", "body[data-screen=join]").await;
    engine.until("alone", |view| view.peers.is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_joins_an_engine_that_offers() {
    meet(Kind::Chromium, First::Engine).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_joins_a_chromium_that_offers() {
    meet(Kind::Chromium, First::Other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn firefox_joins_an_engine_that_offers() {
    meet(Kind::Firefox, First::Engine).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_joins_a_firefox_that_offers() {
    meet(Kind::Firefox, First::Other).await;
}
