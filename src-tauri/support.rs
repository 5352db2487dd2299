//! For a person whom something goes wrong for: the newest lines of the log, and the folder it is in. What of it
//! may be shown to others is the page's business, which takes names and addresses out.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use maru_engine::{Problem, Sentence};
use serde::Serialize;
use ts_rs::TS;

use crate::platform;

/// Lines of the log that are of interest.
const LINES: usize = 200;
/// And no more than this of the file, in bytes.
const TAIL: u64 = 128 * 1024;

/// What the page cannot know of the app.
#[derive(Clone, Debug, Serialize, TS)]
#[ts(export_to = "shell.d.ts")]
pub struct Diagnostics {
    /// The system and its processor, such as `linux x86_64`.
    pub system: String,
    /// The newest lines of the log, the oldest first; none where there is no log.
    pub log: Vec<String>,
}

/// Collects it. Blocks on the disk.
pub fn diagnostics(logs: Option<&Path>) -> Diagnostics {
    let system = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
    let log = logs.and_then(|folder| newest_lines(folder).ok()).unwrap_or_default();
    Diagnostics { system, log }
}

/// Opens the folder of the logs in the system's own way. Blocks.
///
/// # Errors
/// With where the folder is, when it cannot be opened.
pub fn open_logs(logs: Option<PathBuf>) -> Result<(), Problem> {
    let Some(folder) = logs else {
        let text = "There is no folder for logs on this machine.".to_owned();
        return Err(Problem::new(Sentence::NoLogs {}, text));
    };
    platform::open_folder(&folder).map_err(|error| {
        tracing::warn!("a folder cannot be opened: {error}");
        let path = folder.display().to_string();
        let text = format!("The folder cannot be opened from here. It is {path}.");
        Problem::new(Sentence::FolderNotOpened { path }, text)
    })
}

fn newest_lines(folder: &Path) -> io::Result<Vec<String>> {
    // Their names have the day in them.
    let mut files: Vec<_> = fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "log"));
    let newest = files.into_iter().max().ok_or(io::ErrorKind::NotFound)?;
    let mut file = File::open(newest)?;
    let begin = file.metadata()?.len().saturating_sub(TAIL);
    file.seek(SeekFrom::Start(begin))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    if begin > 0 && !lines.is_empty() {
        lines.remove(0); // the end of one
    }
    Ok(lines.split_off(lines.len().saturating_sub(LINES)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_lines_of_the_newest_log_are_taken_and_no_more() {
        let folder = std::env::temp_dir().join(format!("maru-support-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        assert!(diagnostics(Some(&folder)).log.is_empty());
        fs::write(folder.join("maru.2026-01-01.log"), "old\n").unwrap();
        fs::write(folder.join("z.txt"), "something else\n").unwrap();
        let line = |number: u32| format!("line {number} {}", "x".repeat(900));
        let lines: Vec<_> = (0..1000).map(line).collect();
        fs::write(folder.join("maru.2026-01-02.log"), lines.join("\n")).unwrap();
        let log = diagnostics(Some(&folder)).log;
        fs::remove_dir_all(&folder).unwrap();
        assert!((100..=LINES).contains(&log.len()), "{}", log.len());
        assert_eq!(log, lines[1000 - log.len()..]);
    }

    #[test]
    fn without_a_folder_there_are_no_lines_and_nothing_is_opened() {
        assert!(diagnostics(None).log.is_empty());
        assert!(open_logs(None).is_err());
    }
}
