//! The command line.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use maru_engine::{AddressPolicy, Choice};
use maru_media::voice::EchoCancellation;
use maru_media::{DeviceId, ScreenSourceId, VideoCodec};

/// Video calls by room name, on the terminal.
#[derive(Debug, Parser)]
#[command(name = "maru-cli", version, about)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List cameras, microphones and speakers.
    Devices {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Join a room. Typed lines are chat; /help lists the commands.
    Join(Box<Join>),
    /// Make a call between participants on this machine, over real sockets, and say how it was.
    Demo(Demo),
}

#[derive(Debug, ClapArgs)]
pub struct Join {
    /// The room's name, or an invite: https://HOST/ROOM or maru://HOST/ROOM.
    pub room: String,
    /// The server, such as wss://example.org. Without it: the one on this machine, started if need be, or
    /// that of another machine on this network where the room is already.
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// Let browsers on this network join: where this program runs the server on this machine, that also
    /// listens on all networks, with a certificate of its own.
    #[arg(long, conflicts_with = "server")]
    pub guests_on_network: bool,
    /// Neither look for the room on this network nor let it be found there.
    #[arg(long, env = "MARU_NO_LAN", value_parser = clap::builder::FalseyValueParser::new())]
    pub no_lan: bool,
    /// The name that the others see.
    #[arg(long, default_value = "Guest on a terminal")]
    pub name: String,
    /// A camera's id, or `none`. Also `test-pattern` and `file:PATH.y4m`.
    #[arg(long, value_name = "ID", value_parser = choice)]
    pub camera: Option<Choice>,
    /// A microphone's id, or `none`. Also `tone`, `silence` and `file:PATH.wav`.
    #[arg(long, value_name = "ID", value_parser = choice)]
    pub microphone: Option<Choice>,
    /// A speaker's id, or `none`. Also `null` and `file:PATH.wav`.
    #[arg(long, value_name = "ID", value_parser = choice)]
    pub speaker: Option<Choice>,
    /// Offer and accept this video codec alone: `h264`, or `vp8` where it is built in.
    #[arg(long, value_name = "CODEC", value_parser = video_codec)]
    pub video_codec: Option<VideoCodec>,
    /// Leave after this many seconds.
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub seconds: Option<f64>,
    /// Access token of a private server.
    #[arg(long, env = "MARU_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// A STUN or TURN server: stun:HOST:PORT, or turn:HOST:PORT with --ice-user and --ice-password.
    #[arg(long = "ice-server", value_name = "URL")]
    pub ice_servers: Vec<String>,
    /// User name for the TURN servers.
    #[arg(long, value_name = "NAME", requires = "ice_servers")]
    pub ice_user: Option<String>,
    /// Password for the TURN servers.
    #[arg(long, value_name = "PASSWORD", env = "MARU_ICE_PASSWORD", hide_env_values = true)]
    pub ice_password: Option<String>,
    /// What the others learn of where this machine is.
    #[arg(long, value_enum, default_value_t)]
    pub addresses: Addresses,
    /// Join muted.
    #[arg(long)]
    pub muted: bool,
    /// Join with the camera off.
    #[arg(long)]
    pub camera_off: bool,
    /// Whether to take out of the microphone's sound what the speaker plays.
    #[arg(long, value_enum, default_value_t)]
    pub echo_cancellation: Echo,
    /// Send the microphone's noise as it is.
    #[arg(long)]
    pub no_noise_suppression: bool,
    /// Send the microphone's sound as loud as it is.
    #[arg(long)]
    pub no_gain_control: bool,
    /// Share this from the start: a screen or window by its id (`maru-cli devices`), `text` or `pattern`, or a
    /// `.png` or `.y4m` file.
    #[arg(long, value_name = "SOURCE", value_parser = screen_source)]
    pub share: Option<ScreenSourceId>,
    /// Offer this file to whoever is the first to be connected. Can be given more than once.
    #[arg(long = "send", value_name = "FILE")]
    pub send: Vec<PathBuf>,
    /// Save files from others in this folder, in place of that for downloads.
    #[arg(long, value_name = "DIR")]
    pub downloads: Option<PathBuf>,
    /// Take every file that is offered, without being asked.
    #[arg(long)]
    pub accept_files: bool,
    /// Wait so many seconds before joining, with the connection to the server open, as the app does while its join
    /// screen is shown.
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
    pub join_after: Option<f64>,
    /// Print one JSON object about the call at its end, and nothing else, on standard output.
    #[arg(long)]
    pub json: bool,
    /// Print one JSON object about the call every so many seconds, and nothing else, on standard output.
    #[arg(long, value_name = "SECONDS", conflicts_with = "json", allow_hyphen_values = true)]
    pub json_every: Option<f64>,
    /// Save the last picture of each peer's camera, and of its screen, as PNG files in this folder.
    #[arg(long, value_name = "DIR")]
    pub snapshot: Option<PathBuf>,
}

