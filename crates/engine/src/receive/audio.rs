//! One peer's sound between its connection and the playout thread: packets go one way through a ring,
//! what is done with comes back through another, and what is known of it can be read at any time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use maru_media::audio::SAMPLES_10_MS;
use maru_media::audio::jitter::{JitterBuffer, JitterStats, Pull};
use maru_media::audio::level::{Speaking, amplitude_dbfs, peak};
use maru_media::audio::mix::Gain;
use maru_media::audio::red::{Repeated, Split};
use parking_lot::Mutex;
use rtrb::{Consumer, Producer, RingBuffer};

/// Packets that may wait for the playout thread: more than a second, even if each repeats two.
const PACKETS: usize = 192;
/// What may wait to be given back, a whole jitter buffer's packets included.
const SPENT: usize = 256;

/// What goes to the playout thread.
enum Incoming {
    Packet {
        arrived: Instant,
        sequence: u16,
        timestamp: u32,
        /// It did not come itself: another one carries it again.
        repeated: bool,
        payload: Bytes,
    },
    /// A new stream begins. The buffer is made where waiting does not matter.
    Restart(Box<JitterBuffer>),
}

/// What comes back from it, so that its memory is given back where waiting does not matter.
enum Spent {
    Payload(#[expect(dead_code, reason = "held to be dropped")] Bytes),
    Buffer(#[expect(dead_code, reason = "held to be dropped")] Box<JitterBuffer>),
}

/// The sample with an RTP timestamp, and when it is heard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard {
    pub at: Instant,
    pub timestamp: u32,
}

#[derive(Default)]
struct Known {
    jitter: JitterStats,
    heard: Option<Heard>,
}

/// What both sides see.
struct Shared {
    /// The playout thread only tries to take this lock: who reads it keeps it for a copy's time.
    known: Mutex<Known>,
    /// The highest amplitude since it was last taken, as bits: for positive numbers they sort alike.
    peak: AtomicU32,
    /// How long packets are to be held back at least, in microseconds.
    floor_us: AtomicU32,
    /// What the voice is multiplied by on its way into the mix, as bits.
    gain: AtomicU32,
}

struct Link {
    packets: Producer<Incoming>,
    spent: Consumer<Spent>,
}

/// One peer's sound, seen from its connection.
pub(crate) struct PeerAudio {
    link: Mutex<Link>,
    shared: Arc<Shared>,
    level: Mutex<Level>,
}

struct Level {
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
    /// Both ends.
    pub fn new() -> (Arc<Self>, Voice) {
        let (packets, incoming) = RingBuffer::new(PACKETS);
        let (done, spent) = RingBuffer::new(SPENT);
        let shared = Arc::new(Shared {
            known: Mutex::default(),
            peak: AtomicU32::default(),
            floor_us: AtomicU32::default(),
            gain: AtomicU32::new(1.0_f32.to_bits()),
        });
        let audio = Self {
            link: Mutex::new(Link { packets, spent }),
            shared: Arc::clone(&shared),
            level: Mutex::new(Level { speaking: Speaking::new(), loudest_dbfs: -100.0 }),
        };
        let jitter = new_jitter();
        let voice = Voice { jitter, floor_us: 0, gain: Gain::new(1.0), incoming, spent: done, shared };
        (Arc::new(audio), voice)
    }

    /// A packet came.
    pub fn push(&self, arrived: Instant, sequence: u16, timestamp: u32, payload: Bytes) {
        self.send(Incoming::Packet { arrived, sequence, timestamp, repeated: false, payload });
    }

    /// A packet came that carries others again.
    pub fn push_red(&self, arrived: Instant, sequence: u16, timestamp: u32, packet: Split) {
        self.push(arrived, sequence, timestamp, packet.payload);
        for Repeated { packets, samples, payload } in packet.repeated {
            let (sequence, timestamp) = (sequence.wrapping_sub(packets), timestamp.wrapping_sub(samples));
            self.send(Incoming::Packet { arrived, sequence, timestamp, repeated: true, payload });
        }
    }

    /// A new stream from the same peer.
    pub fn restart(&self) {
        if let Some(jitter) = new_jitter() {
            self.send(Incoming::Restart(jitter));
        }
    }

    /// Hold packets back for at least this long.
    pub fn set_minimum_delay(&self, minimum: Duration) {
        let floor = u32::try_from(minimum.as_micros()).unwrap_or(u32::MAX);
        self.shared.floor_us.store(floor, Ordering::Relaxed);
    }

    /// From now on the voice is multiplied by this on its way into the mix.
    pub fn set_gain(&self, gain: f32) {
        self.shared.gain.store(gain.to_bits(), Ordering::Relaxed);
    }

    /// What was last heard, and how far behind the fastest packets that was.
    pub fn heard(&self) -> Option<(Heard, Duration)> {
        let known = self.shared.known.lock();
        let behind = Duration::from_secs_f32((known.jitter.behind_ms / 1e3).max(0.0));
        known.heard.map(|heard| (heard, behind))
    }

