//! The relay: what comes from clients and from peers, and where it goes on. Every transport brings its
//! packets here, one by one.
//!
//! The path of media takes two short locks (the table's for reading, one allocation's) and no memory.

use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::{Mutex, RwLock};
use tokio::net::UdpSocket;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::addresses::{self, Addresses};

use super::allocation::{Allocation, Way};
use super::auth::Auth;
use super::bandwidth::Bandwidth;
use super::config::{CredentialsConfig, RelayConfig};
use super::counters::RelayCounters;
use super::filter::Filter;
use super::frame::{CHANNEL_HEAD, Frame};
use super::link::Link;
use super::ports::Ports;
use super::requests::{self, Now};
use super::strangers::Strangers;
use super::stun::{Class, Message, attribute, method, write_data_head};
use super::table::{Entry, Key, Own, Quotas, Table, Target};

/// Before a peer's data, so that what goes before them on the way to the client is written in place.
const HEADROOM: usize = 48;

/// The longest data that fit into a message with their head.
const LONGEST_DATA: usize = 65_500;

/// How often the relay looks for allocations that nobody refreshes.
const EXPIRE_EVERY: Duration = Duration::from_secs(1);

/// How many such looks later it looks at the machine's addresses again.
const ADDRESSES_EVERY: u32 = 10;

/// Packets from one peer's side in a row before others get a turn.
const IN_A_ROW: usize = 64;

thread_local! {
    /// Where peers' packets are read into; never held across an await.
    static INCOMING: RefCell<Box<[u8]>> = RefCell::new(vec![0; HEADROOM + 65_536 + 4].into());
    /// Where indications for other clients of this relay are put together.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; HEADROOM + 65_536 + 4].into());
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Relay {
    pub(super) config: RelayConfig,
    auth: Auth,
    table: RwLock<Table<Port>>,
    ports: Ports,
    counters: Arc<RelayCounters>,
    bandwidth: Bandwidth,
    strangers: Mutex<Strangers>,
    links: AtomicU64,
    /// Counts connections by the client's address.
    pub(super) connections: Arc<Addresses>,
    pub(super) tasks: TaskTracker,
    pub(super) stop: CancellationToken,
}

/// What an allocation has of this system.
#[derive(Debug)]
pub(super) struct Port {
    socket: UdpSocket,
    link: Link,
    closed: CancellationToken,
}

/// Where something comes from.
#[derive(Debug)]
pub(super) struct From<'a> {
    pub(super) key: Key,
    /// The own address that the client reached, if that is known.
    pub(super) local: Option<IpAddr>,
    pub(super) link: &'a Link,
}

impl Relay {
    pub(super) fn new(config: RelayConfig, credentials: &CredentialsConfig) -> Self {
        let now = Instant::now();
        let quotas = Quotas {
            allocations: config.allocations,
            allocations_per_user: config.allocations_per_user,
            bytes_per_second_per_user: config.bytes_per_second_per_user,
            longest: config.longest_allocation,
        };
        let filter = Filter { allow: config.allow.clone(), deny: config.deny.clone() };
        Self {
            auth: Auth::new(credentials.secret.clone(), config.realm.clone(), unix_seconds()),
            table: RwLock::new(Table::new(quotas, filter)),
            ports: Ports { range: config.ports.clone(), public: config.public_addresses.clone() },
            counters: Arc::default(),
            bandwidth: Bandwidth::new(now, config.bytes_per_second),
            strangers: Mutex::new(Strangers::new(now)),
            links: AtomicU64::new(0),
            connections: Arc::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            config,
        }
    }

    /// What the relay has done.
    pub(crate) fn counters(&self) -> &Arc<RelayCounters> {
        &self.counters
    }

    /// A number for one more socket or connection.
    pub(super) fn next_link(&self) -> u64 {
        self.links.fetch_add(1, Ordering::Relaxed)
    }

    /// Ends allocations that nobody refreshes, and keeps the own addresses in mind, for ever.
    /// `listening` are the own ports, which no client reaches through the relay.
    pub(super) async fn keep_up(&self, listening: Vec<u16>) {
        let mut looks = 0_u32;
        loop {
            if looks.is_multiple_of(ADDRESSES_EVERY) {
                let ips = addresses::own().chain(self.config.public_addresses.iter().copied()).collect();
                self.table.write().own = Own { ips, ports: listening.clone() };
            }
            let expired = self.table.write().expire(Instant::now());
            for entry in &expired {
                self.end(entry);
            }
            looks = looks.wrapping_add(1);
            tokio::time::sleep(EXPIRE_EVERY).await;
        }
    }

