//! All allocations and what requests do to them, told the time: by the client's transport, and by the
//! relayed address. It refuses to know credentials, bytes and sockets: `P` is the shell's, and made by
//! what the shell gives to [`Table::allocate`].

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::allocation::{Allocation, Unbindable, User};
use super::auth::Sender;
use super::bandwidth::Bandwidth;
use super::filter::Filter;

/// An allocation's time when the client names none, and the least there is (RFC 8656, section 7.2).
const LIFETIME: Duration = Duration::from_secs(600);

/// The longest time without a refresh (RFC 8656, section 7.2).
const LONGEST_LIFETIME: Duration = Duration::from_secs(3600);

/// A client's transport: RFC 8656's 5-tuple, with a number for this server's end of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// A UDP socket or one connection.
    pub(super) link: u64,
    pub(super) remote: SocketAddr,
    /// The address the client speaks to, where the socket has several.
    pub(super) local: Option<IpAddr>,
}

/// An allocation with what the shell needs for it.
#[derive(Debug)]
pub(super) struct Entry<P> {
    pub(super) key: Key,
    pub(super) relayed: SocketAddr,
    pub(super) state: Mutex<Allocation>,
    pub(super) port: P,
}

/// Which addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

impl Family {
    pub(super) fn of(ip: IpAddr) -> Self {
        if ip.is_ipv4() { Self::V4 } else { Self::V6 }
    }
}

/// What is to be allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) family: Family,
    pub(super) even_port: bool,
}

/// Why there is no port.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoPort {
    /// This server has no address of that family: 440.
    Family,
    /// All ports are taken: 508.
    Taken,
}

/// How much there is.
#[derive(Clone, Debug)]
pub(super) struct Quotas {
    pub(super) allocations: usize,
    pub(super) allocations_per_user: usize,
    pub(super) bytes_per_second_per_user: Option<u64>,
    /// How long an allocation can be refreshed.
    pub(super) longest: Duration,
}

/// Addresses of this machine.
#[derive(Clone, Debug, Default)]
pub(super) struct Own {
    /// By which the outside, or another of its interfaces, reaches it.
    pub(super) ips: Vec<IpAddr>,
    /// Ports on which this server itself listens, on any of them.
    pub(super) ports: Vec<u16>,
}

/// Where a packet for a peer goes.
#[derive(Debug)]
pub(super) enum Target<P> {
    /// To another client of this relay.
    Inside(Arc<Entry<P>>),
    Outside,
    Forbidden,
}

/// Why a request is refused: the error code to answer (RFC 8656, section 19).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal(pub(super) u16);

/// What a refresh did.
#[derive(Debug)]
pub(super) enum Refreshed<P> {
    For(Duration),
    Deleted(Arc<Entry<P>>),
}

/// See the module.
#[derive(Debug)]
pub(super) struct Table<P> {
    quotas: Quotas,
    filter: Filter,
    pub(super) own: Own,
    by_key: HashMap<Key, Arc<Entry<P>>>,
    by_relayed: HashMap<SocketAddr, Arc<Entry<P>>>,
    users: HashMap<String, Known>,
}

#[derive(Debug)]
struct Known {
    user: Arc<User>,
    allocations: usize,
}

impl<P> Table<P> {
    pub(super) fn new(quotas: Quotas, filter: Filter) -> Self {
        let (by_key, by_relayed, users) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self { quotas, filter, own: Own::default(), by_key, by_relayed, users }
    }

    /// The allocation of a client's transport.
    pub(super) fn get(&self, key: &Key) -> Option<&Arc<Entry<P>>> {
        self.by_key.get(key)
    }

    /// Where a packet for this peer goes.
    pub(super) fn target(&self, peer: SocketAddr) -> Target<P> {
        if let Some(entry) = self.by_relayed.get(&peer) {
            return Target::Inside(Arc::clone(entry));
        }
        let ip = peer.ip().to_canonical();
        let (own, named) = (self.own.ips.contains(&ip), self.filter.is_named(peer.ip()));
        let allowed = if own { named } else { self.filter.allows(peer.ip()) };
        // A client that speaks through the relay to the server itself has the server's address.
        let listens = self.own.ports.contains(&peer.port()) && (own || ip.is_loopback());
        if allowed && !listens { Target::Outside } else { Target::Forbidden }
    }

    /// Whether an Allocate request with this transaction was answered with an allocation already: its
    /// answer got lost.
    pub(super) fn answered(
        &self,
        now: Instant,
        key: &Key,
        transaction: [u8; 12],
    ) -> Option<(SocketAddr, Duration)> {
        let state = self.by_key.get(key)?.state.lock();
        (state.transaction == transaction)
            .then(|| (state.relayed, state.expires.saturating_duration_since(now)))
    }

