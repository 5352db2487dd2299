//! Real browsers without a window on a screen, with made-up cameras and microphones. Each has a profile
//! of its own, and neither it nor its files outlive the test, however the test ends.

mod chromium;
mod firefox;

use std::fs;
use std::ops::Deref;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::page::Page;
use crate::process::Group;
use crate::sound::{Recording, Sound};
use crate::wait::eventually;
use crate::webdriver::{Driver, Refusal};

/// From a cold start of a browser on a busy machine to its first page.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Which browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Chromium, through chromedriver.
    Chromium,
    /// Firefox ESR, which needs no driver.
    Firefox,
}

/// What a browser lets its pages do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Devices {
    /// A camera and a microphone, both made up, and nobody has to be asked.
    Granted,
    /// The person says no.
    Denied,
}

/// A running browser with one page.
pub struct Browser {
    page: Page,
    // Dropped in this order: who drives, who is driven, its sound card, its files.
    programs: Vec<Group>,
    sound: Sound,
    profile: TempDir,
}

impl Browser {
    /// Starts a browser with an empty page.
    ///
    /// # Panics
    /// When it does not start in time.
    pub async fn start(kind: Kind, devices: Devices) -> Self {
        let profile = tempfile::Builder::new().prefix("maru-browser-").tempdir();
        let profile = profile.expect("a directory for a browser's files");
        let sound = Sound::start(profile.path(), &["module-null-sink"]).await;
        let (driver, programs) = match kind {
            Kind::Chromium => chromium::start(profile.path(), devices, &sound).await,
            Kind::Firefox => firefox::start(profile.path(), devices, &sound).await,
        };
        Self { page: Page::new(driver), programs, sound, profile }
    }

    /// Loads a page.
    ///
    /// # Panics
    /// When it does not come.
    pub async fn open(&self, url: &str) {
        self.driver().navigate(url).await.unwrap_or_else(|error| panic!("{url} does not open: {error}"));
    }

    /// Records what the browser plays from now on.
    pub fn record(&self) -> Recording {
        self.sound.record(self.profile.path())
    }

    /// Its processes, and its driver's.
    pub fn processes(&self) -> Vec<u32> {
        self.programs.iter().flat_map(Group::members).collect()
    }

    /// Ends the browser as a crash does: the page has no time for a goodbye.
    pub fn kill(mut self) {
        self.programs.clear();
    }
}

impl Deref for Browser {
    type Target = Page;

    fn deref(&self) -> &Page {
        &self.page
    }
}

/// A program that keeps what it writes in the profile, and that finds neither a person's settings, nor
/// their screen, nor their sound server.
fn command(program: &str, profile: &Path) -> Command {
    let log =
        fs::File::create(profile.join(format!("{}.log", program.replace('/', "_")))).expect("a log file");
    let mut command = Command::new(program);
    command.env("HOME", profile).env("TMPDIR", profile).env("XDG_RUNTIME_DIR", profile);
    command.env("XDG_CONFIG_HOME", profile.join("config")).env("XDG_CACHE_HOME", profile.join("cache"));
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env("DBUS_SESSION_BUS_ADDRESS", "disabled:");
    // A language, so that pages say the same everywhere.
    command.env("LANG", "en_US.UTF-8").env("LANGUAGE", "en");
    command.stdin(Stdio::null()).stdout(log.try_clone().expect("a log file")).stderr(log);
    command
}

/// The port that a browser wrote into the first line of a file, once it listens.
async fn port_in(file: &Path) -> u16 {
    eventually("a browser that listens", START_LIMIT, async || {
        fs::read_to_string(file).ok()?.lines().next()?.trim().parse().ok()
    })
    .await
}

/// A session, once the browser or its driver gives one.
async fn session(with: &str, mut start: impl AsyncFnMut() -> Result<Driver, Refusal>) -> Driver {
    eventually(&format!("a session with {with}"), START_LIMIT, async || start().await.ok()).await
}