    /// A client's connection is gone, and its allocation with it.
    pub(super) fn gone(&self, key: &Key) {
        let removed = self.table.write().remove(key);
        if let Some(entry) = removed {
            self.end(&entry);
        }
    }

    /// Whether a client's transport has an allocation.
    pub(super) fn has_allocation(&self, key: &Key) -> bool {
        self.table.read().get(key).is_some()
    }

    /// Takes one packet or frame of a client; gives back what to answer.
    pub(super) fn receive(
        self: &Arc<Self>,
        now: Instant,
        from: &From<'_>,
        bytes: &mut [u8],
    ) -> Option<Vec<u8>> {
        match Frame::read(bytes) {
            Some(Frame::Channel { number, data }) => {
                self.pass_on(now, from, bytes, data, |state| state.channel(now, number));
            }
            Some(Frame::Stun(message)) => match (message.class(), message.method()) {
                (Class::Request, _) => return self.request(now, from, &message),
                (Class::Indication, method::SEND) => {
                    let (peer, data) = to_send(&message)?;
                    let permitted = |state: &Allocation| state.may_send(now, peer.ip()).then_some(peer);
                    self.pass_on(now, from, bytes, data, permitted);
                }
                // Indications of binding keep addresses of a NAT alive; answers were never asked for.
                _ => {}
            },
            None => self.counters.malformed.add(1),
        }
        None
    }

    fn request(self: &Arc<Self>, now: Instant, from: &From<'_>, request: &Message<'_>) -> Option<Vec<u8>> {
        let is_binding = request.method() == method::BINDING;
        if (is_binding || requests::is_for_anybody(request))
            && !self.strangers.lock().may_have(now, from.key.remote.ip())
        {
            self.counters.unanswered.add(1);
            return None;
        }
        if is_binding {
            self.counters.bindings.add(1);
            return Some(requests::binding(request, from.key.remote));
        }
        let now = Now { instant: now, unix_seconds: unix_seconds() };
        let (table, counters) = (|| self.table.write(), &*self.counters);
        let answer = requests::handle(now, &self.auth, counters, from.key, request, table, |wish, taken| {
            let (socket, relayed) = self.ports.open(wish, from.local, taken)?;
            Ok((Port { socket, link: from.link.clone(), closed: CancellationToken::new() }, relayed))
        });
        if let Some(entry) = answer.opened {
            self.counters.allocations.add(1);
            self.counters.allocations_made.add(1);
            let relay = Arc::clone(self);
            self.tasks.spawn(async move {
                tokio::select! {
                    () = relay.serve_peers(&entry) => {}
                    () = entry.port.closed.cancelled() => {}
                    () = relay.stop.cancelled() => {}
                }
            });
        }
        if let Some(entry) = answer.closed {
            self.end(&entry);
        }
        Some(answer.bytes)
    }

    fn end(&self, entry: &Entry<Port>) {
        entry.port.closed.cancel();
        self.counters.allocations.sub(1);
    }

    /// Passes data of a client on to the peer that its allocation says.
    fn pass_on(
        &self,
        now: Instant,
        from: &From<'_>,
        bytes: &mut [u8],
        data: Range<usize>,
        peer: impl FnOnce(&Allocation) -> Option<SocketAddr>,
    ) {
        let length = data.len();
        let (entry, peer, target) = {
            let table = self.table.read();
            let Some(entry) = table.get(&from.key) else {
                return self.counters.dropped_not_permitted.add(1);
            };
            let state = entry.state.lock();
            let Some(peer) = peer(&state) else { return self.counters.dropped_not_permitted.add(1) };
            if !self.may_pass(now, &state.user.bandwidth, length) {
                return;
            }
            (Arc::clone(entry), peer, table.target(peer))
        };
        let sent = match target {
            // Without the detour over the system, and whatever this machine is called outside.
            Target::Inside(to) => {
                self.deliver(now, &to, entry.relayed, bytes, data);
                true
            }
            Target::Outside => entry.port.socket.try_send_to(&bytes[data], peer).is_ok(),
            Target::Forbidden => return self.counters.dropped_forbidden.add(1),
        };
        if sent {
            self.counters.packets_out.add(1);
            self.counters.bytes_out.add(length as u64);
        } else {
            self.counters.dropped_full.add(1);
        }
    }

