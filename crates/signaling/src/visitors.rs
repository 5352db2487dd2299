//! What each address does over time: how many joins, messages and new rooms, whichever of its connections
//! they come on and whether those have ended since. It is told the time, and refuses to know sockets.
//!
//! Addresses are forgotten when they have rested for as long as it takes to be like new. Of those without
//! a connection only so many are remembered: who has more addresses than that has no limit anyway.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::addresses::network;
use crate::config::PerAddress;
use crate::rate::Bucket;

/// Addresses without a connection that are remembered.
const REMEMBERED: usize = 16 * 1024;

/// The longest pause before a new room is opened.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// All addresses that did something lately.
#[derive(Debug)]
pub(crate) struct Visitors {
    limits: PerAddress,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    known: HashMap<IpAddr, Arc<Visitor>>,
    /// With so many known, it is time to forget.
    sweep_at: usize,
}

/// One address.
#[derive(Debug)]
pub(crate) struct Visitor {
    limits: PerAddress,
    buckets: Mutex<Buckets>,
}

#[derive(Debug)]
struct Buckets {
    joins: Bucket,
    messages: Bucket,
    new_rooms: Bucket,
    /// When it last did something.
    seen: Instant,
}

impl Visitors {
    /// Nobody yet.
    pub(crate) fn new(limits: PerAddress) -> Self {
        Self { limits, table: Mutex::default() }
    }

    /// What is known of an address.
    pub(crate) fn of(&self, now: Instant, address: IpAddr) -> Arc<Visitor> {
        let mut table = self.table.lock();
        if table.known.len() >= table.sweep_at {
            table.sweep(now);
        }
        let visitor =
            table.known.entry(network(address)).or_insert_with(|| Arc::new(Visitor::new(now, self.limits)));
        Arc::clone(visitor)
    }
}

impl Table {
    /// Forgets who has no connection and is like new, and if that is not enough, who was not seen for the
    /// longest time.
    fn sweep(&mut self, now: Instant) {
        let idle = |visitor: &Arc<Visitor>| Arc::strong_count(visitor) == 1;
        self.known.retain(|_, visitor| !idle(visitor) || !visitor.is_like_new(now));
        let mut seen: Vec<Instant> = self
            .known
            .values()
            .filter(|visitor| idle(visitor))
            .map(|visitor| visitor.buckets.lock().seen)
            .collect();
        let surplus = seen.len().saturating_sub(REMEMBERED / 2);
        if surplus > REMEMBERED / 2 {
            let (_, &mut last, _) = seen.select_nth_unstable(surplus - 1);
            self.known.retain(|_, visitor| !idle(visitor) || visitor.buckets.lock().seen > last);
        }
        // Twice as many: a sweep costs as much as what came since the last one.
        self.sweep_at = (self.known.len() * 2).clamp(1024, self.known.len() + REMEMBERED / 2);
    }
}

impl Visitor {
    fn new(now: Instant, limits: PerAddress) -> Self {
        let bucket = |per_second: f64, burst: f64| Bucket::new(now, per_second, burst.max(1.0));
        let [joins, messages, rooms] =
            [limits.joins_per_minute, limits.messages_per_second, limits.new_rooms_per_minute].map(f64::from);
        let buckets = Buckets {
            joins: bucket(joins / 60.0, joins * 2.0),
            messages: bucket(messages, messages * 5.0),
            new_rooms: bucket(rooms / 60.0, rooms * 3.0),
            seen: now,
        };
        Self { limits, buckets: Mutex::new(buckets) }
    }

    /// Counts a message; `false` when it is one too many.
    pub(crate) fn message(&self, now: Instant) -> bool {
        if self.limits.messages_per_second == 0 {
            return true;
        }
        let mut buckets = self.buckets.lock();
        buckets.seen = now;
        buckets.messages.take(now)
    }

    /// Counts a join.
    ///
    /// # Errors
    /// In how many seconds there may be another, when it is one too many.
    pub(crate) fn join(&self, now: Instant) -> Result<(), u32> {
        let mut buckets = self.buckets.lock();
        buckets.seen = now;
        if self.limits.joins_per_minute == 0 || buckets.joins.take(now) {
            return Ok(());
        }
        Err(seconds(buckets.joins.until_next(now)))
    }

