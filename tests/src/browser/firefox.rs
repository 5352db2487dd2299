//! Firefox ESR. It speaks WebDriver's commands itself, so there is no driver in between. Its audio stands
//! still without a sound card, so it gets one.

use std::fs;
use std::path::Path;

use super::{Devices, command, port_in, session};
use crate::process::Group;
use crate::sound::Sound;
use crate::webdriver::Driver;

/// Made-up devices, nothing asked of anybody, nothing fetched from anywhere but the test's server.
const PREFERENCES: [(&str, &str); 16] = [
    ("marionette.port", "0"),
    ("media.navigator.streams.fake", "true"),
    ("media.autoplay.default", "0"),
    ("media.gmp-manager.updateEnabled", "false"),
    ("media.gmp-manager.url", "\"\""),
    ("app.normandy.enabled", "false"),
    ("app.update.disabledForTesting", "true"),
    ("browser.safebrowsing.downloads.enabled", "false"),
    ("browser.shell.checkDefaultBrowser", "false"),
    ("datareporting.policy.dataSubmissionEnabled", "false"),
    ("extensions.update.enabled", "false"),
    ("intl.accept_languages", "\"en-US, en\""),
    ("network.captive-portal-service.enabled", "false"),
    ("network.connectivity-service.enabled", "false"),
    ("services.settings.server", "\"data:,#remote-settings-dummy/v1\""),
    ("toolkit.telemetry.enabled", "false"),
];

/// Starts it with its files in `profile`.
pub(super) async fn start(profile: &Path, devices: Devices, sound: &Sound) -> (Driver, Vec<Group>) {
    let data = profile.join("data");
    fs::create_dir_all(&data).expect("a directory for Firefox's profile");
    let mut preferences = String::new();
    for (name, value) in PREFERENCES {
        preferences += &format!("user_pref(\"{name}\", {value});\n");
    }
    preferences += match devices {
        Devices::Granted => "user_pref(\"media.navigator.permission.disabled\", true);\n",
        // 2: refused without being asked.
        Devices::Denied => {
            "user_pref(\"permissions.default.camera\", 2);\nuser_pref(\"permissions.default.microphone\", 2);\n"
        }
    };
    fs::write(data.join("user.js"), preferences).expect("Firefox's preferences");

    let mut firefox = command("firefox-esr", profile);
    sound.environment(&mut firefox);
    firefox.args(["--headless", "--marionette", "--no-remote", "--profile"]).arg(&data).arg("about:blank");
    firefox.args(["--width", "1280", "--height", "800"]).env("MOZ_CRASHREPORTER_DISABLE", "1");
    let firefox = Group::start(&mut firefox);
    let port = port_in(&data.join("MarionetteActivePort")).await;
    let driver = session("Firefox", async || Driver::start_firefox(port).await).await;
    (driver, vec![firefox])
}