    /// Passes on what comes to an allocation's port, until that fails for good.
    async fn serve_peers(&self, entry: &Entry<Port>) {
        let socket = &entry.port.socket;
        while socket.readable().await.is_ok() {
            INCOMING.with_borrow_mut(|buffer| {
                let now = Instant::now();
                for _ in 0..IN_A_ROW {
                    let (length, peer) = match socket.try_recv_from(&mut buffer[HEADROOM..]) {
                        Ok(received) => received,
                        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                        // Of a packet sent before.
                        Err(_) => continue,
                    };
                    self.deliver(now, entry, peer, buffer, HEADROOM..HEADROOM + length);
                }
            });
            tokio::task::yield_now().await;
        }
    }

    /// Passes data of a peer on to a client. What goes before and after them is written into the buffer
    /// where it has room.
    fn deliver(
        &self,
        now: Instant,
        to: &Entry<Port>,
        peer: SocketAddr,
        buffer: &mut [u8],
        data: Range<usize>,
    ) {
        let length = data.len();
        let way = {
            let state = to.state.lock();
            let Some(way) = state.way_from(now, peer).filter(|_| length <= LONGEST_DATA) else {
                return self.counters.dropped_not_permitted.add(1);
            };
            if !self.may_pass(now, &state.user.bandwidth, length) {
                return;
            }
            way
        };
        let sent = match way {
            // There are 4 bytes before any data: they came as a channel's, in a message, or with room.
            Way::Channel(number) => {
                let start = data.start - CHANNEL_HEAD;
                buffer[start..start + 2].copy_from_slice(&number.to_be_bytes());
                buffer[start + 2..start + 4].copy_from_slice(&(length as u16).to_be_bytes());
                to.port.link.send(&to.key, &buffer[start..data.end])
            }
            Way::Indication => {
                let mut head = [0; HEADROOM];
                let head_length = write_data_head(&mut head, self.transaction(), peer, length);
                let padding = length.next_multiple_of(4) - length;
                if data.start >= head_length && data.end + padding <= buffer.len() {
                    let start = data.start - head_length;
                    buffer[start..data.start].copy_from_slice(&head[..head_length]);
                    buffer[data.end..data.end + padding].fill(0);
                    to.port.link.send(&to.key, &buffer[start..data.end + padding])
                } else {
                    SCRATCH.with_borrow_mut(|scratch| {
                        let end = head_length + length;
                        scratch[..head_length].copy_from_slice(&head[..head_length]);
                        scratch[head_length..end].copy_from_slice(&buffer[data]);
                        scratch[end..end + padding].fill(0);
                        to.port.link.send(&to.key, &scratch[..end + padding])
                    })
                }
            }
        };
        if sent {
            self.counters.packets_in.add(1);
            self.counters.bytes_in.add(length as u64);
        } else {
            self.counters.dropped_full.add(1);
        }
    }

    fn may_pass(&self, now: Instant, user: &Bandwidth, bytes: usize) -> bool {
        let passes = user.take(now, bytes) && self.bandwidth.take(now, bytes);
        if !passes {
            self.counters.dropped_bandwidth.add(1);
        }
        passes
    }

    /// For an indication. Nobody answers it, so nobody needs to be unable to guess it.
    fn transaction(&self) -> [u8; 12] {
        let mut id = [0; 12];
        id[4..].copy_from_slice(&self.counters.packets_in.get().to_be_bytes());
        id
    }
}

/// The peer and the place of the data in a Send indication (RFC 8656, section 11.2); `None` when it is
/// to be ignored.
fn to_send(message: &Message<'_>) -> Option<(SocketAddr, Range<usize>)> {
    let (mut peer, mut data) = (None, None);
    for (start, kind, value) in message.attributes() {
        match kind {
            attribute::XOR_PEER_ADDRESS => peer = peer.or(message.address(value)),
            attribute::DATA => data = data.or(Some(start..start + value.len())),
            // It must be understood, and is not: DONT-FRAGMENT for one.
            0..0x8000 => return None,
            _ => {}
        }
    }
    peer.zip(data)
}

/// What the calendar says.
pub(super) fn unix_seconds() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
