//! The voice thread: 20 ms from the microphone's ring, encoded once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use maru_media::audio::level::LevelMeter;
use maru_media::audio::opus::Encoder;
use maru_media::audio::ring::RingConsumer;
use maru_media::audio::{SAMPLES_10_MS, SAMPLES_20_MS};
use parking_lot::{Condvar, Mutex};

use super::fanout::{AudioUnit, Fanout};

/// How often a waiting thread looks whether it should end.
const WAKE: Duration = Duration::from_millis(200);
/// More than this in the ring means that we were held up: the oldest sound goes.
const BACKLOG_LIMIT: usize = SAMPLES_10_MS * 10;

/// Where the device thread leaves a newly opened microphone's ring.
#[derive(Default)]
pub(crate) struct VoiceInput {
    next: Mutex<Next>,
    changed: Condvar,
    /// Sent to peers; off in the join screen's preview, where only the level is wanted.
    pub sending: AtomicBool,
}

#[derive(Default)]
struct Next {
    ring: Option<RingConsumer>,
    closed: bool,
}

impl VoiceInput {
    /// From now on the voice comes from here.
    pub fn switch(&self, ring: RingConsumer) {
        self.next.lock().ring = Some(ring);
        self.changed.notify_one();
    }

    /// Ends the voice thread.
    pub fn close(&self) {
        self.next.lock().closed = true;
        self.changed.notify_one();
    }

    /// A new ring, at once or after waiting where `wait`; `Err` when it is over.
    fn take(&self, wait: bool) -> Result<Option<RingConsumer>, ()> {
        let mut next = self.next.lock();
        if wait && next.ring.is_none() && !next.closed {
            self.changed.wait_for(&mut next, WAKE);
        }
        if next.closed { Err(()) } else { Ok(next.ring.take()) }
    }
}

/// What the voice thread did, for the statistics.
#[derive(Default)]
pub(crate) struct AudioSendStats {
    pub packets: AtomicU64,
    pub bytes: AtomicU64,
    pub level: Mutex<LevelMeter>,
}

/// Runs until `input` is closed.
pub(crate) fn run(input: &VoiceInput, fanout: &Fanout, stats: &Arc<AudioSendStats>) {
    let mut encoder = match Encoder::new() {
        Ok(encoder) => encoder,
        Err(error) => return tracing::error!(%error, "no audio encoder"),
    };
    let mut ring: Option<RingConsumer> = None;
    let mut samples = [0.0f32; SAMPLES_20_MS];
    let mut packet = Vec::with_capacity(1500);
    let mut timestamp = 0u32;
    let mut first = true;

    loop {
        match input.take(ring.is_none()) {
            Err(()) => return,
            Ok(Some(newer)) => {
                ring = Some(newer);
                first = true;
            }
            Ok(None) => {}
        }
        let Some(microphone) = &mut ring else { continue };
        if !microphone.wait(SAMPLES_20_MS, WAKE) {
            if microphone.is_closed() {
                ring = None; // muted, or gone
            }
            continue;
        }
        while microphone.available() > BACKLOG_LIMIT {
            microphone.pull(&mut samples);
            timestamp = timestamp.wrapping_add(SAMPLES_20_MS as u32);
        }
        microphone.pull(&mut samples);
        timestamp = timestamp.wrapping_add(SAMPLES_20_MS as u32);
        stats.level.lock().push(&samples);
        if !input.sending.load(Ordering::Relaxed) {
            first = true;
            continue;
        }
        packet.clear();
        match encoder.encode(&samples, &mut packet) {
            Ok(()) => {
                stats.packets.fetch_add(1, Ordering::Relaxed);
                stats.bytes.fetch_add(packet.len() as u64, Ordering::Relaxed);
                fanout.audio(&AudioUnit { timestamp, first, payload: Bytes::copy_from_slice(&packet) });
                first = false;
            }
            Err(error) => tracing::warn!(%error, "sound could not be encoded"),
        }
    }
}
