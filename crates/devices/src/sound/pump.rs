//! What a device's callback does: between the device's blocks and a ring of 48 kHz mono. No lock, no
//! allocation, no log.

use cpal::FromSample;
use maru_media::audio::ring::{RingConsumer, RingProducer};

use super::RATE_HZ;
use super::convert::{from_mono, to_mono};
use super::lease::Lease;
use super::resample::Resampler;

/// Frames that are worked on at a time: what a device hands over may be of any size.
const BLOCK: usize = 480;

/// From a microphone into a ring.
pub struct CapturePump {
    ring: Lease<RingProducer>,
    resampler: Resampler,
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
        Ok(Self { ring, resampler, channels: usize::from(channels.max(1)), mono: [0.0; BLOCK] })
    }

    /// Takes interleaved samples.
    pub fn push<T: Copy>(&mut self, samples: &[T])
    where
        f32: FromSample<T>,
    {
        let Some(ring) = self.ring.get() else { return };
        for block in samples.chunks(BLOCK * self.channels) {
            let count = to_mono(block, self.channels, &mut self.mono);
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

    /// Fills interleaved samples.
    pub fn fill<T: FromSample<f32> + Copy>(&mut self, samples: &mut [T]) {
        let Some(ring) = self.ring.get() else { return };
        for block in samples.chunks_mut(BLOCK * self.channels) {
            let mono = &mut self.mono[..block.len() / self.channels];
            self.resampler.pull(mono, |wanted| {
                ring.pull(wanted);
            });
            from_mono(mono, self.channels, block);
        }
    }
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
            pump.push(&[8192_i16; 2 * 441]);
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
        pump.fill(&mut output);
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
        pump.push(&ramp);
        let mut heard = vec![0.0; 10_000];
        assert_eq!(consumer.pull(&mut heard), 10_000);
        assert_eq!(heard, ramp);
    }
}
