//! What people do with their devices, and what they call themselves.

use maru_engine::Command;
use maru_tests::browser::Kind;
use maru_tests::order::First;
use maru_tests::wait::{eventually, now_ms};

use crate::meeting::{LIMIT, Meeting};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_phone_that_is_turned_turns_its_picture() {
    let meeting = Meeting::of(Kind::Chromium, First::Engine).await;
    let (guest, tile) = (&meeting.guest, meeting.tile());
    guest.paint(640, 480).await;
    meeting.shape("wide", |width, height| width > height).await;
    guest.driver().resize(500, 900).await.unwrap();
    guest.turn(480, 640).await;
    meeting.shape("high", |width, height| width < height).await;
    meeting.engine_sees().await;
    guest.picture_after(&tile, now_ms()).await;
    println!("screenshot: {}", guest.screenshot("guest-portrait").await.display());
    guest.driver().resize(900, 500).await.unwrap();
    guest.turn(640, 480).await;
    meeting.shape("wide again", |width, height| width > height).await;
    meeting.engine_sees().await;
    guest.picture_after(&tile, now_ms()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_camera_and_microphone_need_no_negotiation() {
    let meeting = Meeting::of(Kind::Chromium, First::Other).await;
    meeting.engine_hears().await;
    let before = meeting.negotiations().await;
    for picker in ["#camera-select", "#microphone-select"] {
        let chosen = meeting.guest.choose_another(picker).await;
        eventually("the other device in use", LIMIT, async || {
            (meeting.guest.chosen(picker).await? == chosen).then_some(())
        })
        .await;
        let seen = meeting.frames().await;
        eventually("more pictures", LIMIT, async || (meeting.frames().await > seen + 10).then_some(())).await;
    }
    meeting.engine_hears().await;
    assert_eq!(meeting.negotiations().await, before);
}

/// Names that are markup, run from right to left or are no letters are shown as they are, and nothing else happens.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_names_are_text() {
    const HOSTILE: [(&str, &str); 2] = [
        ("<img src=x onerror=window.hacked=1>", "</span><script>window.hacked=1</script>"),
        ("\u{5e9}\u{5dc}\u{5d5}\u{5dd} \"'`", "👩‍👩‍👧‍👦 &amp; $(id)"),
    ];
    for (engine_name, guest_name) in HOSTILE {
        let meeting = Meeting::named(Kind::Chromium, First::Engine, engine_name, guest_name).await;
        let (guest, tile) = (&meeting.guest, meeting.tile());
        guest.see_text(&format!("{tile} .name"), engine_name).await;
        meeting.engine.until_peer("by its name", guest_name, |_| true).await;
        let text = format!("{engine_name} <iframe src=javascript:window.hacked=1>");
        meeting.engine.command(Command::SendChat { text: text.clone() }).await;
        guest.click("#chat-toggle").await;
        guest.see_text("#chat-log", &text).await;
        let strange =
            "return [typeof window.hacked, document.querySelectorAll('img[onerror], iframe').length]";
        assert_eq!(guest.run(strange, &[]).await, serde_json::json!(["undefined", 0]));
        println!("screenshot: {}", guest.screenshot("guest-hostile").await.display());
    }
}
