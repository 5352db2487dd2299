//! The command line of `maru-server`.

mod bus;
mod layers;
mod load;
mod relay;
#[cfg(test)]
mod table;
mod tls;

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use clap::{Parser, ValueEnum};
use ipnet::IpNet;
use maru_protocol::{IceServer, Limits};
use maru_signaling::{Config, base_path};

use bus::BusArgs;
use load::LoadArgs;
use relay::RelayArgs;
use tls::TlsArgs;

/// Maru's signaling server: lets people who type the same room name find each other.
///
/// It introduces participants to each other and then stays out of their call: sound and pictures go
/// from machine to machine, or, encrypted, through its relay where there is no other way. Whoever has no app opens the server's address in a browser.
#[derive(Debug, Parser)]
#[command(name = "maru-server", version)]
pub(crate) struct Args {
    /// Configuration file, in TOML: a line such as max-rooms = 100 for each setting; flags and the
    /// environment win over it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Address and port to listen on; 0.0.0.0:PORT is all networks, port 0 any free port
    #[arg(long, value_name = "ADDRESS", default_value_t = format!("127.0.0.1:{}", maru_protocol::DEFAULT_PORT))]
    pub(crate) listen: String,

    /// Address and port for Prometheus to read the metrics from, at /metrics; such as 127.0.0.1:9278.
    /// Nothing listens without it
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) metrics_listen: Option<String>,

    /// How the log is written; how much of it, RUST_LOG says
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,

    /// Access token that clients must give; without one the server is open to all. Others on this machine
    /// can read flags: better in the environment, or in a file
    #[arg(long)]
    token: Option<String>,

    /// File with the access token
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,

    /// STUN server that clients should use, such as stun:stun.example.org:3478; may be repeated
    #[arg(long, value_name = "URL", value_parser = stun_url)]
    stun: Vec<String>,

    /// TURN server that clients should use, such as turn:turn.example.org:3478; may be repeated
    #[arg(long, value_name = "URL", value_parser = turn_url, requires_all = ["turn_user", "turn_password"])]
    turn: Vec<String>,

    /// User name for the TURN servers
    #[arg(long, value_name = "NAME", requires = "turn")]
    turn_user: Option<String>,

    /// Password for the TURN servers
    #[arg(long, value_name = "PASSWORD")]
    turn_password: Option<String>,

    #[command(flatten)]
    pub(crate) tls: TlsArgs,

    #[command(flatten)]
    pub(crate) relay: RelayArgs,
    #[command(flatten)]
    pub(crate) bus: BusArgs,

    /// Where guests find the page, when the server is behind something: a whole URL without a room,
    /// such as https://example.org/maru
    #[arg(long, value_name = "URL", value_parser = public_url)]
    public_url: Option<String>,

    /// What comes before the room in the path of every URL, such as /maru; the reverse proxy passes it on
    #[arg(long, value_name = "PATH", value_parser = base_path, default_value = "")]
    base_path: String,

    /// Reverse proxy whose X-Forwarded-For, -Proto and -Host are believed: an address or a network such
    /// as 10.0.0.0/8; may be repeated
    #[arg(long, value_name = "CIDR", value_parser = network)]
    trust_proxy: Vec<IpNet>,

    /// Serve the page from this directory, for working on it
    #[arg(long, value_name = "DIR", hide = true)]
    ui: Option<PathBuf>,

    /// Web site whose pages may connect besides this server's own, such as https://call.example.org;
    /// may be repeated
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    allow_origin: Vec<String>,

    /// Participants in one room
    #[arg(long, value_name = "N", default_value_t = Limits::default().peers_per_room,
          value_parser = clap::value_parser!(u32).range(2..=1000))]
    max_peers_per_room: u32,

    /// Connections from one address; raise it, and what else is about one address, behind a reverse proxy
    /// that is not trusted
    #[arg(long, value_name = "N", default_value_t = Limits::default().connections_per_address,
          value_parser = clap::value_parser!(u32).range(1..))]
    max_connections_per_address: u32,

    /// Messages per second from one connection, averaged over five seconds
    #[arg(long, value_name = "N", default_value_t = Limits::default().messages_per_second,
          value_parser = clap::value_parser!(u32).range(5..))]
    max_messages_per_second: u32,

    /// Size of one message, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().message_bytes,
          value_parser = clap::value_parser!(u32).range(16 * 1024..=16 * 1024 * 1024))]
    max_message_bytes: u32,

    #[command(flatten)]
    load: LoadArgs,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people.
    Text,
    /// An object for each line.
    Json,
}

impl Args {
    /// Reads flags, environment and configuration file; says what is wrong with them and ends the program.
    pub(crate) fn read() -> Self {
        layers::parse()
    }

    /// Where guests find the page, if that was said or follows.
    fn public_url(&self) -> Option<String> {
        let of_domain = || {
            let port = self.listen.rsplit(':').next().filter(|port| !matches!(*port, "443" | "0"));
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            Some(format!("https://{}{port}{}", self.tls.domain()?, self.base_path))
        };
        self.public_url.clone().or_else(of_domain)
    }

    /// The access token, from wherever it is to come.
    fn token(&self) -> anyhow::Result<Option<String>> {
        let Some(path) = &self.token_file else { return Ok(self.token.clone()) };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the access token from {}", path.display()))?;
        let token = text.trim();
        ensure!(!token.is_empty(), "the file {} for the access token is empty", path.display());
        Ok(Some(token.to_owned()))
    }

