//! The part of the command line that is about sharing rooms with other servers.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use clap::Args;
use maru_signaling::BusConfig;

/// Where servers meet.
#[derive(Debug, Args)]
#[command(next_help_heading = "Many servers")]
pub(crate) struct BusArgs {
    /// Share rooms with all servers that name the same Redis or Valkey: redis://HOST:6379, or
    /// rediss://HOST:6379 with TLS
    #[arg(long, value_name = "URL", hide_env_values = true)]
    bus: Option<Url>,

    /// File with the password for it
    #[arg(long, value_name = "FILE", requires = "bus")]
    bus_password_file: Option<PathBuf>,
}

/// There may be a password in it, so it does not show what it is.
#[derive(Clone)]
struct Url(String);

impl std::str::FromStr for Url {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl std::fmt::Debug for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Url(…)")
    }
}

impl BusArgs {
    /// What these arguments ask for; `None` for a server that is alone.
    ///
    /// # Errors
    /// When the URL is none, or the password cannot be read.
    pub(crate) fn bus(&self) -> anyhow::Result<Option<BusConfig>> {
        let Some(Url(url)) = self.bus.as_ref().filter(|Url(url)| !url.is_empty()) else { return Ok(None) };
        let password = match &self.bus_password_file {
            None => None,
            Some(file) => {
                let read = std::fs::read_to_string(file);
                let text =
                    read.with_context(|| format!("cannot read the password file {}", file.display()))?;
                Some(text.trim_end_matches(['\r', '\n']).to_owned())
            }
        };
        let bus = BusConfig::new(url, password.as_deref());
        bus.map(Some).map_err(|hint| anyhow!("--bus is not a URL of Redis: {hint}"))
    }
}
