//! The playout thread: 10 ms of every peer, mixed, for the speaker. The speaker's own clock drives
//! it; without a speaker it runs by the time of day, so that levels and statistics go on. It owns all
//! jitter buffers: packets reach them through rings, and nothing on its way through 10 ms waits for
//! anybody else or takes memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use maru_media::audio::SAMPLES_10_MS;
use maru_media::audio::chime::Chime;
use maru_media::audio::mix::Limiter;
use maru_media::audio::ring::RingProducer;
use maru_media::voice::far_end::FarEndWriter;
use maru_protocol::PeerId;
use parking_lot::Mutex;

use super::audio::{PeerAudio, Voice};
use super::pace::{Next, Pace};

const STEP: Duration = Duration::from_millis(10);
/// A speaker that takes nothing for this long is as good as none.
const SPEAKER_TIMEOUT: Duration = Duration::from_millis(200);
/// How long the idle thread sleeps at most.
const IDLE: Duration = Duration::from_millis(500);
/// Orders that may wait; they are taken every 10 ms.
const ORDERS: usize = 256;
/// Peers that the mix has room for without taking memory.
const PEERS: usize = 32;

enum Order {
    Add(PeerId, Box<Voice>),
    Remove(PeerId),
    Switch(RingProducer),
    /// Play it from its beginning, or no more of it.
    Chime(bool),
    Close,
}

/// What the playout thread is told.
pub(crate) struct Playout {
    orders: SyncSender<Order>,
    /// For the thread.
    incoming: Mutex<Option<Receiver<Order>>>,
    /// The sound that a speaker is tried with is still to be played, or some of it.
    chiming: AtomicBool,
}

impl Default for Playout {
    fn default() -> Self {
        let (orders, incoming) = sync_channel(ORDERS);
        Self { orders, incoming: Mutex::new(Some(incoming)), chiming: AtomicBool::new(false) }
    }
}

impl Playout {
    /// A peer's sound joins the mix.
    pub fn add(&self, peer: PeerId) -> Arc<PeerAudio> {
        let (audio, voice) = PeerAudio::new();
        self.order(Order::Add(peer, Box::new(voice)));
        audio
    }

    /// A peer's sound leaves the mix.
    pub fn remove(&self, peer: PeerId) {
        self.order(Order::Remove(peer));
    }

    /// From now on the mix goes there.
    pub fn switch(&self, speaker: RingProducer) {
        self.order(Order::Switch(speaker));
    }

    /// Plays the sound that a speaker is tried with, once there is a speaker.
    pub fn play_chime(&self) {
        self.chiming.store(true, Ordering::Release);
        self.order(Order::Chime(true));
    }

    /// Plays no more of it, also where no speaker has taken any yet.
    pub fn end_chime(&self) {
        self.chiming.store(false, Ordering::Release);
        self.order(Order::Chime(false));
    }

    /// Whether some of it is still to be handed to the speaker.
    pub fn is_chiming(&self) -> bool {
        self.chiming.load(Ordering::Acquire)
    }

    /// Ends the playout thread.
    pub fn close(&self) {
        self.order(Order::Close);
    }

    fn order(&self, order: Order) {
        if let Err(TrySendError::Full(_)) = self.orders.try_send(order) {
            tracing::error!("the playout thread takes no orders");
        }
    }

    /// Runs until [`Playout::close`].
    pub fn run(&self, far_end: FarEndWriter) {
        let Some(orders) = self.incoming.lock().take() else { return };
        let peers = Vec::with_capacity(PEERS);
        let pace = Pace::new(Instant::now());
        let mut mixer = Mixer { speaker: None, pace, far_end, peers, chime: None, closed: false };
        let mut limiter = Limiter::new();
        let mut mix = [0.0f32; SAMPLES_10_MS];
        let mut due = Instant::now();

        while !mixer.closed {
            while let Ok(order) = orders.try_recv() {
                mixer.obey(order);
            }
            match &mut mixer.speaker {
                Some(ring) if ring.is_closed() => {
                    mixer.speaker = None;
                    mixer.far_end.no_speaker();
                }
                // A speaker that stalls must not stall the call: go on by the clock until it takes sound again.
                Some(ring) => {
                    wait_for(ring, &mut mixer.pace);
                    due = Instant::now();
                }
                None if mixer.peers.is_empty() => {
                    match orders.recv_timeout(IDLE) {
                        Ok(order) => mixer.obey(order),
                        Err(RecvTimeoutError::Timeout) => {}
                        Err(RecvTimeoutError::Disconnected) => return,
                    }
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

            mix.fill(0.0);
            let now = Instant::now();
            let heard = mixer.speaker.as_ref().map_or(now, |ring| ring.next_heard(now));
            for (_, peer) in &mut mixer.peers {
                peer.mix_into(&mut mix, now, heard);
            }
            if mixer.speaker.is_some()
                && let Some(chime) = &mut mixer.chime
                && !chime.mix_into(&mut mix)
            {
                mixer.chime = None;
                self.chiming.store(false, Ordering::Release);
            }
            limiter.process(&mut mix);
            if let Some(ring) = &mut mixer.speaker {
                ring.push(&mix);
                mixer.pace.made(Instant::now());
                mixer.far_end.write(&mix, ring.next_heard(now));
            }
        }
    }
}

/// Sleeps until the speaker is to get its next sound, or has taken nothing for long.
fn wait_for(speaker: &RingProducer, pace: &mut Pace) {
    let give_up = Instant::now() + SPEAKER_TIMEOUT;
    loop {
        let (now, taken) = (Instant::now(), speaker.taken());
        let until = match pace.next(now, taken, speaker.filled()) {
            Next::Now => return,
            Next::At(due) => due,
            Next::Enough => give_up,
        };
        if speaker.is_closed() || !speaker.wait_for_reader(taken, until) && until == give_up {
            return pace.stalled();
        }
    }
}

/// What the thread works on.
struct Mixer {
    speaker: Option<RingProducer>,
    /// Of the speaker.
    pace: Pace,
    /// Who processes our own voice has to know what the speaker plays.
    far_end: FarEndWriter,
    peers: Vec<(PeerId, Box<Voice>)>,
    /// Played over whatever is said.
    chime: Option<Chime>,
    closed: bool,
}

impl Mixer {
    fn obey(&mut self, order: Order) {
        match order {
            Order::Add(peer, voice) => {
                self.peers.retain(|(id, _)| *id != peer);
                self.peers.push((peer, voice));
            }
            Order::Remove(peer) => self.peers.retain(|(id, _)| *id != peer),
            Order::Switch(speaker) => {
                self.speaker = Some(speaker);
                self.pace = Pace::new(Instant::now());
                self.far_end.new_speaker();
            }
            Order::Chime(true) => self.chime = Some(Chime::new()),
            Order::Chime(false) => self.chime = None,
            Order::Close => self.closed = true,
        }
    }
}
