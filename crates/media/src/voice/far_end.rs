//! The far end's sound on its way to the canceller: what was handed to the speaker, and when it is
//! heard. One thread writes, another reads; neither waits for the other, and nothing is allocated.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Instant;

use super::align::{Alignment, Reading};
use super::interpolate::{Interpolator, TAPS};
use crate::audio::stamp::{Stamp, StampCell};
use crate::audio::{SAMPLE_RATE_HZ, SAMPLES_10_MS};

/// Samples that are kept: 1.4 s, a power of two.
const KEPT: u64 = 1 << 16;
/// Where the far end's sound came too late, it is read this much later than it came, in samples (5 ms).
const SPARE: f64 = 240.0;

struct Shared {
    /// Samples as bits; number `n` is at `n % KEPT`.
    samples: Box<[AtomicU32]>,
    written: AtomicU64,
    /// Which sample is heard when.
    heard: StampCell,
    playing: AtomicBool,
    /// Counts speakers.
    speaker: AtomicU64,
}

/// A way for the far end's sound from who plays it to who processes the voice.
pub fn far_end() -> (FarEndWriter, FarEndReader) {
    let shared = Arc::new(Shared {
        samples: (0..KEPT).map(|_| AtomicU32::new(0)).collect(),
        written: AtomicU64::new(0),
        heard: StampCell::new(),
        playing: AtomicBool::new(false),
        speaker: AtomicU64::new(0),
    });
    let reader = FarEndReader {
        shared: Arc::clone(&shared),
        alignment: Alignment::new(),
        interpolator: Interpolator::new(),
        near: 0,
        speaker: 0,
        missing: 0,
    };
    (FarEndWriter { shared }, reader)
}

/// The playout's end.
pub struct FarEndWriter {
    shared: Arc<Shared>,
}

impl FarEndWriter {
    /// From now on another speaker plays.
    pub fn new_speaker(&mut self) {
        self.shared.speaker.fetch_add(1, Ordering::Release);
    }

    /// From now on no speaker plays.
    pub fn no_speaker(&mut self) {
        self.shared.playing.store(false, Ordering::Relaxed);
    }

    /// This was just written to the speaker's ring; what comes next is heard at `next`.
    pub fn write(&mut self, samples: &[f32], next: Instant) {
        let shared = &*self.shared;
        let first = shared.written.load(Ordering::Relaxed);
        for (number, sample) in (first..).zip(samples) {
            shared.samples[(number % KEPT) as usize].store(sample.to_bits(), Ordering::Relaxed);
        }
        let written = first + samples.len() as u64;
        shared.written.store(written, Ordering::Release);
        shared.heard.set(Stamp { number: written, at: next });
        shared.playing.store(true, Ordering::Release);
    }
}

/// The voice's end.
pub struct FarEndReader {
    shared: Arc<Shared>,
    alignment: Alignment,
    interpolator: Interpolator,
    /// Number of the next frame's first sample, counting those of the microphone.
    near: u64,
    speaker: u64,
    /// Frames in a row for which the sound was not there.
    missing: u32,
}

/// What the far end's sound is for one frame of the microphone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FarFrame {
    /// There is no speaker.
    None,
    /// It follows the frame before.
    Sound,
    /// Another speaker plays: what was known of the way from it to the microphone is void.
    NewSpeaker,
}

impl FarEndReader {
    /// Another microphone: its clock is another one.
    pub fn new_microphone(&mut self) {
        self.alignment = Alignment::new();
    }

    /// The number of samples of the microphone that were left out.
    pub fn skip(&mut self, samples: u64) {
        self.near += samples;
    }

    /// What the speaker plays while the microphone's next 10 ms are heard, the first sample of which
    /// was heard at `captured`, and a little later.
    pub fn read(&mut self, captured: Instant, out: &mut [f32; SAMPLES_10_MS]) -> FarFrame {
        let near = self.near;
        self.near += SAMPLES_10_MS as u64;
        let heard = self.shared.heard.get();
        let Some(heard) = heard.filter(|_| self.shared.playing.load(Ordering::Acquire)) else {
            self.alignment = Alignment::new();
            out.fill(0.0);
            return FarFrame::None;
        };
        let speaker = self.shared.speaker.load(Ordering::Acquire);
        let new_speaker = std::mem::replace(&mut self.speaker, speaker) != speaker;
        if new_speaker {
            self.alignment = Alignment::new();
        }
        let far = heard.number as f64 + samples_between(heard.at, captured);
        let Reading { mut position, step } = self.alignment.frame(near, far);
        // What was not written yet cannot have been heard: reading that much later loses nothing.
        let last = position + step * SAMPLES_10_MS as f64 + (TAPS / 2) as f64;
        let ahead = last - self.shared.written.load(Ordering::Acquire) as f64;
        if ahead > 0.0 {
            self.alignment.postpone(ahead + SPARE);
            position -= ahead + SPARE;
        }
        self.fill(position, step, out);
        if new_speaker { FarFrame::NewSpeaker } else { FarFrame::Sound }
    }

