//! Something that an encoder takes for a voice: syllables of a gliding pitch with formants, and pauses
//! between words.

use std::f32::consts::TAU;

use bytes::Bytes;
use maru_media::audio::SAMPLES_20_MS;
use maru_media::audio::opus::Encoder;

/// So many packets' samples. Loud vowels of 160 ms, 60 ms of less, and every second a pause of 200 ms.
pub fn voice(packets: usize) -> Vec<f32> {
    let mut phase = 0.0_f32;
    let mut seed = 1_u32;
    (0..packets * SAMPLES_20_MS)
        .map(|index| {
            let at = index as f32 / 48_000.0;
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (seed >> 8) as f32 / (1 << 23) as f32 - 1.0;
            let syllable = at % 0.22;
            let loud =
                if at % 1.0 > 0.8 { 0.0 } else { (1.0 - (syllable - 0.08).abs() / 0.11).clamp(0.05, 1.0) };
            phase = (phase + (130.0 + 40.0 * (at * 2.1).sin()) / 48_000.0).fract();
            let vowel = 0.5 + 0.5 * (at * 4.5).sin();
            let formants = [500.0 + 300.0 * vowel, 1_100.0 + 900.0 * vowel, 2_600.0];
            let tone: f32 = (1..28)
                .map(|part| {
                    let hz = part as f32 * 140.0;
                    let gain: f32 = formants.iter().map(|peak| (-((hz - peak) / 180.0).powi(2)).exp()).sum();
                    (phase * part as f32 * TAU).sin() * (gain + 0.02)
                })
                .sum();
            tone * 0.12 * loud + noise * 0.000_5
        })
        .collect()
}

/// The same as packets, from an encoder that is made to expect so much.
pub fn packets(count: usize, set: impl FnOnce(&mut Encoder)) -> Vec<Bytes> {
    let mut encoder = Encoder::new().unwrap();
    set(&mut encoder);
    let mut out = Vec::new();
    voice(count)
        .chunks_exact(SAMPLES_20_MS)
        .map(|samples| {
            encoder.encode(samples.try_into().unwrap(), &mut out).unwrap();
            Bytes::copy_from_slice(&out)
        })
        .collect()
}
