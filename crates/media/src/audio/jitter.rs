//! One peer's sound from packets to samples: waits for what is late, makes up what is lost, and
//! keeps the delay near what the path's jitter needs. Sans-IO: told the time by who pushes and
//! pulls. It refuses to know RTP headers, devices and other peers.
//!
//! Lost and late are told apart by what is behind a gap. When a later packet is there, a missing
//! one is replaced (from the next one's FEC, else made up) and playout goes on in time. When nothing
//! is there, the sound is drawn out, and with it the delay, so that the late packet is still played.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

use crate::audio::delay::DelayEstimator;
use crate::audio::opus::{MIN_FRAME_SAMPLES, packet_samples};
use crate::audio::playout::Playout;
use crate::audio::stretch;
use crate::audio::{SAMPLES_10_MS, SAMPLES_20_MS};
use crate::error::CodecError;

/// What 10 ms of playout are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pull {
    /// Nothing: no stream, a pause, or not enough packets yet.
    Silence,
    /// What the far side sent.
    Normal,
    /// Something made up, at least in part.
    Concealed,
}

/// What happened so far, and how it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct JitterStats {
    /// Samples made up because packets were lost or late.
    pub concealed_samples: u64,
    /// Samples played, made up ones included, silence between streams not.
    pub total_samples: u64,
    /// Sound that waits to be played now, in milliseconds.
    pub buffer_ms: f32,
    /// How long packets should be held back now, in milliseconds.
    pub target_ms: f32,
    /// Packets pushed.
    pub packets_received: u64,
    /// Packets that came when their time was over.
    pub packets_late: u64,
    /// Packets whose time came without them.
    pub packets_lost: u64,
}

/// Packets held at most; the oldest go first.
const MAX_PACKETS: usize = 100;
/// A jump of the sequence number by more than this is a new stream.
const MAX_SEQUENCE_JUMP: i64 = 500;
/// A jump of the timestamp by more than this (10 s) is a new stream.
const MAX_TIMESTAMP_JUMP: i64 = 480_000;
/// After so much made-up sound (200 ms) the stream is taken to pause.
const GIVE_UP_AFTER: usize = 9_600;
/// The longest pause within a stream (1 s): DTX sends something every 0.4 s.
const MAX_PAUSE: i64 = 48_000;
/// A packet of no more says that a pause begins (RFC 6716, section 2.1.9).
const DTX_BYTES: usize = 2;
/// The delay may be this much (10 ms) off its target.
const TOLERANCE: i64 = 480;
/// From here on (200 ms too late) packets are skipped: stretching would take many seconds.
const SKIP_BEYOND: i64 = 9_600;
/// Steps of 10 ms between two changes of the speed: at most one sixth faster or slower.
const STRETCH_EVERY: u32 = 6;

struct Packet {
    sequence: i64,
    timestamp: i64,
    samples: usize,
    payload: Bytes,
}

/// Where the playout is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Waiting until the first packet has been held back for long enough.
    Buffering,
    /// The next packet to play has this sequence number, and should have this timestamp.
    Playing { sequence: i64, timestamp: i64 },
}

/// An adaptive jitter buffer that owns the stream's decoder.
pub struct JitterBuffer {
    playout: Playout,
    delay: DelayEstimator,
    state: State,
    /// Sorted by sequence number.
    packets: VecDeque<Packet>,
    /// Highest sequence number and its timestamp, both made 64 bits wide.
    newest: Option<(i64, i64)>,
    /// Instant 0 of the own clock.
    epoch: Option<Instant>,
    /// Samples in the last packet.
    frame: usize,
    /// Made-up samples since the last real one that no packet's place was given up for.
    drawn_out: i64,
    /// The last packet said that a pause begins: nothing to come is no loss.
    pausing: bool,
    last: Pull,
    since_stretch: u32,
    stats: JitterStats,
}

impl JitterBuffer {
    /// A buffer that waits for its first packet.
    ///
    /// # Errors
    /// [`CodecError::Start`] when the decoder does not start.
    pub fn new() -> Result<Self, CodecError> {
        Ok(Self {
            playout: Playout::new()?,
            delay: DelayEstimator::new(),
            state: State::Buffering,
            packets: VecDeque::with_capacity(MAX_PACKETS + 1),
            newest: None,
            epoch: None,
            frame: SAMPLES_20_MS,
            drawn_out: 0,
            pausing: false,
            last: Pull::Silence,
            since_stretch: 0,
            stats: JitterStats::default(),
        })
    }