    /// The peak since the last call as the voice arrives, whatever its gain here, and whether it counts as speaking.
    pub fn take_level(&self, now: Instant) -> (f32, bool) {
        let dbfs = amplitude_dbfs(f32::from_bits(self.shared.peak.swap(0, Ordering::Relaxed)));
        let mut level = self.level.lock();
        level.loudest_dbfs = level.loudest_dbfs.max(dbfs);
        (dbfs, level.speaking.update(now, dbfs))
    }

    pub fn stats(&self) -> AudioStats {
        AudioStats { jitter: self.shared.known.lock().jitter, loudest_dbfs: self.level.lock().loudest_dbfs }
    }

    /// What finds no room is lost, as the network would lose it: the playout thread stands still then.
    fn send(&self, incoming: Incoming) {
        let mut link = self.link.lock();
        while link.spent.pop().is_ok() {}
        let _ = link.packets.push(incoming);
    }
}

fn new_jitter() -> Option<Box<JitterBuffer>> {
    JitterBuffer::new().map(Box::new).map_err(|error| tracing::error!(%error, "no audio decoder")).ok()
}

/// One peer's sound, seen from the playout thread.
pub(crate) struct Voice {
    /// `None` only where no decoder could be made: that peer is silent.
    jitter: Option<Box<JitterBuffer>>,
    floor_us: u32,
    gain: Gain,
    incoming: Consumer<Incoming>,
    spent: Producer<Spent>,
    shared: Arc<Shared>,
}

impl Voice {
    /// Adds the next 10 ms, of which the first sample is heard at `heard`, to the mix.
    pub fn mix_into(&mut self, mix: &mut [f32; SAMPLES_10_MS], now: Instant, heard: Instant) {
        let mut sound = [0.0; SAMPLES_10_MS];
        let pulled = self.pull(now, heard, &mut sound);
        let gain = f32::from_bits(self.shared.gain.load(Ordering::Relaxed));
        if pulled == Pull::Silence {
            self.gain.jump(gain);
        } else {
            self.gain.mix_into(mix, &sound, gain);
        }
    }

