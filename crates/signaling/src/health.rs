//! What `GET /health` answers.

use maru_protocol::SUBPROTOCOL;
use serde::{Deserialize, Serialize};

use crate::bus::BusCounts;

/// The path of the report.
pub(crate) const HEALTH_PATH: &str = "/health";

/// The service that a Maru server says it is.
const SERVICE: &str = "maru";

/// A server's report about itself. It names no room and nobody.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Health {
    service: String,
    /// The program's version.
    pub(crate) version: String,
    protocol: String,
    /// Rooms with somebody in them.
    rooms: usize,
    /// Participants, those included whose place is kept.
    peers: usize,
    /// `ready`, or `degraded`.
    #[serde(default)]
    status: String,
    /// What does not work as it should.
    #[serde(default)]
    troubles: Vec<String>,
    /// Of a server that shares rooms with others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bus: Option<BusHealth>,
}

/// How a server and those that it shares rooms with get on.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct BusHealth {
    /// `up`, or `degraded` while rooms are this server's own because Redis is out of reach.
    state: String,
    /// Servers that are there, this one included; 0 while that cannot be known.
    nodes: usize,
    /// Messages and entries that made no sense.
    garbled: u64,
    /// Signals between servers that were given up.
    dropped: u64,
}

impl Health {
    /// The report of this server.
    pub(crate) fn of(rooms: usize, peers: usize, troubles: &[&str], bus: Option<(bool, BusCounts)>) -> Self {
        Self {
            service: SERVICE.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol: SUBPROTOCOL.to_owned(),
            rooms,
            peers,
            status: if troubles.is_empty() { "ready" } else { "degraded" }.to_owned(),
            troubles: troubles.iter().map(|&trouble| trouble.to_owned()).collect(),
            bus: bus.map(|(up, counts)| BusHealth {
                state: if up { "up" } else { "degraded" }.to_owned(),
                nodes: counts.nodes,
                garbled: counts.garbled,
                dropped: counts.dropped,
            }),
        }
    }

    /// Whether a Maru server wrote it.
    pub(crate) fn is_maru(&self) -> bool {
        self.service == SERVICE
    }

    /// Whether that server speaks this version's protocol.
    pub(crate) fn speaks_our_protocol(&self) -> bool {
        self.protocol == SUBPROTOCOL
    }
}
