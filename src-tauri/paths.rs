//! Where the app keeps things: one directory if told so, else the system's places.

use std::path::{Path, PathBuf};

use directories::ProjectDirs;

/// The app's directories. None of them need exist yet.
#[derive(Clone, Debug)]
pub struct Paths {
    /// For the settings file.
    pub config: PathBuf,
    /// For what belongs to this machine, such as its certificate.
    pub data: PathBuf,
    /// For log files.
    pub logs: PathBuf,
    /// For what the webview stores; `None` for its own choice.
    pub webview: Option<PathBuf>,
}

impl Paths {
    /// Below `data_dir` if given, else where this system's apps keep such things. `None` when the
    /// system has no home directory for this user.
    pub fn find(data_dir: Option<&Path>) -> Option<Self> {
        if let Some(dir) = data_dir {
            return Some(Self {
                config: dir.join("config"),
                data: dir.join("data"),
                logs: dir.join("logs"),
                webview: Some(dir.join("webview")),
            });
        }
        let dirs = ProjectDirs::from("app", "maru", "Maru")?;
        // Linux has a place for state, which is where logs go; elsewhere they go beside local data.
        let logs = dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir()).join("logs");
        let (config, data) = (dirs.config_dir().to_path_buf(), dirs.data_local_dir().to_path_buf());
        Some(Self { config, data, logs, webview: None })
    }
}
