//! A network path in virtual time: loses, delays, reorders and repeats packets, the same way for the
//! same seed.

/// A seeded source of numbers from 0 to 1 (xorshift).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// What a path is like. Times in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Path {
    /// Share of packets lost.
    pub loss: f64,
    /// How many are lost in a row on average: 1 for losses that know nothing of each other.
    pub burst: f64,
    /// Each packet takes up to so much longer, evenly spread.
    pub jitter_ms: f64,
    /// Whether packets may overtake each other; else who is behind waits.
    pub reorder: bool,
    /// Share of packets that come twice.
    pub duplicates: f64,
    /// How fast the sender's clock runs, in millionths faster.
    pub drift_ppm: f64,
    pub seed: u64,
}

impl Default for Path {
    fn default() -> Self {
        Self {
            loss: 0.0,
            burst: 1.0,
            jitter_ms: 0.0,
            reorder: false,
            duplicates: 0.0,
            drift_ppm: 0.0,
            seed: 1,
        }
    }
}

impl Path {
    /// When (in milliseconds) which of `count` packets, one each `packet_ms`, arrive, in order of arrival.
    pub fn arrivals(&self, count: usize, packet_ms: f64) -> Vec<(f64, usize)> {
        let mut random = Random::new(self.seed);
        // Gilbert's model: in the bad state everything is lost.
        let recover = 1.0 / self.burst.max(1.0);
        let fail = self.loss * recover / (1.0 - self.loss).max(1e-9);
        let (mut bad, mut last) = (false, 0.0_f64);
        let mut arrivals = Vec::new();
        for packet in 0..count {
            let sent = packet as f64 * packet_ms / (1.0 + self.drift_ppm * 1e-6);
            bad = if self.burst <= 1.0 {
                random.next() < self.loss
            } else if bad {
                random.next() >= recover
            } else {
                random.next() < fail
            };
            let mut arrival = sent + 10.0 + random.next() * self.jitter_ms;
            let again = random.next() < self.duplicates;
            if bad {
                continue;
            }
            if !self.reorder {
                arrival = arrival.max(last);
                last = arrival;
            }
            arrivals.push((arrival, packet));
            if again {
                arrivals.push((arrival + 3.0, packet));
            }
        }
        arrivals.sort_by(|a, b| a.0.total_cmp(&b.0));
        arrivals
    }
}
