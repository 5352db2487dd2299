//! One peer's sound from packets to samples: waits for what is late, repairs or makes up what is lost,
//! and keeps the delay near what the path's jitter needs. Sans-IO: told the time by who pushes and
//! pulls. It refuses to know RTP headers, devices and other peers.
//!
//! Lost and late are told apart by what is behind a gap. When a later packet is there, a missing one is
//! replaced (by what a later one repeats of it, from the next one's FEC, from deep redundancy, else made
//! up) and playout goes on in time. When
//! nothing is there, the sound is drawn out, and with it the delay, so that the late packet is still
//! played. The delay is measured as how far packets, when they are needed, are behind the fastest of the
//! last seconds; where that is far from its target it is brought nearer by making pauses shorter or longer,
//! and if none comes by taking out or putting in whole periods of the voice.

mod delay;
mod fill;
mod numbers;
mod pace;
mod playout;
mod stats;
mod store;
mod stretch;

use std::time::{Duration, Instant};

use bytes::Bytes;

pub use self::stats::JitterStats;

use self::delay::DelayEstimator;
use self::numbers::{Numbers, Widener};
use self::pace::Lows;
use self::playout::Playout;
use self::store::{MAX_PACKETS, MAX_PAYLOAD_BYTES, Packet, Store};
use crate::audio::opus::packet_samples;
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

