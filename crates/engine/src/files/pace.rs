//! How fast a transfer is and how long it takes. Told the time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The speed shown is that of this long.
const SPAN: Duration = Duration::from_secs(3);
/// Samples closer than this tell nothing new.
const APART: Duration = Duration::from_millis(200);

/// The last seconds of one transfer.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    samples: VecDeque<(Instant, u64)>,
}

impl Pace {
    /// It stood still, or goes on from elsewhere.
    pub fn restart(&mut self) {
        self.samples.clear();
    }

    /// So many bytes are there now.
    pub fn note(&mut self, now: Instant, moved: u64) {
        while self.samples.len() > 1
            && self.samples.get(1).is_some_and(|(at, _)| now.saturating_duration_since(*at) >= SPAN)
        {
            self.samples.pop_front();
        }
        if self.samples.back().is_none_or(|(at, _)| now.saturating_duration_since(*at) >= APART) {
            self.samples.push_back((now, moved));
        }
    }

    /// Bytes per second; 0 while that is not known.
    pub fn speed(&self, now: Instant, moved: u64) -> u64 {
        let Some((since, from)) = self.samples.front() else { return 0 };
        let took = now.saturating_duration_since(*since);
        if took < APART {
            return 0;
        }
        (moved.saturating_sub(*from) as f64 / took.as_secs_f64()) as u64
    }
}

/// Whole seconds for what is left, at this speed; `None` while nothing moves.
pub(crate) fn seconds_left(left: u64, speed: u64) -> Option<u32> {
    (speed > 0).then(|| u32::try_from(left.div_ceil(speed)).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_speed_is_that_of_the_last_seconds() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let at = |ms: u64| start + Duration::from_millis(ms);
        for ms in (0..=5000).step_by(250) {
            pace.note(at(ms), ms * 10);
        }
        assert_eq!(pace.speed(at(5000), 50_000), 10_000);
        for ms in (5250..=10_000).step_by(250) {
            pace.note(at(ms), 50_000);
        }
        assert_eq!(pace.speed(at(10_000), 50_000), 0, "it stands still");
        pace.restart();
        assert_eq!(pace.speed(at(10_000), 50_000), 0);
    }

    #[test]
    fn what_is_left_takes_as_long_as_it_takes() {
        assert_eq!(seconds_left(1001, 1000), Some(2));
        assert_eq!(seconds_left(0, 1000), Some(0));
        assert_eq!(seconds_left(u64::MAX, 1), Some(u32::MAX));
        assert_eq!(seconds_left(1, 0), None);
    }
}