    /// Frames in a row for which the speaker's sound was not there any more, or not yet.
    pub fn missing(&self) -> u32 {
        self.missing
    }

    fn fill(&mut self, position: f64, step: f64, out: &mut [f32; SAMPLES_10_MS]) {
        let written = self.shared.written.load(Ordering::Acquire);
        let mut all = true;
        for (index, out) in out.iter_mut().enumerate() {
            let position = position + step * index as f64;
            let whole = position.floor();
            let first = whole as i64 - (TAPS as i64 / 2 - 1);
            let there = first >= 0
                && first as u64 + TAPS as u64 <= written
                // Half of what is kept may be overwritten meanwhile.
                && first as u64 + KEPT / 2 > written;
            all &= there;
            *out = if there {
                let around = std::array::from_fn(|tap| {
                    let number = (first as u64 + tap as u64) % KEPT;
                    f32::from_bits(self.shared.samples[number as usize].load(Ordering::Relaxed))
                });
                self.interpolator.at(&around, (position - whole) as f32)
            } else {
                0.0
            };
        }
        self.missing = if all { 0 } else { self.missing.saturating_add(1) };
    }
}

fn samples_between(from: Instant, to: Instant) -> f64 {
    let seconds = match to.checked_duration_since(from) {
        Some(after) => after.as_secs_f64(),
        None => -from.saturating_duration_since(to).as_secs_f64(),
    };
    seconds * f64::from(SAMPLE_RATE_HZ)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::audio::ring::ring;

    const FRAME: Duration = Duration::from_millis(10);

    /// A speaker and a microphone 100 ms of buffer apart, in virtual time; the microphone hears the
    /// speaker at once. Tells by how much the far end's sound is early, in samples.
    fn lead(stamped: bool, frames: u32) -> Vec<f32> {
        let (mut writer, mut reader) = far_end();
        let (mut to_speaker, mut speaker) = ring(4_800);
        let start = Instant::now();
        let device = Duration::from_millis(100);
        let mut out = [0.0; SAMPLES_10_MS];
        let mut leads = Vec::new();
        for index in 0..frames {
            let now = start + FRAME * index;
            // A ramp, so that a sample tells its number.
            let samples: Vec<f32> = (0..480).map(|sample| (index * 480 + sample) as f32 / 1e6).collect();
            to_speaker.push(&samples);
            if stamped {
                speaker.stamp(now + device);
            }
            speaker.pull(&mut [0.0; SAMPLES_10_MS]);
            writer.write(&samples, to_speaker.next_heard(now));
            // What the microphone hears now was written when the device's buffer was that much younger.
            assert_ne!(reader.read(now - FRAME, &mut out), FarFrame::None);
            let heard = if stamped { now - FRAME - device } else { now - FRAME };
            let number = samples_between(start, heard.max(start)) as f32;
            if index > 150 {
                leads.push(out[0] * 1e6 - number);
                let straight = out.windows(2).all(|pair| ((pair[1] - pair[0]) * 1e6 - 1.0).abs() < 1.0);
                assert!(straight, "no jump within a frame");
            }
        }
        leads
    }

    #[test]
    fn the_canceller_gets_what_is_heard_a_little_ahead_of_its_time() {
        for stamped in [true, false] {
            for lead in lead(stamped, 300) {
                assert!((200.0..=1_500.0).contains(&lead), "{lead} samples ahead, stamped: {stamped}");
            }
        }
    }

    #[test]
    fn without_a_speaker_there_is_no_far_end_and_a_new_speaker_is_told() {
        let (mut writer, mut reader) = far_end();
        let now = Instant::now();
        let mut out = [9.0; SAMPLES_10_MS];
        assert_eq!(reader.read(now, &mut out), FarFrame::None);
        assert_eq!(out, [0.0; SAMPLES_10_MS]);
        let (mut speaker, _device) = ring(4_800);
        speaker.push(&[0.5; SAMPLES_10_MS]);
        writer.new_speaker();
        writer.write(&[0.5; SAMPLES_10_MS], speaker.next_heard(now));
        assert_eq!(reader.read(now, &mut out), FarFrame::NewSpeaker);
        assert_eq!(reader.read(now, &mut out), FarFrame::Sound);
        writer.no_speaker();
        assert_eq!(reader.read(now, &mut out), FarFrame::None);
    }

    #[test]
    fn a_reader_that_comes_late_finds_silence_not_what_was_overwritten() {
        let (mut writer, mut reader) = far_end();
        let (mut speaker, _device) = ring(4_800);
        let now = Instant::now();
        let mut out = [9.0; SAMPLES_10_MS];
        speaker.push(&[0.5; SAMPLES_10_MS]);
        for _ in 0..300 {
            writer.write(&[0.5; SAMPLES_10_MS], speaker.next_heard(now));
        }
        reader.read(now - Duration::from_secs(1), &mut out);
        assert_eq!((out, reader.missing()), ([0.0; SAMPLES_10_MS], 1));
        reader.new_microphone();
        reader.read(now - Duration::from_millis(100), &mut out);
        assert_eq!(reader.missing(), 0);
    }
}
