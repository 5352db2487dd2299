//! The real app on a virtual screen, driven as a person would drive it: by what can be typed, clicked
//! and seen. It refuses to know what is behind the page.

mod bus;
mod call;
pub mod display;

use std::fs;
use std::ops::Deref;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::page::Page;
use crate::process::{Group, Stranger, free_port};
use crate::programs;
use crate::wait::eventually;
use crate::webdriver::Driver;
pub use bus::{Bus, Desktop};
pub use call::{Call, OTHER_NAME, ROOM, WINDOW_NAME, screen};
use display::Display;

/// From a cold start of WebKit on a busy machine to the first page.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Goodbyes take a second at most; the rest is WebKit's.
const END_LIMIT: Duration = Duration::from_secs(10);

/// A person's place at a computer: a screen, a session bus, a home.
pub struct Place {
    // Dropped in this order: the programs, then the files.
    manager: Option<Group>,
    log: &'static str,
    display: Display,
    bus: Bus,
    home: TempDir,
}

impl Place {
    /// One with an app's settings in it, where the app itself looks for them.
    ///
    /// # Panics
    /// When there is no room for it.
    pub fn with_settings(settings: &str) -> Self {
        let home = tempfile::Builder::new().prefix("maru-home-").tempdir().expect("a home");
        let place = Self { manager: None, log: "", display: Display::start(), bus: Bus::start(), home };
        fs::create_dir_all(place.config()).expect("a directory for settings");
        fs::write(place.config().join("settings.json"), settings).expect("a settings file");
        let folders = format!("XDG_DOWNLOAD_DIR=\"{}\"\n", place.downloads().display());
        fs::write(place.home.path().join(".config/user-dirs.dirs"), folders).expect("the desktop's folders");
        place
    }

    /// Puts windows into frames and says which one is in front.
    pub fn manage_windows(&mut self) {
        let mut command = Command::new("openbox");
        command.arg("--sm-disable").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.settle(&mut command);
        self.manager = Some(Group::start(&mut command));
    }

    /// Has the app log all that it ever logs.
    pub fn say_everything(&mut self) {
        self.log = "maru=trace,maru_app=trace,maru_engine=trace,maru_signaling=trace,tungstenite=debug";
    }

    /// The session bus.
    pub fn bus(&self) -> &Bus {
        &self.bus
    }

    /// Where the app keeps its settings.
    pub fn config(&self) -> PathBuf {
        self.home.path().join(".config/maru")
    }

    /// Where the app saves files from others.
    fn downloads(&self) -> PathBuf {
        self.home.path().join("my downloads")
    }

    /// Where the app keeps its logs.
    pub fn logs(&self) -> PathBuf {
        self.home.path().join(".local/state/maru/logs")
    }

    /// Starts the app with these arguments, as a person does who forgot that it runs already, and waits for its
    /// end. Gives whether it ended well.
    pub async fn start_again(&self, arguments: &[&str]) -> bool {
        let mut command = Command::new(programs::app());
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.settle(&mut command);
        let mut app = Group::start(&mut command);
        let ended = async || app.leader().try_wait().expect("a process can be waited for");
        eventually("the second start has ended", START_LIMIT, ended).await.success()
    }

    /// What `xdotool` says; nothing where it fails.
    pub fn xdotool(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("xdotool");
        command.args(arguments);
        self.settle(&mut command);
        let output = command.output().expect("xdotool runs");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Has a program run here.
    fn settle(&self, command: &mut Command) {
        command.env("DISPLAY", self.display.name()).env_remove("WAYLAND_DISPLAY");
        command.env("DBUS_SESSION_BUS_ADDRESS", self.bus.address());
        command.env("NO_AT_BRIDGE", "1").env("GTK_A11Y", "none");
        command.env("HOME", self.home.path());
        if !self.log.is_empty() {
            command.env("MARU_LOG", self.log);
        }
        for name in ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "MARU_DATA_DIR"]
        {
            command.env_remove(name);
        }
    }
}

/// The app with its window open.
pub struct AppWindow {
    page: Page,
    // Dropped in this order: the programs, then the place.
    programs: Group,
    /// An argument that no other app has.
    mark: String,
    place: Place,
}

impl AppWindow {
    /// Starts the app with synthetic devices, at this server, with these settings.
    ///
    /// # Panics
    /// When there is no window with the page in it in time.
    pub async fn open(server: &str, settings: Value) -> Self {
        Self::open_at(Place::with_settings(&settings.to_string()), server, &[]).await
    }

    /// Starts the app at this place, with synthetic devices, at this server, and with these arguments.
    ///
    /// # Panics
    /// When there is no window with the page in it in time.
    pub async fn open_at(place: Place, server: &str, arguments: &[&str]) -> Self {
        let (port, native_port) = (free_port(), free_port());
        let mut command = Command::new(programs::tauri_driver());
        command.args(["--port", &port.to_string(), "--native-port", &native_port.to_string()]);
        place.settle(&mut command);
        let log = fs::File::create(place.home.path().join("driver.log")).expect("a log file");
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a log file")).stderr(log);
        let programs = Group::start(&mut command);

        let arguments = [&["--server", server, "--synthetic-devices"], arguments].concat();
        let options = json!({ "application": programs::app(), "args": arguments });
        let capabilities = json!({ "tauri:options": options });
        // Refused until the driver and the driver behind it listen.
        let driver =
            eventually("a window", START_LIMIT, async || Driver::start(port, &capabilities).await.ok()).await;
        let window = Self { page: Page::new(driver), programs, mark: server.to_owned(), place };
        window.see("the page", "body[data-screen]").await;
        window
    }

    /// Where it runs.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Asks the app to end, as the system does when a person logs out, and waits until it has. Gives the place
    /// for what comes after.
    ///
    /// # Panics
    /// When it does not end in time.
    pub async fn end(self) -> Place {
        let app = self.process();
        app.terminate();
        self.until_ended(app).await
    }

    /// Waits until the app has ended, whoever asked it to.
    ///
    /// # Panics
    /// When it does not end in time.
    pub async fn until_gone(self) -> Place {
        match Stranger::with_argument(&self.mark, self.programs.id()) {
            Some(app) => self.until_ended(app).await,
            None => self.place,
        }
    }

    async fn until_ended(self, app: Stranger) -> Place {
        eventually("the app has ended", END_LIMIT, async || app.has_ended().then_some(())).await;
        self.place
    }

    /// The app's process.
    ///
    /// # Panics
    /// When it does not run.
    pub fn process_id(&self) -> u32 {
        self.process().id()
    }

    fn process(&self) -> Stranger {
        Stranger::with_argument(&self.mark, self.programs.id()).expect("the app runs")
    }

    /// Where the app saves files from others.
    pub fn downloads(&self) -> PathBuf {
        self.place.downloads()
    }

    /// The app's settings file, as text.
    ///
    /// # Panics
    /// When there is none.
    pub fn settings(&self) -> String {
        fs::read_to_string(self.place.config().join("settings.json")).expect("a settings file")
    }
}

impl Deref for AppWindow {
    type Target = Page;

    fn deref(&self) -> &Page {
        &self.page
    }
}
