//! The part of the command line that is about STUN and TURN.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use ipnet::IpNet;
use maru_signaling::{
    Config, CredentialsConfig, RELAY_PORT, RELAY_TLS_PORT, RelayConfig, RelaySecret, ServerError,
};

/// The server's own relay, and credentials for it or for others.
#[derive(Debug, Args)]
#[command(next_help_heading = "Relay (STUN and TURN)")]
pub(crate) struct RelayArgs {
    /// Address and port of STUN and TURN, over UDP and TCP; may be repeated. Without it port 3478 at the
    /// host of --listen, if no other program has it
    #[arg(long, value_name = "ADDRESS", value_parser = address, conflicts_with = "no_relay")]
    relay_listen: Vec<SocketAddr>,

    /// Address and port of TURN over TLS, used when the server has a certificate; may be repeated.
    /// Without it port 5349 where --relay-listen is
    #[arg(long, value_name = "ADDRESS", value_parser = address, conflicts_with = "no_relay")]
    relay_listen_tls: Vec<SocketAddr>,

    /// Run without STUN and TURN of the server's own
    #[arg(long)]
    no_relay: bool,

    /// Under which name or address clients find the relay, if not the one under which they found the
    /// server. An address is also the one that peers see: give it on a machine that is behind a
    /// translation of addresses (1:1 NAT). May be repeated, for a name and for IPv4 and IPv6
    #[arg(long, value_name = "NAME|IP", value_parser = host)]
    public_address: Vec<String>,

    /// Ports that the relay gives to clients
    #[arg(long, value_name = "FIRST-LAST", value_parser = ports, default_value = "49152-65535")]
    relay_ports: RangeInclusive<u16>,

    /// File with the secret that signs credentials, shared with --turn-server; without it a random one
    #[arg(long, value_name = "FILE")]
    relay_secret_file: Option<PathBuf>,

    /// TURN server that knows the secret (coturn with use-auth-secret), such as
    /// turn:turn.example.org:3478; clients get credentials for it. May be repeated
    #[arg(long, value_name = "URL", value_parser = super::turn_url, requires = "relay_secret_file")]
    turn_server: Vec<String>,

    /// How long credentials hold, in seconds; members get fresh ones at three quarters of it
    #[arg(long, value_name = "SECONDS", default_value_t = 3600,
          value_parser = clap::value_parser!(u64).range(60..=7 * 86_400))]
    relay_credential_lifetime: u64,

    /// Allocations in all
    #[arg(long, value_name = "N", default_value_t = RelayConfig::default().allocations)]
    relay_max_allocations: usize,

    /// Allocations of one participant
    #[arg(long, value_name = "N", default_value_t = RelayConfig::default().allocations_per_user)]
    relay_max_allocations_per_user: usize,

    /// Bytes per second in all, both ways together; 0 for no limit
    #[arg(long, value_name = "BYTES", default_value_t = RelayConfig::default().bytes_per_second.unwrap_or(0))]
    relay_bandwidth: u64,

    /// Bytes per second of one participant, both ways together; 0 for no limit
    #[arg(long, value_name = "BYTES",
          default_value_t = RelayConfig::default().bytes_per_second_per_user.unwrap_or(0))]
    relay_user_bandwidth: u64,

    /// How long one allocation can be kept, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = RelayConfig::default().longest_allocation.as_secs(),
          value_parser = clap::value_parser!(u64).range(600..))]
    relay_max_lifetime: u64,

    /// Network that may be reached through the relay although it is not public, such as 192.168.1.0/24;
    /// may be repeated
    #[arg(long, value_name = "CIDR", value_parser = super::network)]
    relay_allow: Vec<IpNet>,

    /// Network that may not be reached through the relay; goes before --relay-allow; may be repeated
    #[arg(long, value_name = "CIDR", value_parser = super::network)]
    relay_deny: Vec<IpNet>,
}

impl RelayArgs {
    /// Puts into the settings what these arguments ask for; `listen` is the server's own address.
    ///
    /// # Errors
    /// [`ServerError::RelaySecret`] when the secret cannot be read.
    pub(crate) fn apply(&self, listen: &str, config: &mut Config) -> Result<(), ServerError> {
        config.credentials = match &self.relay_secret_file {
            None if self.no_relay => None,
            file => Some(CredentialsConfig {
                secret: file.as_deref().map_or_else(|| Ok(RelaySecret::random()), RelaySecret::from_file)?,
                lifetime: Duration::from_secs(self.relay_credential_lifetime),
                servers: self.turn_server.clone(),
            }),
        };
        config.relay = (!self.no_relay).then(|| self.relay(listen));
        Ok(())
    }

