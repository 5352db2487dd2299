//! Lip sync: when a picture may be shown, so that it goes with the sound that is heard then. Sans-IO:
//! told the time. It refuses to know packets, buffers and devices.
//!
//! The sound sets the pace: its jitter buffer holds it back for as long as its path needs, and a picture
//! waits only as far as it would otherwise be too early for the sound. Where pictures are the late ones,
//! it is the sound that is asked to wait. Sound may be at most 15 ms early and 45 ms late (ITU-R
//! BT.1359 knows these as what nobody notices); pictures are let go in the middle of that, for speed's
//! sake with the sound rather late.
//!
//! Both sides' clocks are tied together by the peer's RTCP sender reports, which give a time of day to
//! a timestamp of each stream.

use std::time::{Duration, Instant};

/// Sound is let to be this late (µs).
const LAG_US: i64 = 20_000;
/// Pictures that come this much too late for their sound (µs) make the sound wait.
const LATE_US: i64 = 5_000;
/// What is further apart than this belongs to two different times of day, not to one call.
const ABSURD_US: i64 = 2_000_000;
/// A picture waits no longer than this.
const MAX_HOLD: Duration = Duration::from_millis(500);
/// Sound is asked to wait no longer than this (µs).
const MAX_FLOOR_US: i64 = 300_000;
/// A report that is this far (µs) from what the ones before it said begins anew.
const REPORT_JUMP_US: i64 = 100_000;
/// How much of a report's difference to those before is believed.
const REPORT_TRUST: i64 = 4;
/// How much of the playout's newest delay counts: a mean over eight pictures.
const PLAYOUT_TRUST: i64 = 8;
/// What each picture adds to how long the sound has to wait, or takes from it (µs): they balance where
/// three of four pictures are in time, whatever single ones do.
const NEEDED_UP_US: i64 = 3_000;
const NEEDED_DOWN_US: i64 = 1_000;

/// One stream's timestamps as times of day.
#[derive(Clone, Copy, Debug)]
struct SenderClock {
    rate_hz: i64,
    /// A timestamp and its time of day in µs.
    known: Option<(u32, i64)>,
}

impl SenderClock {
    fn new(rate_hz: i64) -> Self {
        Self { rate_hz, known: None }
    }

    fn report(&mut self, ntp: u64, timestamp: u32) {
        let seconds = (ntp >> 32) as i64;
        let told = seconds * 1_000_000 + (((ntp & 0xffff_ffff) * 1_000_000) >> 32) as i64;
        let time = match self.time_us(timestamp) {
            Some(expected) if (told - expected).abs() < REPORT_JUMP_US => {
                expected + (told - expected) / REPORT_TRUST
            }
            _ => told,
        };
        self.known = Some((timestamp, time));
    }

    fn time_us(&self, timestamp: u32) -> Option<i64> {
        let (known, time) = self.known?;
        let later = i64::from(timestamp.wrapping_sub(known) as i32);
        Some(time + later * 1_000_000 / self.rate_hz)
    }
}

/// Keeps one peer's pictures and sound together.
#[derive(Debug)]
pub struct LipSync {
    epoch: Instant,
    audio: SenderClock,
    video: SenderClock,
    /// Our time (µs) minus the peer's time of day at which what is heard then was said.
    playout_us: Option<i64>,
    /// Until this moment of ours (µs) the above is true: sound was heard.
    heard_us: i64,
    /// How far behind the sound has to be so that three of four pictures are not late for it (µs).
    needed_us: i64,
}

impl LipSync {
    /// Nothing known yet: pictures are shown as they come.
    pub fn new(now: Instant) -> Self {
        Self {
            epoch: now,
            audio: SenderClock::new(48_000),
            video: SenderClock::new(90_000),
            playout_us: None,
            heard_us: 0,
            needed_us: 0,
        }
    }

    /// A sender report of the sound: an NTP time and the RTP timestamp that belongs to it.
    pub fn audio_report(&mut self, ntp: u64, timestamp: u32) {
        self.audio.report(ntp, timestamp);
    }

    /// The same of the pictures.
    pub fn video_report(&mut self, ntp: u64, timestamp: u32) {
        self.video.report(ntp, timestamp);
    }

    /// The sample with this RTP timestamp is heard at `at`.
    pub fn heard(&mut self, at: Instant, timestamp: u32) {
        let at = self.us(at);
        let Some(said) = self.audio.time_us(timestamp) else {
            return;
        };
        let newest = at - said;
        self.playout_us = Some(match self.playout_us {
            Some(mean) if (newest - mean).abs() < REPORT_JUMP_US => mean + (newest - mean) / PLAYOUT_TRUST,
            _ => newest,
        });
        self.heard_us = at;
    }

    /// When the picture with this RTP timestamp, which is there at `now`, should be shown. The sound is
    /// `behind` the fastest it can be.
    pub fn due(&mut self, now: Instant, timestamp: u32, behind: Duration) -> Instant {
        let Some(lag) = self.lag_us(now, timestamp) else {
            return now;
        };
        let needed = behind.as_micros().min(1_000_000) as i64 - lag;
        self.needed_us += if needed > self.needed_us { NEEDED_UP_US } else { -NEEDED_DOWN_US };
        self.needed_us = self.needed_us.clamp(0, MAX_FLOOR_US);
        now + Duration::from_micros((lag - LAG_US).max(0) as u64).min(MAX_HOLD)
    }

    /// How late (µs) the sound is for the picture with this RTP timestamp if that is shown at `now`: below 0
    /// the sound is early. `None` while that cannot be known.
    pub fn lag_us(&self, now: Instant, timestamp: u32) -> Option<i64> {
        let now = self.us(now);
        // While nobody speaks there is nothing to go with.
        if now - self.heard_us > ABSURD_US {
            return None;
        }
        let lag = self.video.time_us(timestamp)? + self.playout_us? - now;
        (lag.abs() < ABSURD_US).then_some(lag)
    }

