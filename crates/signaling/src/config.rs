//! What a server allows and how long it waits.

use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use maru_protocol::{IceServer, Limits, RESUME_SECONDS};

use crate::BusConfig;
use crate::relay::{CredentialsConfig, RelayConfig};

/// A server's settings. The defaults suit a server that anybody may use on a local network.
#[derive(Clone, Debug)]
pub struct Config {
    /// What clients may do; told to them in `joined`.
    pub limits: Limits,
    /// What all connections of one address may do together.
    pub per_address: PerAddress,
    /// Sockets of all clients together; beyond them, clients are told to come back later.
    pub max_connections: usize,
    /// Rooms at a time; beyond them, a room that nobody is in is not opened.
    pub max_rooms: usize,
    /// STUN and TURN servers, passed on to clients in `joined`.
    pub ice_servers: Vec<IceServer>,
    /// The server's own STUN and TURN; `None` for none.
    pub relay: Option<RelayConfig>,
    /// Credentials for TURN that each participant gets of its own. With a relay and without this, they
    /// are signed with a secret that nobody else knows.
    pub credentials: Option<CredentialsConfig>,
    /// The access token that clients must give; `None` for a server that is open to all.
    pub token: Option<String>,
    /// Web origins such as `https://call.example.org` whose pages may connect besides the server's own.
    /// Programs that are not browsers send no origin and are not concerned.
    pub allowed_origins: Vec<String>,
    /// What comes before the room in the path of every URL, such as `/maru`; empty for nothing. Checked
    /// by [`base_path`].
    pub base_path: String,
    /// Where guests find the page, if that is not what the server sees of itself: a whole URL without a
    /// room, such as `https://example.org/maru`.
    pub public_url: Option<String>,
    /// Reverse proxies whose word about a client's address and about the own name is taken.
    pub trusted_proxies: Vec<IpNet>,
    /// Serve the page from this directory, for working on it, instead of the one that is built in.
    pub page_directory: Option<PathBuf>,
    /// Where this server meets the others that it shares rooms with; `None` for one that is alone.
    pub bus: Option<BusConfig>,
    /// How long a new connection may take to join a room.
    pub join_timeout: Duration,
    /// How long it may take instead as long as it answers pings and few others do the same: clients open one while
    /// a person still looks at the join screen.
    pub early_timeout: Duration,
    /// How long the place of a participant is kept after its connection broke.
    pub resume_window: Duration,
    /// How often a client is asked for a sign of life.
    pub ping_interval: Duration,
    /// After how long without any sign of life a connection counts as broken. Longer than
    /// `ping_interval`.
    pub idle_timeout: Duration,
    /// Messages that may wait for one client; a client with more is closed as too slow.
    pub send_queue: usize,
    /// Bytes that may wait for one client; a client with more is closed as too slow.
    pub send_queue_bytes: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            per_address: PerAddress::default(),
            max_connections: 50_000,
            max_rooms: 50_000,
            ice_servers: Vec::new(),
            relay: None,
            credentials: None,
            token: None,
            allowed_origins: Vec::new(),
            base_path: String::new(),
            public_url: None,
            trusted_proxies: Vec::new(),
            page_directory: None,
            bus: None,
            join_timeout: Duration::from_secs(10),
            early_timeout: Duration::from_secs(6 * 60),
            resume_window: Duration::from_secs(RESUME_SECONDS),
            // Two unanswered pings, and the others know within ten seconds.
            ping_interval: Duration::from_secs(4),
            idle_timeout: Duration::from_secs(9),
            send_queue: 512,
            send_queue_bytes: 1024 * 1024,
        }
    }
}

/// What all connections of one address (of IPv6, of one /64 network) may do together. Zero is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerAddress {
    /// Joins in a minute, on average; twice as many at once.
    pub joins_per_minute: u32,
    /// Messages in a second, averaged over five seconds.
    pub messages_per_second: u32,
    /// Rooms in a minute that nobody was in, on average; three times as many at once, the later ones after
    /// a pause. Whoever guesses the names of rooms mostly finds them empty.
    pub new_rooms_per_minute: u32,
}

impl Default for PerAddress {
    fn default() -> Self {
        Self { joins_per_minute: 120, messages_per_second: 600, new_rooms_per_minute: 20 }
    }
}

/// Reads a base path as a person writes it: `/maru`, `maru/`; `/` is none.
///
/// # Errors
/// A sentence when there is in it what would mean something else in a URL.
pub fn base_path(text: &str) -> Result<String, String> {
    let bare = text.trim_matches('/');
    let plain = |part: &str| {
        let of_url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        !part.is_empty() && part.bytes().all(of_url) && part.bytes().any(|byte| byte != b'.')
    };
    if bare.is_empty() {
        Ok(String::new())
    } else if bare.split('/').all(plain) {
        Ok(format!("/{bare}"))
    } else {
        Err("write it like /maru, with letters, digits, hyphens and slashes only".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_path_is_read_as_people_write_it_and_never_means_something_else() {
        for (written, path) in [("/maru", "/maru"), ("a/b/", "/a/b"), ("/", ""), ("", ""), ("v1.2", "/v1.2")]
        {
            assert_eq!(base_path(written).as_deref(), Ok(path));
        }
        for wrong in ["/a b", "/\"><script>", "/a//b", "/..", "/a/./b", "https://a", "/회의"] {
            assert!(base_path(wrong).is_err(), "{wrong}");
        }
    }
}
