//! The ring between a device's callback and our thread. Neither side ever blocks the other: the
//! device's side takes no lock and allocates nothing; ours can sleep until there is work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::Thread;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;

use super::stamp::{Stamp, StampCell};

/// What is read within this time is read at once: a device may take its block in pieces.
const AT_ONCE: Duration = Duration::from_millis(2);

/// What the two ends share beside the samples.
#[derive(Default)]
struct Shared {
    /// The thread to wake when the other end did something.
    waiting: ArcSwapOption<Thread>,
    closed: AtomicBool,
    overruns: AtomicU64,
    underruns: AtomicU64,
    /// When a sample was or will be heard, as the device tells: it is at one end only.
    stamp: StampCell,
    /// How many samples the reader took at once, and when.
    taken: StampCell,
}

impl Shared {
    fn wake(&self) {
        if let Some(thread) = &*self.waiting.load() {
            thread.unpark();
        }
    }

    /// Sleeps until `ready`, at most until `deadline`.
    fn wait_until(&self, deadline: Instant, ready: impl Fn() -> bool) -> bool {
        let me = std::thread::current();
        let registered = self.waiting.load().as_ref().is_some_and(|thread| thread.id() == me.id());
        if !registered {
            self.waiting.store(Some(Arc::new(me)));
        }
        loop {
            if ready() {
                return true;
            }
            let now = Instant::now();
            if now >= deadline || self.closed.load(Ordering::Acquire) {
                return false;
            }
            std::thread::park_timeout(deadline - now);
        }
    }
}

/// A ring for `capacity` samples at 48 kHz mono.
pub fn ring(capacity: usize) -> (RingProducer, RingConsumer) {
    let (producer, consumer) = rtrb::RingBuffer::new(capacity);
    let shared = Arc::new(Shared::default());
    (
        RingProducer { samples: producer, capacity, pushed: 0, shared: Arc::clone(&shared) },
        RingConsumer { samples: consumer, pulled: 0, taking: Taken::default(), shared },
    )
}

/// The end that samples are written to. Dropping it closes the ring.
pub struct RingProducer {
    samples: rtrb::Producer<f32>,
    capacity: usize,
    pushed: u64,
    shared: Arc<Shared>,
}

impl RingProducer {
    /// For a microphone: the sample that is written next was heard at this time. Real-time safe.
    pub fn stamp(&mut self, captured: Instant) {
        self.shared.stamp.set(Stamp { number: self.pushed, at: captured });
    }

    /// To a speaker: when the sample that is written next will be heard, by the device's own account, else as
    /// if what is read were heard at once.
    pub fn next_heard(&self, now: Instant) -> Instant {
        match self.shared.stamp.get() {
            Some(stamp) => stamp.time_of(self.pushed),
            None => Stamp { number: 0, at: now }.time_of(self.filled() as u64),
        }
    }

    /// Writes what fits and drops the rest, which counts as an overrun. Real-time safe.
    pub fn push(&mut self, samples: &[f32]) {
        let fitting = samples.len().min(self.samples.slots());
        if fitting < samples.len() {
            self.shared.overruns.fetch_add(1, Ordering::Relaxed);
        }
        if let Ok(mut chunk) = self.samples.write_chunk(fitting) {
            let (first, second) = chunk.as_mut_slices();
            let split = first.len();
            first.copy_from_slice(&samples[..split]);
            second.copy_from_slice(&samples[split..fitting]);
            chunk.commit_all();
            self.pushed += fitting as u64;
        }
        self.shared.wake();
    }

    /// How many samples the reader last took at once, or wanted to, and when it began.
    pub fn taken(&self) -> Option<(usize, Instant)> {
        self.shared.taken.get().map(|taken| (taken.number as usize, taken.at))
    }

    /// Sleeps until the reader has taken something else than [`taken`](Self::taken) said before. False at the
    /// deadline, or when the reader is gone.
    pub fn wait_for_reader(&self, seen: Option<(usize, Instant)>, deadline: Instant) -> bool {
        self.shared.wait_until(deadline, || self.taken() != seen)
    }

    /// Samples written and not yet read.
    pub fn filled(&self) -> usize {
        self.capacity - self.samples.slots()
    }

    /// Sleeps until at most `level` samples are unread. False after `timeout`, or when the reader is gone.
    pub fn wait_below(&self, level: usize, timeout: Duration) -> bool {
        self.shared.wait_until(Instant::now() + timeout, || self.filled() <= level)
    }

    /// Whether the reader is gone.
    pub fn is_closed(&self) -> bool {
        self.shared.closed.load(Ordering::Acquire)
    }

    /// How often the reader found too little.
    pub fn underruns(&self) -> u64 {
        self.shared.underruns.load(Ordering::Relaxed)
    }
}

impl Drop for RingProducer {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Release);
        self.shared.wake();
    }
}

/// What is being read at once.
#[derive(Default)]
struct Taken {
    since: Option<Instant>,
    samples: usize,
    before: usize,
}

/// The end that samples are read from. Dropping it closes the ring.
pub struct RingConsumer {
    samples: rtrb::Consumer<f32>,
    pulled: u64,
    taking: Taken,
    shared: Arc<Shared>,
}

impl RingConsumer {
    /// For a speaker: the sample that is read next will be heard at this time. Real-time safe.
    pub fn stamp(&mut self, heard: Instant) {
        self.shared.stamp.set(Stamp { number: self.pulled, at: heard });
    }

    /// From a microphone: when the sample that is read next was heard, by the device's own account, else as
    /// if the newest had just been heard.
    pub fn next_captured(&self, now: Instant) -> Instant {
        match self.shared.stamp.get() {
            Some(stamp) => stamp.time_of(self.pulled),
            None => Stamp { number: self.available() as u64, at: now }.time_of(0),
        }
    }

