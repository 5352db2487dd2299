//! How long a jitter buffer should hold packets back: long enough for nearly all of them, no longer.
//!
//! A packet's transit is its arrival minus its timestamp. The shortest transit of the last seconds
//! is the path at its best; what a packet took more than that is its delay. A histogram of the delays
//! that forgets as time passes says what 97 of 100 packets stay within: that is the target, but for
//! three things. A late packet alone is not worth waiting for; when late packets come again and again,
//! the target is what the latest of them would have needed, for some seconds. Lost packets that a later
//! one repairs are waited for where that saves more than one packet in a hundred. And as every change is
//! heard a little, the target goes down only when it could have been lower for two seconds.

/// Everything here is in samples at 48 kHz.
const MS: i64 = 48;
/// Bounds of the target.
const MIN_TARGET: i64 = 10 * MS;
const MAX_TARGET: i64 = 400 * MS;
/// Where it begins, until packets tell more: one packet, so that hardly anything has to be taken out where the
/// path is good.
const START_TARGET: i64 = 20 * MS;
/// Beyond what is measured: threads are not woken on the dot.
const MARGIN: i64 = 5 * MS;
/// Width and number of the histogram's buckets.
const BUCKET: i64 = 5 * MS;
const BUCKETS: usize = 80;
/// The share of packets that must be in time.
const QUANTILE: f32 = 0.97;
/// How fast the histogram forgets: to 37 % in this time.
const MEMORY: f32 = 1_500.0 * MS as f32;
/// Before this much sound was heard (0.5 s) the target does not sink.
const ENOUGH: i64 = 500 * MS;
/// A transit that is this much off means another clock (a pause, a restarted sender), not jitter.
const MAX_STEP: i64 = 1_000 * MS;
/// Two late packets within this time, and not of the same burst, make a peak of the later ones.
const PEAKS_WITHIN: i64 = 10_000 * MS;
const ONE_BURST: i64 = 100 * MS;
/// How long a peak counts, and how fast it then sinks: 1 part in 10 of the time that passes.
const PEAK_HOLD: i64 = 3_000 * MS;
const PEAK_SINK: i64 = 10;
/// Redundancy in a later packet is waited for no longer than this, …
const MAX_REPAIR: i64 = 120 * MS;
/// … and not for less than this share of packets.
const WORTH_REPAIR: f32 = 0.012;
/// Who repeats packets does so because they get lost: it is waited for what it repeats, for so long after it
/// last did.
const REPEAT_HOLD: i64 = 2_000 * MS;
/// How fast it is forgotten how many were lost: losses are rarer than delays, so more slowly.
const REPAIR_MEMORY: f32 = 4_000.0 * MS as f32;
/// Before this much sound was heard (2 s) a loss says little of how often there is one.
const REPAIR_FROM: i64 = 2_000 * MS;
/// How long the target must have been too high before it goes down.
const PATIENCE: i64 = 500 * MS;
const PATIENCE_TIMES: usize = 4;

/// Learns from the arrival of packets.
pub(super) struct DelayEstimator {
    shortest: Shortest,
    histogram: Histogram,
    /// Of lost packets that were repaired, as shares of all packets.
    repairs: Histogram,
    /// What was needed at most in each of the last spans of time.
    needs: [i64; PATIENCE_TIMES],
    span: i64,
    /// Sound in all packets so far.
    heard: i64,
    /// When the last packet came.
    last: i64,
    peak: Peak,
    /// How far back packets are repeated, and when that was last seen.
    repeated: Option<(i64, i64)>,
    /// What somebody else asks for, for reasons of their own.
    floor: i64,
    target: i64,
}

impl DelayEstimator {
    pub fn new() -> Self {
        Self {
            shortest: Shortest::default(),
            histogram: Histogram::default(),
            repairs: Histogram::default(),
            needs: [0; PATIENCE_TIMES],
            span: 0,
            heard: 0,
            last: 0,
            peak: Peak::default(),
            repeated: None,
            floor: 0,
            target: START_TARGET,
        }
    }

    /// A packet with `duration` samples and this timestamp arrived at `clock`. `late`: the playout had
    /// to do without it for a while.
    pub fn packet(&mut self, clock: i64, timestamp: i64, duration: i64, late: bool) {
        let transit = clock - timestamp;
        if self.shortest.get().is_some_and(|shortest| (transit - shortest).abs() > MAX_STEP) {
            self.shortest = Shortest::default();
        }
        self.shortest.push(clock, transit);
        let delay = self.delay(transit);
        self.heard += duration;
        // What comes all at once after a stall is one late packet and not fifty.
        let weight = (clock - self.last).clamp(0, 2 * duration);
        self.last = self.last.max(clock);
        let heard = self.heard as f32;
        self.histogram.forget(weight as f32 / MEMORY.min(heard));
        self.histogram.count(delay, weight as f32 / MEMORY.min(heard));
        self.repairs.forget(duration as f32 / REPAIR_MEMORY.min(self.heard.max(REPAIR_FROM) as f32));
        if late {
            self.peak.late(clock, delay);
        }
        self.peak.pass(clock, delay, duration);
        let within = self.histogram.beyond(1.0 - QUANTILE).max(self.repairs.beyond(WORTH_REPAIR));
        let again =
            self.repeated.filter(|(_, seen)| clock - seen < REPEAT_HOLD).map_or(0, |(reach, _)| reach);
        let within = within.max(again);
        let needed = (within + MARGIN).max(self.peak.level + MARGIN).max(self.floor);
        let patient = self.needed_lately(clock, needed);
        if patient > self.target || self.heard >= ENOUGH {
            self.target = patient;
        }
        self.target = self.target.clamp(MIN_TARGET, MAX_TARGET);
    }

