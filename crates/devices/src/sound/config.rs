//! Chooses, of what a sound device offers, what costs least to bring to 48 kHz mono.

use std::time::Duration;

use cpal::{
    BufferSize, SampleFormat, StreamConfig, SupportedBufferSize, SupportedStreamConfig,
    SupportedStreamConfigRange,
};
use maru_media::DeviceKind;

use super::RATE_HZ;

/// What to open a device with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Interleaved channels.
    pub channels: u16,
    /// Sample rate.
    pub rate_hz: u32,
    /// How a sample is stored.
    pub format: SampleFormat,
    buffer: SupportedBufferSize,
}

impl Plan {
    /// The configuration with blocks of about this length; `None` for the device's own choice.
    pub fn config(&self, block: Option<Duration>) -> StreamConfig {
        let buffer_size = block.map_or(BufferSize::Default, |block| {
            let frames = (block.as_micros() * u128::from(self.rate_hz) / 1_000_000) as u32;
            BufferSize::Fixed(match self.buffer {
                SupportedBufferSize::Range { min, max } if min <= max => frames.clamp(min.max(1), max.max(1)),
                _ => frames.max(1),
            })
        });
        StreamConfig { channels: self.channels, sample_rate: self.rate_hz, buffer_size }
    }
}

impl From<SupportedStreamConfig> for Plan {
    fn from(config: SupportedStreamConfig) -> Self {
        Self {
            channels: config.channels(),
            rate_hz: config.sample_rate(),
            format: config.sample_format(),
            buffer: *config.buffer_size(),
        }
    }
}

/// The best of what a device offers. `kept` is the rate that it runs at already, where changing it
/// would disturb others. `None` when it offers nothing that can be used.
pub fn choose(kind: DeviceKind, offers: &[SupportedStreamConfigRange], kept: Option<u32>) -> Option<Plan> {
    let plans = offers.iter().filter_map(|offer| {
        let format = format_rank(offer.sample_format())?;
        let rate_hz = rate(offer, kept)?;
        let plan = Plan {
            channels: offer.channels(),
            rate_hz,
            format: offer.sample_format(),
            buffer: *offer.buffer_size(),
        };
        let cost = (rate_rank(rate_hz, kept), channel_rank(kind, offer.channels())?, format);
        Some((cost, plan))
    });
    plans.min_by_key(|(cost, _)| *cost).map(|(_, plan)| plan)
}

/// The rate of an offer that is cheapest.
fn rate(offer: &SupportedStreamConfigRange, kept: Option<u32>) -> Option<u32> {
    let (least, most) = (offer.min_sample_rate(), offer.max_sample_rate());
    if least > most || most == 0 {
        return None;
    }
    let wanted = kept.filter(|rate| (least..=most).contains(rate)).unwrap_or(RATE_HZ);
    Some(wanted.clamp(least.max(1), most))
}

/// A higher rate loses nothing, a lower one does.
fn rate_rank(rate_hz: u32, kept: Option<u32>) -> u64 {
    if kept.unwrap_or(RATE_HZ) == rate_hz {
        0
    } else if rate_hz >= RATE_HZ {
        u64::from(rate_hz)
    } else {
        u64::from(u32::MAX) + u64::from(RATE_HZ - rate_hz)
    }
}

fn channel_rank(kind: DeviceKind, channels: u16) -> Option<u16> {
    match (kind, channels) {
        (_, 0) => None,
        (DeviceKind::Speaker, 2) | (DeviceKind::Microphone, 1) => Some(0),
        (_, more) => Some(more),
    }
}