    /// Takes a packet: RTP sequence number, RTP timestamp (48 kHz) and Opus payload.
    pub fn push(&mut self, now: Instant, sequence: u16, timestamp: u32, payload: Bytes) {
        self.stats.packets_received += 1;
        let Some(samples) = packet_samples(&payload) else {
            return; // not Opus: as good as lost
        };
        let (sequence, timestamp) = self.widen(sequence, timestamp);
        let late = match self.state {
            State::Playing { sequence: next, .. } => sequence < next || self.drawn_out > 0,
            State::Buffering => false,
        };
        let transit = self.clock(now) - timestamp;
        self.delay.packet(transit, samples as i64, late);
        if matches!(self.state, State::Playing { sequence: next, .. } if sequence < next) {
            self.stats.packets_late += 1;
            return;
        }
        let place = self.packets.partition_point(|packet| packet.sequence < sequence);
        if self.packets.get(place).is_some_and(|packet| packet.sequence == sequence) {
            return;
        }
        self.packets.insert(place, Packet { sequence, timestamp, samples, payload });
        if self.packets.len() > MAX_PACKETS {
            self.skip_packet();
        }
    }

    /// The next 10 ms.
    pub fn pull(&mut self, now: Instant, out: &mut [f32; SAMPLES_10_MS]) -> Pull {
        let mut kind = if self.playout.ready() == 0 { Pull::Normal } else { self.last };
        while self.playout.ready() < SAMPLES_10_MS {
            self.last = self.fill(now);
            match self.last {
                Pull::Silence => {
                    self.playout.take(out);
                    return Pull::Silence;
                }
                Pull::Concealed => kind = Pull::Concealed,
                Pull::Normal => {}
            }
        }
        self.keep_pace(now);
        self.playout.take(out);
        self.stats.total_samples += SAMPLES_10_MS as u64;
        kind
    }

    /// What happened so far, and how it stands.
    pub fn stats(&self) -> JitterStats {
        let waiting: usize = self.packets.iter().map(|packet| packet.samples).sum();
        JitterStats {
            buffer_ms: (waiting + self.playout.ready()) as f32 / 48.0,
            target_ms: self.delay.target() as f32 / 48.0,
            ..self.stats
        }
    }

    /// Makes numbers of a packet 64 bits wide (RFC 3550, appendix A.1), and starts anew when they
    /// cannot be of the same stream as those before.
    fn widen(&mut self, sequence: u16, timestamp: u32) -> (i64, i64) {
        if let Some((newest, newest_timestamp)) = self.newest {
            let ahead = i64::from(sequence.wrapping_sub(newest as u16) as i16);
            let later = i64::from(timestamp.wrapping_sub(newest_timestamp as u32) as i32);
            let backwards = ahead > 0 && later <= 0;
            if ahead.abs() <= MAX_SEQUENCE_JUMP && later.abs() <= MAX_TIMESTAMP_JUMP && !backwards {
                let wide = (newest + ahead, newest_timestamp + later);
                if ahead > 0 {
                    self.newest = Some(wide);
                }
                return wide;
            }
            self.packets.clear();
            self.state = State::Buffering;
        }
        let wide = (i64::from(sequence), i64::from(timestamp));
        self.newest = Some(wide);
        wide
    }

    /// Time since the first packet in samples.
    fn clock(&mut self, now: Instant) -> i64 {
        let epoch = *self.epoch.get_or_insert(now);
        (now.saturating_duration_since(epoch).as_micros() * 48 / 1000) as i64
    }

