//! What the app remembers from one start to the next. Secrets are not in it (see `secrets`), and how it
//! lies on the disk is `settings_file`'s business.

use std::path::{Path, PathBuf};

use maru_engine::{AddressPolicy, Problem, Sentence};
use maru_media::DeviceId;
use maru_media::voice::VoiceSettings;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::secrets::{room_without_secrets, split_token};
use crate::settings_file::{self, Found};

/// Rooms that the join screen offers again.
const RECENT_ROOMS: usize = 6;

/// What the window remembers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(export_to = "shell.d.ts")]
pub struct Settings {
    /// The person's name, as the others see it.
    pub name: String,
    /// The last room.
    pub room: String,
    /// The server's URL; empty for the automatic one.
    pub server: String,
    /// The chosen camera; `null` for the one the system prefers, `"none"` for none.
    pub camera: Option<DeviceId>,
    /// The chosen microphone; `null` for the one the system prefers, `"none"` for none.
    pub microphone: Option<DeviceId>,
    /// The chosen speaker; `null` for the one the system prefers, `"none"` for none.
    pub speaker: Option<DeviceId>,
    /// Whether to join muted.
    pub muted: bool,
    /// Whether to join with the camera off.
    pub camera_off: bool,
    /// What is done to the microphone's sound.
    pub voice: VoiceSettings,
    /// Whether to paint decoded pictures even where the webview could decode.
    pub force_fallback: bool,
    /// Whether to offer synthetic devices beside the real ones.
    pub synthetic_devices: bool,
    /// Whether the app's own server lets browsers on this network join.
    pub guests_on_network: bool,
    /// Whether rooms are found on this network without a server, and this machine's rooms by others there.
    pub find_on_network: bool,
    /// How much the others learn of where this machine is.
    pub addresses: AddressPolicy,
    /// The rooms joined last, as they were typed or as invites, the newest first.
    pub recent_rooms: Vec<String>,
    /// How the app behaves on this desktop.
    pub desktop: DesktopSettings,
}

/// How the app behaves on this desktop, beside its own window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(export_to = "shell.d.ts")]
pub struct DesktopSettings {
    /// Whether the system tells, while another app is in front, that somebody joined or wrote.
    pub notify: bool,
    /// Whether such a notification shows what was written. It stays in the system's list and on a locked screen.
    pub notify_text: bool,
    /// Whether a small window with whoever speaks stays above other apps during a call.
    pub mini_window: bool,
    /// Mutes and unmutes from any app, such as `Ctrl+Shift+KeyM`; empty for none.
    pub mute_shortcut: String,
    /// Unmutes from any app while it is held; empty for none.
    pub talk_shortcut: String,
}

impl Default for DesktopSettings {
    fn default() -> Self {
        Self {
            notify: true,
            notify_text: false,
            mini_window: true,
            // Any combination could be another app's.
            mute_shortcut: String::new(),
            talk_shortcut: String::new(),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: String::new(),
            room: String::new(),
            server: String::new(),
            camera: None,
            microphone: None,
            speaker: None,
            muted: false,
            camera_off: false,
            voice: VoiceSettings::default(),
            force_fallback: false,
            synthetic_devices: false,
            guests_on_network: false,
            find_on_network: true,
            addresses: AddressPolicy::default(),
            recent_rooms: Vec::new(),
            desktop: DesktopSettings::default(),
        }
    }
}

impl Settings {
    /// The same without what must not be written down, and within bounds. Tells the token that was in the
    /// server's address.
    pub fn tidied(mut self) -> (Self, Option<String>) {
        let (server, token) = split_token(self.server.trim());
        self.server = server;
        self.room = room_without_secrets(&self.room);
        let mut rooms: Vec<String> = Vec::new();
        for room in self.recent_rooms.iter().map(|room| room_without_secrets(room)) {
            if !room.is_empty() && !rooms.contains(&room) && rooms.len() < RECENT_ROOMS {
                rooms.push(room);
            }
        }
        self.recent_rooms = rooms;
        (self, token)
    }
}