    /// The most that was needed in the last two seconds.
    fn needed_lately(&mut self, clock: i64, needed: i64) -> i64 {
        let span = clock / PATIENCE;
        for passed in (self.span + 1..=span).rev().take(PATIENCE_TIMES) {
            self.needs[passed.rem_euclid(PATIENCE_TIMES as i64) as usize] = 0;
        }
        self.span = self.span.max(span);
        let place = &mut self.needs[span.rem_euclid(PATIENCE_TIMES as i64) as usize];
        *place = needed.max(*place);
        self.needs.iter().copied().max().unwrap_or(needed)
    }

    /// A packet that arrived at `clock` repairs a lost one with `duration` samples and this timestamp: as
    /// good as if that one had arrived now, if it is worth waiting for.
    pub fn repaired(&mut self, clock: i64, timestamp: i64, duration: i64) {
        let delay = self.delay(clock - timestamp);
        if delay <= MAX_REPAIR {
            self.repairs
                .count(delay, duration as f32 / REPAIR_MEMORY.min(self.heard.max(REPAIR_FROM) as f32));
        }
    }

    /// A packet that arrived at `clock` repeats one that is so many samples older.
    pub fn repeats(&mut self, clock: i64, reach: i64) {
        if !(1..=MAX_REPAIR).contains(&reach) {
            return;
        }
        let known = self.repeated.filter(|(known, seen)| *known > reach && clock - seen < REPEAT_HOLD);
        if known.is_none() {
            self.repeated = Some((reach, clock));
        }
    }

    /// Whatever the path needs, hold packets back for at least this long.
    pub fn set_floor(&mut self, floor: i64) {
        self.floor = floor.clamp(0, MAX_TARGET);
        self.target = self.target.max(self.floor);
    }

    /// Timestamps begin anew.
    pub fn restart(&mut self) {
        self.shortest = Shortest::default();
    }

    /// How long packets should be held back behind the fastest ones.
    pub fn target(&self) -> i64 {
        self.target
    }

    /// How far the sample with this timestamp is behind the fastest packets, if it is played at
    /// `clock`.
    pub fn behind(&self, clock: i64, timestamp: i64) -> i64 {
        clock - timestamp - self.shortest.get().unwrap_or(0)
    }

    fn delay(&self, transit: i64) -> i64 {
        (transit - self.shortest.get().unwrap_or(transit)).clamp(0, BUCKET * (BUCKETS as i64 - 1))
    }
}

/// Shares of packets by their delay.
struct Histogram([f32; BUCKETS]);

impl Default for Histogram {
    fn default() -> Self {
        Self([0.0; BUCKETS])
    }
}

impl Histogram {
    fn forget(&mut self, share: f32) {
        for bucket in &mut self.0 {
            *bucket *= (1.0 - share).clamp(0.0, 1.0);
        }
    }

    fn count(&mut self, delay: i64, share: f32) {
        self.0[((delay / BUCKET) as usize).min(BUCKETS - 1)] += share.clamp(0.0, 1.0);
    }

    /// The delay that no more than this share of packets exceeds.
    fn beyond(&self, share: f32) -> i64 {
        let mut sum = 0.0;
        let last = self.0.iter().rposition(|bucket| {
            sum += bucket;
            sum > share
        });
        last.map_or(0, |bucket| (bucket as i64 + 1) * BUCKET)
    }
}

/// The shortest transit of the last five seconds, or a little less.
#[derive(Default)]
struct Shortest {
    /// The shortest of each half second that had any packets, and which one that was.
    slots: [Option<(i64, i64)>; 10],
    shortest: Option<i64>,
}

impl Shortest {
    const SLOT: i64 = 500 * MS;

    fn push(&mut self, clock: i64, transit: i64) {
        let now = clock / Self::SLOT;
        let slots = self.slots.len() as i64;
        let slot = &mut self.slots[now.rem_euclid(slots) as usize];
        *slot = match *slot {
            Some((number, shortest)) if number == now => Some((number, shortest.min(transit))),
            _ => Some((now, transit)),
        };
        let young = self.slots.iter().flatten().filter(|(number, _)| now - number < slots);
        self.shortest = young.map(|(_, shortest)| *shortest).min();
    }

    fn get(&self) -> Option<i64> {
        self.shortest
    }
}

/// Late packets that come again and again.
#[derive(Default)]
struct Peak {
    /// When the last one came, and how late that was.
    last: Option<(i64, i64)>,
    /// What the latest one needed; 0: no peak.
    level: i64,
    until: i64,
}

