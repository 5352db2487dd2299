//! Nobody is kept out of a call by the page: axe-core finds nothing serious on any screen, in any language,
//! light or dark, on a desk or on a phone.
#![cfg(feature = "browsers")]
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::{env, fs};

use maru_engine::Command;
use maru_tests::browser::{Browser, Devices, Kind};
use maru_tests::guest::Guest;
use maru_tests::participant::Participant;
use maru_tests::server::LocalServer;
use serde_json::{Value, json};

/// What axe-core calls serious or critical, with where it is.
const CHECK: &str = r#"
return axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
  violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(" ")}`)));
"#;

/// Width and height in CSS pixels, and whether it is a phone's.
const SCREENS: [(u32, u32, bool); 3] = [(1280, 800, false), (360, 740, true), (740, 360, true)];

/// The page, and what it is checked with.
struct Checked {
    browser: Browser,
    language: &'static str,
}

impl Checked {
    async fn chromium(&self, command: &str, parameters: Value) {
        self.browser.driver().chromium(command, parameters).await.expect("Chromium does as it is told");
    }

    /// Checks what the page shows now, on every screen.
    async fn check(&self, what: &str) {
        for (width, height, mobile) in SCREENS {
            let screen =
                json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile });
            self.chromium("Emulation.setDeviceMetricsOverride", screen).await;
            for scheme in ["light", "dark"] {
                let features = json!([
                    { "name": "prefers-color-scheme", "value": scheme },
                    // What is about to fade in is judged as it will be.
                    { "name": "prefers-reduced-motion", "value": "reduce" },
                ]);
                self.chromium("Emulation.setEmulatedMedia", json!({ "features": features })).await;
                let found = self.browser.driver().execute(CHECK, &[]).await.expect("axe-core runs");
                assert_eq!(found, json!([]), "{what}, {}, {width}×{height}, {scheme}", self.language);
                let overflow = self.browser.run("return innerWidth", &[]).await;
                assert_eq!(overflow, json!(width), "{what}, {}: the page is too wide", self.language);
            }
        }
    }
}

/// What `cargo xtask test` fetched.
fn axe() -> String {
    let file =
        env::var_os("MARU_AXE").expect("MARU_AXE names axe-core's axe.min.js: `cargo xtask test` sets it");
    fs::read_to_string(Path::new(&file)).expect("axe-core can be read")
}

async fn every_screen(language: &'static str) {
    let server = LocalServer::start();
    let browser = Browser::start(Kind::Chromium, Devices::Granted).await;
    let link = server.url().replacen("ws", "http", 1).replace("/ws", "/open-house");
    browser.open(&format!("{link}?lang={language}")).await;
    // As a script of the driver's: the page's own rules let no stranger's script in.
    browser.driver().execute(&axe(), &[]).await.expect("axe-core is taken in");
    let page = Checked { browser, language };

    page.browser.see("the join screen", "body[data-screen=join] #name").await;
    page.check("the join screen").await;
    page.browser.click("#join").await; // without a name
    page.browser.see("what is missing", "#notice").await;
    page.check("the join screen with a notice").await;
    page.browser.click("#check-open").await;
    page.browser.see("the check", "#check [data-step=server][data-state=good]").await;
    page.check("the check before a call").await;
    page.browser.click("#check-close").await;

    page.browser.type_into("#name", "Greta").await;
    page.browser.click("#join").await;
    page.browser.see("the call", "body[data-screen=call]").await;
    page.check("a call alone").await;

    let other = Participant::join(&server.url(), "open-house", "Enno").await;
    page.browser.see("a picture", "[data-peer][data-picture=true]").await;
    page.check("a call of two").await;

    page.chromium("Emulation.clearDeviceMetricsOverride", json!({})).await;
    page.browser.run("document.querySelector('.connection-toggle').click()", &[]).await;
    page.browser.see("how the connection is", "#connection-panel").await;
    page.check("how the connection is").await;
    page.chromium("Emulation.clearDeviceMetricsOverride", json!({})).await;
    page.browser.click("#connection-close").await;

    for (button, panel) in
        [("#devices", "#devices-panel"), ("#invite", "#invite-panel"), ("#chat-toggle", "#chat-panel")]
    {
        // On a desk, where the bar is in reach beside an open panel.
        page.chromium("Emulation.clearDeviceMetricsOverride", json!({})).await;
        page.browser.click(button).await;
        page.browser.see("a panel", panel).await;
        page.check(panel).await;
    }

    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("report.pdf");
    fs::write(&path, "a report").unwrap();
    for answered in [false, true] {
        let picked = other.engine().pick_file(path.clone()).unwrap();
        other.command(Command::OfferFile { handle: picked.handle }).await;
        page.browser.see("an offered file", "[data-state=offered] .primary").await;
        if answered {
            page.browser.run("document.querySelector('[data-state=offered] .primary').click()", &[]).await;
            page.browser.see("a file that came", "[data-state=done]").await;
        }
        page.check("files").await;
    }

    page.chromium("Emulation.clearDeviceMetricsOverride", json!({})).await;
    let sharing = Guest::join(Kind::Chromium, &server, "open-house", "Sunja").await;
    sharing.share(1280, 720).await;
    page.browser.see("a shared screen", ".share[data-picture=true]").await;
    page.check("a shared screen").await;
    page.chromium("Emulation.clearDeviceMetricsOverride", json!({})).await;
    page.browser.click(".share-size").await;
    page.browser.click("#share").await;
    page.browser.see("the own share", "#sharing").await;
    page.check("a shared screen in its actual size, and an own one").await;
    page.browser.run("document.querySelector('#stop-sharing').click()", &[]).await;
    sharing.click("#leave").await;
    page.browser.see_no("shared screen", ".share").await;

    other.leave().await;
    page.browser.see("nobody else", "#waiting").await;
    page.check("a call that everybody else left").await;
    page.chromium("Emulation.clearDeviceMetricsOverride", json!({})).await;
    page.browser.click("#leave").await;
    page.browser.see("the way back", "#join-left").await;
    page.check("after a call").await;
}

#[tokio::test]
async fn nothing_serious_is_found_on_any_screen_in_english() {
    every_screen("en").await;
}

#[tokio::test]
async fn nothing_serious_is_found_on_any_screen_in_korean() {
    every_screen("ko").await;
}