const STEP: i64 = SAMPLES_10_MS as i64;
/// Nearer than this (5 ms) to its target the delay is not brought.
const TOLERANCE: i64 = 240;

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
    numbers: Widener,
    store: Store,
    state: State,
    /// Instant 0 of the own clock.
    epoch: Option<Instant>,
    /// Samples in the last packet.
    frame: usize,
    /// Samples put in since the last real one that no packet's place was given up for.
    drawn_out: i64,
    /// The packet that redundancy was looked for in, and how far back it reaches.
    redundancy: Option<(i64, usize)>,
    /// The last packet said that a pause begins: nothing to come is no loss.
    pausing: bool,
    last: Pull,
    since_stretch: u32,
    lows: Lows,
    /// Steps since the delay was last as it should be.
    off_for: u32,
    /// How far what is heard is behind the fastest packets.
    behind: i64,
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
            numbers: Widener::default(),
            store: Store::new(),
            state: State::Buffering,
            epoch: None,
            frame: SAMPLES_20_MS,
            drawn_out: 0,
            redundancy: None,
            pausing: false,
            last: Pull::Silence,
            since_stretch: 0,
            lows: Lows::default(),
            off_for: 0,
            behind: 0,
            stats: JitterStats::default(),
        })
    }

    /// Takes a packet that came at `arrived`: RTP sequence number, RTP timestamp (48 kHz), Opus payload.
    pub fn push(&mut self, arrived: Instant, sequence: u16, timestamp: u32, payload: Bytes) {
        self.stats.packets_received += 1;
        if !self.take_in(arrived, sequence, timestamp, payload) {
            self.stats.packets_discarded += 1;
        }
    }

    /// Takes what a packet that came at `arrived` repeats of one before it, which is used only where that
    /// one did not come itself. To be pushed after the packet that it came with.
    pub fn push_repeated(&mut self, arrived: Instant, sequence: u16, timestamp: u32, payload: Bytes) {
        let samples = packet_samples(&payload).filter(|_| payload.len() <= MAX_PAYLOAD_BYTES);
        let numbers = self.numbers.missing(sequence, timestamp);
        let clock = self.clock(arrived);
        if let Some(age) = self.numbers.age(timestamp).filter(|_| samples.is_some()) {
            self.delay.repeats(clock, age);
        }
        let in_time =
            |sequence| !matches!(self.state, State::Playing { sequence: next, .. } if sequence < next);
        match (samples, numbers) {
            (Some(samples), Some((sequence, timestamp)))
                if in_time(sequence) && self.store.len() < MAX_PACKETS =>
            {
                let repeated = true;
                self.store.insert(Packet { sequence, timestamp, samples, arrived: clock, repeated, payload });
            }
            _ => self.store.spend(payload),
        }
    }

    /// The next 10 ms.
    pub fn pull(&mut self, now: Instant, out: &mut [f32; SAMPLES_10_MS]) -> Pull {
        let mut kind = if self.playout.ready() == 0 { Pull::Normal } else { self.last };
        while self.playout.ready() < SAMPLES_10_MS {
            let before = self.last;
            self.last = self.fill(now);
            match self.last {
                Pull::Silence => {
                    self.playout.take(out);
                    return Pull::Silence;
                }
                Pull::Concealed => {
                    kind = Pull::Concealed;
                    self.stats.concealment_events += u64::from(before != Pull::Concealed);
                }
                Pull::Normal => {}
            }
        }
        self.keep_pace(now);
        self.playout.take(out);
        self.stats.total_samples_received += SAMPLES_10_MS as u64;
        kind
    }

    /// Whatever the path needs, hold packets back for at least this long: for sound that belongs to
    /// pictures that take longer.
    pub fn set_minimum_delay(&mut self, minimum: Duration) {
        self.delay.set_floor((minimum.as_micros().min(1_000_000) * 48 / 1000) as i64);
    }

    /// The RTP timestamp, made 64 bits wide, of the sample that the next pull begins with.
    pub fn playout_timestamp(&self) -> Option<i64> {
        match self.state {
            State::Playing { timestamp, .. } => {
                // In a pause of the sender's time goes on, though nothing comes that says so.
                let pause = if self.pausing { self.drawn_out } else { 0 };
                Some(timestamp + pause - self.playout.ready() as i64)
            }
            State::Buffering => None,
        }
    }

    /// A payload that is done with. Who gives these back elsewhere keeps the freeing of memory away from
    /// the playout; who does not has it here now and then.
    pub fn take_spent(&mut self) -> Option<Bytes> {
        self.store.take_spent()
    }

    /// What happened so far, and how it stands.
    pub fn stats(&self) -> JitterStats {
        JitterStats {
            buffer_ms: (self.store.samples() + self.playout.ready()) as f32 / 48.0,
            target_ms: self.delay.target() as f32 / 48.0,
            behind_ms: self.behind as f32 / 48.0,
            ..self.stats
        }
    }

    /// False when the packet is of no use.
    fn take_in(&mut self, arrived: Instant, sequence: u16, timestamp: u32, payload: Bytes) -> bool {
        let samples = packet_samples(&payload).filter(|_| payload.len() <= MAX_PAYLOAD_BYTES);
        let Some(samples) = samples else {
            return false; // not Opus: as good as lost
        };
        let (sequence, timestamp) = match self.numbers.widen(sequence, timestamp) {
            Numbers::Known { sequence, timestamp } => (sequence, timestamp),
            Numbers::First { sequence, timestamp } => {
                self.store.clear();
                self.state = State::Buffering;
                self.delay.restart();
                (sequence, timestamp)
            }
            Numbers::Stray | Numbers::Duplicate => {
                self.store.spend(payload);
                return false;
            }
        };
        let clock = self.clock(arrived);
        let (late, over) = match self.state {
            State::Playing { sequence: next, .. } => {
                let awaited = sequence == next && self.drawn_out > 0 && !self.pausing;
                (sequence < next || awaited, sequence < next)
            }
            State::Buffering => (false, false),
        };
        self.delay.packet(clock, timestamp, samples as i64, late);
        if over {
            self.store.spend(payload);
            return false;
        }
        let taken = self.store.insert(Packet {
            sequence,
            timestamp,
            samples,
            arrived: clock,
            repeated: false,
            payload,
        });
        if self.store.len() > MAX_PACKETS {
            self.skip_packet();
        }
        taken
    }

    /// Time since the first packet in samples.
    fn clock(&mut self, now: Instant) -> i64 {
        let epoch = *self.epoch.get_or_insert(now);
        (now.saturating_duration_since(epoch).as_micros() * 48 / 1000) as i64
    }
}
