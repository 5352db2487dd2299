//! What the app remembers from one start to the next: a small JSON file that is replaced as a
//! whole, so that a crash leaves the old one or the new one and never half of one. Secrets are not
//! in it (see `secrets`).

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use maru_engine::{AddressPolicy, Problem, Sentence};
use maru_media::DeviceId;
use maru_media::voice::VoiceSettings;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

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
        }
    }
}

/// Larger files are not ours; reading one whole would only cost memory.
const FILE_MAX_BYTES: u64 = 256 * 1024;

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
    /// Reads the file in `dir`. A missing one means defaults; one that is not settings is kept aside
    /// under another name, so that nothing is lost, and defaults are used. Blocks on the disk.
    pub fn open(dir: Option<&Path>) -> Self {
        let file = dir.map(|dir| dir.join("settings.json"));
        let settings = file.as_deref().map(read).unwrap_or_default();
        Self { file, current: Mutex::new(settings) }
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
        write(file, &current).map_err(|source| SaveError { path: file.display().to_string(), source })
    }
}

fn read(file: &Path) -> Settings {
    let text = match fs::metadata(file) {
        Ok(metadata) if metadata.len() > FILE_MAX_BYTES => Err("it is too large".to_owned()),
        Ok(_) => fs::read_to_string(file).map_err(|error| error.to_string()),
        Err(error) if error.kind() == ErrorKind::NotFound => return Settings::default(),
        Err(error) => Err(error.to_string()),
    };
    match text.and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string())) {
        Ok(settings) => settings,
        Err(problem) => {
            let aside = file.with_extension("json.broken");
            let kept = fs::rename(file, &aside);
            tracing::warn!(
                "the settings in {} cannot be read ({problem}); starting with defaults, the old file is {}",
                file.display(),
                if kept.is_ok() { aside.display().to_string() } else { "left where it is".to_owned() }
            );
            Settings::default()
        }
    }
}

fn write(file: &Path, settings: &Settings) -> std::io::Result<()> {
    let dir = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir)?;
    // One name per process: two instances may save at once, and the later rename wins.
    let temporary = dir.join(format!("settings.json.{}.tmp", std::process::id()));
    let written = (|| {
        let mut out = fs::File::create(&temporary)?;
        out.write_all(&serde_json::to_vec_pretty(settings)?)?;
        out.write_all(b"\n")?;
        out.sync_all()?;
        fs::rename(&temporary, file)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests {
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
        SettingsStore::open(Some(&dir)).set(settings()).unwrap();
        assert_eq!(SettingsStore::open(Some(&dir)).get(), settings());
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1);
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_broken_file_is_kept_aside_and_the_defaults_hold() {
        let dir = place("broken");
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("settings.json"), "{\"name\": \"Ad").unwrap();
        let store = SettingsStore::open(Some(&dir));
        assert_eq!(store.get(), Settings::default());
        store.set(settings()).unwrap();
        assert_eq!(fs::read_to_string(dir.join("settings.json.broken")).unwrap(), "{\"name\": \"Ad");
        assert_eq!(SettingsStore::open(Some(&dir)).get(), settings());
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_file_of_another_version_gives_what_it_has() {
        let dir = place("version");
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("settings.json"), r#"{"name": "Ada", "from_the_future": [1, 2]}"#).unwrap();
        let expected = Settings { name: "Ada".into(), ..Settings::default() };
        assert_eq!(SettingsStore::open(Some(&dir)).get(), expected);
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_file_from_before_addresses_could_be_hidden_hides_none_and_one_from_after_is_kept_to() {
        let dir = place("addresses");
        fs::create_dir_all(&dir).unwrap();
        let found = |text: &str| {
            fs::write(dir.join("settings.json"), text).unwrap();
            SettingsStore::open(Some(&dir)).get().addresses
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
        let store = SettingsStore::open(Some(&dir));
        let error = store.set(settings()).unwrap_err().to_string();
        assert!(error.contains("settings.json"), "{error}");
        assert_eq!(store.get(), settings());
        fs::remove_file(dir).unwrap();
    }
}