/// Why settings were not saved.
#[derive(Debug, thiserror::Error)]
#[error(
    "The settings cannot be saved in {path}: {source}. Check that the disk is not full and that you may write there."
)]
pub struct SaveError {
    path: String,
    source: std::io::Error,
}

impl From<SaveError> for Problem {
    fn from(error: SaveError) -> Self {
        let text = error.to_string();
        let problem = format!("{}: {}", error.path, error.source);
        Self::new(Sentence::SettingsNotSaved { problem }, text)
    }
}

/// The settings in memory and their file.
pub struct SettingsStore {
    /// `None` when there is no place for it: settings then last until the app ends.
    file: Option<PathBuf>,
    current: Mutex<Settings>,
}

impl SettingsStore {
    /// Reads the file in `dir`, and says what the person has to know about it. A missing file means defaults;
    /// one that is not settings is kept aside under another name, so that nothing is lost, and defaults are
    /// used; one of a newer version is read as far as it is understood, and left as it is. Blocks on the disk.
    pub fn open(dir: Option<&Path>) -> (Self, Option<Problem>) {
        let file = dir.map(|dir| dir.join("settings.json"));
        let found = file.as_deref().map_or(Found::Nothing, settings_file::read);
        let (file, settings, problem) = match found {
            Found::Nothing => (file, Settings::default(), None),
            Found::Settings(settings) => (file, settings, None),
            Found::Newer(settings) => {
                let text = "The settings were written by a newer version of Maru. This one uses what it understands \
                            and changes nothing there: what you change now holds until you close the window.";
                (None, settings, Some(Problem::new(Sentence::SettingsNewer {}, text)))
            }
            Found::Broken { kept } => {
                let kept = kept.display().to_string();
                let text = format!(
                    "The settings could not be read, so Maru starts with its usual ones. The old file is kept as {kept}."
                );
                (file, Settings::default(), Some(Problem::new(Sentence::SettingsBroken { file: kept }, text)))
            }
        };
        (Self { file, current: Mutex::new(settings) }, problem)
    }

    /// The settings as they are now.
    pub fn get(&self) -> Settings {
        self.current.lock().clone()
    }

