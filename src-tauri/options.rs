//! What can be said on the command line, or in the environment by launchers that cannot pass
//! arguments.

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
}