impl Peak {
    fn late(&mut self, clock: i64, delay: i64) {
        if let Some((at, before)) = self.last
            && clock - at <= PEAKS_WITHIN
            && (clock - at >= ONE_BURST || self.level > 0)
        {
            self.level = self.level.max(delay.max(before));
            self.until = clock + PEAK_HOLD;
        }
        let first_of_burst = self.last.is_none_or(|(at, _)| clock - at >= ONE_BURST);
        let (at, before) = self.last.filter(|_| !first_of_burst).unwrap_or((clock, 0));
        self.last = Some((at, before.max(delay)));
    }

    /// A packet came, late or not.
    fn pass(&mut self, clock: i64, delay: i64, duration: i64) {
        if self.level > 0 && delay > self.level / 2 {
            self.until = clock + PEAK_HOLD; // it comes in time only because it is waited for
        } else if clock > self.until {
            self.level = (self.level - duration / PEAK_SINK).max(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds packets of 20 ms whose delay in ms `delay` says; returns the targets in ms.
    fn targets(
        estimator: &mut DelayEstimator,
        from: i64,
        count: i64,
        delay: impl Fn(i64) -> i64,
    ) -> Vec<i64> {
        (from..from + count)
            .map(|packet| {
                let (timestamp, delay) = (packet * 20 * MS, delay(packet) * MS);
                let late = delay > estimator.target();
                estimator.packet(timestamp + delay, timestamp, 20 * MS, late);
                estimator.target() / MS
            })
            .collect()
    }

    #[test]
    fn a_clean_path_needs_next_to_nothing() {
        let found = targets(&mut DelayEstimator::new(), 0, 100, |_| 70);
        assert_eq!((found[0], found[99]), (20, 10));
    }

    #[test]
    fn the_target_covers_what_nearly_all_packets_need() {
        let found = targets(&mut DelayEstimator::new(), 0, 500, |packet| (packet * 7) % 40);
        assert!((40..=45).contains(&found[499]), "{}", found[499]);
    }

    #[test]
    fn a_late_packet_alone_is_not_waited_for_but_late_ones_again_and_again_are() {
        let found = targets(&mut DelayEstimator::new(), 0, 1000, |packet| if packet == 500 { 90 } else { 0 });
        assert!(found[501] <= 15, "{}", found[501]);
        let found =
            targets(&mut DelayEstimator::new(), 0, 1000, |packet| if packet % 100 == 50 { 90 } else { 0 });
        assert!(found[200..].iter().all(|target| *target >= 90), "{:?}", &found[200..]);
    }

    #[test]
    fn after_10_s_of_300_ms_jitter_it_is_back_within_9_s() {
        let mut estimator = DelayEstimator::new();
        let found = targets(&mut estimator, 0, 500, |packet| (packet * 7919) % 300);
        assert!(found[499] >= 290, "{}", found[499]);
        let after = targets(&mut estimator, 500, 500, |_| 0);
        assert!(after[449] <= 20, "{:?}", &after[400..]);
        assert!(after[25] > 200, "not forgotten at once: {}", after[25]);
    }

    #[test]
    fn repair_is_waited_for_when_it_is_needed_often() {
        for (every, expected) in [(10, 25..=35), (200, 10..=10)] {
            let mut estimator = DelayEstimator::new();
            for packet in 0..500 {
                let timestamp = packet * 20 * MS;
                if packet % every == 1 {
                    estimator.repaired(timestamp + 20 * MS, timestamp, 20 * MS);
                } else {
                    estimator.packet(timestamp, timestamp, 20 * MS, false);
                }
            }
            let target = estimator.target() / MS;
            assert!(expected.contains(&target), "1 of {every}: {target}");
        }
    }

    #[test]
    fn what_is_repeated_is_waited_for_as_long_as_it_is_and_a_little_longer() {
        let mut estimator = DelayEstimator::new();
        for packet in 0..500 {
            let timestamp = packet * 20 * MS;
            estimator.packet(timestamp, timestamp, 20 * MS, false);
            if packet < 200 {
                estimator.repeats(timestamp, 20 * MS);
                estimator.repeats(timestamp, 40 * MS);
                estimator.repeats(timestamp, MAX_REPAIR + 1);
            }
            match packet {
                100 | 250 => assert_eq!(estimator.target(), 45 * MS, "{packet}"),
                450 => assert_eq!(estimator.target(), MIN_TARGET),
                _ => {}
            }
        }
    }

    #[test]
    fn a_floor_is_kept_and_odd_numbers_do_no_harm() {
        let mut estimator = DelayEstimator::new();
        estimator.set_floor(100 * MS);
        assert_eq!(*targets(&mut estimator, 0, 200, |_| 0).last().unwrap(), 100);
        for (clock, timestamp) in [(0, i64::from(u32::MAX)), (1 << 40, 0), (0, 0), (5, -(1 << 40))] {
            estimator.packet(clock, timestamp, 5760, true);
            estimator.repaired(clock, timestamp, 120);
            assert!((MIN_TARGET..=MAX_TARGET).contains(&estimator.target()));
        }
    }
}
