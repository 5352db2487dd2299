//! When a sample was or will be heard, told from one thread to another without a lock: a number and
//! a time that always belong together.

use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering, fence};
use std::time::{Duration, Instant};

use super::SAMPLE_RATE_HZ;

/// How often a reader tries while the writer is at work; a device's callback writes a hundred times
/// a second, for nanoseconds.
const TRIES: u32 = 16;

/// A sample's number in its stream, and when it was or will be in the air.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Counts samples from the stream's beginning.
    pub number: u64,
    /// When that one is heard.
    pub at: Instant,
}

impl Stamp {
    /// When another sample of the same stream is heard, by a clock without drift.
    pub(crate) fn time_of(self, number: u64) -> Instant {
        let distance = |samples: u64| {
            Duration::from_nanos((u128::from(samples) * 1_000_000_000 / u128::from(SAMPLE_RATE_HZ)) as u64)
        };
        match number.checked_sub(self.number) {
            Some(later) => self.at + distance(later),
            None => self.at.checked_sub(distance(self.number - number)).unwrap_or(self.at),
        }
    }
}

/// Holds the newest [`Stamp`]. One thread may write, any may read.
pub(crate) struct StampCell {
    /// Odd while being written.
    version: AtomicU32,
    number: AtomicU64,
    /// Nanoseconds after `epoch`.
    at: AtomicI64,
    epoch: Instant,
}

impl Default for StampCell {
    fn default() -> Self {
        Self::new()
    }
}

impl StampCell {
    /// Without a stamp.
    pub fn new() -> Self {
        Self {
            version: AtomicU32::new(0),
            number: AtomicU64::new(0),
            at: AtomicI64::new(0),
            epoch: Instant::now(),
        }
    }

    /// Writes a stamp. Real-time safe.
    pub fn set(&self, stamp: Stamp) {
        let at = match stamp.at.checked_duration_since(self.epoch) {
            Some(after) => nanos(after),
            None => -nanos(self.epoch.saturating_duration_since(stamp.at)),
        };
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        self.number.store(stamp.number, Ordering::Relaxed);
        self.at.store(at, Ordering::Relaxed);
        // Zero would mean that there never was one.
        let after = version.wrapping_add(2);
        self.version.store(if after == 0 { 2 } else { after }, Ordering::Release);
    }

    /// The newest stamp, if there is one.
    pub fn get(&self) -> Option<Stamp> {
        for _ in 0..TRIES {
            let before = self.version.load(Ordering::Acquire);
            if before == 0 {
                return None;
            }
            let (number, at) = (self.number.load(Ordering::Relaxed), self.at.load(Ordering::Relaxed));
            fence(Ordering::Acquire);
            if before & 1 == 0 && self.version.load(Ordering::Relaxed) == before {
                let distance = Duration::from_nanos(at.unsigned_abs());
                let at =
                    if at >= 0 { self.epoch.checked_add(distance) } else { self.epoch.checked_sub(distance) };
                return at.map(|at| Stamp { number, at });
            }
            std::hint::spin_loop();
        }
        None
    }
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn the_newest_stamp_comes_back_also_one_from_before_the_cell() {
        let before = Instant::now();
        let cell = StampCell::new();
        assert_eq!(cell.get(), None);
        for (number, at) in [(7, before + Duration::from_secs(3)), (u64::MAX, before)] {
            cell.set(Stamp { number, at });
            assert_eq!(cell.get(), Some(Stamp { number, at }));
        }
    }

    #[test]
    fn number_and_time_always_belong_together() {
        let cell = Arc::new(StampCell::new());
        let start = Instant::now();
        let writer = {
            let cell = Arc::clone(&cell);
            std::thread::spawn(move || {
                for number in 0..200_000 {
                    cell.set(Stamp { number, at: start + Duration::from_nanos(number) });
                }
            })
        };
        while !writer.is_finished() {
            if let Some(stamp) = cell.get() {
                assert_eq!(stamp.at - start, Duration::from_nanos(stamp.number));
            }
        }
        writer.join().unwrap();
    }
}