    /// The next 10 ms as they arrived.
    fn pull(&mut self, now: Instant, heard: Instant, out: &mut [f32; SAMPLES_10_MS]) -> Pull {
        while let Ok(incoming) = self.incoming.pop() {
            match (incoming, &mut self.jitter) {
                (Incoming::Packet { arrived, sequence, timestamp, repeated, payload }, Some(jitter)) => {
                    let push = if repeated { JitterBuffer::push_repeated } else { JitterBuffer::push };
                    push(jitter, arrived, sequence, timestamp, payload);
                }
                (Incoming::Packet { payload, .. }, None) => {
                    let _ = self.spent.push(Spent::Payload(payload));
                }
                (Incoming::Restart(newer), jitter) => {
                    if let Some(older) = jitter.replace(newer) {
                        let _ = self.spent.push(Spent::Buffer(older));
                    }
                    self.floor_us = 0;
                }
            }
        }
        let Some(jitter) = &mut self.jitter else { return Pull::Silence };
        let floor_us = self.shared.floor_us.load(Ordering::Relaxed);
        if floor_us != self.floor_us {
            self.floor_us = floor_us;
            jitter.set_minimum_delay(Duration::from_micros(floor_us.into()));
        }
        let pulled = jitter.pull(now, out);
        if pulled != Pull::Silence {
            self.shared.peak.fetch_max(peak(out).to_bits(), Ordering::Relaxed);
        }
        if let Some(mut known) = self.shared.known.try_lock() {
            known.jitter = jitter.stats();
            // What was pulled just now ends where the next pull begins.
            let position = jitter.playout_timestamp().filter(|_| pulled == Pull::Normal);
            if let Some(next) = position {
                let timestamp = (next - SAMPLES_10_MS as i64) as u32;
                known.heard = Some(Heard { at: heard, timestamp });
            }
        }
        while !self.spent.is_full() {
            let Some(payload) = jitter.take_spent() else { break };
            let _ = self.spent.push(Spent::Payload(payload));
        }
        pulled
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use maru_media::audio::SAMPLES_20_MS;
    use maru_media::audio::opus::Encoder;

    fn packets(count: usize) -> Vec<Bytes> {
        let mut encoder = Encoder::new().unwrap();
        let mut out = Vec::new();
        (0..count)
            .map(|packet| {
                let samples: [f32; SAMPLES_20_MS] =
                    std::array::from_fn(|index| ((packet * SAMPLES_20_MS + index) as f32 * 0.06).sin() * 0.5);
                encoder.encode(&samples, &mut out).unwrap();
                Bytes::copy_from_slice(&out)
            })
            .collect()
    }

    /// Half a second of sound, packet by packet, from this sequence number on.
    fn play(
        audio: &PeerAudio,
        voice: &mut Voice,
        start: Instant,
        packets: &[Bytes],
        first: u16,
    ) -> Vec<Pull> {
        let mut out = [0.0; SAMPLES_10_MS];
        let mut pulls = Vec::new();
        for tick in 0..50_u32 {
            let now = start + Duration::from_millis(10) * tick;
            if tick % 2 == 0 {
                let number = tick / 2;
                let sequence = first.wrapping_add(number as u16);
                audio.push(now, sequence, number * 960, packets[number as usize].clone());
            }
            pulls.push(voice.pull(now, now + Duration::from_millis(20), &mut out));
        }
        pulls
    }

    #[test]
    fn what_is_pushed_is_heard_and_known() {
        let (audio, mut voice) = PeerAudio::new();
        let start = Instant::now();
        let packets = packets(25);
        let pulls = play(&audio, &mut voice, start, &packets, 7);
        assert!(pulls[10..].iter().all(|pull| *pull == Pull::Normal), "{pulls:?}");
        let stats = audio.stats();
        assert_eq!(stats.jitter.packets_received, 25);
        let (heard, behind) = audio.heard().unwrap();
        assert_eq!(heard.at, start + Duration::from_millis(490 + 20));
        assert!(heard.timestamp < 25 * 960 && behind < Duration::from_millis(80), "{heard:?} {behind:?}");
        let (dbfs, speaking) = audio.take_level(start);
        assert!((-12.0..0.0).contains(&dbfs) && !speaking, "{dbfs}, and a moment's sound is no word");
        assert!(audio.take_level(start).0 < -90.0, "taken once");
    }

    #[test]
    fn a_new_stream_begins_with_nothing_of_the_old_one() {
        let (audio, mut voice) = PeerAudio::new();
        let start = Instant::now();
        let packets = packets(25);
        play(&audio, &mut voice, start, &packets, 7);
        audio.restart();
        let pulls = play(&audio, &mut voice, start + Duration::from_secs(1), &packets, 40_000);
        assert!(pulls[10..].iter().all(|pull| *pull == Pull::Normal), "{pulls:?}");
        assert_eq!(audio.stats().jitter.packets_received, 25);
    }

    #[test]
    fn a_minimum_delay_reaches_the_buffer() {
        let (audio, mut voice) = PeerAudio::new();
        audio.set_minimum_delay(Duration::from_millis(150));
        play(&audio, &mut voice, Instant::now(), &packets(25), 0);
        assert!(audio.stats().jitter.target_ms >= 150.0);
    }

    /// Half a second of two voices in one mix.
    fn mixed(
        ours: &mut [(Arc<PeerAudio>, Voice)],
        start: Instant,
        packets: &[Bytes],
        first: u16,
    ) -> Vec<f32> {
        let mut heard = Vec::new();
        for tick in 0..50_u32 {
            let now = start + Duration::from_millis(10) * tick;
            let mut mix = [0.0; SAMPLES_10_MS];
            for (audio, voice) in &mut *ours {
                if tick % 2 == 0 {
                    let number = tick / 2;
                    let sequence = first.wrapping_add(number as u16);
                    let timestamp = u32::from(sequence) * 960;
                    audio.push(now, sequence, timestamp, packets[number as usize].clone());
                }
                voice.mix_into(&mut mix, now, now);
            }
            heard.extend(mix);
        }
        heard
    }

    #[test]
    fn a_voice_is_mixed_as_loud_as_it_is_wanted_and_its_level_stays_that_of_the_voice() {
        let packets = packets(50);
        let start = Instant::now();
        let mut ours = [PeerAudio::new(), PeerAudio::new()];
        let loudest = |heard: &[f32]| peak(&heard[20 * SAMPLES_10_MS..]);
        let both = loudest(&mixed(&mut ours, start, &packets[..25], 0));
        ours[0].0.set_gain(0.0);
        let later = start + Duration::from_millis(500);
        let heard = mixed(&mut ours, later, &packets[25..], 25);
        let one = loudest(&heard);
        assert!((both / one - 2.0).abs() < 0.1, "{both} of two, {one} of one");
        for (audio, _) in &ours {
            let (dbfs, _) = audio.take_level(later);
            assert!((-8.0..-4.0).contains(&dbfs), "{dbfs}");
        }
        let step = heard.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
        // Both voices at their steepest: 0.5 × 0.06 each.
        assert!(step < 0.07, "{step} from one sample to the next is a click");
    }

    #[test]
    fn while_nothing_is_pulled_what_finds_no_room_is_lost() {
        let (audio, mut voice) = PeerAudio::new();
        let now = Instant::now();
        let packet = packets(1).remove(0);
        for sequence in 0..1000 {
            audio.push(now, sequence, u32::from(sequence) * 960, packet.clone());
        }
        voice.pull(now, now, &mut [0.0; SAMPLES_10_MS]);
        assert_eq!(audio.stats().jitter.packets_received, PACKETS as u64);
    }
}
