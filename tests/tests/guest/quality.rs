//! A guest's page tells how its connections are, and checks everything before a call.

use std::time::Duration;

use maru_tests::browser::Kind;
use maru_tests::guest::Guest;
use maru_tests::order::First;
use maru_tests::relay::Relay;
use maru_tests::server::LocalServer;
use maru_tests::wait::eventually;
use serde_json::json;

use crate::meeting::{ENGINE, GUEST, MACHINE, Meeting, ROOM};

const LIMIT: Duration = Duration::from_secs(45);

/// The texts of what is shown of a connection, by their labels.
const FIGURES: &str = "
    const rows = [...document.querySelectorAll('#connection-figures > div')];
    return Object.fromEntries(rows.map((row) => [row.children[0].innerText, row.children[1].innerText]));";
/// What is said of each step, once none is under way.
const STEPS: &str = "
    const steps = [...document.querySelectorAll('#check-steps > li')];
    if (steps.some((step) => ['waiting', 'running'].includes(step.dataset.state))) return null;
    return Object.fromEntries(steps.map((step) =>
        [step.dataset.step, [step.dataset.state, step.querySelector('.check-text').innerText]]));";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_panel_of_a_connection_says_the_same_in_a_browser() {
    let meeting = Meeting::of(Kind::Chromium, First::Engine).await;
    meeting.guest_sees_and_hears().await;
    let guest = &meeting.guest;
    guest.run("document.querySelector('.connection-toggle').click()", &[]).await;
    guest.see_text("#connection-title", ENGINE).await;
    let figures = eventually("figures", LIMIT, async || {
        let figures = guest.run(FIGURES, &[]).await;
        let known = |label: &str| {
            figures[label].as_str().is_some_and(|text| !text.is_empty() && !text.contains("Not known"))
        };
        let all = [
            "Path",
            "Round trip",
            "Lost on the way here",
            "Sent",
            "Received",
            "Picture received",
            "Jitter buffer",
        ];
        all.into_iter().all(known).then_some(figures)
    })
    .await;
    println!("{figures:#}\nscreenshot: {}", guest.screenshot("guest-connection").await.display());
    assert!(figures["Path"].as_str().unwrap().starts_with("Direct, on this network"), "{figures:#}");
    assert_eq!(figures["Sound"], "opus");

    guest.click("#connection-panel .copy-diagnostics").await;
    let report = eventually("a report", LIMIT, async || {
        let text = guest.run("return document.querySelector('.diagnostics-text')?.value", &[]).await;
        text.as_str().filter(|text| text.contains("\"page\": \"guest\"")).map(str::to_owned)
    })
    .await;
    for not in [ROOM, GUEST, ENGINE, "127.0.0.1", &meeting.engine.id()] {
        assert!(!report.contains(not), "{not} is in {report}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_check_before_a_call_passes_in_chromium_and_says_when_the_server_is_gone() {
    let _machine = MACHINE.lock().await;
    let relay = Relay::start().await;
    let mut server = LocalServer::start_with_relay(&relay);
    let guest = Guest::open(Kind::Chromium, &server, ROOM, GUEST).await;
    let checked = async |answer: bool| {
        guest.click(&format!("[data-answer={answer}]")).await;
        eventually("the end of the check", LIMIT, async || {
            let steps = guest.run(STEPS, &[]).await;
            (!steps.is_null()).then_some(steps)
        })
        .await
    };
    guest.click("#check-open").await;
    let steps = checked(true).await;
    println!("{steps:#}\nscreenshot: {}", guest.screenshot("guest-check").await.display());
    for step in ["speaker", "server", "udp", "relay"] {
        assert_eq!(steps[step][0], "good", "{step}: {steps:#}");
    }
    assert!(steps["relay"][1].as_str().unwrap().contains("UDP"), "{steps:#}");

    server.kill().await;
    guest.click("#check-again").await;
    let steps = checked(false).await;
    assert_eq!((&steps["server"][0], &steps["speaker"][0]), (&json!("bad"), &json!("bad")), "{steps:#}");
}

async fn a_part_that_cannot_be_loaded(kind: Kind) {
    let _machine = MACHINE.lock().await;
    let mut server = LocalServer::start();
    let guest = Guest::open(kind, &server, ROOM, GUEST).await;
    guest.see("the join screen", "body[data-screen=join] #name").await;
    server.kill().await;
    guest.click("#check-open").await;
    guest.see_text("#notice", "could not be loaded").await;
    server.restart();
    guest.click("#notice .notice-dismiss").await;
    guest.click("#check-open").await;
    guest.see("the check", "#check [data-step=server][data-state=good]").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_chromium_cannot_load_is_said_and_comes_when_the_server_is_back() {
    a_part_that_cannot_be_loaded(Kind::Chromium).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_firefox_cannot_load_is_said_and_comes_when_the_server_is_back() {
    a_part_that_cannot_be_loaded(Kind::Firefox).await;
}
