//! A token bucket that is told the time.

use std::time::{Duration, Instant};

/// Lets through `per_second` on average and `burst` at once.
#[derive(Debug)]
pub(crate) struct Bucket {
    per_second: f64,
    burst: f64,
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    /// A full bucket.
    pub(crate) fn new(now: Instant, per_second: f64, burst: f64) -> Self {
        Self { per_second, burst, tokens: burst, filled: now }
    }

    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.filled = self.filled.max(now);
        self.tokens = (self.tokens + passed * self.per_second).min(self.burst);
    }

    /// How full it is, from 0 to 1.
    pub(crate) fn level(&mut self, now: Instant) -> f64 {
        self.fill(now);
        self.tokens / self.burst
    }

    /// How long until there is a token, if none is taken before.
    pub(crate) fn until_next(&mut self, now: Instant) -> Duration {
        self.fill(now);
        Duration::try_from_secs_f64((1.0 - self.tokens).max(0.0) / self.per_second).unwrap_or(Duration::MAX)
    }

    /// Takes one token; `false` when there is none.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        self.take_some(now, 1.0)
    }

    /// Takes so many tokens; `false`, and none taken, when there are fewer.
    pub(crate) fn take_some(&mut self, now: Instant, amount: f64) -> bool {
        self.fill(now);
        let enough = self.tokens >= amount;
        if enough {
            self.tokens -= amount;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_only_the_average() {
        let start = Instant::now();
        let mut bucket = Bucket::new(start, 10.0, 30.0);
        assert_eq!((0..100).filter(|_| bucket.take(start)).count(), 30);

        let passed = (1..=1000).filter(|ms| bucket.take(start + Duration::from_millis(*ms))).count();
        assert!((9..=10).contains(&passed), "{passed} in a second at 10 a second");
    }

    #[test]
    fn rest_fills_the_bucket_but_never_above_the_burst() {
        let start = Instant::now();
        let mut bucket = Bucket::new(start, 10.0, 30.0);
        let later = start + Duration::from_secs(3600);
        assert_eq!((0..100).filter(|_| bucket.take(later)).count(), 30);
        assert!(!bucket.take(start), "a clock that jumps back gives nothing");
    }

    #[test]
    fn an_empty_bucket_says_when_it_has_a_token_again() {
        let start = Instant::now();
        let mut bucket = Bucket::new(start, 0.5, 2.0);
        assert_eq!((bucket.level(start), bucket.until_next(start)), (1.0, Duration::ZERO));
        assert!(bucket.take(start) && bucket.take(start));
        assert_eq!((bucket.level(start), bucket.until_next(start)), (0.0, Duration::from_secs(2)));
        assert!(!bucket.take(start + Duration::from_millis(1990)));
        assert!(bucket.take(start + Duration::from_millis(2001)));
    }
}
