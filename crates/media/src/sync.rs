//! Lip sync: when a picture may be shown, so that it goes with the sound that is heard then. Sans-IO:
//! told the time. It refuses to know packets, buffers and devices.
//!
//! The sound sets the pace: its jitter buffer holds it back for as long as its path needs. Nobody notices
//! sound that is up to 15 ms early or 45 ms late for its picture (ITU-R BT.1359 allows rather more), so a
//! picture waits for nothing but what the sound is later than that, with some to spare: to wait for the
//! sound itself would make every picture late. Where pictures are the late ones, it is the sound that is
//! asked to wait.
//!
//! Both sides' clocks are tied together by the peer's RTCP sender reports, which give a time of day to
//! a timestamp of each stream.

use std::time::{Duration, Instant};

use crate::audio::SAMPLE_RATE_HZ;
use crate::video::CLOCK_RATE_HZ;

/// A picture is shown when its sound comes this much later (µs): the 45 ms, less what the measured lag may
/// be behind the true one while the jitter buffer slows the sound down.
const LAG_US: i64 = 30_000;
/// Pictures that come this much too late for their sound (µs) make the sound wait.
const LATE_US: i64 = 5_000;
/// What is further apart than this belongs to two different times of day, not to one call.
const ABSURD_US: i64 = 2_000_000;
/// For less than this (µs) no picture waits.
const WORTH_WAITING_US: i64 = 1_000;
/// A picture waits no longer than this.
const MAX_HOLD: Duration = Duration::from_millis(500);
/// Sound is asked to wait no longer than this (µs).
const MAX_FLOOR_US: i64 = 300_000;
/// A report that is this far (µs) from what the ones before it said begins anew.
const REPORT_JUMP_US: i64 = 100_000;
/// How much of a report's difference to those before is believed.
const REPORT_TRUST: i64 = 4;
/// How much of the playout's newest delay counts: a mean over three times of 10 ms.
const PLAYOUT_TRUST: i64 = 3;
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
    fn new(rate_hz: u32) -> Self {
        Self { rate_hz: rate_hz.into(), known: None }
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
            audio: SenderClock::new(SAMPLE_RATE_HZ),
            video: SenderClock::new(CLOCK_RATE_HZ),
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

    /// The sample with this RTP timestamp is heard at `at`. What was told before is passed over.
    pub fn heard(&mut self, at: Instant, timestamp: u32) {
        let at = self.us(at);
        if self.playout_us.is_some() && at == self.heard_us {
            return;
        }
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

    /// The picture with this RTP timestamp arrived. The sound is `behind` the fastest it can be.
    pub fn arrived(&mut self, now: Instant, timestamp: u32, behind: Duration) {
        let Some(lag) = self.lag_us(now, timestamp) else {
            return;
        };
        let needed = behind.as_micros().min(1_000_000) as i64 - lag;
        self.needed_us += if needed > self.needed_us { NEEDED_UP_US } else { -NEEDED_DOWN_US };
        self.needed_us = self.needed_us.clamp(0, MAX_FLOOR_US);
    }

    /// When the picture with this RTP timestamp, which `arrived` then, should be shown, as far as that is
    /// known `now`; to be asked again then, since the sound may have become slower or faster meanwhile.
    pub fn due(&self, now: Instant, arrived: Instant, timestamp: u32) -> Instant {
        let wait = self.lag_us(now, timestamp).map_or(0, |lag| lag - LAG_US);
        if wait < WORTH_WAITING_US {
            return now;
        }
        (now + Duration::from_micros(wait as u64)).min(arrived + MAX_HOLD)
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
    use std::collections::VecDeque;

    use super::*;

    const DAY: u64 = 3_900_000_000;

    fn ntp(ms: u64) -> u64 {
        ((DAY + ms / 1000) << 32) + ((ms % 1000) << 32) / 1000
    }

    /// A peer's call in virtual time: sound is heard `audio_ms` after it was said, pictures are there
    /// `video_ms` after they were taken. Returns of each picture how late the sound really was for it when
    /// it was shown, and how long it waited, in ms. As in a call, it is looked after pictures when one
    /// arrives and when the first of them is due.
    fn call(
        sync: &mut LipSync,
        audio_ms: impl Fn(u64) -> u64,
        video_ms: u64,
        from_ms: u64,
        to_ms: u64,
    ) -> Vec<(i64, u64)> {
        let (mut shown, mut held, mut look) = (Vec::new(), VecDeque::new(), u64::MAX);
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
            let timestamp = |arrived: u64| 4_294_900_000_u32.wrapping_add(((arrived - video_ms) * 90) as u32);
            if ms % 33 == 0 && ms > 300 {
                let behind = Duration::from_millis(audio_ms(ms).saturating_sub(20));
                sync.arrived(at(ms), timestamp(ms), behind);
                held.push_back(ms);
                look = ms;
            }
            while ms >= look {
                let Some(arrived) = held.front().copied() else {
                    look = u64::MAX;
                    break;
                };
                let due = sync.due(at(ms), at(arrived), timestamp(arrived));
                if due > at(ms) {
                    look = ms + (due - at(ms)).as_micros().div_ceil(1000) as u64;
                } else {
                    held.pop_front();
                    let (taken, heard) = ((arrived - video_ms) as i64, (ms - audio_ms(ms)) as i64);
                    shown.push((taken - heard, ms - arrived));
                }
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
    fn pictures_wait_only_for_what_nobody_would_forgive() {
        for (audio_ms, waits) in [(0, 0..=0), (30, 0..=0), (50, 0..=0), (60, 9..=11), (150, 99..=101)] {
            let mut sync = LipSync::new(sync_epoch());
            let shown = call(&mut sync, |_| audio_ms, 20, 0, 3000);
            assert!(shown.len() > 75, "{shown:?}");
            let lag = (audio_ms as i64 - 20).min(LAG_US / 1000);
            let as_it_should =
                |(late, waited): &(i64, u64)| (*late - lag).abs() <= 1 && waits.contains(waited);
            assert!(shown.iter().all(as_it_should), "sound after {audio_ms} ms: {shown:?}");
        }
    }

    #[test]
    fn the_offset_stays_within_bounds_while_the_sounds_delay_changes() {
        // From 40 to 240 ms and back, as slowly as a jitter buffer does it and as fast.
        for parts in [10, 6, 3] {
            let mut sync = LipSync::new(sync_epoch());
            let audio = |ms: u64| match ms {
                0..3000 => 40,
                3000..8000 => 240.min(40 + (ms - 3000) / parts),
                _ => 40.max(240_u64.saturating_sub((ms - 8000) / parts)),
            };
            let shown = call(&mut sync, audio, 20, 0, 13_000);
            assert!(shown.len() > 370);
            for (index, (lag, waited)) in shown.iter().enumerate() {
                assert!((-15..=45).contains(lag), "picture {index}: {lag} ms after {waited} ms");
            }
        }
    }

    #[test]
    fn no_picture_waits_for_longer_than_half_a_second() {
        let mut sync = LipSync::new(sync_epoch());
        let shown = call(&mut sync, |_| 800, 20, 1000, 4000);
        assert!(
            shown.len() > 60 && shown.iter().all(|(_, waited)| (499..=501).contains(waited)),
            "{shown:?}"
        );
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
        sync.arrived(now, 77, Duration::MAX);
        assert_eq!(sync.due(now, now, 77), now);
        sync.heard(now, 1);
        sync.audio_report(0, 0);
        sync.video_report(u64::MAX, u32::MAX);
        sync.heard(now, u32::MAX / 2);
        sync.arrived(now, 77, Duration::MAX);
        assert_eq!(sync.due(now, now, 77), now);
        assert_eq!(sync.audio_floor(), Duration::ZERO);
    }
}
