//! What a server allows and how long it waits.

use std::time::Duration;

use maru_protocol::{IceServer, Limits, RESUME_SECONDS};

/// A server's settings. The defaults suit a server that anybody may use on a local network.
#[derive(Clone, Debug)]
pub struct Config {
    /// What clients may do; told to them in `joined`.
    pub limits: Limits,
    /// STUN and TURN servers, passed on to clients in `joined`.
    pub ice_servers: Vec<IceServer>,
    /// The access token that clients must give; `None` for a server that is open to all.
    pub token: Option<String>,
    /// Web origins such as `https://call.example.org` whose pages may connect besides the server's own.
    /// Programs that are not browsers send no origin and are not concerned.
    pub allowed_origins: Vec<String>,
    /// How long a new connection may take to join a room.
    pub join_timeout: Duration,
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
            ice_servers: Vec::new(),
            token: None,
            allowed_origins: Vec::new(),
            join_timeout: Duration::from_secs(10),
            resume_window: Duration::from_secs(RESUME_SECONDS),
            // Two unanswered pings, and the others know within ten seconds.
            ping_interval: Duration::from_secs(4),
            idle_timeout: Duration::from_secs(9),
            send_queue: 512,
            send_queue_bytes: 1024 * 1024,
        }
    }
}