    /// How long the sound should be held back at least, so that pictures are not late for it.
    pub fn audio_floor(&self) -> Duration {
        Duration::from_micros((self.needed_us - LATE_US).max(0) as u64)
    }

    fn us(&self, at: Instant) -> i64 {
        at.saturating_duration_since(self.epoch).as_micros() as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 3_900_000_000;

    fn ntp(ms: u64) -> u64 {
        ((DAY + ms / 1000) << 32) + ((ms % 1000) << 32) / 1000
    }

    /// A peer's call in virtual time: sound is heard `audio_ms` after it was said, pictures are there
    /// `video_ms` after they were taken. Returns the lags of the sound in ms, and how long pictures waited.
    fn call(
        sync: &mut LipSync,
        audio_ms: impl Fn(u64) -> u64,
        video_ms: u64,
        from_ms: u64,
        to_ms: u64,
    ) -> Vec<(i64, u128)> {
        let mut shown = Vec::new();
        for ms in from_ms..to_ms {
            let at = |ms: u64| sync_epoch() + Duration::from_millis(ms);
            if ms % 1000 == 0 {
                sync.audio_report(ntp(ms), 5_000_u32.wrapping_add((ms * 48) as u32));
                sync.video_report(ntp(ms), 4_294_900_000_u32.wrapping_add((ms * 90) as u32));
            }
            if ms % 10 == 0 && ms > 300 {
                let said = ms - audio_ms(ms);
                sync.heard(at(ms), 5_000_u32.wrapping_add((said * 48) as u32));
            }
            if ms % 33 == 0 && ms > 300 {
                let taken = 4_294_900_000_u32.wrapping_add(((ms - video_ms) * 90) as u32);
                let behind = Duration::from_millis(audio_ms(ms).saturating_sub(20));
                let due = sync.due(at(ms), taken, behind);
                shown.push((sync.lag_us(due, taken).unwrap_or(0) / 1000, (due - at(ms)).as_millis()));
            }
        }
        shown
    }

    fn sync_epoch() -> Instant {
        use std::sync::OnceLock;
        static EPOCH: OnceLock<Instant> = OnceLock::new();
        *EPOCH.get_or_init(Instant::now)
    }

    #[test]
    fn pictures_wait_only_as_far_as_they_are_too_early() {
        let mut sync = LipSync::new(sync_epoch());
        let shown = call(&mut sync, |_| 30, 20, 0, 3000);
        assert!(shown.iter().all(|(lag, waited)| (*lag - 10).abs() <= 1 && *waited == 0), "{shown:?}");
        let mut sync = LipSync::new(sync_epoch());
        let shown = call(&mut sync, |_| 150, 20, 0, 3000);
        assert!(shown.iter().all(|(lag, waited)| *lag <= 20 && (109..=111).contains(waited)), "{shown:?}");
    }

    #[test]
    fn the_offset_stays_within_bounds_while_the_sounds_delay_changes() {
        let mut sync = LipSync::new(sync_epoch());
        // From 40 to 240 ms and back at the speed that a jitter buffer changes.
        let audio = |ms: u64| match ms {
            0..3000 => 40,
            3000..5000 => 40 + (ms - 3000) / 10,
            5000..8000 => 240,
            8000..10000 => 240 - (ms - 8000) / 10,
            _ => 40,
        };
        for (index, (_, waited)) in call(&mut sync, audio, 20, 0, 13_000).iter().enumerate() {
            let there_ms = (index as u64 + 10) * 33; // the first at 330 ms
            let shown_ms = there_ms + *waited as u64;
            let heard_then = shown_ms - audio(shown_ms);
            let lag = there_ms as i64 - 20 - heard_then as i64;
            assert!((-15..=45).contains(&lag), "at {there_ms} ms: {lag} ms");
        }
    }

    #[test]
    fn where_pictures_are_late_the_sound_waits() {
        let mut sync = LipSync::new(sync_epoch());
        call(&mut sync, |_| 30, 120, 0, 3000);
        let floor = sync.audio_floor().as_millis();
        assert!((90..=100).contains(&floor), "{floor} ms");
        call(&mut sync, |_| 115, 120, 3000, 20_000);
        let floor = sync.audio_floor().as_millis();
        assert!((90..=100).contains(&floor), "{floor} ms, as long as it is needed");
        call(&mut sync, |_| 60, 20, 20_000, 26_000);
        assert_eq!(sync.audio_floor(), Duration::ZERO, "and no longer");
    }

    #[test]
    fn pictures_that_are_late_now_and_then_do_not_hold_the_sound() {
        let mut sync = LipSync::new(sync_epoch());
        for second in 0..20 {
            call(&mut sync, |_| 30, 20, second * 1000, second * 1000 + 800);
            call(&mut sync, |_| 30, 400, second * 1000 + 800, second * 1000 + 1000);
        }
        assert!(sync.audio_floor().as_millis() < 20, "{:?}", sync.audio_floor());
    }

    #[test]
    fn without_reports_and_with_absurd_ones_pictures_do_not_wait() {
        let now = sync_epoch();
        let mut sync = LipSync::new(now);
        assert_eq!(sync.due(now, 77, Duration::MAX), now);
        sync.heard(now, 1);
        sync.audio_report(0, 0);
        sync.video_report(u64::MAX, u32::MAX);
        sync.heard(now, u32::MAX / 2);
        assert_eq!(sync.due(now, 77, Duration::MAX), now);
        assert_eq!(sync.audio_floor(), Duration::ZERO);
    }
}