/// What the others learn of where this machine is.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum Addresses {
    /// Its addresses: the shortest path is found.
    #[default]
    All,
    /// Names that mean something on this network only, instead of private addresses.
    HidePrivate,
    /// Nothing: everything goes through the server's relay.
    RelayOnly,
}

impl From<Addresses> for AddressPolicy {
    fn from(addresses: Addresses) -> Self {
        match addresses {
            Addresses::All => Self::All,
            Addresses::HidePrivate => Self::HidePrivate,
            Addresses::RelayOnly => Self::RelayOnly,
        }
    }
}

/// When to cancel the echo.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum Echo {
    /// Where the microphone hears the speaker; not with a headset.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

impl From<Echo> for EchoCancellation {
    fn from(echo: Echo) -> Self {
        match echo {
            Echo::Auto => Self::Auto,
            Echo::On => Self::On,
            Echo::Off => Self::Off,
        }
    }
}

#[derive(Debug, ClapArgs)]
pub struct Demo {
    /// How long to call.
    #[arg(long, value_name = "N", default_value_t = 10.0, allow_hyphen_values = true)]
    pub seconds: f64,
    /// How many participants.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(2..=16))]
    pub participants: u32,
    /// Print one JSON object about the call, and nothing else, on standard output.
    #[arg(long)]
    pub json: bool,
    /// Save the last picture that everybody got of everybody as PNG files in this folder.
    #[arg(long, value_name = "DIR")]
    pub snapshot: Option<PathBuf>,
}

/// What to share by its id, or a file by its path.
pub fn screen_source(text: &str) -> Result<ScreenSourceId, String> {
    let ending = Path::new(text).extension().map(|ending| ending.to_ascii_lowercase());
    match ending.as_deref().and_then(OsStr::to_str) {
        _ if text.is_empty() => Err("it is empty; `maru-cli devices` lists what there is".into()),
        Some("png" | "y4m") if !text.contains(':') => Ok(ScreenSourceId::new(format!("file:{text}"))),
        _ => Ok(ScreenSourceId::new(text)),
    }
}

fn choice(text: &str) -> Result<Choice, String> {
    match text {
        "" => Err("it is empty; `maru-cli devices` lists what there is".into()),
        "none" => Ok(Choice::None),
        id => Ok(Choice::Device(DeviceId::new(id))),
    }
}

fn video_codec(text: &str) -> Result<VideoCodec, String> {
    let built_in = VideoCodec::BUILT_IN;
    built_in.iter().copied().find(|codec| codec.name().eq_ignore_ascii_case(text)).ok_or_else(|| {
        let names: Vec<String> = built_in.iter().map(|codec| codec.name().to_lowercase()).collect();
        format!("this build has {}", names.join(" and "))
    })
}

/// A time that a person typed with this flag, as a duration; only a sensible one.
pub fn seconds(flag: &str, value: f64) -> anyhow::Result<std::time::Duration> {
    anyhow::ensure!(
        value.is_finite() && (0.01..=1e7).contains(&value),
        "{flag} takes a number from 0.01 to 10000000, not {value}"
    );
    Ok(std::time::Duration::from_secs_f64(value))
}