    /// Makes an allocation with the port that `open` gives, which is told what is taken.
    #[expect(clippy::too_many_arguments, reason = "one per part of the request")]
    pub(super) fn allocate(
        &mut self,
        now: Instant,
        key: Key,
        sender: &Sender,
        transaction: [u8; 12],
        lifetime: Option<Duration>,
        wish: Wish,
        open: impl FnOnce(Wish, &dyn Fn(SocketAddr) -> bool) -> Result<(P, SocketAddr), NoPort>,
    ) -> Result<(Arc<Entry<P>>, Duration), Refusal> {
        if self.by_key.contains_key(&key) {
            return Err(Refusal(437));
        }
        if sender.expired {
            return Err(Refusal(401));
        }
        let theirs = self.users.get(&sender.id).map_or(0, |known| known.allocations);
        if theirs >= self.quotas.allocations_per_user {
            return Err(Refusal(486));
        }
        if self.by_key.len() >= self.quotas.allocations {
            return Err(Refusal(508));
        }
        let taken = |relayed: SocketAddr| self.by_relayed.contains_key(&relayed);
        let (port, relayed) = open(wish, &taken).map_err(|none| match none {
            NoPort::Family => Refusal(440),
            NoPort::Taken => Refusal(508),
        })?;
        let ends = now + self.quotas.longest;
        let lifetime = granted(now, ends, lifetime);
        let rate = self.quotas.bytes_per_second_per_user;
        let known = self.users.entry(sender.id.clone()).or_insert_with(|| Known {
            user: Arc::new(User { id: sender.id.clone(), bandwidth: Bandwidth::new(now, rate) }),
            allocations: 0,
        });
        known.allocations += 1;
        let (username, user) = (sender.username.clone(), Arc::clone(&known.user));
        let state = Allocation::new(relayed, username, user, transaction, now + lifetime, ends);
        let entry = Arc::new(Entry { key, relayed, state: Mutex::new(state), port });
        self.by_key.insert(key, Arc::clone(&entry));
        self.by_relayed.insert(relayed, Arc::clone(&entry));
        Ok((entry, lifetime))
    }

    /// Gives an allocation more time, or ends it.
    pub(super) fn refresh(
        &mut self,
        now: Instant,
        key: &Key,
        sender: &Sender,
        lifetime: Option<Duration>,
        family: Option<Family>,
    ) -> Result<Refreshed<P>, Refusal> {
        let entry = Arc::clone(self.owned(now, key, sender)?);
        if family.is_some_and(|family| family != Family::of(entry.relayed.ip())) {
            return Err(Refusal(443));
        }
        if lifetime == Some(Duration::ZERO) {
            self.remove(key);
            return Ok(Refreshed::Deleted(entry));
        }
        let mut state = entry.state.lock();
        let lifetime = granted(now, state.ends, lifetime);
        state.expires = now + lifetime;
        Ok(Refreshed::For(lifetime))
    }

    /// Permits these peers to send, and to be sent to.
    pub(super) fn permit(
        &self,
        now: Instant,
        key: &Key,
        sender: &Sender,
        peers: &[SocketAddr],
    ) -> Result<(), Refusal> {
        let entry = self.owned(now, key, sender)?;
        if peers.is_empty() {
            return Err(Refusal(400));
        }
        for peer in peers {
            self.reachable(entry, *peer)?;
        }
        let ips: Vec<IpAddr> = peers.iter().map(SocketAddr::ip).collect();
        entry.state.lock().permit(now, &ips).map_err(refusal)
    }

    /// Binds a channel to a peer, which permits it too.
    pub(super) fn bind(
        &self,
        now: Instant,
        key: &Key,
        sender: &Sender,
        number: u16,
        peer: SocketAddr,
    ) -> Result<(), Refusal> {
        let entry = self.owned(now, key, sender)?;
        self.reachable(entry, peer)?;
        entry.state.lock().bind(now, number, peer).map_err(refusal)
    }

    /// Ends a transport's allocation.
    pub(super) fn remove(&mut self, key: &Key) -> Option<Arc<Entry<P>>> {
        let entry = self.by_key.remove(key)?;
        self.by_relayed.remove(&entry.relayed);
        let id = entry.state.lock().user.id.clone();
        if let Some(known) = self.users.get_mut(&id) {
            known.allocations -= 1;
            if known.allocations == 0 {
                self.users.remove(&id);
            }
        }
        Some(entry)
    }

    /// Ends what nobody has refreshed.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<Arc<Entry<P>>> {
        let over = |entry: &&Arc<Entry<P>>| entry.state.lock().expires <= now;
        let keys: Vec<Key> = self.by_key.values().filter(over).map(|entry| entry.key).collect();
        keys.iter().filter_map(|key| self.remove(key)).collect()
    }

    /// The sender's allocation.
    fn owned(&self, now: Instant, key: &Key, sender: &Sender) -> Result<&Arc<Entry<P>>, Refusal> {
        let entry = self.by_key.get(key).ok_or(Refusal(437))?;
        let state = entry.state.lock();
        if state.expires <= now {
            Err(Refusal(437))
        } else if state.username != sender.username {
            Err(Refusal(441))
        } else {
            Ok(entry)
        }
    }

    fn reachable(&self, entry: &Entry<P>, peer: SocketAddr) -> Result<(), Refusal> {
        if Family::of(peer.ip()) != Family::of(entry.relayed.ip()) {
            return Err(Refusal(443));
        }
        match self.target(peer) {
            Target::Forbidden => Err(Refusal(403)),
            Target::Inside(_) | Target::Outside => Ok(()),
        }
    }
}

fn refusal(unbindable: Unbindable) -> Refusal {
    match unbindable {
        Unbindable::BadRequest => Refusal(400),
        Unbindable::Capacity => Refusal(508),
    }
}

/// How long an allocation gets of what is asked for.
fn granted(now: Instant, ends: Instant, wanted: Option<Duration>) -> Duration {
    let wanted = wanted.unwrap_or(LIFETIME).clamp(LIFETIME, LONGEST_LIFETIME);
    // In whole seconds, as it is told to the client.
    Duration::from_secs(wanted.min(ends.saturating_duration_since(now)).as_secs())
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