    /// Fills `out`, with silence where samples are missing, which counts as an underrun. Returns how
    /// many were there. Real-time safe.
    pub fn pull(&mut self, out: &mut [f32]) -> usize {
        let there = out.len().min(self.samples.slots());
        if let Ok(chunk) = self.samples.read_chunk(there) {
            let (first, second) = chunk.as_slices();
            out[..first.len()].copy_from_slice(first);
            out[first.len()..there].copy_from_slice(second);
            chunk.commit_all();
            self.pulled += there as u64;
        }
        out[there..].fill(0.0);
        if there < out.len() {
            self.shared.underruns.fetch_add(1, Ordering::Relaxed);
        }
        self.tell_taken(out.len());
        self.shared.wake();
        there
    }

    fn tell_taken(&mut self, samples: usize) {
        let (now, taking) = (Instant::now(), &mut self.taking);
        let since = match taking.since {
            Some(since) if now.saturating_duration_since(since) <= AT_ONCE => since,
            _ => {
                (taking.before, taking.samples) = (taking.samples, 0);
                now
            }
        };
        taking.since = Some(since);
        taking.samples += samples;
        // Of a block that is still being read, the one before says more.
        self.shared.taken.set(Stamp { number: taking.samples.max(taking.before) as u64, at: since });
    }

    /// Samples that can be read.
    pub fn available(&self) -> usize {
        self.samples.slots()
    }

    /// Sleeps until `count` samples can be read. False after `timeout`, or when the writer is gone.
    pub fn wait(&self, count: usize, timeout: Duration) -> bool {
        self.shared.wait_until(Instant::now() + timeout, || self.samples.slots() >= count)
    }

    /// Whether the writer is gone.
    pub fn is_closed(&self) -> bool {
        self.shared.closed.load(Ordering::Acquire)
    }

    /// How often the writer found no room.
    pub fn overruns(&self) -> u64 {
        self.shared.overruns.load(Ordering::Relaxed)
    }
}

impl Drop for RingConsumer {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Release);
        self.shared.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_come_out_in_order_and_what_is_missing_is_silence() {
        let (mut producer, mut consumer) = ring(8);
        producer.push(&[1.0, 2.0, 3.0]);
        assert_eq!((producer.filled(), consumer.available()), (3, 3));
        let mut out = [9.0; 5];
        assert_eq!(consumer.pull(&mut out), 3);
        assert_eq!(out, [1.0, 2.0, 3.0, 0.0, 0.0]);
        assert_eq!(producer.underruns(), 1);
    }

    #[test]
    fn what_does_not_fit_is_dropped_and_counted_also_across_the_end_of_the_buffer() {
        let (mut producer, mut consumer) = ring(4);
        let mut out = [0.0; 3];
        producer.push(&[1.0, 2.0, 3.0]);
        assert_eq!(consumer.pull(&mut out), 3);
        producer.push(&[4.0, 5.0, 6.0, 7.0, 8.0]);
        assert_eq!(consumer.overruns(), 1);
        let mut out = [0.0; 4];
        assert_eq!(consumer.pull(&mut out), 4);
        assert_eq!(out, [4.0, 5.0, 6.0, 7.0]);
        assert_eq!(producer.underruns(), 0);
    }

    #[test]
    fn the_writer_knows_how_much_is_read_at_once_whatever_the_pieces() {
        let (producer, mut consumer) = ring(100);
        assert_eq!(producer.taken(), None);
        assert!(!producer.wait_for_reader(None, Instant::now()), "waiting is bounded");
        let before = Instant::now();
        consumer.pull(&mut [0.0; 30]);
        consumer.pull(&mut [0.0; 40]);
        let (samples, at) = producer.taken().unwrap();
        // On a machine that stands still between the two they are two blocks.
        assert!(samples == 70 || samples == 40, "{samples}");
        assert!(at >= before);
        assert!(producer.wait_for_reader(None, before), "it has taken something since");
        std::thread::sleep(AT_ONCE * 2);
        consumer.pull(&mut [0.0; 5]);
        let (again, later) = producer.taken().unwrap();
        assert!(again == samples && later > at, "{again} of a block that goes on");
    }

    #[test]
    fn a_reader_that_waits_is_woken_by_the_samples() {
        let (mut producer, consumer) = ring(100);
        let reader = std::thread::spawn(move || consumer.wait(10, Duration::from_secs(30)));
        for _ in 0..10 {
            producer.push(&[0.5]);
        }
        assert!(reader.join().unwrap());
    }

    #[test]
    fn a_writer_that_waits_is_woken_when_there_is_room() {
        let (mut producer, mut consumer) = ring(100);
        producer.push(&[0.0; 100]);
        let writer = std::thread::spawn(move || producer.wait_below(50, Duration::from_secs(30)));
        consumer.pull(&mut [0.0; 60]);
        assert!(writer.join().unwrap());
    }

    #[test]
    fn each_end_learns_that_the_other_is_gone() {
        let (producer, consumer) = ring(10);
        assert!(!producer.is_closed() && !consumer.is_closed());
        let reader = std::thread::spawn(move || {
            let woken = consumer.wait(1, Duration::from_secs(30));
            (woken, consumer.is_closed())
        });
        drop(producer);
        assert_eq!(reader.join().unwrap(), (false, true));
        let (producer, consumer) = ring(10);
        drop(consumer);
        assert!(producer.is_closed());
    }

    #[test]
    fn waiting_is_bounded() {
        let (producer, consumer) = ring(10);
        assert!(!consumer.wait(1, Duration::ZERO));
        assert!(producer.wait_below(0, Duration::ZERO), "it is empty");
    }
}
