//! How long a jitter buffer should hold packets back: long enough for nearly all of them, no longer.
//!
//! A packet's transit is its arrival minus its timestamp. The shortest transit of the last seconds
//! is the path at its best; what a packet took more than that is its jitter. The target is what 98
//! of 100 packets stay within, never less than what the last late packet would have needed.

use std::collections::VecDeque;

/// Everything here is in samples at 48 kHz.
const MS: i64 = 48;
/// Bounds of the target.
const MIN_TARGET: i64 = 20 * MS;
const MAX_TARGET: i64 = 200 * MS;
/// Where it begins, until packets tell more.
const START_TARGET: i64 = 40 * MS;
/// The playout clock ticks every 10 ms: a packet may have to be there that much earlier.
const TICK: i64 = 10 * MS;
/// Packets that count: five seconds of the usual 20 ms.
const HISTORY: usize = 250;
/// Fewer of them do not tell anything yet.
const ENOUGH: usize = 25;
/// A transit that is this much off means another clock (a pause, a restarted sender), not jitter.
const MAX_STEP: i64 = 500 * MS;
/// The target sinks by 1 part in 25 of the time that passes: 40 ms in a second.
const SINK: i64 = 25;

/// Learns from the arrival of packets.
pub(super) struct DelayEstimator {
    transits: VecDeque<i64>,
    /// Reused for finding the percentile.
    sorted: Vec<i64>,
    shortest: i64,
    target: i64,
}

impl DelayEstimator {
    pub fn new() -> Self {
        Self {
            transits: VecDeque::with_capacity(HISTORY + 1),
            sorted: Vec::with_capacity(HISTORY + 1),
            shortest: 0,
            target: START_TARGET,
        }
    }

    /// A packet with `duration` samples arrived after `transit`. `late`: the playout had to do without it for a while.
    pub fn packet(&mut self, transit: i64, duration: i64, late: bool) {
        if !self.transits.is_empty() && (transit - self.shortest).abs() > MAX_STEP {
            self.transits.clear();
        }
        self.transits.push_back(transit);
        if self.transits.len() > HISTORY {
            self.transits.pop_front();
        }
        self.sorted.clear();
        self.sorted.extend(&self.transits);
        let rank = (self.sorted.len() * 98).div_ceil(100) - 1;
        let (_, within, _) = self.sorted.select_nth_unstable(rank);
        let within = *within;
        self.shortest = self.sorted.iter().copied().min().unwrap_or(transit);
        let needed = within - self.shortest + TICK;
        if late {
            self.target = self.target.max(transit - self.shortest + TICK);
        }
        if needed > self.target {
            self.target = needed;
        } else if self.transits.len() >= ENOUGH {
            self.target = (self.target - duration / SINK).max(needed);
        }
        self.target = self.target.clamp(MIN_TARGET, MAX_TARGET);
    }

    /// How long packets should be held back behind the fastest ones.
    pub fn target(&self) -> i64 {
        self.target
    }

    /// How far the sample with this timestamp is behind the fastest packets, if it is played at
    /// `clock`.
    pub fn behind(&self, clock: i64, timestamp: i64) -> i64 {
        clock - timestamp - self.shortest
    }
}
