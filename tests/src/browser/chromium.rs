//! Chromium. The test starts it and has chromedriver attach to it: started by its driver it would be in a
//! process group that the test does not know.

use std::path::Path;

use serde_json::json;

use super::{Devices, command, port_in, session};
use crate::process::{Group, free_port};
use crate::sound::Sound;
use crate::webdriver::Driver;

const ALWAYS: [&str; 14] = [
    "--headless",
    "--no-sandbox", // root has none, and a container often cannot have one
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-breakpad",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    "--remote-debugging-port=0",
    "--use-fake-device-for-media-stream=device-count=3",
    "--window-size=1280,800",
    "about:blank",
];

/// Starts it with its files in `profile`.
pub(super) async fn start(profile: &Path, devices: Devices, sound: &Sound) -> (Driver, Vec<Group>) {
    let mut chromium = command("chromium", profile);
    sound.environment(&mut chromium);
    let data = profile.join("data");
    chromium.arg(format!("--user-data-dir={}", data.display())).args(ALWAYS);
    chromium.arg(match devices {
        Devices::Granted => "--use-fake-ui-for-media-stream",
        Devices::Denied => "--use-fake-ui-for-media-stream=deny",
    });
    let chromium = Group::start(&mut chromium);
    let debugged = port_in(&data.join("DevToolsActivePort")).await;

    let port = free_port();
    let chromedriver = Group::start(command("chromedriver", profile).arg(format!("--port={port}")));
    let options = json!({ "debuggerAddress": format!("127.0.0.1:{debugged}") });
    let capabilities = json!({ "goog:chromeOptions": options });
    let driver = session("Chromium", async || Driver::start(port, &capabilities).await).await;
    (driver, vec![chromedriver, chromium])
}
