//! How many bytes per second may pass.

use std::time::Instant;

use parking_lot::Mutex;

use crate::rate::Bucket;

/// What may pass at once: half a second's worth, and at least this, which is a key frame.
const LEAST_BURST: f64 = 256.0 * 1024.0;

/// A limit that many share, or none.
#[derive(Debug)]
pub(super) struct Bandwidth(Option<Mutex<Bucket>>);

impl Bandwidth {
    /// Lets through this many bytes per second; `None` for all.
    pub(super) fn new(now: Instant, bytes_per_second: Option<u64>) -> Self {
        Self(bytes_per_second.map(|rate| {
            let rate = rate as f64;
            Mutex::new(Bucket::new(now, rate, LEAST_BURST.max(rate / 2.0)))
        }))
    }

    /// Whether these bytes may pass.
    pub(super) fn take(&self, now: Instant, bytes: usize) -> bool {
        self.0.as_ref().is_none_or(|bucket| bucket.lock().take_some(now, bytes as f64))
    }
}
