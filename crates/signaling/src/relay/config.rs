//! The relay's settings.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use ipnet::IpNet;

use super::credentials::RelaySecret;

/// The UDP and TCP port of STUN and TURN (RFC 8656, section 21).
pub const RELAY_PORT: u16 = 3478;

/// The port of TURN over TLS.
pub const RELAY_TLS_PORT: u16 = 5349;

/// What a relay (STUN and TURN) is and allows. The defaults suit a server on the internet.
#[derive(Clone, Debug)]
pub struct RelayConfig {
    /// Where to listen, over UDP and over TCP.
    pub listen: Vec<SocketAddr>,
    /// Where to listen over TLS, when the server has a certificate.
    pub listen_tls: Vec<SocketAddr>,
    /// Whether the server runs without the relay when another program has its port. For ports that
    /// nobody asked for.
    pub optional: bool,
    /// The name or the address that clients are told; `None` for the one under which they reached the
    /// server.
    pub public_host: Option<String>,
    /// The addresses at which relayed ports are reached from outside, one per family: for servers
    /// behind a translation of addresses (1:1 NAT). Without any: the address that a client spoke to.
    pub public_addresses: Vec<IpAddr>,
    /// The ports that are given to clients.
    pub ports: RangeInclusive<u16>,
    /// The realm of the credentials.
    pub realm: String,
    /// How many allocations there may be.
    pub allocations: usize,
    /// How many of them for one user.
    pub allocations_per_user: usize,
    /// How many bytes per second may pass, both ways together; `None` for all.
    pub bytes_per_second: Option<u64>,
    /// How many of them for one user; `None` for all.
    pub bytes_per_second_per_user: Option<u64>,
    /// How long an allocation can be refreshed, also with credentials that have expired meanwhile.
    pub longest_allocation: Duration,
    /// Peers that may be reached although their addresses are not public.
    pub allow: Vec<IpNet>,
    /// Peers that may not be reached whatever else is said.
    pub deny: Vec<IpNet>,
}

impl Default for RelayConfig {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            listen_tls: Vec::new(),
            optional: false,
            public_host: None,
            public_addresses: Vec::new(),
            ports: 49_152..=65_535,
            realm: "maru".into(),
            allocations: 4000,
            // Browsers make one for each of their networks, each transport and each peer connection.
            allocations_per_user: 64,
            bytes_per_second: None,
            // Eight pictures of 720p each way, with room.
            bytes_per_second_per_user: Some(6_000_000),
            longest_allocation: Duration::from_secs(24 * 3600),
            allow: Vec::new(),
            deny: Vec::new(),
        }
    }
}

/// Who hands out credentials for TURN servers, this one or others that know the secret.
#[derive(Clone, Debug)]
pub struct CredentialsConfig {
    /// What signs them.
    pub secret: RelaySecret,
    /// How long they hold.
    pub lifetime: Duration,
    /// TURN servers that know the secret (coturn with `use-auth-secret`), as `turn:` and `turns:` URLs.
    pub servers: Vec<String>,
}
