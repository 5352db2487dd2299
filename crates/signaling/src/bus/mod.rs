//! Rooms that span nodes: what nodes tell each other, and the store in which they meet.
//!
//! Each room is one hash in Redis, changed and read in one atomic step (`sync.lua`). So who came first,
//! and that a room is not overfull, is decided in one place and the same for everybody. A node that
//! changes a room tells the nodes that have members there, which then read it: these hints may be lost,
//! doubled or forged without harm, and every room is read again now and then anyway. Only signals travel
//! from node to node. What follows for clients is decided in `rooms::span`, which is told the time and
//! knows no Redis.
//!
//! This module refuses to know clients, connections and what is in a signal.

mod message;
mod redis;
mod worker;

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, Instant};

use maru_protocol::{LeftReason, PeerId, PeerInfo};

use crate::hex::{hex, unhex};

pub(crate) use message::{Envelope, MAX_HOPS, News, NodeMessage};
pub(crate) use worker::Worker;

/// After how long without a sign of life a node counts as dead.
pub(crate) const DEAD_AFTER: Duration = Duration::from_secs(3);

/// How often a node gives a sign of life.
pub(crate) const BEAT: Duration = Duration::from_secs(1);

/// How long any one thing asked of Redis may take.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(1);

/// Where this node meets the others.
#[derive(Clone)]
pub struct BusConfig {
    client: ::redis::Client,
}

impl BusConfig {
    /// Reads a URL as a person writes it: `redis://HOST:PORT`, `rediss://` with TLS, with a password in it
    /// or given apart.
    ///
    /// # Errors
    /// A sentence that says how to write it, and never the password.
    pub fn new(url: &str, password: Option<&str>) -> Result<Self, String> {
        use ::redis::IntoConnectionInfo as _;
        let wrong = || "write it like redis://HOST:6379, or rediss://HOST:6379 with TLS".to_owned();
        let schemes = ["redis://", "rediss://", "valkey://", "valkeys://"];
        if !schemes.iter().any(|scheme| url.starts_with(scheme)) {
            return Err(wrong());
        }
        let mut info = url.into_connection_info().map_err(|_| wrong())?;
        if let Some(password) = password {
            let settings = info.redis_settings().clone().set_password(password);
            info = info.set_redis_settings(settings);
        }
        Ok(Self { client: ::redis::Client::open(info).map_err(|_| wrong())? })
    }

    /// Where that is, without user and password.
    fn place(&self) -> String {
        self.client.get_connection_info().addr().to_string()
    }
}

impl fmt::Debug for BusConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BusConfig({})", self.place())
    }
}

/// One run of one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NodeId(pub(crate) u64);

impl NodeId {
    /// One that no other node has.
    pub(crate) fn random() -> Self {
        Self(RandomState::new().hash_one((Instant::now(), std::process::id())))
    }

    /// Reads what [`fmt::Display`] writes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        (text.len() == 16).then(|| u64::from_str_radix(text, 16).ok().map(Self)).flatten()
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A room as the nodes call it among themselves: a hash of its name's key, so that the store does not
/// show what people call their rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct RoomId([u8; 32]);

impl RoomId {
    /// Of a room's [`key`](maru_protocol::RoomName::key).
    pub(crate) fn of(key: &str) -> Self {
        let mut context = ring::digest::Context::new(&ring::digest::SHA256);
        context.update(b"maru room\0");
        context.update(key.as_bytes());
        let mut id = [0; 32];
        id.copy_from_slice(context.finish().as_ref());
        Self(id)
    }

    /// Reads what [`fmt::Display`] writes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        unhex(text).map(Self)
    }
}

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// What one node says about one of its members.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Claim {
    pub(crate) info: PeerInfo,
    /// It wants a place, or comes from another node to its own. Otherwise it has one here.
    pub(crate) enters: bool,
    /// Its place in the order of arrival; 0 for one that has none yet.
    pub(crate) order: u64,
    /// How long it has its place at this node.
    pub(crate) seated: Duration,
    /// How long its connection is broken.
    pub(crate) away: Option<Duration>,
}

/// What one node says and asks about one room.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Request {
    pub(crate) room: RoomId,
    pub(crate) members: Vec<Claim>,
    pub(crate) left: Vec<(PeerId, LeftReason)>,
    /// Whether `members` are all that this node has there.
    pub(crate) full: bool,
}

/// What became of a [`Claim`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The room is full.
    Full,
    /// It is a newcomer.
    New,
    /// It has a place already. Since the given time, in ms of the store, it may not have heard of
    /// who came.
    Back(u64),
    /// As before, or it came here from another node.
    Kept,
    /// It was unknown.
    Missing,
    /// It has gone to another node since.
    Lost,
}

/// A participant as the store has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) info: PeerInfo,
    pub(crate) node: NodeId,
    pub(crate) order: u64,
    /// When the store heard of it first, in its ms.
    pub(crate) at: u64,
    pub(crate) away: bool,
}

/// One room as the store has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    /// Another one when the room was forgotten in between.
    pub(crate) epoch: String,
    /// How long it has been known without a break.
    pub(crate) age: Duration,
    pub(crate) verdicts: Vec<(PeerId, Verdict)>,
    pub(crate) entries: Vec<Entry>,
}

/// How the bus does, for the health report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BusCounts {
    /// Messages of nodes and entries of the store that made no sense.
    pub(crate) garbled: u64,
    /// Signals for members elsewhere that found no room in a queue.
    pub(crate) dropped: u64,
    /// Nodes that give signs of life, this one included.
    pub(crate) nodes: usize,
}
