//! The playout thread: 10 ms of every peer, mixed, for the speaker. The speaker's own clock drives
//! it; without a speaker it runs by the time of day, so that levels and statistics go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use maru_media::audio::SAMPLES_10_MS;
use maru_media::audio::jitter::{JitterBuffer, JitterStats, Pull};
use maru_media::audio::level::{LevelMeter, Speaking};
use maru_media::audio::mix::{Limiter, mix_into};
use maru_media::audio::ring::RingProducer;
use maru_protocol::PeerId;
use parking_lot::{Condvar, Mutex};

const STEP: Duration = Duration::from_millis(10);
/// Sound that waits in the speaker's ring: enough for its callback to be a little early.
const SPEAKER_LEVEL: usize = SAMPLES_10_MS * 2;
/// A speaker that takes nothing for this long is as good as none.
const SPEAKER_TIMEOUT: Duration = Duration::from_millis(200);
/// How long the idle thread sleeps at most.
const IDLE: Duration = Duration::from_millis(500);

/// One peer's sound, shared by its connection and the playout thread.
pub(crate) struct PeerAudio {
    state: Mutex<AudioState>,
}

struct AudioState {
    /// `None` only where no decoder could be made: that peer is silent.
    jitter: Option<JitterBuffer>,
    level: LevelMeter,
    speaking: Speaking,
    /// The loudest since the call began, for the report at its end.
    loudest_dbfs: f32,
}

/// The statistics of one peer's sound.
#[derive(Clone, Debug, Default)]
pub(crate) struct AudioStats {
    pub jitter: JitterStats,
    pub loudest_dbfs: f32,
}

impl PeerAudio {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(AudioState {
                jitter: new_jitter(),
                level: LevelMeter::new(),
                speaking: Speaking::new(),
                loudest_dbfs: -100.0,
            }),
        })
    }

    /// A packet came.
    pub fn push(&self, now: Instant, sequence: u16, timestamp: u32, payload: Bytes) {
        if let Some(jitter) = &mut self.state.lock().jitter {
            jitter.push(now, sequence, timestamp, payload);
        }
    }

    /// A new stream from the same peer.
    pub fn restart(&self) {
        self.state.lock().jitter = new_jitter();
    }

    /// The peak since the last call, and whether it counts as speaking.
    pub fn take_level(&self, now: Instant) -> (f32, bool) {
        let mut state = self.state.lock();
        let dbfs = state.level.take_dbfs();
        state.loudest_dbfs = state.loudest_dbfs.max(dbfs);
        (dbfs, state.speaking.update(now, dbfs))
    }

    pub fn stats(&self) -> AudioStats {
        let state = self.state.lock();
        AudioStats {
            jitter: state.jitter.as_ref().map(JitterBuffer::stats).unwrap_or_default(),
            loudest_dbfs: state.loudest_dbfs,
        }
    }
}

fn new_jitter() -> Option<JitterBuffer> {
    JitterBuffer::new().map_err(|error| tracing::error!(%error, "no audio decoder")).ok()
}

/// What the playout thread works on.
#[derive(Default)]
pub(crate) struct Playout {
    peers: Mutex<Vec<(PeerId, Arc<PeerAudio>)>>,
    next_speaker: Mutex<Option<RingProducer>>,
    closed: AtomicBool,
    /// Where the thread sleeps while there is nothing to play and nowhere to play it.
    idle: Mutex<()>,
    wake: Condvar,
}

impl Playout {
    /// A peer's sound joins the mix.
    pub fn add(&self, peer: PeerId) -> Arc<PeerAudio> {
        let audio = PeerAudio::new();
        let mut peers = self.peers.lock();
        peers.retain(|(id, _)| *id != peer);
        peers.push((peer, Arc::clone(&audio)));
        drop(peers);
        self.wake.notify_one();
        audio
    }

    /// A peer's sound leaves the mix.
    pub fn remove(&self, peer: PeerId) {
        self.peers.lock().retain(|(id, _)| *id != peer);
    }

    /// From now on the mix goes there.
    pub fn switch(&self, speaker: RingProducer) {
        *self.next_speaker.lock() = Some(speaker);
        self.wake.notify_one();
    }

    /// Ends the playout thread.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    /// Runs until [`Playout::close`].
    pub fn run(&self) {
        let mut speaker: Option<RingProducer> = None;
        let mut limiter = Limiter::new();
        let mut mix = [0.0f32; SAMPLES_10_MS];
        let mut voice = [0.0f32; SAMPLES_10_MS];
        let mut peers: Vec<Arc<PeerAudio>> = Vec::new();
        let mut due = Instant::now();

        while !self.closed.load(Ordering::Acquire) {
            if let Some(newer) = self.next_speaker.lock().take() {
                speaker = Some(newer);
            }
            match &mut speaker {
                Some(ring) if ring.is_closed() => speaker = None,
                // A speaker that stalls must not stall the call: go on by the clock until it takes sound again.
                Some(ring) => {
                    let _ = ring.wait_below(SPEAKER_LEVEL - SAMPLES_10_MS, SPEAKER_TIMEOUT);
                    due = Instant::now();
                }
                None if self.peers.lock().is_empty() => {
                    self.wake.wait_for(&mut self.idle.lock(), IDLE);
                    due = Instant::now();
                    continue;
                }
                None => {
                    due += STEP;
                    let now = Instant::now();
                    match due.checked_duration_since(now) {
                        Some(wait) => std::thread::sleep(wait),
                        // Asleep for long, as a laptop's lid makes it: do not run after the lost time.
                        None if now - due > STEP * 10 => due = now,
                        None => {}
                    }
                }
            }

            peers.clear();
            peers.extend(self.peers.lock().iter().map(|(_, audio)| Arc::clone(audio)));
            mix.fill(0.0);
            let now = Instant::now();
            for peer in &peers {
                let mut state = peer.state.lock();
                let pulled =
                    state.jitter.as_mut().map_or(Pull::Silence, |jitter| jitter.pull(now, &mut voice));
                if pulled != Pull::Silence {
                    state.level.push(&voice);
                    mix_into(&mut mix, &voice, 1.0);
                }
            }
            limiter.process(&mut mix);
            if let Some(ring) = &mut speaker {
                ring.push(&mix);
            }
        }
    }
}
