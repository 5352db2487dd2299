//! The command line of `maru-server`.

use clap::Parser;
use maru_protocol::{IceServer, Limits};
use maru_signaling::Config;

/// Maru's signaling server: lets people who type the same room name find each other.
///
/// It introduces participants to each other and then stays out of their call: sound and pictures go
/// from machine to machine.
#[derive(Debug, Parser)]
#[command(name = "maru-server", version)]
pub(crate) struct Args {
    /// Address and port to listen on; 0.0.0.0:PORT is all networks, port 0 any free port
    #[arg(long, value_name = "ADDRESS", default_value_t = format!("127.0.0.1:{}", maru_protocol::DEFAULT_PORT))]
    pub(crate) listen: String,

    /// Access token that clients must give; without one the server is open to all
    #[arg(long, env = "MARU_TOKEN", hide_env_values = true)]
    token: Option<String>,

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
    #[arg(long, value_name = "PASSWORD", env = "MARU_TURN_PASSWORD", hide_env_values = true)]
    turn_password: Option<String>,

    /// Web site whose pages may connect besides this server's own, such as https://call.example.org;
    /// needed behind a reverse proxy; may be repeated
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    allow_origin: Vec<String>,

    /// Participants in one room
    #[arg(long, value_name = "N", default_value_t = Limits::default().peers_per_room,
          value_parser = clap::value_parser!(u32).range(2..=1000))]
    max_peers_per_room: u32,

    /// Connections from one address; raise it behind a reverse proxy
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
}

impl Args {
    /// The settings that these arguments ask for.
    pub(crate) fn config(&self) -> Config {
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
        Config {
            limits: Limits {
                message_bytes: self.max_message_bytes,
                messages_per_second: self.max_messages_per_second,
                peers_per_room: self.max_peers_per_room,
                connections_per_address: self.max_connections_per_address,
            },
            ice_servers: stun.chain(turn).collect(),
            // An empty variable is how some tools write "none".
            token: self.token.clone().filter(|token| !token.is_empty()),
            allowed_origins: self.allow_origin.clone(),
            ..Config::default()
        }
    }
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
        let [stun, turn] = &args.config().ice_servers[..] else { panic!("not two servers") };
        assert_eq!((&stun.urls[0][..], &stun.username), ("stun:a.example:3478", &None));
        assert_eq!((turn.username.as_deref(), turn.credential.as_deref()), (Some("u"), Some("p")));
    }

    #[test]
    fn wrong_arguments_are_refused_with_an_example_of_a_right_one() {
        for (wrong, hint) in [
            (&["--stun", "stun.example.org"][..], "stun:stun.example.org:3478"),
            (&["--turn", "turn:", "--turn-user", "u", "--turn-password", "p"], "turn:turn.example.org:3478"),
            (&["--turn", "turn:a.example"], "--turn-user"),
            (&["--allow-origin", "call.example.org"], "https://call.example.org"),
            (&["--max-peers-per-room", "1"], "2..=1000"),
        ] {
            let all = ["maru-server"].iter().chain(wrong);
            let error = Args::try_parse_from(all).unwrap_err().to_string();
            assert!(error.contains(hint), "{error}");
        }
    }
}
