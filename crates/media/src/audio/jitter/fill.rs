//! What the next piece of sound is made of: a packet, what repairs a lost one, something made up, or a
//! pause.

use std::time::{Duration, Instant};

use super::store::Packet;
use super::{JitterBuffer, Pull, STEP, State, TOLERANCE};
use crate::audio::SAMPLES_10_MS;
use crate::audio::opus::{MIN_FRAME_SAMPLES, begins_pause, repeats_previous};

/// After so much made-up sound (200 ms) the stream is taken to pause.
const GIVE_UP_AFTER: usize = 9_600;
/// The longest pause within a stream (1 s): DTX sends something every 0.4 s.
const MAX_PAUSE: i64 = 48_000;
/// How far back redundancy is used (200 ms).
const REDUNDANCY: i64 = 9_600;

impl JitterBuffer {
    /// Makes some sound ready; [`Pull::Silence`] when there is none to be made now.
    pub(super) fn fill(&mut self, now: Instant) -> Pull {
        let clock = self.clock(now);
        loop {
            let front = self.store.front().map(|packet| (packet.sequence, packet.timestamp));
            let (sequence, timestamp) = match (self.state, front) {
                (State::Buffering, None) => return Pull::Silence,
                (State::Buffering, Some((sequence, timestamp))) => {
                    if self.delay.behind(clock, timestamp) < self.delay.target() {
                        return Pull::Silence;
                    }
                    self.state = State::Playing { sequence, timestamp };
                    self.playout.begin();
                    self.lows.clear();
                    self.drawn_out = 0;
                    continue;
                }
                (State::Playing { sequence, timestamp }, _) => (sequence, timestamp),
            };
            let Some((front_sequence, front_timestamp)) = front else {
                if self.playout.made_up() >= GIVE_UP_AFTER || self.pausing && self.drawn_out >= MAX_PAUSE {
                    self.state = State::Buffering;
                    continue;
                }
                self.drawn_out += STEP;
                self.lows.clear();
                if self.pausing {
                    self.playout.pause(SAMPLES_10_MS);
                    return Pull::Normal;
                }
                return self.conceal(SAMPLES_10_MS, true);
            };
            let (gap, missing) = (front_timestamp - timestamp, front_sequence - sequence);
            if missing == 0 && gap > MAX_PAUSE {
                self.state = State::Buffering;
                continue;
            }
            if missing == 0 && gap >= MIN_FRAME_SAMPLES as i64 {
                if self.pause_step(clock, sequence, timestamp, gap) {
                    return Pull::Normal;
                }
                continue;
            }
            if missing == 0 {
                return self.play_front(clock);
            }
            let given_up = self.playout.made_up() >= GIVE_UP_AFTER;
            if given_up && self.redundancy(gap).0 < gap {
                self.stats.packets_lost += missing as u64;
                self.state = State::Buffering;
                continue;
            }
            let place = match gap / missing {
                place @ 120..=5760 => place,
                _ => self.frame as i64,
            };
            self.stats.packets_lost += 1;
            self.state = State::Playing { sequence: sequence + 1, timestamp: timestamp + place };
            self.credit_repair(timestamp, gap, place, missing == 1);
            if self.drawn_out >= place {
                self.drawn_out -= place; // its time has been filled already
                continue;
            }
            let filled = std::mem::take(&mut self.drawn_out);
            return self.replace_lost(gap - filled, place, place - filled, missing == 1);
        }
    }

    /// A pause that the sender made. Sound that was drawn out filled some of it; the rest is shortened
    /// or lengthened where that brings the delay to its target. False when nothing is left to fill.
    pub(super) fn pause_step(&mut self, clock: i64, sequence: i64, timestamp: i64, gap: i64) -> bool {
        let filled = gap.min(self.drawn_out);
        self.drawn_out -= filled;
        let (mut timestamp, mut gap) = (timestamp + filled, gap - filled);
        let ready = self.playout.ready();
        let excess = self.delay.behind(clock, timestamp) - self.delay.target();
        let mut step = gap.min(STEP);
        if excess > TOLERANCE {
            let skipped = gap.min(excess);
            self.stats.removed_samples_for_acceleration += skipped as u64;
            timestamp += skipped;
            gap -= skipped;
            step = gap.min(STEP);
        } else if excess < -TOLERANCE {
            self.stats.inserted_samples_for_deceleration += STEP as u64;
            (timestamp, step) = (timestamp - STEP, STEP);
        }
        self.lows.clear();
        self.state = State::Playing { sequence, timestamp: timestamp + step };
        if step < MIN_FRAME_SAMPLES as i64 {
            return false;
        }
        self.playout.pause(step as usize);
        self.playout.ready() > ready
    }

