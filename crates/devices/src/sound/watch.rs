//! Decides what to do about a running stream, from what it reports and how its blocks come. Told
//! the time.

use std::time::{Duration, Instant};

use cpal::ErrorKind;

use super::error::{Severity, severity};

/// A stream whose blocks stop for this long has lost its device.
const SILENCE_LIMIT: Duration = Duration::from_secs(2);
/// The first block may take longer: wireless headsets have to connect, sound services to wake up.
const FIRST_LIMIT: Duration = Duration::from_secs(6);
/// This many gaps …
const GAPS_LIMIT: u32 = 5;
/// … within this time say that the blocks are too short.
const GAPS_SPAN: Duration = Duration::from_secs(5);
/// A stream that delivered this many blocks and then breaks has most likely not recovered from a
/// gap: ALSA's PulseAudio plug-in does not when it runs out of samples.
const LIVED_BLOCKS: u64 = 4;
/// Streams that are made anew more often than this …
const REBUILDS_LIMIT: u32 = 6;
/// … within this time are given up.
const REBUILDS_SPAN: Duration = Duration::from_secs(20);
/// Wanted length of a block, and the longest one worth trying.
const BLOCK: Duration = Duration::from_millis(10);
const BLOCK_LIMIT: Duration = Duration::from_millis(80);

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Go,
    /// Make the stream anew, at once: the device is there.
    RebuildNow,
    /// Make the stream anew, once the system has had a moment.
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
    /// When blocks have stopped for too long, unless one comes.
    silent_at: Instant,
    gaps: u32,
    gaps_since: Instant,
    /// What `beats` was when the stream started.
    beats_before: u64,
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
            silent_at: now + FIRST_LIMIT,
            gaps: 0,
            gaps_since: now,
            beats_before: 0,
            rebuilds: 0,
            rebuilds_since: now,
        }
    }

    /// The length of blocks to ask for.
    pub fn block(&self) -> Duration {
        self.block
    }

    /// A new stream runs; `beats` blocks came from those before it.
    pub fn started(&mut self, beats: u64, now: Instant) {
        self.beats = beats;
        self.beats_before = beats;
        self.silent_at = now + FIRST_LIMIT;
        self.gaps = 0;
        self.gaps_since = now;
    }

    /// So many blocks came in all so far.
    pub fn beats(&mut self, beats: u64, now: Instant) -> Verdict {
        if beats != self.beats {
            self.beats = beats;
            // Some services take the first blocks at once and wake up then.
            self.silent_at = self.silent_at.max(now + SILENCE_LIMIT);
        }
        if now < self.silent_at { Verdict::Go } else { self.broken(now) }
    }

    /// The stream reported an error.
    pub fn error(&mut self, kind: ErrorKind, now: Instant) -> Verdict {
        match severity(kind) {
            Severity::Harmless => Verdict::Go,
            Severity::Gap => self.gap(now),
            Severity::Broken if self.beats - self.beats_before >= LIVED_BLOCKS => self.lengthen(),
            Severity::Broken => self.rebuild(now),
            Severity::Rebuild => self.rebuild(now),
            Severity::Gone => self.broken(now),
        }
    }

    /// The stream could not be made anew.
    pub fn failed(&mut self, now: Instant) -> Verdict {
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
        self.lengthen()
    }

    fn lengthen(&mut self) -> Verdict {
        self.block = (self.block * 2).min(BLOCK_LIMIT);
        Verdict::RebuildNow
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
            assert_eq!(watch.beats(0, base + 5 * SECOND), Verdict::Go, "it may take a while to start");
            assert_eq!(watch.beats(10, base + 6 * SECOND), Verdict::Go);
            assert_eq!(watch.beats(10, base + 7 * SECOND), Verdict::Go);
            assert_eq!(watch.beats(10, base + 8 * SECOND), verdict);
        }
    }

    #[test]
    fn a_stream_that_stalls_after_its_first_blocks_gets_the_time_to_start() {
        let base = Instant::now();
        for (seconds, verdict) in [(5, Verdict::Go), (6, Verdict::GiveUp)] {
            let mut watch = Watch::new(false, base);
            assert_eq!(watch.beats(3, base + SECOND / 10), Verdict::Go);
            assert_eq!(watch.beats(3, base + seconds * SECOND), verdict);
        }
    }

    #[test]
    fn repeated_gaps_make_blocks_longer_up_to_a_limit() {
        let base = Instant::now();
        let mut watch = Watch::new(false, base);
        let mut rebuilds = 0;
        for index in 0..100 {
            let now = base + index * SECOND / 10;
            if watch.error(ErrorKind::Xrun, now) == Verdict::RebuildNow {
                rebuilds += 1;
                watch.started(0, now);
            }
        }
        assert_eq!((rebuilds, watch.block()), (3, BLOCK_LIMIT));
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
    fn a_gap_that_the_library_does_not_recover_from_is_no_loss_of_the_device() {
        let base = Instant::now();
        let mut watch = Watch::new(false, base);
        for index in 0..20 {
            let now = base + index * SECOND;
            watch.started(u64::from(index), now);
            watch.beats(u64::from(index) + LIVED_BLOCKS, now);
            assert_eq!(watch.error(ErrorKind::BackendError, now), Verdict::RebuildNow);
        }
        assert_eq!(watch.block(), BLOCK_LIMIT);
        let now = base + 60 * SECOND;
        watch.started(99, now);
        let verdicts = (0..10).map(|_| watch.error(ErrorKind::BackendError, now));
        assert_eq!(verdicts.last(), Some(Verdict::GiveUp), "one that never runs is lost");
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
        assert_eq!(watch.error(ErrorKind::BackendError, base), Verdict::Rebuild);
        assert_eq!(watch.error(ErrorKind::DeviceNotAvailable, base), Verdict::GiveUp);
    }
}
