//! Between a device's samples and mono floats. Plain functions on slices: they run in the device's
//! callback and neither allocate nor lock.

use cpal::FromSample;

/// Channels of a microphone that are listened to. An interface with eight inputs has somebody on
/// the first one or two; the mean of all eight would be 18 dB too quiet.
const CHANNELS_HEARD: usize = 2;

/// Channels of a speaker that are played on: left and right, not the subwoofer.
const CHANNELS_PLAYED: usize = 2;

/// Turns interleaved samples into mono. Returns how many samples of `mono` were written: as many as
/// there are whole frames, and room.
pub fn to_mono<T: Copy>(input: &[T], channels: usize, mono: &mut [f32]) -> usize
where
    f32: FromSample<T>,
{
    if channels == 0 {
        return 0;
    }
    let heard = channels.min(CHANNELS_HEARD);
    let scale = 1.0 / heard as f32;
    let mut count = 0;
    for (frame, out) in input.chunks_exact(channels).zip(mono) {
        let sum: f32 = frame[..heard].iter().map(|sample| f32::from_sample_(*sample)).sum();
        let value = sum * scale;
        // A driver's uninitialised floats must not reach the filters behind, where they would stay.
        *out = if value.is_finite() { value.clamp(-1.0, 1.0) } else { 0.0 };
        count += 1;
    }
    count
}

/// Turns mono into interleaved samples, as many as there are whole frames, and input.
pub fn from_mono<T: FromSample<f32> + Copy>(mono: &[f32], channels: usize, output: &mut [T]) {
    if channels == 0 {
        return;
    }
    let silence = T::from_sample_(0.0);
    let played = channels.min(CHANNELS_PLAYED);
    for (frame, sample) in output.chunks_exact_mut(channels).zip(mono) {
        let sample = T::from_sample_(sample.clamp(-1.0, 1.0));
        let (front, rest) = frame.split_at_mut(played);
        front.fill(sample);
        rest.fill(silence);
    }
}

#[cfg(test)]
mod tests {
    use cpal::{I24, U24};

    use super::*;

    fn mono<T: Copy>(input: &[T], channels: usize) -> Vec<f32>
    where
        f32: FromSample<T>,
    {
        let mut mono = [9.0; 8];
        let count = to_mono(input, channels, &mut mono);
        mono[..count].to_vec()
    }

    fn near(left: &[f32], right: &[f32]) -> bool {
        left.len() == right.len() && left.iter().zip(right).all(|(a, b)| (a - b).abs() < 1e-2)
    }

    #[test]
    fn every_sample_format_has_the_same_middle_and_scale() {
        let half = [0.0, 0.5, -0.5];
        assert!(near(&mono(&[0_i8, 64, -64], 1), &half));
        assert!(near(&mono(&[128_u8, 192, 64], 1), &half));
        assert!(near(&mono(&[0_i16, 16_384, -16_384], 1), &half));
        assert!(near(&mono(&[32_768_u16, 49_152, 16_384], 1), &half));
        assert!(near(&mono(&[0_i32, 1 << 30, -(1 << 30)], 1), &half));
        assert!(near(&mono(&[1_u32 << 31, 3 << 30, 1 << 30], 1), &half));
        let signed = [0, 1 << 22, -(1 << 22)].map(|value| I24::new(value).unwrap());
        assert!(near(&mono(&signed, 1), &half));
        let unsigned = [1 << 23, 3 << 22, 1 << 22].map(|value| U24::new(value).unwrap());
        assert!(near(&mono(&unsigned, 1), &half));
        assert!(near(&mono(&half, 1), &half));
        assert!(near(&mono(&half.map(f64::from), 1), &half));
    }

    #[test]
    fn stereo_becomes_its_mean_and_further_channels_do_not_count() {
        assert!(near(&mono(&[0.2, 0.4, -0.2, -0.4], 2), &[0.3, -0.3]));
        assert!(near(&mono(&[0.2, 0.4, 0.9, 0.9, 1.0], 4), &[0.3]), "and half a frame is none");
        assert!(mono(&[0.5], 0).is_empty());
    }

    #[test]
    fn what_is_no_number_becomes_silence_and_what_is_too_loud_is_cut() {
        assert_eq!(mono(&[f32::NAN, f32::INFINITY, 3.0, -3.0], 1), [0.0, 0.0, 1.0, -1.0]);
    }

    #[test]
    fn mono_goes_to_the_front_channels_only() {
        let mut output = [9_i16; 7];
        from_mono(&[0.5, 2.0], 3, &mut output);
        assert_eq!(output, [16_384, 16_384, 0, i16::MAX, i16::MAX, 0, 9]);
        let mut unsigned = [9_u8; 2];
        from_mono(&[0.0, -1.0], 1, &mut unsigned);
        assert_eq!(unsigned, [128, 0]);
    }
}
