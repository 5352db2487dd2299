//! What a device's callback does: between the device's blocks and a ring of 48 kHz mono. No lock, no
//! allocation, no log.

use std::time::{Duration, Instant};

use cpal::FromSample;
use maru_media::audio::ring::{RingConsumer, RingProducer};

use super::RATE_HZ;
use super::convert::{Ear, from_mono};
use super::lease::Lease;
use super::resample::Resampler;

/// Frames that are worked on at a time: what a device hands over may be of any size.
const BLOCK: usize = 480;

/// From a microphone into a ring.
pub struct CapturePump {
    ring: Lease<RingProducer>,
    resampler: Resampler,
    ear: Ear,
    channels: usize,
    mono: [f32; BLOCK],
}

impl CapturePump {
    /// For a device of this rate and number of channels.
    ///
    /// # Errors
    /// What is wrong with the rate.
    pub fn new(ring: Lease<RingProducer>, rate_hz: u32, channels: u16) -> Result<Self, String> {
        let resampler = Resampler::new(rate_hz, RATE_HZ)?;
        let channels = usize::from(channels.max(1));
        Ok(Self { ring, resampler, ear: Ear::new(channels), channels, mono: [0.0; BLOCK] })
    }

    /// Takes interleaved samples, the first of which was heard at this time.
    pub fn push<T: Copy>(&mut self, samples: &[T], captured: Instant)
    where
        f32: FromSample<T>,
    {
        let Some(ring) = self.ring.get() else { return };
        ring.stamp(shifted(captured, self.resampler.pushed_ahead()));
        for block in samples.chunks(BLOCK * self.channels) {
            let count = self.ear.listen(block, &mut self.mono);
            self.resampler.push(&self.mono[..count], |piece| ring.push(piece));
        }
    }
}

/// From a ring into a speaker.
pub struct PlaybackPump {
    ring: Lease<RingConsumer>,
    resampler: Resampler,
    channels: usize,
    mono: [f32; BLOCK],
}

impl PlaybackPump {
    /// For a device of this rate and number of channels.
    ///
    /// # Errors
    /// What is wrong with the rate.
    pub fn new(ring: Lease<RingConsumer>, rate_hz: u32, channels: u16) -> Result<Self, String> {
        let resampler = Resampler::new(RATE_HZ, rate_hz)?;
        Ok(Self { ring, resampler, channels: usize::from(channels.max(1)), mono: [0.0; BLOCK] })
    }

    /// Fills interleaved samples, the first of which will be heard at this time.
    pub fn fill<T: FromSample<f32> + Copy>(&mut self, samples: &mut [T], heard: Instant) {
        let Some(ring) = self.ring.get() else { return };
        ring.stamp(shifted(heard, self.resampler.pulled_ahead()));
        for block in samples.chunks_mut(BLOCK * self.channels) {
            let mono = &mut self.mono[..block.len() / self.channels];
            self.resampler.pull(mono, |wanted| {
                ring.pull(wanted);
                // A resampler would panic.
                for sample in wanted {
                    *sample = if sample.is_finite() { *sample } else { 0.0 };
                }
            });
            from_mono(mono, self.channels, block);
        }
    }
}

/// A time some seconds later, or earlier where they are negative.
fn shifted(at: Instant, seconds: f64) -> Instant {
    let distance = Duration::from_secs_f64(seconds.abs().min(1.0));
    if seconds >= 0.0 { at + distance } else { at.checked_sub(distance).unwrap_or(at) }
}

#[cfg(test)]
mod tests {
    use maru_media::audio::ring::ring;

    use super::super::lease::Keeper;
    use super::*;

    #[test]
    fn a_stereo_microphone_of_44_100_hz_fills_the_ring_at_48_000_hz() {
        let (producer, consumer) = ring(96_000);
        let keeper = Keeper::new(producer);
        let mut pump = CapturePump::new(keeper.lend().unwrap(), 44_100, 2).unwrap();
        for _ in 0..100 {
            pump.push(&[8192_i16; 2 * 441], Instant::now());
        }
        assert!((47_000..=48_000).contains(&consumer.available()), "{}", consumer.available());
    }

    #[test]
    fn a_speaker_plays_what_is_in_the_ring_and_silence_after_it() {
        let (mut producer, consumer) = ring(96_000);
        producer.push(&[0.5; 1000]);
        let keeper = Keeper::new(consumer);
        let mut pump = PlaybackPump::new(keeper.lend().unwrap(), 48_000, 2).unwrap();
        let mut output = [0_i16; 2 * 1500];
        pump.fill(&mut output, Instant::now());
        assert!(output[..2000].iter().all(|sample| *sample == 16_384));
        assert!(output[2000..].iter().all(|sample| *sample == 0));
        assert_eq!(producer.underruns(), 2, "counted per pull: twice too little was there");
    }

    #[test]
    fn a_block_larger_than_any_buffer_is_taken_whole() {
        let (producer, mut consumer) = ring(96_000);
        let keeper = Keeper::new(producer);
        let mut pump = CapturePump::new(keeper.lend().unwrap(), 48_000, 1).unwrap();
        let ramp: Vec<f32> = (0..10_000).map(|index| index as f32 / 10_000.0).collect();
        pump.push(&ramp, Instant::now());
        let mut heard = vec![0.0; 10_000];
        assert_eq!(consumer.pull(&mut heard), 10_000);
        assert_eq!(heard, ramp);
    }

    #[test]
    fn a_click_is_stamped_with_the_time_it_was_heard_at_whatever_the_rate() {
        for (rate, block) in [(48_000, 480), (44_100, 441), (16_000, 333), (47_999, 512), (96_000, 1_000)] {
            let (producer, mut consumer) = ring(96_000);
            let keeper = Keeper::new(producer);
            let mut pump = CapturePump::new(keeper.lend().unwrap(), rate, 1).unwrap();
            let start = Instant::now();
            let at = |sample: usize| start + Duration::from_secs_f64(sample as f64 / f64::from(rate));
            let mut sound = vec![0.0_f32; rate as usize];
            let click = rate as usize / 2;
            sound[click] = 1.0;
            let mut worst = 0.0_f64;
            for (index, piece) in sound.chunks(block).enumerate() {
                pump.push(piece, at(index * block));
                let first = consumer.next_captured(start);
                let mut heard = vec![0.0; consumer.available()];
                consumer.pull(&mut heard);
                let peak = heard.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
                let Some((index, _)) = peak.filter(|(_, sample)| **sample > 0.2) else { continue };
                let heard_at = first + Duration::from_secs_f64(index as f64 / 48_000.0);
                worst =
                    worst.max(((heard_at - start).as_secs_f64() - (at(click) - start).as_secs_f64()).abs());
            }
            assert!(worst < 0.001, "{rate} Hz: {worst} s off");
        }
    }

    #[test]
    fn frames_of_any_size_and_numbers_that_are_none_pass() {
        let (producer, mut consumer) = ring(96_000);
        let keeper = Keeper::new(producer);
        let mut pump = CapturePump::new(keeper.lend().unwrap(), 44_100, 6).unwrap();
        for size in [0, 1, 5, 6, 7, 13, 6 * 480 + 1, 6 * 10_000] {
            pump.push(&vec![f32::NAN; size], Instant::now());
        }
        let mut heard = vec![9.0; consumer.available()];
        assert!(heard.len() > 8_000);
        consumer.pull(&mut heard);
        assert!(heard.iter().all(|sample| *sample == 0.0));
    }
}
