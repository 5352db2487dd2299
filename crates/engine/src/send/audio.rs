//! The voice thread: 20 ms from the microphone's ring, encoded once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use maru_media::audio::level::LevelMeter;
use maru_media::audio::opus::{Encoder, begins_pause};
use maru_media::audio::protection::{Plan, Protection};
use maru_media::audio::ring::RingConsumer;
use maru_media::audio::{SAMPLES_10_MS, SAMPLES_20_MS};
use maru_media::video::adapt::Adaptation;
use maru_media::voice::far_end::FarEndReader;
use maru_media::voice::{VoiceSettings, VoiceStats};
use parking_lot::{Condvar, Mutex};

use super::fanout::{AudioUnit, Fanout};
use super::voice::Voice;

/// How often a waiting thread looks whether it should end.
const WAKE: Duration = Duration::from_millis(200);
/// A microphone that gave nothing for this long was closed meanwhile.
const CLOSED: Duration = Duration::from_millis(300);
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
    settings: Option<VoiceSettings>,
    closed: bool,
}

impl VoiceInput {
    /// From now on the voice comes from here.
    pub fn switch(&self, ring: RingConsumer) {
        self.next.lock().ring = Some(ring);
        self.changed.notify_one();
    }

    /// From now on this is done to the voice.
    pub fn set(&self, settings: VoiceSettings) {
        self.next.lock().settings = Some(settings);
    }

    /// Ends the voice thread.
    pub fn close(&self) {
        self.next.lock().closed = true;
        self.changed.notify_one();
    }

    /// A new ring and new settings, at once or after waiting where `wait`; `Err` when it is over.
    fn take(&self, wait: bool) -> Result<(Option<RingConsumer>, Option<VoiceSettings>), ()> {
        let mut next = self.next.lock();
        if wait && next.ring.is_none() && !next.closed {
            self.changed.wait_for(&mut next, WAKE);
        }
        if next.closed { Err(()) } else { Ok((next.ring.take(), next.settings.take())) }
    }
}

/// What the voice thread did, for the statistics.
#[derive(Default)]
pub(crate) struct AudioSendStats {
    pub packets: AtomicU64,
    pub bytes: AtomicU64,
    pub level: Mutex<LevelMeter>,
    pub voice: Mutex<VoiceStats>,
}

/// What the encoder goes by: the peers' losses, and the room there is on the path.
pub(crate) struct Room {
    pub protection: Arc<Mutex<Protection>>,
    pub adaptation: Arc<Mutex<Adaptation>>,
}

impl Room {
    fn plan(&self) -> Plan {
        let path_bps = self.adaptation.lock().step().bitrate_bps;
        self.protection.lock().plan(Instant::now(), path_bps)
    }
}

/// Runs until `input` is closed.
pub(crate) fn run(
    input: &VoiceInput,
    fanout: &Fanout,
    far_end: FarEndReader,
    room: &Room,
    stats: &Arc<AudioSendStats>,
) {
    let mut encoder = match Encoder::new().and_then(|mut encoder| encoder.set_dtx(true).map(|()| encoder)) {
        Ok(encoder) => encoder,
        Err(error) => return tracing::error!(%error, "no audio encoder"),
    };
    let mut voice = Voice::new(VoiceSettings::default(), far_end);
    let mut plan = Plan::UNPROTECTED;
    let mut pausing = false;
    let mut last = Instant::now();
    let mut ring: Option<RingConsumer> = None;
    let mut samples = [0.0f32; SAMPLES_20_MS];
    let mut packet = Vec::with_capacity(1500);
    let mut timestamp = 0u32;
    let mut first = true;

    loop {
        let Ok((newer, settings)) = input.take(ring.is_none()) else { return };
        if let Some(settings) = settings {
            voice.set(settings);
        }
        if newer.is_some() {
            ring = newer;
            first = true;
            voice.new_microphone();
        }
        let Some(microphone) = &mut ring else { continue };
        if !microphone.wait(SAMPLES_20_MS, WAKE) {
            if microphone.is_closed() {
                ring = None; // muted, or gone
            }
            continue;
        }
        while microphone.available() > BACKLOG_LIMIT {
            voice.skip(microphone, &mut samples);
            timestamp = timestamp.wrapping_add(SAMPLES_20_MS as u32);
        }
        let captured = voice.pull(microphone, &mut samples);
        *stats.voice.lock() = voice.stats();
        timestamp = timestamp.wrapping_add(SAMPLES_20_MS as u32);
        let now = Instant::now();
        let silent = now.duration_since(std::mem::replace(&mut last, now));
        if silent > CLOSED {
            // Timestamps tell the time between two packets, or pictures would not go with the sound.
            timestamp = timestamp.wrapping_add((silent.as_millis() as u32).wrapping_mul(48));
        }
        stats.level.lock().push(&samples);
        if !input.sending.load(Ordering::Relaxed) {
            first = true;
            continue;
        }
        let newer = room.plan();
        if newer != plan {
            plan = newer;
            match plan.apply(&mut encoder) {
                Ok(()) => tracing::debug!(?plan, "the voice is protected anew"),
                Err(error) => tracing::warn!(%error, "the voice's encoder does not follow"),
            }
        }
        packet.clear();
        match encoder.encode(&samples, &mut packet) {
            Ok(()) => {
                // While a pause goes on there is nothing to say (RFC 7587, section 3.1.3).
                let goes_on = begins_pause(&packet) && pausing && !first;
                first |= pausing && !begins_pause(&packet);
                pausing = begins_pause(&packet);
                if goes_on {
                    continue;
                }
                stats.packets.fetch_add(1, Ordering::Relaxed);
                stats.bytes.fetch_add(packet.len() as u64, Ordering::Relaxed);
                let payload = Bytes::copy_from_slice(&packet);
                fanout.audio(&AudioUnit { timestamp, captured, first, payload });
                first = false;
            }
            Err(error) => tracing::warn!(%error, "sound could not be encoded"),
        }
    }
}