    /// Makes some sound ready; [`Pull::Silence`] when there is none to be made now.
    fn fill(&mut self, now: Instant) -> Pull {
        let clock = self.clock(now);
        loop {
            let front = self.packets.front().map(|packet| (packet.sequence, packet.timestamp));
            let (sequence, timestamp) = match (self.state, front) {
                (State::Buffering, None) => return Pull::Silence,
                (State::Buffering, Some((sequence, timestamp))) => {
                    if self.delay.behind(clock, timestamp) < self.delay.target() {
                        return Pull::Silence;
                    }
                    self.state = State::Playing { sequence, timestamp };
                    self.playout.begin();
                    self.drawn_out = 0;
                    continue;
                }
                (State::Playing { sequence, timestamp }, _) => (sequence, timestamp),
            };
            if self.playout.made_up() >= GIVE_UP_AFTER {
                self.stats.packets_lost += front.map_or(0, |(front, _)| (front - sequence).max(0) as u64);
                self.state = State::Buffering;
                continue;
            }
            let Some((front_sequence, front_timestamp)) = front else {
                if self.pausing && self.drawn_out >= MAX_PAUSE {
                    self.state = State::Buffering;
                    continue;
                }
                self.drawn_out += SAMPLES_10_MS as i64;
                if self.pausing {
                    self.playout.pause(SAMPLES_10_MS);
                    return Pull::Normal;
                }
                return self.conceal(SAMPLES_10_MS);
            };
            let gap = front_timestamp - timestamp;
            let missing = front_sequence - sequence;
            if missing == 0 && gap > MAX_PAUSE {
                self.state = State::Buffering;
                continue;
            }
            if missing == 0 && gap >= MIN_FRAME_SAMPLES as i64 {
                // A pause that the sender made. Sound that was drawn out filled some of it.
                let filled = gap.min(self.drawn_out);
                self.drawn_out -= filled;
                let step = (gap - filled).min(SAMPLES_10_MS as i64);
                self.state = State::Playing { sequence, timestamp: timestamp + filled + step };
                if step < MIN_FRAME_SAMPLES as i64 {
                    continue;
                }
                self.playout.pause(step as usize);
                return Pull::Normal;
            }
            if missing == 0 {
                return self.play_front();
            }
            let place = match gap / missing {
                place @ 120..=5760 => place,
                _ => self.frame as i64,
            };
            self.stats.packets_lost += 1;
            self.state = State::Playing { sequence: sequence + 1, timestamp: timestamp + place };
            if self.drawn_out >= place {
                self.drawn_out -= place; // its time has been filled already
                continue;
            }
            return self.replace_lost(place as usize, missing == 1);
        }
    }

    /// Decodes the packet at the front, which is the next one.
    fn play_front(&mut self) -> Pull {
        let Some(packet) = self.packets.pop_front() else {
            return Pull::Silence;
        };
        let next = packet.timestamp + packet.samples as i64;
        self.state = State::Playing { sequence: packet.sequence + 1, timestamp: next };
        self.frame = packet.samples;
        self.pausing = packet.payload.len() <= DTX_BYTES;
        if !self.playout.decode(&packet.payload) {
            return self.conceal(packet.samples);
        }
        self.drawn_out = 0;
        Pull::Normal
    }

    /// Fills the place of one lost packet; from the next one when it is `last` of the gap.
    fn replace_lost(&mut self, samples: usize, last: bool) -> Pull {
        let samples = samples / MIN_FRAME_SAMPLES * MIN_FRAME_SAMPLES;
        if last && self.packets.front().is_some_and(|next| self.playout.recover(&next.payload, samples)) {
            self.drawn_out = 0;
            return Pull::Normal;
        }
        self.conceal(samples)
    }

    fn conceal(&mut self, samples: usize) -> Pull {
        self.playout.conceal(samples);
        self.stats.concealed_samples += samples as u64;
        Pull::Concealed
    }

    /// Brings the delay nearer to its target.
    fn keep_pace(&mut self, now: Instant) {
        self.since_stretch += 1;
        let State::Playing { timestamp, .. } = self.state else {
            return;
        };
        if self.playout.made_up() > 0 {
            return;
        }
        let clock = self.clock(now);
        let target = self.delay.target();
        let mut excess = self.delay.behind(clock, timestamp - self.playout.ready() as i64) - target;
        if excess > SKIP_BEYOND && self.packets.len() > 1 {
            self.playout.prepare_jump();
            while excess > TOLERANCE && self.packets.len() > 1 {
                excess -= self.skip_packet();
            }
        }
        if excess.abs() <= TOLERANCE || self.since_stretch < STRETCH_EVERY {
            return;
        }
        // Stretching needs some sound to look at. What is decoded for it must be there anyway.
        while self.playout.ready() < stretch::MIN_SAMPLES + SAMPLES_10_MS {
            let State::Playing { sequence, timestamp } = self.state else {
                return;
            };
            let next = self.packets.front();
            if !next.is_some_and(|next| next.sequence == sequence && next.timestamp == timestamp) {
                return;
            }
            self.last = self.play_front();
        }
        if self.playout.stretch(excess < 0) {
            self.since_stretch = 0;
        }
    }

    /// Drops the oldest packet and goes on behind it. Returns the time that saves.
    fn skip_packet(&mut self) -> i64 {
        self.packets.pop_front();
        let Some(front) = self.packets.front() else {
            return 0;
        };
        if let State::Playing { sequence, timestamp } = &mut self.state
            && front.sequence > *sequence
        {
            let saved = front.timestamp - *timestamp;
            (*sequence, *timestamp) = (front.sequence, front.timestamp);
            return saved;
        }
        0
    }
}
