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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_within_one_percent_over_nine_orders_of_magnitude() {
        for scale in [0.01, 1.0, 33.3, 500_000.0] {
            let mut percentiles = Percentiles::new();
            for value in 1..=1000 {
                percentiles.push(f64::from(value) / 1000.0 * scale);
            }
            assert_eq!(percentiles.count(), 1000);
            for (found, expected) in [
                (percentiles.p50(), 0.5),
                (percentiles.p95(), 0.95),
                (percentiles.p99(), 0.99),
                (percentiles.max(), 1.0),
            ] {
                let ratio = found.unwrap() / (expected * scale);
                assert!((ratio - 1.0).abs() <= 0.011, "{ratio} at {scale}");
            }
        }
    }

    #[test]
    fn a_single_value_is_all_its_percentiles_exactly() {
        let mut percentiles = Percentiles::new();
        assert_eq!(percentiles.p50(), None);
        percentiles.push_duration(Duration::from_micros(12_345));
        assert_eq!((percentiles.p50(), percentiles.p99()), (Some(12.345), Some(12.345)));
        percentiles.clear();
        assert_eq!(percentiles.max(), None);
    }

    #[test]
    fn odd_values_do_no_harm() {
        let mut percentiles = Percentiles::new();
        for value in [f64::NAN, -1.0, 0.0, f64::INFINITY, 1e300] {
            percentiles.push(value);
        }
        assert_eq!(percentiles.count(), 4);
        assert_eq!(percentiles.percentile(-5.0), percentiles.percentile(0.0));
        assert!(percentiles.p50().unwrap() <= LOWEST * RATIO);
    }

    /// A meter that has seen a second of 30 frames a second, and when the last one was.
    fn running() -> (FreezeMeter, Instant) {
        let mut meter = FreezeMeter::new();
        let mut now = Instant::now();
        for _ in 0..31 {
            now += Duration::from_micros(33_333);
            meter.frame(now);
        }
        (meter, now)
    }

    #[test]
    fn an_interval_of_more_than_the_average_and_150_ms_is_a_freeze() {
        let (mut meter, last) = running();
        let just_not = last + Duration::from_millis(183);
        meter.frame(just_not);
        assert_eq!(meter.freezes(), 0);

        let (mut meter, last) = running();
        let freeze = Duration::from_millis(184);
        assert!(meter.is_frozen(last + freeze));
        meter.frame(last + freeze);
        assert_eq!((meter.freezes(), meter.frozen()), (1, freeze));
        assert!(!meter.is_frozen(last + freeze));
    }

    #[test]
    fn at_low_frame_rates_three_times_the_average_counts() {
        let mut meter = FreezeMeter::new();
        let mut now = Instant::now();
        for _ in 0..20 {
            now += Duration::from_millis(200);
            meter.frame(now);
        }
        meter.frame(now + Duration::from_millis(599));
        assert_eq!(meter.freezes(), 0);
        meter.frame(now + Duration::from_millis(599 + 800));
        assert_eq!(meter.freezes(), 1);
    }

    #[test]
    fn a_pause_on_purpose_is_no_freeze() {
        let (mut meter, last) = running();
        meter.pause();
        assert!(!meter.is_frozen(last + Duration::from_secs(60)));
        meter.frame(last + Duration::from_secs(60));
        assert_eq!((meter.freezes(), meter.frozen()), (0, Duration::ZERO));
    }

    #[test]
    fn the_first_frames_of_a_stream_cannot_freeze() {
        let mut meter = FreezeMeter::new();
        let now = Instant::now();
        assert!(!meter.is_frozen(now));
        meter.frame(now);
        meter.frame(now + Duration::from_millis(10));
        meter.frame(now + Duration::from_millis(900));
        assert_eq!(meter.freezes(), 0);
    }
}