    fn relay(&self, listen: &str) -> RelayConfig {
        let host = || {
            let host = listen.rsplit_once(':').map_or(listen, |(host, _)| host);
            let bare = host.trim_start_matches('[').trim_end_matches(']');
            bare.parse().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
        };
        let named = !self.relay_listen.is_empty() || !self.relay_listen_tls.is_empty();
        let or_else = |given: &[SocketAddr], others: &[SocketAddr], port| match (given, others) {
            ([], []) => vec![SocketAddr::new(host(), port)],
            ([], others) => others.iter().map(|other| SocketAddr::new(other.ip(), port)).collect(),
            (given, _) => given.to_vec(),
        };
        let ips = self.public_address.iter().filter_map(|host| host.parse().ok());
        let any_limit = |bytes: u64| Some(bytes).filter(|bytes| *bytes > 0);
        RelayConfig {
            listen: or_else(&self.relay_listen, &self.relay_listen_tls, RELAY_PORT),
            listen_tls: or_else(&self.relay_listen_tls, &self.relay_listen, RELAY_TLS_PORT),
            optional: !named,
            public_host: self.public_host(),
            public_addresses: ips.collect(),
            ports: self.relay_ports.clone(),
            allocations: self.relay_max_allocations,
            allocations_per_user: self.relay_max_allocations_per_user,
            bytes_per_second: any_limit(self.relay_bandwidth),
            bytes_per_second_per_user: any_limit(self.relay_user_bandwidth),
            longest_allocation: Duration::from_secs(self.relay_max_lifetime),
            allow: self.relay_allow.clone(),
            deny: self.relay_deny.clone(),
            ..RelayConfig::default()
        }
    }

    /// What clients are told: a name, which works for all families, or the first address.
    fn public_host(&self) -> Option<String> {
        let is_name = |host: &&String| host.parse::<IpAddr>().is_err();
        let host = self.public_address.iter().find(is_name).or(self.public_address.first())?;
        // As in a URL.
        Some(if host.contains(':') { format!("[{host}]") } else { host.clone() })
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "write it like 0.0.0.0:3478 or [::]:3478".to_owned())
}

fn host(text: &str) -> Result<String, String> {
    let of_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    let right = text.parse::<IpAddr>().is_ok() || (!text.is_empty() && text.bytes().all(of_name));
    if right { Ok(text.to_owned()) } else { Err("write it like turn.example.org or 203.0.113.7".to_owned()) }
}

fn ports(text: &str) -> Result<RangeInclusive<u16>, String> {
    let range =
        text.split_once('-').and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
    match range {
        Some((first, last)) if 0 < first && first <= last => Ok(first..=last),
        _ => Err("write it like 49152-65535".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn config(arguments: &[&str]) -> Config {
        let args = super::super::Args::try_parse_from(["maru-server"].iter().chain(arguments)).unwrap();
        let mut config = args.config(1024).unwrap();
        args.relay.apply(&args.listen, &mut config).unwrap();
        config
    }

    #[test]
    fn the_relay_listens_where_the_server_does_unless_told_otherwise() {
        let relay = config(&["--listen", "[::]:443"]).relay.unwrap();
        assert_eq!((relay.listen, relay.optional), (vec!["[::]:3478".parse().unwrap()], true));
        assert_eq!(relay.listen_tls, ["[::]:5349".parse().unwrap()]);
        let relay = config(&["--listen", "localhost:443"]).relay.unwrap();
        assert_eq!(relay.listen, ["127.0.0.1:3478".parse().unwrap()]);
        let relay = config(&["--relay-listen", "192.0.2.1:80"]).relay.unwrap();
        assert_eq!((relay.listen, relay.optional), (vec!["192.0.2.1:80".parse().unwrap()], false));
        assert_eq!(relay.listen_tls, ["192.0.2.1:5349".parse().unwrap()]);
        let none = config(&["--no-relay"]);
        assert!(none.relay.is_none() && none.credentials.is_none());
    }

    #[test]
    fn a_name_is_what_clients_are_told_and_addresses_are_what_peers_see() {
        let flags = ["--public-address", "203.0.113.7", "--public-address", "turn.example.org"];
        let relay = config(&flags).relay.unwrap();
        assert_eq!(relay.public_host.as_deref(), Some("turn.example.org"));
        assert_eq!(relay.public_addresses, ["203.0.113.7".parse::<IpAddr>().unwrap()]);
        let relay = config(&["--public-address", "2001:db8::7"]).relay.unwrap();
        assert_eq!(relay.public_host.as_deref(), Some("[2001:db8::7]"));
    }

    #[test]
    fn wrong_arguments_are_refused_with_an_example_of_a_right_one() {
        for (wrong, hint) in [
            (&["--relay-listen", "3478"][..], "0.0.0.0:3478"),
            (&["--relay-ports", "9-8"], "49152-65535"),
            (&["--public-address", "a b"], "turn.example.org"),
            (&["--turn-server", "turn:a.example"], "--relay-secret-file"),
            (&["--relay-allow", "home"], "10.0.0.0/8"),
            (&["--no-relay", "--relay-listen", "0.0.0.0:1"], "cannot be used with"),
        ] {
            let all = ["maru-server"].iter().chain(wrong);
            let error = super::super::Args::try_parse_from(all).unwrap_err().to_string();
            assert!(error.contains(hint), "{error}");
        }
    }
}
