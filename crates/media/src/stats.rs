//! Numbers about a call, in constant memory: percentiles and freezes. Told the time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Ratio of a bucket's bounds. The middle is at most 1 % from either.
const RATIO: f64 = 1.02;
/// Lower bound of the first bucket; smaller values count as this.
const LOWEST: f64 = 1e-3;
/// Buckets up to 10⁹ times that; larger values count as the last.
const BUCKETS: usize = 1047;

/// Percentiles of any number of values in constant memory (8 KiB): a logarithmic histogram that is
/// at most 1 % off between 0.001 and 1 000 000 of whatever unit. Values are not negative.
#[derive(Clone, Debug)]
pub struct Percentiles {
    counts: Vec<u64>,
    total: u64,
    minimum: f64,
    maximum: f64,
}

impl Default for Percentiles {
    fn default() -> Self {
        Self::new()
    }
}

impl Percentiles {
    /// No values yet.
    pub fn new() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0, minimum: f64::INFINITY, maximum: 0.0 }
    }

    /// Counts a value; what is not a number is left out, negative values count as 0.
    pub fn push(&mut self, value: f64) {
        if value.is_nan() {
            return;
        }
        let value = value.max(0.0);
        let bucket = (value.max(LOWEST) / LOWEST).ln() / RATIO.ln();
        self.counts[(bucket as usize).min(BUCKETS - 1)] += 1;
        self.total += 1;
        self.minimum = self.minimum.min(value);
        self.maximum = self.maximum.max(value);
    }

    /// Counts a duration in milliseconds.
    pub fn push_duration(&mut self, duration: Duration) {
        self.push(duration.as_secs_f64() * 1e3);
    }

    /// How many values were counted.
    pub fn count(&self) -> u64 {
        self.total
    }

    /// The value that `percent` (0 to 100) of all values do not exceed; `None` without values.
    pub fn percentile(&self, percent: f64) -> Option<f64> {
        if self.total == 0 {
            return None;
        }
        // Nearest rank.
        let rank = ((percent.clamp(0.0, 100.0) / 100.0 * self.total as f64).ceil() as u64).max(1);
        let mut seen = 0;
        let bucket = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        let middle = LOWEST * RATIO.powf(bucket as f64 + 0.5);
        Some(middle.clamp(self.minimum, self.maximum))
    }

    /// The median.
    pub fn p50(&self) -> Option<f64> {
        self.percentile(50.0)
    }

    /// What 95 % do not exceed.
    pub fn p95(&self) -> Option<f64> {
        self.percentile(95.0)
    }

    /// What 99 % do not exceed.
    pub fn p99(&self) -> Option<f64> {
        self.percentile(99.0)
    }

    /// The largest value, exactly.
    pub fn max(&self) -> Option<f64> {
        (self.total > 0).then_some(self.maximum)
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::new();
    }
}

/// Intervals that make the average: as in the definition of `freezeCount`.
const INTERVALS: usize = 30;
/// Fewer do not make one: the first frames of a stream come as they come.
const MIN_INTERVALS: usize = 5;
/// An interval is a freeze when it is this much longer than the average.
const FREEZE_MARGIN: Duration = Duration::from_millis(150);

/// Counts freezes of a video as W3C's webrtc-stats defines `freezeCount` and
/// `totalFreezesDuration`: an interval between two frames that is longer than the larger of three
/// times the average interval of the last 30 frames, and that average plus 150 ms.
#[derive(Clone, Debug, Default)]
pub struct FreezeMeter {
    last: Option<Instant>,
    intervals: VecDeque<Duration>,
    sum: Duration,
    freezes: u64,
    frozen: Duration,
}

impl FreezeMeter {
    /// No frame yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A frame was shown.
    pub fn frame(&mut self, now: Instant) {
        let Some(last) = self.last.replace(now) else {
            return;
        };
        let interval = now.saturating_duration_since(last);
        if self.is_freeze(interval) {
            self.freezes += 1;
            self.frozen += interval;
        }
        self.intervals.push_back(interval);
        self.sum += interval;
        if self.intervals.len() > INTERVALS
            && let Some(oldest) = self.intervals.pop_front()
        {
            self.sum -= oldest;
        }
    }

    /// The sender stopped on purpose (camera off): the time until the next frame does not count.
    pub fn pause(&mut self) {
        self.last = None;
    }

    /// Freezes that are over.
    pub fn freezes(&self) -> u64 {
        self.freezes
    }

    /// How long those were together.
    pub fn frozen(&self) -> Duration {
        self.frozen
    }

    /// Whether it is frozen right now: the next frame, whenever it comes, ends a freeze.
    pub fn is_frozen(&self, now: Instant) -> bool {
        self.last.is_some_and(|last| self.is_freeze(now.saturating_duration_since(last)))
    }

    fn is_freeze(&self, interval: Duration) -> bool {
        if self.intervals.len() < MIN_INTERVALS {
            return false;
        }
        let average = self.sum / self.intervals.len() as u32;
        interval > (3 * average).max(average + FREEZE_MARGIN)
    }
}
