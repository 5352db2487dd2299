//! A token bucket that is told the time.

use std::time::Instant;

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

    /// Takes one token; `false` when there is none.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        self.take_some(now, 1.0)
    }

    /// Takes so many tokens; `false`, and none taken, when there are fewer.
    pub(crate) fn take_some(&mut self, now: Instant, amount: f64) -> bool {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.filled = self.filled.max(now);
        self.tokens = (self.tokens + passed * self.per_second).min(self.burst);
        let enough = self.tokens >= amount;
        if enough {
            self.tokens -= amount;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
}