    /// Decodes the packet at the front, which is the next one.
    pub(super) fn play_front(&mut self, clock: i64) -> Pull {
        let Some(packet) = self.store.pop() else {
            return Pull::Silence;
        };
        let Packet { sequence, timestamp, samples, arrived, repeated, payload } = packet;
        self.state = State::Playing { sequence: sequence + 1, timestamp: timestamp + samples as i64 };
        // What is there already will be played first.
        let needed = clock + self.playout.ready() as i64 / STEP * STEP;
        self.lows.push(self.delay.behind(needed, timestamp));
        self.frame = samples;
        self.pausing = begins_pause(&payload);
        let waited = (clock - arrived).max(0) + self.playout.ready() as i64;
        self.stats.jitter_buffer_emitted_count += samples as u64;
        self.stats.jitter_buffer_delay += over_samples(waited, samples);
        self.stats.jitter_buffer_target_delay += over_samples(self.delay.target(), samples);
        // The time of a lost packet that was repeated too late has been filled, or part of it.
        let filled = if repeated { self.drawn_out.min(samples as i64) as usize } else { 0 };
        let put_in = match filled {
            0 => self.playout.decode(&payload, self.drawn_out > 0),
            _ => self.playout.decode_rest(&payload, filled).then_some(0),
        };
        self.store.spend(payload);
        if repeated {
            self.stats.packets_lost += 1;
            self.stats.packets_recovered += u64::from(put_in.is_some() && filled < samples);
            self.delay.repaired(arrived, timestamp, samples as i64);
        }
        let Some(put_in) = put_in else {
            self.drawn_out -= filled as i64;
            return self.conceal(samples - filled, false);
        };
        self.stats.concealed_samples += put_in as u64;
        self.drawn_out = if filled > 0 { self.drawn_out - filled as i64 } else { 0 };
        Pull::Normal
    }

    /// Fills `samples` of the place of a lost packet, `before` samples before the one at the front; from
    /// that one's FEC where it is the `last` of the gap.
    pub(super) fn replace_lost(&mut self, before: i64, place: i64, samples: i64, last: bool) -> Pull {
        let whole = |samples: i64| samples as usize / MIN_FRAME_SAMPLES * MIN_FRAME_SAMPLES;
        let (place, samples) = (whole(place), whole(samples));
        if samples == 0 {
            return Pull::Normal;
        }
        let by_fec = last
            && self.store.front().is_some_and(|next| self.playout.recover(&next.payload, place, samples));
        let mut by_redundancy = || {
            let (reach, further) = self.redundancy(before);
            reach >= before && self.playout.rebuild((before + further) as usize, samples)
        };
        if by_fec || by_redundancy() {
            self.stats.packets_recovered += 1;
            return Pull::Normal;
        }
        self.conceal(samples, false)
    }

    /// Where a packet repairs a lost one before it, that one is to be waited for as if it had come with it.
    pub(super) fn credit_repair(&mut self, timestamp: i64, gap: i64, place: i64, last: bool) {
        let by_fec = last && self.store.front().is_some_and(|next| repeats_previous(&next.payload));
        let repaired = by_fec || self.redundancy(gap).0 >= gap;
        if let Some(front) = self.store.front().filter(|_| repaired) {
            self.delay.repaired(front.arrived, timestamp, place);
        }
    }

    /// How many samples before the packet at the front are described by the first one that came itself,
    /// looked for once in each; and by how much further on that one is.
    pub(super) fn redundancy(&mut self, needed: i64) -> (i64, i64) {
        let Some((front, carrier)) = self.store.front().zip(self.store.first_own()) else {
            return (0, 0);
        };
        let further = carrier.timestamp - front.timestamp;
        let reach = match self.redundancy {
            Some((sequence, reach)) if sequence == carrier.sequence => reach,
            _ => {
                let needed = (needed + further).clamp(0, REDUNDANCY) as usize;
                let reach = self.playout.find_redundancy(&carrier.payload, needed);
                self.redundancy = Some((carrier.sequence, reach));
                reach
            }
        };
        (reach as i64 - further, further)
    }

    pub(super) fn conceal(&mut self, samples: usize, open_end: bool) -> Pull {
        let silent = self.playout.is_silent();
        self.playout.conceal(samples, open_end);
        self.stats.concealed_samples += samples as u64;
        self.stats.silent_concealed_samples += if silent { samples as u64 } else { 0 };
        Pull::Concealed
    }
}

/// A time in samples, spent by each of `count` samples.
fn over_samples(time: i64, count: usize) -> Duration {
    Duration::from_micros(time.max(0) as u64 * count as u64 * 1000 / 48)
}