    /// Counts a join into a room that nobody is in, which is to follow after a pause, mostly none.
    ///
    /// # Errors
    /// In how many seconds there may be another, when it is one too many.
    pub(crate) fn new_room(&self, now: Instant) -> Result<Duration, u32> {
        if self.limits.new_rooms_per_minute == 0 {
            return Ok(Duration::ZERO);
        }
        let mut buckets = self.buckets.lock();
        buckets.seen = now;
        // The emptier, the longer; nobody who opens a room now and then notices.
        let emptiness = (1.0 - buckets.new_rooms.level(now) * 2.0).clamp(0.0, 1.0);
        if !buckets.new_rooms.take(now) {
            return Err(seconds(buckets.new_rooms.until_next(now)));
        }
        Ok(LONGEST_PAUSE.mul_f64(emptiness))
    }

    /// The messages a second that it may have.
    pub(crate) fn messages_per_second(&self) -> u32 {
        self.limits.messages_per_second
    }

    fn is_like_new(&self, now: Instant) -> bool {
        let Buckets { joins, messages, new_rooms, .. } = &mut *self.buckets.lock();
        let full = |bucket: &mut Bucket, limit: u32| limit == 0 || bucket.level(now) >= 1.0;
        full(joins, self.limits.joins_per_minute)
            && full(messages, self.limits.messages_per_second)
            && full(new_rooms, self.limits.new_rooms_per_minute)
    }
}

/// Whole seconds, at least one.
fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    const LIMITS: PerAddress =
        PerAddress { joins_per_minute: 60, messages_per_second: 10, new_rooms_per_minute: 6 };

    #[test]
    fn who_tries_many_empty_rooms_is_slowed_and_then_refused_with_a_time() {
        let (start, visitors) = (Instant::now(), Visitors::new(LIMITS));
        let guesser = visitors.of(start, Ipv4Addr::new(192, 0, 2, 1).into());
        let pauses: Vec<_> = (0..18).map(|_| guesser.new_room(start)).collect();
        assert_eq!(pauses[..9], [Ok(Duration::ZERO); 9], "nobody who opens some rooms waits");
        let Ok(last) = pauses[17] else { panic!("{pauses:?}") };
        assert!(last > LONGEST_PAUSE.mul_f64(0.8) && last <= LONGEST_PAUSE, "{last:?}");
        assert_eq!(guesser.new_room(start), Err(11), "six a minute are one in ten seconds");

        assert_eq!(guesser.join(start), Ok(()), "rooms with somebody in them are open to all");
        let other = visitors.of(start, Ipv4Addr::new(192, 0, 2, 2).into());
        assert_eq!(other.new_room(start), Ok(Duration::ZERO), "others are not concerned");
        assert!(guesser.new_room(start + Duration::from_secs(11)).is_ok());
    }

    #[test]
    fn joins_and_messages_of_all_connections_of_a_household_count_together() {
        let (start, visitors) = (Instant::now(), Visitors::new(LIMITS));
        let address = |last: u128| IpAddr::from(Ipv6Addr::from_bits((0x2001_0db8_u128 << 96) | last));
        let passed = (0..500).filter(|n| visitors.of(start, address(*n)).join(start).is_ok()).count();
        assert_eq!(passed, 120);
        let passed = (0..500).filter(|n| visitors.of(start, address(*n)).message(start)).count();
        assert_eq!(passed, 50);
        assert_eq!(visitors.table.lock().known.len(), 1);
    }

    #[test]
    fn no_limit_is_no_limit() {
        let none = PerAddress { joins_per_minute: 0, messages_per_second: 0, new_rooms_per_minute: 0 };
        let (start, visitors) = (Instant::now(), Visitors::new(none));
        let visitor = visitors.of(start, Ipv4Addr::LOCALHOST.into());
        assert!(
            (0..10_000).all(|_| visitor.join(start).is_ok() && visitor.new_room(start) == Ok(Duration::ZERO))
        );
        assert!((0..10_000).all(|_| visitor.message(start)));
    }

    #[test]
    fn an_attacker_with_many_addresses_does_not_fill_the_memory() {
        let (start, visitors) = (Instant::now(), Visitors::new(LIMITS));
        let connected = visitors.of(start, Ipv4Addr::LOCALHOST.into());
        for n in 0..200_000_u32 {
            let now = start + Duration::from_micros(u64::from(n));
            visitors.of(now, Ipv4Addr::from_bits(0x0a00_0000 + n).into()).new_room(now).unwrap();
            assert!(visitors.table.lock().known.len() <= 2 * REMEMBERED);
        }
        assert!(Arc::ptr_eq(&connected, &visitors.of(start, Ipv4Addr::LOCALHOST.into())), "still the same");

        // And when the attack is over, all is forgotten.
        let later = start + Duration::from_secs(600);
        visitors.table.lock().sweep(later);
        assert_eq!(visitors.table.lock().known.len(), 1);
    }
}
