//! Where the people of one room meet, when several machines of a network offer a server for it: adverts go
//! in, the place comes out. The rule is the same for everybody, so everybody ends at the same place. It is
//! told the time and refuses to know sockets, records and names.
//!
//! The best server is the one with a guest in a browser, who cannot follow; then the one on which the room
//! is oldest; then the one with the lower fingerprint. With none advertised, it is the one on the own
//! machine. A server that cannot be reached counts as not there, for ever longer; the one that is in use
//! stays a candidate even when its advert is lost, since the connection is the better witness.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::advert::Fingerprint;

/// A better place must stay the best for this long: of two servers that begin at the same moment, both are
/// known by then.
const SETTLE: Duration = Duration::from_millis(150);

/// The first time a server that failed is left alone; doubles from there.
const LEFT_ALONE: Duration = Duration::from_millis(300);
const LEFT_ALONE_AT_MOST: Duration = Duration::from_secs(60);

/// A server that was in use for so long failed for another reason than before.
const PROVEN: Duration = Duration::from_secs(30);

/// A server of the network, whatever its addresses are today.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ServerId {
    pub(super) fingerprint: Fingerprint,
    pub(super) port: u16,
}

/// A server that advertises the room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) id: ServerId,
    pub(super) since: u64,
    pub(super) guests: bool,
    pub(super) addresses: Vec<IpAddr>,
    /// It is the one on this machine.
    pub(super) is_here: bool,
}

/// Where to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// On the server of this machine.
    Here,
    /// On that of another one.
    There { id: ServerId, address: SocketAddr },
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Stay; ask again at this time, or when there is news.
    Stay { until: Option<Instant> },
    /// Find out which of these addresses can be reached, and tell [`Rule::probed`].
    Probe { id: ServerId, addresses: Vec<SocketAddr> },
    /// Go there.
    Move(Place),
}

/// What is known of a server besides what it says.
#[derive(Clone, Copy, Debug, Default)]
struct Trial {
    failures: u32,
    left_alone_until: Option<Instant>,
    reached: Option<SocketAddr>,
}

/// The state of one room on this machine.
#[derive(Debug)]
pub(super) struct Rule {
    offers: Vec<Offer>,
    trials: HashMap<ServerId, Trial>,
    place: Place,
    moved_at: Instant,
    /// The best place, if it is another one, and since when it has been.
    better: Option<(Option<ServerId>, Instant)>,
}

/// Who is better is less.
type Rank = (bool, u64, ServerId);

fn rank(offer: &Offer) -> Rank {
    (!offer.guests, offer.since, offer.id)
}

impl Rule {
    /// Begins on the server of this machine.
    pub(super) fn new(now: Instant) -> Self {
        Self { offers: Vec::new(), trials: HashMap::new(), place: Place::Here, moved_at: now, better: None }
    }

    /// Where to be now.
    pub(super) fn place(&self) -> Place {
        self.place
    }

    /// What is advertised for the room now.
    pub(super) fn see(&mut self, mut offers: Vec<Offer>) {
        if let Place::There { id, .. } = self.place
            && !offers.iter().any(|offer| offer.id == id)
        {
            offers.extend(self.offers.iter().find(|offer| offer.id == id).cloned());
        }
        // A server that comes back under the same name begins anew.
        self.trials.retain(|id, _| offers.iter().any(|offer| offer.id == *id));
        self.offers = offers;
    }

    /// The answer to [`Next::Probe`].
    pub(super) fn probed(&mut self, now: Instant, id: ServerId, reached: Option<SocketAddr>) {
        match reached {
            Some(_) => self.trials.entry(id).or_default().reached = reached,
            None => self.fail(now, id),
        }
    }

    /// The connection to the place ended, or could not be made: the own machine's server is next.
    pub(super) fn lost(&mut self, now: Instant) {
        let Place::There { id, .. } = self.place else { return };
        if now.saturating_duration_since(self.moved_at) >= PROVEN {
            self.trials.remove(&id);
        }
        self.fail(now, id);
        self.go(now, Place::Here);
    }

    fn fail(&mut self, now: Instant, id: ServerId) {
        let trial = self.trials.entry(id).or_default();
        let wait = LEFT_ALONE.saturating_mul(1 << trial.failures.min(16)).min(LEFT_ALONE_AT_MOST);
        *trial = Trial { failures: trial.failures + 1, left_alone_until: Some(now + wait), reached: None };
    }

    fn go(&mut self, now: Instant, place: Place) {
        self.place = place;
        self.moved_at = now;
        self.better = None;
    }

    /// What to do now.
    pub(super) fn next(&mut self, now: Instant) -> Next {
        let alone = |id: &ServerId| self.trials.get(id).and_then(|trial| trial.left_alone_until);
        let waiting = |offer: &&Offer| alone(&offer.id).is_some_and(|until| until > now);
        let best =
            self.offers.iter().filter(|offer| !waiting(offer)).min_by_key(|offer| rank(offer)).cloned();
        let later =
            self.offers.iter().filter_map(|offer| alone(&offer.id)).filter(|until| *until > now).min();
        let best_id = best.as_ref().filter(|offer| !offer.is_here).map(|offer| offer.id);
        let current = match self.place {
            Place::Here => None,
            Place::There { id, .. } => Some(id),
        };
        if best_id == current {
            self.better = None;
            return Next::Stay { until: later };
        }
        let since = match self.better {
            Some((id, since)) if id == best_id => since,
            _ => now,
        };
        self.better = Some((best_id, since));
        let settled = since + SETTLE;
        if now < settled {
            return Next::Stay { until: Some(later.map_or(settled, |later| later.min(settled))) };
        }
        let Some(offer) = best.filter(|offer| !offer.is_here) else {
            self.go(now, Place::Here);
            return Next::Move(self.place);
        };
        match self.trials.entry(offer.id).or_default().reached.take() {
            Some(address) => {
                self.go(now, Place::There { id: offer.id, address });
                Next::Move(self.place)
            }
            None => {
                let addresses = offer.addresses.iter().map(|ip| SocketAddr::new(*ip, offer.id.port));
                Next::Probe { id: offer.id, addresses: addresses.collect() }
            }
        }
    }
}

#[cfg(test)]
#[path = "rule_tests.rs"]
mod tests;
