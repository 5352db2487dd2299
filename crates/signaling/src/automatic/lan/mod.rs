//! The same room on the same network, without a server that anybody set up: machines advertise the rooms
//! on their own servers and look for those of others.
//!
//! ```text
//! advert   what one machine says about a room, and how to tell that it is about the own one
//! wire     says and hears records by multicast DNS      board    what is advertised now
//! announce advertises the rooms of the own server       rule     which of several servers it is
//! ```
//!
//! Joining never waits for the network: it begins on the own machine's server, and moves on when the rule
//! says so. Where it moves is decided while somebody waits in [`Network::moved`]: nobody in a room, nothing
//! to decide.

mod advert;
mod announce;
mod board;
mod rule;
mod wire;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use maru_protocol::{RoomName, WEBSOCKET_PATH};
use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{sleep_until, timeout};

use super::AutomaticServer;
use crate::addresses;
use crate::rate::Bucket;
use advert::{RoomKey, SALT_BYTES};
pub(super) use announce::announce;
use board::{Board, Notice};
use rule::{Next, Offer, Place, Rule, ServerId};
pub(super) use wire::Wire;

/// A machine on this network answers at once, or it is not there.
const PROBE: Duration = Duration::from_secs(1);

/// Keys that are made at once, and then per second: a hostile network costs that much.
const KEYS_AT_ONCE: f64 = 32.0;
const KEYS_PER_SECOND: f64 = 1.0;

/// Where the people of a room meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeetingPlace {
    /// Where clients connect, such as `wss://192.168.1.5:50123/ws`.
    pub url: String,
    /// SHA-256 of the certificate that the server must show; `None` on the own machine, without TLS.
    pub fingerprint: Option<[u8; 32]>,
}

/// This program on the network: finds rooms there, and lets rooms of its own be found. One for a program.
pub struct Network {
    board: Arc<Board>,
    wanted: watch::Sender<bool>,
    wire: tokio::sync::Mutex<Option<Arc<Wire>>>,
    meeting: Mutex<Option<Meeting>>,
}

/// The room that this program is in.
struct Meeting {
    room: String,
    /// Clients' URL of the server on this machine.
    here: String,
    rule: Rule,
    keys: HashMap<[u8; SALT_BYTES], RoomKey>,
    allowed: Bucket,
}

impl Network {
    /// Looks and can be found only if that is wanted.
    pub fn new(wanted: bool) -> Self {
        Self {
            board: Arc::default(),
            wanted: watch::Sender::new(wanted),
            wire: tokio::sync::Mutex::default(),
            meeting: Mutex::default(),
        }
    }

    /// From now on it is wanted, or no more: then nothing is said or asked on the network, and whoever is
    /// on another machine's server comes back to this one's.
    pub async fn set_wanted(&self, wanted: bool) {
        self.wanted.send_replace(wanted);
        if !wanted {
            self.close().await;
        }
    }

    /// Where to meet in this room first: on this machine's server, at once. Where it really is comes from
    /// [`Network::moved`]. To be asked again whenever a connection ended or could not be made.
    pub async fn locate(&self, server: &AutomaticServer, room: &RoomName) -> String {
        let here = server.url();
        if !*self.wanted.borrow() {
            *self.meeting.lock() = None;
            return here;
        }
        if let Some(wire) = self.wire().await {
            server.let_apps_find(&wire).await;
        }
        let (now, key) = (Instant::now(), room.key());
        let mut meeting = self.meeting.lock();
        match meeting.as_mut().filter(|meeting| meeting.room == key) {
            Some(meeting) => {
                meeting.rule.lost(now);
                meeting.here.clone_from(&here);
            }
            None => {
                *meeting = Some(Meeting {
                    room: key,
                    here: here.clone(),
                    rule: Rule::new(now),
                    keys: HashMap::new(),
                    allowed: Bucket::new(now, KEYS_PER_SECOND, KEYS_AT_ONCE),
                });
            }
        }
        here
    }

    /// Resolves when the people of the room that was located last meet elsewhere than `at`, with the place.
    /// Whoever comes back without having moved there could not reach it.
    pub async fn moved(&self, at: &str) -> MeetingPlace {
        let (mut news, mut wanted) = (self.board.watch(), self.wanted.subscribe());
        self.with(|meeting| {
            if place_of(meeting).url != at {
                meeting.rule.lost(Instant::now());
            }
        });
        loop {
            news.mark_unchanged();
            let on = *wanted.borrow_and_update();
            let offers = if on { self.offers().await } else { Vec::new() };
            let next = self.with(|meeting| {
                if !on {
                    meeting.rule.lost(Instant::now());
                }
                meeting.rule.see(offers);
                let next = meeting.rule.next(Instant::now());
                (next, place_of(meeting))
            });
            let Some((next, place)) = next else { return std::future::pending().await };
            if place.url != at {
                let elsewhere = place.fingerprint.is_some();
                tracing::info!(elsewhere, "the room's people meet on another server of this network");
                return place;
            }
            match next {
                Next::Move(_) => {}
                Next::Probe { id, addresses } => {
                    let reached = reach(&addresses).await;
                    if reached.is_none() {
                        self.doubt(id).await;
                    }
                    self.with(|meeting| meeting.rule.probed(Instant::now(), id, reached));
                }
                Next::Stay { until } => {
                    let later = async {
                        match until {
                            Some(until) => sleep_until(until.into()).await,
                            None => std::future::pending().await,
                        }
                    };
                    tokio::select! {
                        _ = news.changed() => {}
                        _ = wanted.changed() => {}
                        () = later => {}
                    }
                }
            }
        }
    }

