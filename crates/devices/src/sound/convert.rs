//! Between a device's samples and mono floats. Plain functions on slices: they run in the device's
//! callback and neither allocate nor lock.

use cpal::FromSample;

/// Channels of a microphone that are looked at; nobody has more inputs than that.
const CHANNELS_HEARD: usize = 32;
/// Another channel takes over when it is louder by this factor (6 dB), …
const LOUDER: f32 = 4.0;
/// … measured over about half a second, in frames.
const MEMORY: f32 = 24_000.0;
/// Below this (−80 dBFS) there is nobody on a channel.
const SILENT: f32 = 1e-8;

/// Channels of a speaker that are played on: left and right, not the subwoofer.
const CHANNELS_PLAYED: usize = 2;

/// Chooses what to listen to of a microphone's channels: the one that somebody is on. An interface
/// with eight inputs has a microphone on one of them, and the mean of all would be 18 dB too quiet;
/// two channels of one microphone may cancel each other out.
pub struct Ear {
    channels: usize,
    chosen: usize,
    power: [f32; CHANNELS_HEARD],
}

impl Ear {
    /// For interleaved samples of so many channels.
    pub fn new(channels: usize) -> Self {
        Self { channels, chosen: 0, power: [0.0; CHANNELS_HEARD] }
    }

    /// Turns interleaved samples into mono. Returns how many samples of `mono` were written: as many
    /// as there are whole frames, and room.
    pub fn listen<T: Copy>(&mut self, input: &[T], mono: &mut [f32]) -> usize
    where
        f32: FromSample<T>,
    {
        if self.channels == 0 {
            return 0;
        }
        let count = (input.len() / self.channels).min(mono.len());
        let input = &input[..count * self.channels];
        let before = self.chosen;
        self.choose(input);
        let step = 1.0 / count.max(1) as f32;
        for (index, (frame, out)) in input.chunks_exact(self.channels).zip(mono).enumerate() {
            *out = number(frame[self.chosen]);
            if self.chosen != before {
                // Crossed over, lest it clicks.
                let share = index as f32 * step;
                *out = *out * share + number(frame[before]) * (1.0 - share);
            }
        }
        count
    }

    fn choose<T: Copy>(&mut self, input: &[T])
    where
        f32: FromSample<T>,
    {
        if self.channels == 1 {
            return;
        }
        let heard = self.channels.min(CHANNELS_HEARD);
        let frames = (input.len() / self.channels) as f32;
        let weight = (frames / MEMORY).min(1.0);
        for (channel, power) in self.power[..heard].iter_mut().enumerate() {
            let samples = input.iter().skip(channel).step_by(self.channels);
            let sum: f32 = samples.map(|sample| number(*sample).powi(2)).sum();
            *power += (sum / frames.max(1.0) - *power) * weight;
        }
        let powers = self.power[..heard].iter().enumerate();
        let Some((loudest, power)) = powers.max_by(|a, b| a.1.total_cmp(b.1)) else { return };
        if *power > SILENT && *power > LOUDER * self.power[self.chosen] {
            self.chosen = loudest;
        }
    }
}

/// A sample as it may go on. A driver's uninitialised floats must not reach the filters behind, where
/// they would stay.
fn number<T>(sample: T) -> f32
where
    f32: FromSample<T>,
{
    let value = f32::from_sample_(sample);
    if value.is_finite() { value.clamp(-1.0, 1.0) } else { 0.0 }
}

/// Turns mono, all of it numbers, into interleaved samples, as many as there are whole frames, and input.
pub fn from_mono<T: FromSample<f32> + Copy>(mono: &[f32], channels: usize, output: &mut [T]) {
    if channels == 0 {
        return;
    }
    let silence = T::from_sample_(0.0);
    let played = channels.min(CHANNELS_PLAYED);
    // A device that asks for half a frame gets silence there, not what its buffer held before.
    output.chunks_exact_mut(channels).into_remainder().fill(silence);
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
        let count = Ear::new(channels).listen(input, &mut mono);
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

    /// What is heard of frames that are the same for so many samples.
    fn steady(ear: &mut Ear, frame: &[f32], frames: usize) -> Vec<f32> {
        let input: Vec<f32> = frame.iter().copied().cycle().take(frame.len() * frames).collect();
        let mut mono = vec![9.0; frames];
        let mut heard = Vec::new();
        for piece in input.chunks(480 * frame.len()) {
            let count = ear.listen(piece, &mut mono);
            heard.extend_from_slice(&mono[..count]);
        }
        heard
    }

    #[test]
    fn of_an_interface_with_eight_inputs_the_one_with_somebody_on_it_is_heard_in_full() {
        for used in 0..8 {
            let mut ear = Ear::new(8);
            let mut frame = [1e-6; 8];
            frame[used] = 0.3;
            let heard = steady(&mut ear, &frame, 48_000);
            assert_eq!(heard.len(), 48_000);
            assert!(near(&heard[24_000..], &[0.3; 24_000]), "input {used}");
        }
    }

    #[test]
    fn a_microphone_on_two_channels_does_not_cancel_itself_out_and_none_takes_turns() {
        let mut ear = Ear::new(2);
        assert!(near(&steady(&mut ear, &[0.3, -0.3], 24_000)[480..], &[0.3; 23_520]));
        assert!(near(&steady(&mut ear, &[0.2, -0.35], 24_000), &[0.2; 24_000]), "not louder enough");
    }

    #[test]
    fn the_change_to_another_channel_does_not_click() {
        let mut ear = Ear::new(4);
        steady(&mut ear, &[0.1, 0.0, 0.0, 0.0], 24_000);
        let heard = steady(&mut ear, &[0.0, 0.0, 0.5, 0.0], 48_000);
        let step = heard.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
        assert!(step < 0.01, "{step}");
        assert!(near(&heard[24_000..], &[0.5; 24_000]));
    }

    #[test]
    fn half_a_frame_is_none_and_no_channels_are_no_sound() {
        assert!(near(&mono(&[0.3, 0.3, 0.9, 0.9, 1.0], 4), &[0.3]));
        assert!(mono(&[0.5], 0).is_empty());
        assert!(mono(&[0.5_f32; 0], 3).is_empty());
        assert!(mono(&[0.5; 100], 64) == [0.5], "more channels than anybody has");
    }

    #[test]
    fn what_is_no_number_becomes_silence_and_what_is_too_loud_is_cut() {
        assert_eq!(mono(&[f32::NAN, f32::INFINITY, 3.0, -3.0], 1), [0.0, 0.0, 1.0, -1.0]);
    }

    #[test]
    fn mono_goes_to_the_front_channels_only() {
        let mut output = [9_i16; 7];
        from_mono(&[0.5, 2.0], 3, &mut output);
        assert_eq!(output, [16_384, 16_384, 0, i16::MAX, i16::MAX, 0, 0]);
        let mut unsigned = [9_u8; 2];
        from_mono(&[0.0, -1.0], 1, &mut unsigned);
        assert_eq!(unsigned, [128, 0]);
    }
}