    /// The settings that these arguments ask for, in a process that may have so many files.
    ///
    /// # Errors
    /// When the access token's file cannot be read.
    pub(crate) fn config(&self, files: usize) -> anyhow::Result<Config> {
        let stun = self.stun.iter().map(|url| IceServer {
            urls: vec![url.clone()],
            username: None,
            credential: None,
        });
        let turn = self.turn.iter().map(|url| IceServer {
            urls: vec![url.clone()],
            username: self.turn_user.clone(),
            credential: self.turn_password.clone(),
        });
        let mut config = Config {
            limits: Limits {
                message_bytes: self.max_message_bytes,
                messages_per_second: self.max_messages_per_second,
                peers_per_room: self.max_peers_per_room,
                connections_per_address: self.max_connections_per_address,
            },
            ice_servers: stun.chain(turn).collect(),
            token: self.token()?.filter(|token| !token.is_empty()),
            allowed_origins: self.allow_origin.clone(),
            base_path: self.base_path.clone(),
            public_url: self.public_url(),
            trusted_proxies: self.trust_proxy.clone(),
            page_directory: self.ui.clone(),
            ..Config::default()
        };
        self.load.apply(&mut config, files);
        Ok(config)
    }
}

fn public_url(text: &str) -> Result<String, String> {
    let example = "https://example.org/maru";
    let url = with_scheme(text, &["http://", "https://"], example)?;
    let strange = |byte: u8| !byte.is_ascii_graphic() || matches!(byte, b'"' | b'<' | b'>' | b'?' | b'#');
    if url.bytes().any(strange) { Err(format!("write it like {example}")) } else { Ok(url) }
}

fn network(text: &str) -> Result<IpNet, String> {
    let network = text.parse().or_else(|_| text.parse().map(|address: std::net::IpAddr| address.into()));
    network.map_err(|_| "write an address like 10.0.0.2, or a network like 10.0.0.0/8".to_owned())
}

fn stun_url(text: &str) -> Result<String, String> {
    with_scheme(text, &["stun:", "stuns:"], "stun:stun.example.org:3478")
}

fn turn_url(text: &str) -> Result<String, String> {
    with_scheme(text, &["turn:", "turns:"], "turn:turn.example.org:3478")
}

fn origin(text: &str) -> Result<String, String> {
    with_scheme(text, &["http://", "https://"], "https://call.example.org")
}

fn with_scheme(text: &str, schemes: &[&str], example: &str) -> Result<String, String> {
    let rest = schemes.iter().find_map(|scheme| text.strip_prefix(scheme));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.contains(char::is_whitespace) => Ok(text.to_owned()),
        _ => Err(format!("write it like {example}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn stun_and_turn_servers_are_passed_on_with_their_credentials() {
        let args = Args::try_parse_from([
            "maru-server",
            "--stun",
            "stun:a.example:3478",
            "--turn",
            "turn:b.example",
            "--turn-user",
            "u",
            "--turn-password",
            "p",
        ])
        .unwrap();
        let [stun, turn] = &args.config(usize::MAX).unwrap().ice_servers[..] else {
            panic!("not two servers")
        };
        assert_eq!((&stun.urls[0][..], &stun.username), ("stun:a.example:3478", &None));
        assert_eq!((turn.username.as_deref(), turn.credential.as_deref()), (Some("u"), Some("p")));
    }

    #[test]
    fn what_acme_vouches_for_is_where_guests_are_sent() {
        for (listen, url) in [
            ("0.0.0.0:443", "https://call.example.org/maru"),
            ("0.0.0.0:8443", "https://call.example.org:8443/maru"),
        ] {
            let arguments = ["--listen", listen, "--acme-domain", "call.example.org", "--base-path", "maru/"];
            let args = Args::try_parse_from(["maru-server"].iter().chain(&arguments)).unwrap();
            assert_eq!(args.config(usize::MAX).unwrap().public_url.as_deref(), Some(url));
        }
    }

    #[test]
    fn wrong_arguments_are_refused_with_an_example_of_a_right_one() {
        for (wrong, hint) in [
            (&["--stun", "stun.example.org"][..], "stun:stun.example.org:3478"),
            (&["--turn", "turn:", "--turn-user", "u", "--turn-password", "p"], "turn:turn.example.org:3478"),
            (&["--turn", "turn:a.example"], "--turn-user"),
            (&["--allow-origin", "call.example.org"], "https://call.example.org"),
            (&["--max-peers-per-room", "1"], "2..=1000"),
            (&["--tls-cert", "cert.pem"], "--tls-key"),
            (&["--tls-self-signed", "--acme-domain", "a.example"], "cannot be used with"),
            (&["--acme-email", "me@a.example"], "--acme-domain"),
            (&["--public-url", "example.org"], "https://example.org/maru"),
            (&["--public-url", "https://example.org/?a=\"b"], "https://example.org/maru"),
            (&["--base-path", "/a b"], "/maru"),
            (&["--trust-proxy", "localhost"], "10.0.0.0/8"),
        ] {
            let all = ["maru-server"].iter().chain(wrong);
            let error = Args::try_parse_from(all).unwrap_err().to_string();
            assert!(error.contains(hint), "{error}");
        }
    }
}
