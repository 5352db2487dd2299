//! The real app's window tells how the connections are, copies a report, and checks everything before a call.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use maru_tests::participant::Participant;
use maru_tests::server::LocalServer;
use maru_tests::wait::eventually;
use maru_tests::window::{AppWindow, screen};
use serde_json::{Value, json};

/// For anything that a busy machine may make wait.
const LIMIT: Duration = Duration::from_secs(40);

const ROOM: &str = "secret garden";
const WINDOW_NAME: &str = "Wanda Window";
const OTHER_NAME: &str = "Hedy Headless";

/// Presses the button on a tile: it is seen when a pointer is over it, or it has the focus.
const PRESS: &str = "const button = document.querySelector(arguments[0]); button.focus(); button.click();";
/// The texts of what is shown of a connection, by their labels.
const FIGURES: &str = "
    const rows = [...document.querySelectorAll('#connection-figures > div')];
    return Object.fromEntries(rows.map((row) => [row.children[0].innerText, row.children[1].innerText]));";
/// Presses Escape where the focus is.
const ESCAPE: &str = "document.activeElement.dispatchEvent(
    new KeyboardEvent('keydown', { key: 'Escape', bubbles: true, cancelable: true }));";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_panel_of_a_connection_says_how_it_is_and_a_report_says_nobodys_name() {
    let _screen = screen().await;
    let server = LocalServer::start();
    let other = Participant::join(&server.url(), ROOM, OTHER_NAME).await;
    let window = AppWindow::open(&server.url(), json!({})).await;
    window.join(ROOM, WINDOW_NAME).await;
    let toggle = format!("[data-peer=\"{}\"] .connection-toggle", other.id());
    window.see("the tile", &format!("[data-peer=\"{}\"]", other.id())).await;
    window.run(PRESS, &[json!(toggle)]).await;
    window.see_text("#connection-title", OTHER_NAME).await;
    let figures = eventually("figures", LIMIT, async || {
        let figures = window.run(FIGURES, &[]).await;
        let known = |label: &str| {
            figures[label].as_str().is_some_and(|text| !text.is_empty() && !text.contains("Not known"))
        };
        let all =
            ["Path", "Round trip", "Lost on the way here", "Received", "Picture received", "Encoded by"];
        all.into_iter().all(known).then_some(figures)
    })
    .await;
    println!("{figures:#}");
    assert!(figures["Path"].as_str().unwrap().starts_with("Direct, on this network"));
    assert!(figures["Encoded by"].as_str().unwrap().contains("OpenH264"));
    assert!(figures["Picture received"].as_str().unwrap().contains(" × "));
    eventually("a sentence", LIMIT, async || {
        let said = window.run("return document.querySelector('#connection-sentence').innerText", &[]).await;
        said.as_str().is_some_and(|said| said.ends_with('.')).then_some(())
    })
    .await;
    let label = window.attribute("#connection-figures .plot", "aria-label").await.unwrap();
    assert!(label.starts_with("Last minute: from "), "{label}");
    println!("screenshot: {}", window.screenshot("connection").await.display());

    window.click("#connection-panel .copy-diagnostics").await;
    let report = eventually("a report", LIMIT, async || {
        let text = window.run("return document.querySelector('.diagnostics-text')?.value", &[]).await;
        text.as_str().filter(|text| text.contains("\"maru\"")).map(str::to_owned)
    })
    .await;
    for there in ["\"page\": \"app\"", "linux", "\"peer\": 1", "currentRoundTripTime", "INFO"] {
        assert!(report.contains(there), "{there} is missing in {report}");
    }
    for not in [ROOM, WINDOW_NAME, OTHER_NAME, "Wanda", "127.0.0.1", &other.id()] {
        assert!(!report.contains(not), "{not} is in {report}");
    }
    println!("screenshot: {}", window.screenshot("report").await.display());

    window.run(ESCAPE, &[]).await;
    window.see_no("panel", "#connection-panel").await;
    let focused = window.run("return document.activeElement.className", &[]).await;
    assert!(focused.as_str().unwrap().contains("connection-toggle"), "{focused}");
    window.end().await;
    other.leave().await;
}

/// What is said of each step, once none is under way.
const STEPS: &str = "
    const steps = [...document.querySelectorAll('#check-steps > li')];
    if (steps.some((step) => ['waiting', 'running'].includes(step.dataset.state))) return null;
    return Object.fromEntries(steps.map((step) =>
        [step.dataset.step, [step.dataset.state, step.querySelector('.check-text').innerText]]));";

async fn checked(window: &AppWindow) -> Value {
    window.see("the question", "[data-answer=true]").await;
    println!("screenshot: {}", window.screenshot("check-asks").await.display());
    window.click("[data-answer=true]").await;
    eventually("the end of the check", LIMIT, async || {
        let steps = window.run(STEPS, &[]).await;
        (!steps.is_null()).then_some(steps)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_check_before_a_call_says_what_works_and_that_a_server_is_gone() {
    let _screen = screen().await;
    let mut server = LocalServer::start();
    let window = AppWindow::open(&server.url(), json!({})).await;
    window.click("#check-open").await;
    let steps = checked(&window).await;
    println!("{steps:#}\nscreenshot: {}", window.screenshot("check").await.display());
    for step in ["camera", "microphone", "speaker", "server"] {
        assert!(steps[step][0] != "bad", "{step}: {steps:#}");
    }
    assert_eq!((steps["speaker"][0].as_str(), steps["server"][0].as_str()), (Some("good"), Some("good")));

    server.kill().await;
    window.click("#check-again").await;
    let steps = checked(&window).await;
    println!("{steps:#}\nscreenshot: {}", window.screenshot("check-no-server").await.display());
    assert_eq!(steps["server"][0], "bad");
    assert!(steps["server"][1].as_str().unwrap().contains("cannot be reached"), "{steps:#}");
    window.click("#check-close").await;
    window.see_no("check", "#check").await;
    window.end().await;
}
