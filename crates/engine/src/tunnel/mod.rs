//! The way to a relay (TURN, RFC 8656) where UDP does not get through: TCP, TLS or a WebSocket, found by a
//! race and used instead of UDP without the peer connection knowing.
//!
//! The webrtc crate speaks TURN over UDP only. So it is given an address that no network has for each relay
//! ([`placeholder`]), and its sockets ([`socket`]) take what goes there to the relay by the way that won
//! the race ([`race`]): by UDP from the very same socket, else over a [`carrier`]. What comes back comes
//! from the placeholder again. This module knows how TURN messages are framed; it refuses to know what is
//! in them.

mod carrier;
mod framing;
#[cfg(fuzzing)]
pub mod fuzzing;
mod link;
mod passes;
mod placeholder;
mod plain;
mod race;
mod socket;
mod way;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use maru_protocol::IceServer;
use parking_lot::Mutex;
use tokio::time::timeout;

pub(crate) use socket::SocketRuntime;

use placeholder::Placeholder;
use race::Race;
use way::{Way, ways};

use crate::stats::RelayProtocol;

/// Relays that are told apart; what a server names beyond that is left out.
const MOST_RELAYS: usize = 8;

/// The relays of a call, and the ways to them.
#[derive(Debug, Default)]
pub(crate) struct Tunnels {
    relays: Mutex<Vec<Arc<Relay>>>,
}

/// One relay, under whatever credentials.
#[derive(Debug)]
struct Relay {
    placeholder: Placeholder,
    ways: Vec<Way>,
    race: Race,
}

impl Tunnels {
    /// The servers as the webrtc crate may have them: STUN as it is, each relay under its placeholder.
    /// `signaling` is the URL of the server that named the `named` ones: the last resort to reach its relay.
    /// Begins to look for the ways to relays that are new.
    pub fn stand_in(
        &self,
        configured: &[IceServer],
        named: &[IceServer],
        signaling: Option<&str>,
    ) -> Vec<IceServer> {
        let configured = configured.iter().map(|server| (server, None));
        let named = named.iter().map(|server| (server, signaling));
        configured.chain(named).flat_map(|(server, signaling)| self.of_one(server, signaling)).collect()
    }

    fn of_one(&self, server: &IceServer, signaling: Option<&str>) -> Vec<IceServer> {
        let (stun, turn): (Vec<_>, Vec<_>) = server.urls.iter().cloned().partition(|url| !way::is_relay(url));
        let mut servers = Vec::new();
        if !stun.is_empty() {
            servers.push(IceServer { urls: stun, username: None, credential: None });
        }
        let ways = ways(&turn, signaling);
        if !ways.is_empty()
            && let Some(relay) = self.relay(ways)
        {
            relay.race.begin(&relay.ways);
            servers.push(IceServer {
                urls: vec![relay.placeholder.url()],
                username: server.username.clone(),
                credential: server.credential.clone(),
            });
        }
        servers
    }

    fn relay(&self, ways: Vec<Way>) -> Option<Arc<Relay>> {
        let mut relays = self.relays.lock();
        if let Some(known) = relays.iter().find(|relay| relay.ways == ways) {
            return Some(Arc::clone(known));
        }
        if relays.len() == MOST_RELAYS {
            tracing::warn!("the server names more relays than are used");
            return None;
        }
        let relay = Arc::new(Relay {
            placeholder: Placeholder::new(relays.len() as u8),
            ways,
            race: Race::default(),
        });
        relays.push(Arc::clone(&relay));
        Some(relay)
    }

    /// The network changed: what was found out about it does not hold any more.
    pub fn forget(&self) {
        for relay in self.relays.lock().iter() {
            relay.race.forget();
        }
    }

    /// How this machine reaches its relay, once it knows.
    pub fn way(&self) -> Option<RelayProtocol> {
        self.relays.lock().iter().find_map(|relay| relay.race.won())
    }

    /// The relay behind a placeholder.
    fn behind(&self, placeholder: Placeholder) -> Option<Arc<Relay>> {
        self.relays.lock().iter().find(|relay| relay.placeholder == placeholder).cloned()
    }
}

/// Whether any STUN server or relay among these URLs answers by UDP in time; `None` where none of them is reached
/// so.
pub(crate) async fn answers_by_udp(urls: &[String], patience: Duration) -> Option<bool> {
    // Who relays answers as well, and is written alike.
    let urls: Vec<_> = urls.iter().map(|url| url.replacen("stun:", "turn:", 1)).collect();
    let addresses = ways(&urls, None).into_iter().filter_map(|way| match way {
        Way::Udp(address) => Some(address),
        _ => None,
    });
    let mut tries: FuturesUnordered<_> =
        addresses.map(|address| async move { race::by_udp(&address).await }).collect();
    if tries.is_empty() {
        return None;
    }
    let answered = async {
        while let Some(outcome) = tries.next().await {
            if outcome.is_ok() {
                return true;
            }
        }
        false
    };
    Some(timeout(patience, answered).await.unwrap_or(false))
}

/// Whether there is a relay among these servers.
pub(crate) fn names_relay(servers: &[IceServer]) -> bool {
    servers.iter().flat_map(|server| &server.urls).any(|url| way::is_relay(url))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
