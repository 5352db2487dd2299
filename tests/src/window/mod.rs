//! The real app on a virtual screen, driven as a person would drive it: by what can be typed, clicked
//! and seen. It refuses to know what is behind the page.

mod display;

use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::page::Page;
use crate::process::{Group, Stranger, free_port};
use crate::programs;
use crate::wait::eventually;
use crate::webdriver::Driver;
use display::Display;

/// From a cold start of WebKit on a busy machine to the first page.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Goodbyes take a second at most; the rest is WebKit's.
const END_LIMIT: Duration = Duration::from_secs(10);

/// The app with its window open.
pub struct AppWindow {
    page: Page,
    // Dropped in this order: the programs, then the screen, then the files.
    programs: Group,
    _display: Display,
    data: TempDir,
}

impl AppWindow {
    /// Starts the app with synthetic devices, at this server, with these settings.
    ///
    /// # Panics
    /// When there is no window with the page in it in time.
    pub async fn open(server: &str, settings: Value) -> Self {
        let data = data_dir(&settings);
        let display = Display::start();
        let (port, native_port) = (free_port(), free_port());
        // A session bus of its own: WebKit wants one, and the person's is none of a test's business.
        let mut command = Command::new("dbus-run-session");
        command.arg("--").arg(programs::tauri_driver());
        command.args(["--port", &port.to_string(), "--native-port", &native_port.to_string()]);
        command.env("DISPLAY", display.name()).env_remove("WAYLAND_DISPLAY");
        command.env("NO_AT_BRIDGE", "1").env("GTK_A11Y", "none");
        command.env("XDG_CONFIG_HOME", data.path().join("xdg")); // it names the folder for downloads
        let log = fs::File::create(data.path().join("driver.log")).expect("a log file");
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a log file")).stderr(log);
        let programs = Group::start(&mut command);

        let arguments = ["--server", server, "--synthetic-devices", "--data-dir"].map(String::from);
        let arguments = [&arguments[..], &[data.path().display().to_string()]].concat();
        let options = json!({ "application": programs::app(), "args": arguments });
        let capabilities = json!({ "tauri:options": options });
        // Refused until the driver and the driver behind it listen.
        let driver =
            eventually("a window", START_LIMIT, async || Driver::start(port, &capabilities).await.ok()).await;
        let window = Self { page: Page::new(driver), programs, _display: display, data };
        window.see("the page", "body[data-screen]").await;
        window
    }

    /// Asks the app to end, as the system does when a person logs out, and waits until it has.
    ///
    /// # Panics
    /// When it does not end in time.
    pub async fn end(self) {
        let data = self.data.path().display().to_string();
        let app = Stranger::with_argument(&data, self.programs.id()).expect("the app runs");
        app.terminate();
        eventually("the app has ended", END_LIMIT, async || app.has_ended().then_some(())).await;
    }

    /// Where the app saves files from others.
    pub fn downloads(&self) -> PathBuf {
        downloads(self.data.path())
    }

    /// The app's settings file, as text.
    ///
    /// # Panics
    /// When there is none.
    pub fn settings(&self) -> String {
        fs::read_to_string(self.data.path().join("config/settings.json")).expect("a settings file")
    }
}

impl Deref for AppWindow {
    type Target = Page;

    fn deref(&self) -> &Page {
        &self.page
    }
}

/// A directory for one app's settings, logs and webview, gone with the test.
fn data_dir(settings: &Value) -> TempDir {
    let dir = tempfile::Builder::new().prefix("maru-window-").tempdir().expect("a directory for the app");
    fs::create_dir_all(dir.path().join("config")).expect("a directory for settings");
    fs::write(dir.path().join("config/settings.json"), settings.to_string()).expect("a settings file");
    fs::create_dir_all(dir.path().join("xdg")).expect("a directory for the desktop's settings");
    let folders = format!("XDG_DOWNLOAD_DIR=\"{}\"\n", downloads(dir.path()).display());
    fs::write(dir.path().join("xdg/user-dirs.dirs"), folders).expect("the desktop's folders");
    dir
}

fn downloads(data: &Path) -> PathBuf {
    data.join("my downloads")
}
