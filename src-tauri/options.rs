//! What can be said on the command line, or in the environment by launchers that cannot pass
//! arguments.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Parser;

/// Maru: video calls by room name, from machine to machine.
#[derive(Clone, Debug, Default, Parser)]
#[command(name = "maru", version)]
pub struct Options {
    /// Meet through this server (`ws://` or `wss://`) instead of the one in the settings.
    #[arg(long, env = "MARU_SERVER", value_name = "URL")]
    pub server: Option<String>,

    /// Offer synthetic devices (a test pattern, a tone) beside the real ones, whatever the settings
    /// say. `MARU_SYNTHETIC_DEVICES=1` does the same.
    #[arg(long)]
    pub synthetic_devices: bool,

    /// Neither look for rooms on this network nor let this machine's be found there, whatever the settings
    /// say.
    #[arg(long, env = "MARU_NO_LAN", value_parser = clap::builder::FalseyValueParser::new())]
    pub no_lan: bool,

    /// Keep settings, logs and the window's own data here instead of in the system's places.
    #[arg(long, env = "MARU_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,

    /// Open a window of its own even if Maru is running: without this, that window comes to the front. Always
    /// the case with a data directory of one's own.
    #[arg(long)]
    pub new_window: bool,

    /// A room's link, `maru://HOST/ROOM`. The window asks before it joins.
    #[arg(value_name = "LINK")]
    pub link: Option<String>,
}

impl Options {
    /// Whether this start gives way to a window that is open already.
    pub fn gives_way(&self) -> bool {
        !self.new_window && self.data_dir.is_none()
    }

    /// The arguments with which another window is like this one, but for the server: its address may have a
    /// token in it, and arguments are seen by everybody on this machine.
    pub fn for_another_window(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = Vec::new();
        if self.synthetic_devices {
            arguments.push("--synthetic-devices".into());
        }
        if self.no_lan {
            arguments.push("--no-lan".into());
        }
        if let Some(directory) = &self.data_dir {
            arguments.extend(["--data-dir".into(), directory.into()]);
        }
        arguments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_window_is_like_this_one_and_tells_nobody_the_token() {
        let given = ["maru", "--synthetic-devices", "--server", "wss://example.org/?token=sesame"];
        let options = Options::try_parse_from(given).unwrap();
        let arguments = options.for_another_window();
        assert_eq!(arguments, ["--synthetic-devices"]);
        let another = [&["maru".into(), "--new-window".into()][..], &arguments].concat();
        assert!(options.gives_way());
        assert!(!Options::try_parse_from(another).unwrap().gives_way());
    }
}