    /// Takes back what was said on the network, and hears no more.
    pub async fn close(&self) {
        if let Some(wire) = self.wire.lock().await.take() {
            wire.close().await;
        }
    }

    /// The responder; opened when it is first needed.
    async fn wire(&self) -> Option<Arc<Wire>> {
        let mut wire = self.wire.lock().await;
        if wire.is_none() {
            match Wire::open(Arc::clone(&self.board)) {
                Ok(opened) => *wire = Some(Arc::new(opened)),
                Err(error) => tracing::warn!(%error, "rooms on this network cannot be found"),
            }
        }
        wire.clone()
    }

    fn with<T>(&self, act: impl FnOnce(&mut Meeting) -> T) -> Option<T> {
        self.meeting.lock().as_mut().map(act)
    }

    /// The servers that advertise the room: those whose record its name has signed.
    async fn offers(&self) -> Vec<Offer> {
        let notices = self.board.all();
        let own = own_addresses();
        let mut offers = Vec::new();
        self.with(|meeting| {
            meeting.keys.retain(|salt, _| notices.iter().any(|(_, notice)| notice.advert.salt == *salt));
        });
        for (_, notice) in &notices {
            let Some(key) = self.key(notice.advert.salt).await else { continue };
            if notice.advert.is_of(&key) {
                offers.push(offer(notice, &own));
            }
        }
        offers
    }

    /// The room's key under that salt; `None` when too many were wanted.
    async fn key(&self, salt: [u8; SALT_BYTES]) -> Option<RoomKey> {
        let wanted = self.with(|meeting| match meeting.keys.get(&salt) {
            Some(key) => Some(Ok(key.clone())),
            None => meeting.allowed.take(Instant::now()).then(|| Err(meeting.room.clone())),
        })??;
        match wanted {
            Ok(key) => Some(key),
            Err(room) => {
                let secret = room.clone();
                let key = spawn_blocking(move || RoomKey::derive(&secret, &salt)).await.ok()?;
                self.with(|meeting| {
                    if meeting.room == room {
                        meeting.keys.insert(salt, key.clone());
                    }
                });
                Some(key)
            }
        }
    }

    /// The server does not answer: those of its records that are no longer true are forgotten.
    async fn doubt(&self, id: ServerId) {
        let Some(wire) = self.wire.lock().await.clone() else { return };
        for (name, notice) in self.board.all() {
            if id_of(&notice) == id {
                wire.doubt(&name);
            }
        }
    }
}

fn place_of(meeting: &Meeting) -> MeetingPlace {
    match meeting.rule.place() {
        Place::Here => MeetingPlace { url: meeting.here.clone(), fingerprint: None },
        Place::There { id, address } => MeetingPlace {
            url: format!("wss://{address}{WEBSOCKET_PATH}"),
            fingerprint: Some(id.fingerprint),
        },
    }
}

fn id_of(notice: &Notice) -> ServerId {
    ServerId { fingerprint: notice.advert.fingerprint, port: notice.advert.port }
}

/// A notice that is about the room.
fn offer(notice: &Notice, own_addresses: &[IpAddr]) -> Offer {
    // All of them: machines with containers have the same address for the network of these.
    let mine = || notice.addresses.iter().all(|address| own_addresses.contains(address));
    Offer {
        id: id_of(notice),
        since: notice.advert.since,
        guests: notice.advert.guests,
        addresses: notice.addresses.clone(),
        is_here: notice.own || (!notice.addresses.is_empty() && mine()),
    }
}

fn own_addresses() -> Vec<IpAddr> {
    addresses::own().filter(|address| !address.is_loopback()).collect()
}

/// The first of the addresses that takes a connection.
async fn reach(addresses: &[SocketAddr]) -> Option<SocketAddr> {
    let tries = addresses.iter().map(|address| async move {
        let connected = timeout(PROBE, TcpStream::connect(address)).await;
        matches!(connected, Ok(Ok(_))).then_some(*address)
    });
    let mut tries: FuturesUnordered<_> = tries.collect();
    while let Some(reached) = tries.next().await {
        if reached.is_some() {
            return reached;
        }
    }
    None
}

/// For what must not repeat and must not tell anything.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Fails only where the system has no randomness, and TLS then failed before.
    let _ = ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes);
    bytes
}
