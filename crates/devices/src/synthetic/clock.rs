//! Keeps time for synthetic devices: slots of equal length on the grid of UNIX time, so that the
//! devices of one machine, and of machines with synchronised clocks, tick together.

use std::time::{Duration, Instant, SystemTime};

use crate::worker::Stop;

/// Beyond this the system's clock was set, or the machine slept: the mapping is made anew.
const DRIFT_LIMIT: Duration = Duration::from_millis(5);

/// UNIX time now.
pub fn unix_now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// How many slots there are in a second, as a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Slots …
    pub slots: u32,
    /// … in so many seconds.
    pub seconds: u32,
}

impl Rate {
    /// Whole slots per second.
    pub const fn per_second(slots: u32) -> Self {
        Self { slots, seconds: 1 }
    }

    /// The UNIX time at which a slot begins.
    pub fn time(self, slot: u64) -> Duration {
        const SECOND: u128 = 1_000_000_000;
        let nanos = u128::from(slot) * u128::from(self.seconds) * SECOND / u128::from(self.slots.max(1));
        let seconds = u64::try_from(nanos / SECOND).unwrap_or(u64::MAX);
        Duration::new(seconds, (nanos % SECOND) as u32)
    }

    /// The slot that a UNIX time falls into.
    pub fn slot(self, unix: Duration) -> u64 {
        let seconds = u128::from(self.seconds.max(1)) * 1_000_000_000;
        // Rounded up by less than a nanosecond's worth, since `time` rounds down.
        let slot = (unix.as_nanos() * u128::from(self.slots) + u128::from(self.slots) - 1) / seconds;
        u64::try_from(slot).unwrap_or(u64::MAX)
    }

    /// The slot to serve after `last`, when it is `current`'s time: the following one, but no more
    /// than `patience` late, and not waiting for long after the clock was set back.
    fn after(self, last: u64, current: u64, patience: u64) -> u64 {
        let next = last.saturating_add(1);
        let early = u64::from(self.slots / self.seconds.max(1)) + 1;
        if current > next.saturating_add(patience) || next > current.saturating_add(early) {
            current
        } else {
            next
        }
    }
}

/// Maps between the monotonic clock, by which one sleeps, and UNIX time.
struct Mapping {
    instant: Instant,
    unix: Duration,
}

impl Mapping {
    fn unix_at(&self, instant: Instant) -> Duration {
        let later = self.unix + instant.saturating_duration_since(self.instant);
        later.saturating_sub(self.instant.saturating_duration_since(instant))
    }

    fn instant_at(&self, unix: Duration) -> Instant {
        self.instant + unix.saturating_sub(self.unix)
    }

    /// Follows the system's clock where it was set; small corrections are not worth a jump.
    fn follow(&mut self, instant: Instant, unix: Duration) {
        if self.unix_at(instant).abs_diff(unix) > DRIFT_LIMIT {
            *self = Self { instant, unix };
        }
    }
}

/// A slot whose time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// Its number since the UNIX epoch.
    pub slot: u64,
    /// The UNIX time at which it begins.
    pub time: Duration,
    /// Slots that were left out before it, because time had run ahead.
    pub skipped: u64,
    /// Whether a full UNIX second lies between the slot before and the start of this one.
    pub second: bool,
}

/// Waits for one slot after the other, on absolute deadlines: what one wait is late, the next one
/// is shorter.
pub struct Pace {
    rate: Rate,
    patience: u64,
    mapping: Mapping,
    last: u64,
}

impl Pace {
    /// Starts with the next slot. `patience` is how many slots late still get served one by one.
    pub fn new(rate: Rate, patience: u64) -> Self {
        let mapping = Mapping { instant: Instant::now(), unix: unix_now() };
        let last = rate.slot(mapping.unix);
        Self { rate, patience, mapping, last }
    }

    /// Waits for the beginning of the next slot; `None` when asked to stop.
    pub fn next(&mut self, stop: &Stop) -> Option<Tick> {
        let now = Instant::now();
        self.mapping.follow(now, unix_now());
        let current = self.rate.slot(self.mapping.unix_at(now));
        let slot = self.rate.after(self.last, current, self.patience);
        if stop.wait_until(self.mapping.instant_at(self.rate.time(slot))) {
            return None;
        }
        let tick = tick(self.rate, self.last, slot);
        self.last = slot;
        Some(tick)
    }
}

/// Describes `slot`, served after `last`.
pub fn tick(rate: Rate, last: u64, slot: u64) -> Tick {
    let time = rate.time(slot);
    Tick {
        slot,
        time,
        skipped: slot.saturating_sub(last).saturating_sub(1),
        second: time.as_secs() > rate.time(last).as_secs(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_begins_where_its_time_falls_into_it() {
        for rate in [Rate::per_second(30), Rate::per_second(100), Rate { slots: 30_000, seconds: 1001 }] {
            for slot in (52_000_000_000..).step_by(977).take(1000) {
                let time = rate.time(slot);
                assert_eq!(rate.slot(time), slot, "{rate:?}");
                assert_eq!(rate.slot(time - Duration::from_nanos(2)), slot - 1, "{rate:?}");
            }
        }
    }

    #[test]
    fn every_full_second_is_marked_exactly_once_at_any_rate() {
        for slots in [1, 7, 24, 30, 60] {
            let rate = Rate::per_second(slots);
            let first = rate.slot(Duration::from_secs(1_000_000));
            let ticks = (first..first + u64::from(slots) * 10).map(|slot| tick(rate, slot, slot + 1));
            assert_eq!(ticks.filter(|tick| tick.second).count(), 10);
        }
    }

    #[test]
    fn a_second_that_falls_into_skipped_slots_is_marked_on_the_next_one_served() {
        let rate = Rate::per_second(30);
        let full = rate.slot(Duration::from_secs(1_000_000));
        let tick = tick(rate, full - 2, full + 3);
        assert!(tick.second);
        assert_eq!(tick.skipped, 4);
    }

    #[test]
    fn who_is_late_skips_what_exceeds_the_patience() {
        let rate = Rate::per_second(100);
        assert_eq!(rate.after(10, 10, 0), 11);
        assert_eq!(rate.after(10, 11, 0), 11);
        assert_eq!(rate.after(10, 12, 0), 12);
        assert_eq!(rate.after(10, 31, 20), 11);
        assert_eq!(rate.after(10, 32, 20), 32);
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_stop_the_slots() {
        let rate = Rate::per_second(100);
        assert_eq!(rate.after(10_000, 500, 20), 500);
    }

    #[test]
    fn the_mapping_follows_a_clock_that_was_set_and_ignores_jitter() {
        let instant = Instant::now();
        let unix = Duration::from_secs(1_000);
        let mut mapping = Mapping { instant, unix };
        let later = instant + Duration::from_secs(10);
        mapping.follow(later, Duration::from_millis(1_010_003));
        assert_eq!(mapping.unix_at(later), Duration::from_secs(1_010));
        mapping.follow(later, Duration::from_secs(5_000));
        assert_eq!(mapping.unix_at(later), Duration::from_secs(5_000));
        assert_eq!(mapping.instant_at(Duration::from_secs(5_001)), later + Duration::from_secs(1));
    }
}
