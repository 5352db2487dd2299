//! How long to wait before the next attempt to reach the server.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(8);

/// Doubles from 0.2 s to 8 s, each wait spread by ±25 %, so that the clients of a server that was
/// restarted do not come back all at once.
pub(super) struct Backoff {
    attempt: u32,
    floor: Duration,
    random: u64,
}

impl Backoff {
    pub fn new(seed: u64) -> Self {
        Self { attempt: 0, floor: Duration::ZERO, random: seed | 1 }
    }

    pub fn reset(&mut self) {
        self.attempt = 0;
        self.floor = Duration::ZERO;
    }

    /// The server asked for this much patience before the next attempt.
    pub fn at_least(&mut self, wait: Duration) {
        self.floor = wait;
    }

    pub fn next(&mut self) -> Duration {
        // xorshift64 (Marsaglia, 2003): any spread will do here.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let spread = 0.75 + 0.5 * (self.random % 1024) as f64 / 1024.0;
        let wait = FIRST.saturating_mul(1 << self.attempt.min(10)).min(LONGEST).mul_f64(spread);
        self.attempt += 1;
        wait.max(std::mem::take(&mut self.floor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_start_over_after_a_reset() {
        let mut backoff = Backoff::new(7);
        let waits: Vec<_> = (0..10).map(|_| backoff.next()).collect();
        assert!(waits[0] <= FIRST.mul_f64(1.25) && waits[0] >= FIRST.mul_f64(0.75));
        assert!(waits[3] >= waits[0]);
        assert!(waits.iter().all(|wait| *wait <= LONGEST.mul_f64(1.25)));
        assert!(waits[9] >= LONGEST.mul_f64(0.75));
        backoff.reset();
        assert!(backoff.next() <= FIRST.mul_f64(1.25));
    }

    #[test]
    fn a_floor_counts_once() {
        let mut backoff = Backoff::new(7);
        backoff.at_least(Duration::from_secs(3));
        assert!(backoff.next() >= Duration::from_secs(3));
        assert!(backoff.next() < Duration::from_secs(3));
    }

    #[test]
    fn two_seeds_spread() {
        assert_ne!(Backoff::new(3).next(), Backoff::new(40).next());
    }
}
