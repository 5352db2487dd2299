//! The delay, brought to its target by playing a little faster or slower, or by skipping what came much
//! too late. Each change is heard a little, most of all within a word: so there is none while the delay is
//! not far off, and what can wait is done in a pause.

use std::time::Instant;

use super::stretch::{self, Place};
use super::{JitterBuffer, State, TOLERANCE};
use crate::audio::SAMPLES_10_MS;

/// From here on (60 ms too late) there is more hurry than care.
const HURRY: i64 = 2_880;
/// From here on (250 ms too late) packets are skipped: stretching would take many seconds.
const SKIP_BEYOND: i64 = 12_000;
/// The delay is left as it is until it is so much (7 ms) too long where nobody hears it change …
const LONG: i64 = 336;
/// … and so much (12 ms) where somebody speaks, …
const LONG_IN_A_WORD: i64 = 576;
/// … or so much (10 ms) too short, but half the target at most;
const SHORT: i64 = 480;
/// or for any of these one part in so many of the target: long ones waver more.
const WAVERS: i64 = 8;
/// Up to here (20 ms off) a pause is waited for …
const WAIT_BELOW: i64 = 960;
/// … for so many steps of 10 ms: 3 s of delay that is not needed, 1 s in which packets may be late.
const WAIT_LONG: u32 = 300;
const WAIT_SHORT: u32 = 100;
/// Steps of 10 ms between two changes within a word: at most one sixth faster or slower …
const STRETCH_EVERY: u32 = 6;
/// … and one third in a hurry.
const HURRY_EVERY: u32 = 3;
/// The delay counts as it was at its lowest when the last packets were needed: a device may take sound in
/// bursts, and packets end where 10 ms do not.
const LOWS: usize = 8;

impl JitterBuffer {
    /// Brings the delay nearer to its target.
    pub(super) fn keep_pace(&mut self, now: Instant) {
        self.since_stretch += 1;
        let State::Playing { timestamp, .. } = self.state else {
            return;
        };
        let clock = self.clock(now);
        self.behind = self.delay.behind(clock, timestamp - self.playout.ready() as i64);
        if self.playout.made_up() > 0 {
            return;
        }
        let Some(lowest) = self.lows.lowest() else {
            return;
        };
        let mut excess = lowest - self.delay.target();
        if excess > SKIP_BEYOND && self.store.len() > 1 {
            self.playout.prepare_jump();
            while excess > TOLERANCE && self.store.len() > 1 {
                excess -= self.skip_packet();
            }
        }
        let hurry = excess > HURRY;
        let target = self.delay.target();
        let wavers = target / WAVERS;
        let bearable = match excess {
            // Once it is changed it is changed enough.
            _ if self.off_for > 0 => TOLERANCE,
            0.. => LONG.max(wavers),
            _ => SHORT.min(target / 2).max(wavers),
        };
        if excess.abs() <= bearable {
            self.off_for = 0;
            return;
        }
        self.off_for += 1;
        if !(hurry || self.lows.is_full()) {
            return;
        }
        let waited = self.off_for > if excess > 0 { WAIT_LONG } else { WAIT_SHORT };
        let word_too =
            (waited || excess.abs() > WAIT_BELOW) && (excess < 0 || excess > LONG_IN_A_WORD.max(wavers));
        let place = match self.since_stretch {
            HURRY_EVERY.. if hurry => Place::AnywhereInAHurry,
            STRETCH_EVERY.. if word_too => Place::Anywhere,
            _ => Place::Pause,
        };
        // Stretching needs some sound to look at. What is decoded for it must be there anyway.
        while self.playout.ready() < stretch::MIN_SAMPLES + SAMPLES_10_MS {
            let State::Playing { sequence, timestamp } = self.state else {
                return;
            };
            let next = self.store.front();
            if !next.is_some_and(|next| next.sequence == sequence && next.timestamp == timestamp) {
                return;
            }
            self.last = self.play_front(clock);
        }
        let longer = excess < 0;
        let most = (excess.abs() + TOLERANCE) as usize;
        let changed = self.playout.stretch(longer, most, place);
        if changed > 0 {
            self.since_stretch = 0;
            self.lows.shift(if longer { changed as i64 } else { -(changed as i64) });
            match longer {
                true => self.stats.inserted_samples_for_deceleration += changed as u64,
                false => self.stats.removed_samples_for_acceleration += changed as u64,
            }
        }
    }

    /// Drops the oldest packet and goes on behind it. Returns the time that saves.
    pub(super) fn skip_packet(&mut self) -> i64 {
        if let Some(packet) = self.store.pop() {
            self.stats.packets_discarded += 1;
            self.store.spend(packet.payload);
        }
        self.lows.clear();
        let Some(front) = self.store.front() else {
            return 0;
        };
        if let State::Playing { sequence, timestamp } = &mut self.state
            && front.sequence > *sequence
        {
            let saved = front.timestamp - *timestamp;
            (*sequence, *timestamp) = (front.sequence, front.timestamp);
            self.stats.removed_samples_for_acceleration += saved.max(0) as u64;
            return saved;
        }
        0
    }
}

/// How far the playout was behind when it needed each of the last packets.
#[derive(Default)]
pub(super) struct Lows {
    values: [i64; LOWS],
    count: usize,
}

impl Lows {
    pub(super) fn push(&mut self, behind: i64) {
        self.values[self.count % LOWS] = behind;
        self.count = if self.count + 1 == 2 * LOWS { LOWS } else { self.count + 1 };
    }

    pub(super) fn lowest(&self) -> Option<i64> {
        self.values[..self.count.min(LOWS)].iter().copied().min()
    }

    pub(super) fn is_full(&self) -> bool {
        self.count >= LOWS
    }

    pub(super) fn shift(&mut self, by: i64) {
        for value in &mut self.values {
            *value += by;
        }
    }

    pub(super) fn clear(&mut self) {
        self.count = 0;
    }
}