    /// Takes new settings and writes them. They hold for this run even when writing fails. Blocks on
    /// the disk.
    ///
    /// # Errors
    /// [`SaveError`] when the file cannot be written.
    pub fn set(&self, settings: Settings) -> Result<(), SaveError> {
        // Held while writing, so that of two saves the later one is what stays on the disk.
        let mut current = self.current.lock();
        if *current == settings {
            return Ok(());
        }
        *current = settings;
        let Some(file) = &self.file else { return Ok(()) };
        settings_file::write(file, &current)
            .map_err(|source| SaveError { path: file.display().to_string(), source })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn place(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("maru-settings-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        dir
    }

    fn settings() -> Settings {
        Settings {
            name: "Ada".into(),
            room: "회의실".into(),
            muted: true,
            addresses: AddressPolicy::RelayOnly,
            ..Settings::default()
        }
    }

    #[test]
    fn what_was_saved_is_there_after_a_restart_and_no_temporary_file_is_left() {
        let dir = place("saved");
        SettingsStore::open(Some(&dir)).0.set(settings()).unwrap();
        assert_eq!(SettingsStore::open(Some(&dir)).0.get(), settings());
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1);
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_broken_file_is_kept_aside_and_the_defaults_hold() {
        let dir = place("broken");
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("settings.json"), "{\"name\": \"Ad").unwrap();
        let (store, problem) = SettingsStore::open(Some(&dir));
        assert_eq!(store.get(), Settings::default());
        store.set(settings()).unwrap();
        let Some(Sentence::SettingsBroken { file }) = problem.map(|problem| problem.sentence) else {
            panic!("nobody is told");
        };
        assert_eq!(fs::read_to_string(&file).unwrap(), "{\"name\": \"Ad");
        assert_eq!(SettingsStore::open(Some(&dir)).0.get(), settings());
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_file_of_another_version_gives_what_it_has() {
        let dir = place("version");
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("settings.json"), r#"{"name": "Ada", "from_the_future": [1, 2]}"#).unwrap();
        let expected = Settings { name: "Ada".into(), ..Settings::default() };
        assert_eq!(SettingsStore::open(Some(&dir)).0.get(), expected);
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_file_from_before_addresses_could_be_hidden_hides_none_and_one_from_after_is_kept_to() {
        let dir = place("addresses");
        fs::create_dir_all(&dir).unwrap();
        let found = |text: &str| {
            fs::write(dir.join("settings.json"), text).unwrap();
            SettingsStore::open(Some(&dir)).0.get().addresses
        };
        assert_eq!(found(r#"{"name": "Ada"}"#), AddressPolicy::All);
        assert_eq!(found(r#"{"addresses": "hide_private"}"#), AddressPolicy::HidePrivate);
        assert_eq!(found(r#"{"addresses": "relay_only"}"#), AddressPolicy::RelayOnly);
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named_and_the_settings_hold_for_this_run() {
        let dir = place("file-in-the-way");
        fs::write(&dir, "").unwrap();
        let (store, _) = SettingsStore::open(Some(&dir));
        let error = store.set(settings()).unwrap_err().to_string();
        assert!(error.contains("settings.json"), "{error}");
        assert_eq!(store.get(), settings());
        fs::remove_file(dir).unwrap();
    }

    #[test]
    fn broken_files_do_not_take_each_others_place() {
        let dir = place("broken-twice");
        fs::create_dir_all(&dir).unwrap();
        for text in ["{", "[1]"] {
            fs::write(dir.join("settings.json"), text).unwrap();
            SettingsStore::open(Some(&dir));
        }
        let mut kept: Vec<_> = fs::read_dir(&dir)
            .unwrap()
            .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
            .collect();
        kept.sort();
        assert_eq!(kept, ["[1]", "{"]);
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_file_of_a_newer_version_is_used_and_left_as_it_is() {
        let dir = place("newer");
        fs::create_dir_all(&dir).unwrap();
        let file = dir.join("settings.json");
        for (text, name) in [
            (r#"{"version": 99, "name": "Ada", "camera": "front"}"#, "Ada"),
            // What it means by this is not what we mean: nothing of it can be used.
            (r#"{"version": 99, "name": ["Ada", "Lovelace"]}"#, ""),
        ] {
            fs::write(&file, text).unwrap();
            let (store, problem) = SettingsStore::open(Some(&dir));
            assert_eq!(store.get().name, name);
            assert_eq!(problem.unwrap().sentence, Sentence::SettingsNewer {});
            store.set(settings()).unwrap();
            assert_eq!(store.get(), settings());
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
        }
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_saved_file_says_its_version() {
        let dir = place("says-version");
        SettingsStore::open(Some(&dir)).0.set(settings()).unwrap();
        let text = fs::read_to_string(dir.join("settings.json")).unwrap();
        assert!(text.contains("\"version\": 1"), "{text}");
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn tokens_in_addresses_and_invites_are_not_among_what_is_written() {
        let told = Settings {
            server: " wss://example.org/?token=sesame ".into(),
            room: "https://example.org/standup#token=sesame".into(),
            recent_rooms: [
                "maru://example.org/standup?token=sesame",
                "회의실",
                "회의실",
                "https://:sesame@/",
            ]
            .map(str::to_owned)
            .to_vec(),
            ..settings()
        };
        let (tidied, token) = told.tidied();
        assert_eq!(token.as_deref(), Some("sesame"));
        assert_eq!(tidied.server, "wss://example.org/");
        assert_eq!(tidied.room, "https://example.org/standup");
        assert_eq!(tidied.recent_rooms, ["https://example.org/standup", "회의실"]);
    }
}
