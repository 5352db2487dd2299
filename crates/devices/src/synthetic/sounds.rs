//! Runs synthetic microphones and speakers in blocks of 10 ms, at the pace of a real device.

use maru_media::audio::ring::{RingConsumer, RingProducer};
use maru_media::device::{Microphone, Speaker};
use maru_media::{DeviceError, DeviceKind};

use super::clock::{Pace, Rate, Tick};
use crate::lost::Lost;
use crate::worker::{OPEN_LIMIT, OpenError, Worker};

/// The sample rate of everything behind the devices.
pub const RATE_HZ: usize = 48_000;

/// Samples in a block: 10 ms.
pub const BLOCK: usize = RATE_HZ / 100;

/// The slots in which blocks are due.
pub const BLOCKS: Rate = Rate::per_second(100);

/// Blocks that are made up for when the thread ran late; more than that is a gap: 200 ms.
const PATIENCE: u64 = 20;

/// Where the sound of a synthetic microphone comes from.
pub trait Source {
    /// The block of samples captured during the tick's slot.
    ///
    /// # Errors
    /// [`DeviceError`] when there is no more sound to be had.
    fn block(&mut self, tick: &Tick, out: &mut [f32; BLOCK]) -> Result<(), DeviceError>;
}

/// Where the sound for a synthetic speaker goes.
pub trait Sink {
    /// Takes a block of samples.
    ///
    /// # Errors
    /// [`DeviceError`] when it cannot be taken.
    fn block(&mut self, samples: &[f32; BLOCK]) -> Result<(), DeviceError>;
}

/// A microphone that hears nothing.
pub struct Silence;

impl Source for Silence {
    fn block(&mut self, _: &Tick, out: &mut [f32; BLOCK]) -> Result<(), DeviceError> {
        out.fill(0.0);
        Ok(())
    }
}

/// A speaker that plays nothing.
pub struct Nothing;

impl Sink for Nothing {
    fn block(&mut self, _: &[f32; BLOCK]) -> Result<(), DeviceError> {
        Ok(())
    }
}

/// An open synthetic sound device.
struct Running {
    lost: Lost,
    _worker: Worker,
}

impl Microphone for Running {}
impl Speaker for Running {}

impl Drop for Running {
    fn drop(&mut self) {
        self.lost.cancel();
    }
}

/// Opens a synthetic microphone. `make` is called on the microphone's own thread.
pub fn open_source<S: Source>(
    make: impl FnOnce() -> Result<S, DeviceError> + Send + 'static,
    mut output: RingProducer,
    lost: Lost,
) -> Result<Box<dyn Microphone>, DeviceError> {
    let report = lost.clone();
    let opened = Worker::open("synthetic-microphone", OPEN_LIMIT, move |stop, ready| {
        let mut source = match make() {
            Ok(source) => source,
            Err(error) => return ready.say(Err(error)),
        };
        ready.say(Ok(()));
        let mut pace = Pace::new(BLOCKS, PATIENCE);
        let mut block = [0.0; BLOCK];
        // A slot's samples are there when the slot is over: when the next one begins.
        while let Some(tick) = pace.next(stop) {
            let over = Tick { slot: tick.slot - 1, time: BLOCKS.time(tick.slot - 1), ..tick };
            match source.block(&over, &mut block) {
                Ok(()) => output.push(&block),
                Err(error) => return report.report(error),
            }
        }
    });
    running(DeviceKind::Microphone, opened, lost).map(|running| Box::new(running) as _)
}

/// Opens a synthetic speaker. `make` is called on the speaker's own thread.
pub fn open_sink<S: Sink>(
    make: impl FnOnce() -> Result<S, DeviceError> + Send + 'static,
    mut input: RingConsumer,
    lost: Lost,
) -> Result<Box<dyn Speaker>, DeviceError> {
    let report = lost.clone();
    let opened = Worker::open("synthetic-speaker", OPEN_LIMIT, move |stop, ready| {
        let mut sink = match make() {
            Ok(sink) => sink,
            Err(error) => return ready.say(Err(error)),
        };
        ready.say(Ok(()));
        let mut pace = Pace::new(BLOCKS, PATIENCE);
        let mut block = [0.0; BLOCK];
        while pace.next(stop).is_some() {
            input.pull(&mut block);
            if let Err(error) = sink.block(&block) {
                return report.report(error);
            }
        }
    });
    running(DeviceKind::Speaker, opened, lost).map(|running| Box::new(running) as _)
}

fn running(
    kind: DeviceKind,
    opened: Result<(Worker, ()), OpenError<DeviceError>>,
    lost: Lost,
) -> Result<Running, DeviceError> {
    match opened {
        Ok((worker, ())) => Ok(Running { lost, _worker: worker }),
        Err(error) => Err(error.for_device(kind, "synthetic")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use maru_media::audio::ring::ring;

    use super::super::tone::Tone;
    use super::*;

    const LONG: Duration = Duration::from_secs(10);

    fn unheard() -> Lost {
        Lost::new(Box::new(|_| {}))
    }

    #[test]
    fn a_microphone_delivers_its_sound_no_faster_than_time_passes() {
        let (producer, mut consumer) = ring(RATE_HZ);
        let mut heard = vec![0.0; RATE_HZ / 2];
        let started = Instant::now();
        let microphone = open_source(|| Ok(Tone::new()), producer, unheard()).unwrap();
        assert!(consumer.wait(heard.len(), LONG));
        let took = started.elapsed();
        // The first block may have begun just before.
        assert!(took >= Duration::from_millis(490), "half a second took {took:?}");
        consumer.pull(&mut heard);
        assert!(heard.iter().any(|sample| sample.abs() > 0.05));
        drop(microphone);
        assert!(consumer.is_closed(), "a dropped microphone has ended");
    }

    #[test]
    fn a_speaker_drains_what_it_is_given() {
        let (mut producer, consumer) = ring(RATE_HZ);
        producer.push(&[0.5; RATE_HZ / 10]);
        let speaker = open_sink(|| Ok(Nothing), consumer, unheard()).unwrap();
        assert!(producer.wait_below(0, LONG));
        drop(speaker);
        assert!(producer.is_closed());
    }
}
