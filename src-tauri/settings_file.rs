//! The settings' file: one small JSON file that is replaced as a whole, so that a crash leaves the old one or
//! the new one and never half of one. Refuses to know what the settings mean.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::Value;

use crate::settings::Settings;

/// The version of the file as written here. Fields may be added without a new one; it rises when a field
/// comes to mean something else. Files from before there were versions say none.
const VERSION: u64 = 1;

/// Larger files are not ours; reading one whole would only cost memory.
const FILE_MAX_BYTES: u64 = 256 * 1024;

/// What was there.
pub enum Found {
    /// No file.
    Nothing,
    /// Settings.
    Settings(Settings),
    /// Settings of a newer version, as far as they are understood.
    Newer(Settings),
    /// Something else, which is now to be found there.
    Broken { kept: PathBuf },
}

#[derive(Serialize)]
struct OnDisk<'a> {
    version: u64,
    #[serde(flatten)]
    settings: &'a Settings,
}

/// Reads the file. One that is broken is out of the way after this.
pub fn read(file: &Path) -> Found {
    let text = match fs::metadata(file) {
        Ok(metadata) if metadata.len() > FILE_MAX_BYTES => Err("it is too large".to_owned()),
        Ok(_) => fs::read_to_string(file).map_err(|error| error.to_string()),
        Err(error) if error.kind() == ErrorKind::NotFound => return Found::Nothing,
        Err(error) => Err(error.to_string()),
    };
    match text.and_then(|text| parse(&text).map_err(|error| error.to_string())) {
        Ok(found) => found,
        Err(problem) => {
            let kept = keep_aside(file);
            // Not what is in it: that is the person's.
            tracing::warn!("the settings cannot be read ({problem}); the old file is {}", kept.display());
            Found::Broken { kept }
        }
    }
}

fn parse(text: &str) -> serde_json::Result<Found> {
    let value: Value = serde_json::from_str(text)?;
    if value.get("version").and_then(Value::as_u64).is_some_and(|version| version > VERSION) {
        return Ok(Found::Newer(serde_json::from_value(value).unwrap_or_default()));
    }
    serde_json::from_value(value).map(Found::Settings)
}

/// Renames the file to one that there is not yet; gives where it is now.
fn keep_aside(file: &Path) -> PathBuf {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let names = (0..).map(|again| match again {
        0 => format!("json.broken-{now}"),
        again => format!("json.broken-{now}-{again}"),
    });
    // A hundred in one second is not for us to sort out.
    for aside in names.take(100).map(|extension| file.with_extension(extension)) {
        if !aside.exists() {
            return if fs::rename(file, &aside).is_ok() { aside } else { file.to_path_buf() };
        }
    }
    file.to_path_buf()
}

/// Puts these settings in the file's place.
///
/// # Errors
/// The system's; the old file is then as it was.
pub fn write(file: &Path, settings: &Settings) -> std::io::Result<()> {
    let dir = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir)?;
    // One name per process: two instances may save at once, and the later rename wins.
    let temporary = dir.join(format!("settings.json.{}.tmp", std::process::id()));
    let written = (|| {
        let mut out = fs::File::create(&temporary)?;
        out.write_all(&serde_json::to_vec_pretty(&OnDisk { version: VERSION, settings })?)?;
        out.write_all(b"\n")?;
        out.sync_all()?;
        fs::rename(&temporary, file)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    } else if let Ok(dir) = fs::File::open(dir) {
        // The new name too is to outlast a power cut; where a directory cannot be opened, the system sees to it.
        let _ = dir.sync_all();
    }
    written
}
