//! Decides what to do about a running stream, from what it reports and how its blocks come. Told
//! the time.

use std::time::{Duration, Instant};

use cpal::ErrorKind;

use super::error::{Severity, severity};

/// A stream whose blocks stop for this long has lost its device.
const SILENCE_LIMIT: Duration = Duration::from_secs(2);
/// This many gaps …
const GAPS_LIMIT: u32 = 5;
/// … within this time say that the blocks are too short.
const GAPS_SPAN: Duration = Duration::from_secs(5);
/// Streams that are made anew more often than this …
const REBUILDS_LIMIT: u32 = 6;
/// … within this time are given up.
const REBUILDS_SPAN: Duration = Duration::from_secs(20);
/// Wanted length of a block, and the longest one worth trying.
const BLOCK: Duration = Duration::from_millis(10);
const BLOCK_LIMIT: Duration = Duration::from_millis(40);

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Go,
    /// Make the stream anew.
    Rebuild,
    /// Give the device up.
    GiveUp,
}

/// Watches over all streams of one open device.
pub struct Watch {
    /// Whether it follows the system's choice: then another device may take over.
    follows_default: bool,
    block: Duration,
    beats: u64,
    last_beat: Instant,
    gaps: u32,
    gaps_since: Instant,
    rebuilds: u32,
    rebuilds_since: Instant,
}

impl Watch {
    /// Starts watching.
    pub fn new(follows_default: bool, now: Instant) -> Self {
        Self {
            follows_default,
            block: BLOCK,
            beats: 0,
            last_beat: now,
            gaps: 0,
            gaps_since: now,
            rebuilds: 0,
            rebuilds_since: now,
        }
    }

    /// The length of blocks to ask for.
    pub fn block(&self) -> Duration {
        self.block
    }

    /// A new stream runs.
    pub fn started(&mut self, now: Instant) {
        self.last_beat = now;
        self.gaps = 0;
        self.gaps_since = now;
    }

    /// So many blocks came in all so far.
    pub fn beats(&mut self, beats: u64, now: Instant) -> Verdict {
        if beats != self.beats {
            self.beats = beats;
            self.last_beat = now;
        }
        if now.saturating_duration_since(self.last_beat) < SILENCE_LIMIT {
            return Verdict::Go;
        }
        self.broken(now)
    }

    /// The stream reported an error.
    pub fn error(&mut self, kind: ErrorKind, now: Instant) -> Verdict {
        match severity(kind) {
            Severity::Harmless => Verdict::Go,
            Severity::Gap => self.gap(now),
            Severity::Rebuild => self.rebuild(now),
            Severity::Fatal => self.broken(now),
        }
    }

    /// The stream could not be made anew, or another device became the system's choice.
    pub fn changed(&mut self, now: Instant) -> Verdict {
        self.rebuild(now)
    }

    fn broken(&mut self, now: Instant) -> Verdict {
        if self.follows_default { self.rebuild(now) } else { Verdict::GiveUp }
    }

    fn gap(&mut self, now: Instant) -> Verdict {
        if now.saturating_duration_since(self.gaps_since) > GAPS_SPAN {
            self.gaps = 0;
            self.gaps_since = now;
        }
        self.gaps += 1;
        if self.gaps < GAPS_LIMIT || self.block >= BLOCK_LIMIT {
            return Verdict::Go;
        }
        self.block = (self.block * 2).min(BLOCK_LIMIT);
        Verdict::Rebuild
    }

    fn rebuild(&mut self, now: Instant) -> Verdict {
        if now.saturating_duration_since(self.rebuilds_since) > REBUILDS_SPAN {
            self.rebuilds = 0;
            self.rebuilds_since = now;
        }
        self.rebuilds += 1;
        if self.rebuilds > REBUILDS_LIMIT { Verdict::GiveUp } else { Verdict::Rebuild }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_stream_that_falls_silent_is_given_up_or_follows_the_system_elsewhere() {
        let base = Instant::now();
        for (follows_default, verdict) in [(false, Verdict::GiveUp), (true, Verdict::Rebuild)] {
            let mut watch = Watch::new(follows_default, base);
            assert_eq!(watch.beats(10, base + SECOND), Verdict::Go);
            assert_eq!(watch.beats(10, base + 2 * SECOND), Verdict::Go);
            assert_eq!(watch.beats(10, base + 3 * SECOND), verdict);
        }
    }

    #[test]
    fn repeated_gaps_make_blocks_longer_up_to_a_limit() {
        let base = Instant::now();
        let mut watch = Watch::new(false, base);
        let mut rebuilds = 0;
        for index in 0..100 {
            let now = base + index * SECOND / 10;
            if watch.error(ErrorKind::Xrun, now) == Verdict::Rebuild {
                rebuilds += 1;
                watch.started(now);
            }
        }
        assert_eq!((rebuilds, watch.block()), (2, BLOCK_LIMIT));
    }

    #[test]
    fn rare_gaps_change_nothing() {
        let base = Instant::now();
        let mut watch = Watch::new(false, base);
        for index in 0..100 {
            assert_eq!(watch.error(ErrorKind::Xrun, base + index * 2 * SECOND), Verdict::Go);
        }
        assert_eq!(watch.block(), BLOCK);
    }

    #[test]
    fn a_device_that_keeps_breaking_is_given_up() {
        let base = Instant::now();
        let mut watch = Watch::new(true, base);
        let mut verdicts =
            (0..10).map(|index| watch.error(ErrorKind::DeviceNotAvailable, base + index * SECOND));
        assert!(verdicts.by_ref().take(6).all(|verdict| verdict == Verdict::Rebuild));
        assert_eq!(verdicts.next(), Some(Verdict::GiveUp));
    }

    #[test]
    fn notices_that_call_for_nothing_change_nothing() {
        let base = Instant::now();
        let mut watch = Watch::new(false, base);
        assert_eq!(watch.error(ErrorKind::DeviceChanged, base), Verdict::Go);
        assert_eq!(watch.error(ErrorKind::StreamInvalidated, base), Verdict::Rebuild);
        assert_eq!(watch.error(ErrorKind::DeviceNotAvailable, base), Verdict::GiveUp);
    }
}