/// One-bit formats are nothing to compute with.
fn format_rank(format: SampleFormat) -> Option<u8> {
    Some(match format {
        SampleFormat::F32 => 0,
        SampleFormat::I16 => 1,
        SampleFormat::I32 => 2,
        SampleFormat::I24 => 3,
        SampleFormat::F64 => 4,
        SampleFormat::U16 => 5,
        SampleFormat::U24 => 6,
        SampleFormat::U32 => 7,
        SampleFormat::I8 => 8,
        SampleFormat::U8 => 9,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(channels: u16, rates: (u32, u32), format: SampleFormat) -> SupportedStreamConfigRange {
        let buffer = SupportedBufferSize::Range { min: 64, max: 4096 };
        SupportedStreamConfigRange::new(channels, rates.0, rates.1, buffer, format)
    }

    fn chosen(
        kind: DeviceKind,
        offers: &[SupportedStreamConfigRange],
        kept: Option<u32>,
    ) -> Option<(u16, u32, SampleFormat)> {
        choose(kind, offers, kept).map(|plan| (plan.channels, plan.rate_hz, plan.format))
    }

    #[test]
    fn where_everything_is_offered_nothing_has_to_be_converted() {
        let mut offers = Vec::new();
        for format in [SampleFormat::I16, SampleFormat::F32, SampleFormat::U8] {
            for channels in 1..8 {
                offers.push(offer(channels, (4_000, 192_000), format));
            }
        }
        let (f32, rate) = (SampleFormat::F32, 48_000);
        assert_eq!(chosen(DeviceKind::Microphone, &offers, None), Some((1, rate, f32)));
        assert_eq!(chosen(DeviceKind::Speaker, &offers, None), Some((2, rate, f32)));
    }

    #[test]
    fn the_rate_matters_more_than_channels_and_those_more_than_the_format() {
        let offers = [
            offer(1, (44_100, 44_100), SampleFormat::F32),
            offer(2, (48_000, 48_000), SampleFormat::F32),
            offer(1, (48_000, 48_000), SampleFormat::I16),
            offer(6, (48_000, 48_000), SampleFormat::F32),
        ];
        assert_eq!(chosen(DeviceKind::Microphone, &offers, None), Some((1, 48_000, SampleFormat::I16)));
        assert_eq!(chosen(DeviceKind::Speaker, &offers, None), Some((2, 48_000, SampleFormat::F32)));
    }

    #[test]
    fn a_headset_of_a_low_rate_only_and_a_device_of_a_high_one_only_are_taken_as_they_are() {
        let headset =
            [offer(1, (16_000, 16_000), SampleFormat::I16), offer(1, (8_000, 8_000), SampleFormat::I16)];
        assert_eq!(chosen(DeviceKind::Microphone, &headset, None), Some((1, 16_000, SampleFormat::I16)));
        let high =
            [offer(2, (8_000, 44_100), SampleFormat::F32), offer(2, (96_000, 192_000), SampleFormat::F32)];
        assert_eq!(chosen(DeviceKind::Speaker, &high, None), Some((2, 96_000, SampleFormat::F32)));
    }

    #[test]
    fn a_rate_that_others_use_is_kept() {
        let offers =
            [offer(2, (44_100, 44_100), SampleFormat::F32), offer(2, (48_000, 48_000), SampleFormat::F32)];
        let kept = chosen(DeviceKind::Speaker, &offers, Some(44_100));
        assert_eq!(kept, Some((2, 44_100, SampleFormat::F32)));
    }

    #[test]
    fn nothing_usable_is_nothing() {
        assert_eq!(choose(DeviceKind::Speaker, &[], None), None);
        let odd = [
            offer(2, (48_000, 48_000), SampleFormat::DsdU8),
            offer(0, (48_000, 48_000), SampleFormat::F32),
            offer(2, (48_000, 0), SampleFormat::F32),
        ];
        assert_eq!(choose(DeviceKind::Speaker, &odd, None), None);
    }

    #[test]
    fn blocks_have_the_wanted_length_within_what_the_device_takes() {
        let plan =
            choose(DeviceKind::Speaker, &[offer(2, (48_000, 48_000), SampleFormat::F32)], None).unwrap();
        let size = |block| plan.config(block).buffer_size;
        assert_eq!(size(Some(Duration::from_millis(10))), BufferSize::Fixed(480));
        assert_eq!(size(Some(Duration::from_secs(1))), BufferSize::Fixed(4096));
        assert_eq!(size(Some(Duration::ZERO)), BufferSize::Fixed(64));
        assert_eq!(size(None), BufferSize::Default);
    }
}
