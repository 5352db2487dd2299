//! Sound in files: tones for a participant's microphone, and what its speaker played.

use std::f32::consts::TAU;
use std::fs;
use std::path::Path;

/// Samples a second of everything here.
pub const RATE_HZ: usize = 48_000;
/// What a WAV file says of itself before its samples: one channel of 16 bits.
const HEADER_BYTES: usize = 44;

/// Writes a second of a tone, which can be looped.
///
/// # Panics
/// When the file cannot be written.
pub fn write_tone(file: &Path, hz: u16, amplitude: f32) {
    let data_bytes = (RATE_HZ * 2) as u32;
    let mut bytes = Vec::with_capacity(HEADER_BYTES + RATE_HZ * 2);
    bytes.extend_from_slice(b"RIFF");
    bytes.extend_from_slice(&(data_bytes + 36).to_le_bytes());
    bytes.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    bytes.extend_from_slice(&(RATE_HZ as u32).to_le_bytes());
    bytes.extend_from_slice(&(RATE_HZ as u32 * 2).to_le_bytes());
    bytes.extend_from_slice(b"\x02\0\x10\0data");
    bytes.extend_from_slice(&data_bytes.to_le_bytes());
    for index in 0..RATE_HZ {
        let sample = amplitude * (TAU * f32::from(hz) * index as f32 / RATE_HZ as f32).sin();
        bytes.extend_from_slice(&((sample * f32::from(i16::MAX)) as i16).to_le_bytes());
    }
    fs::write(file, bytes).expect("a file with a tone");
}

/// How much was recorded so far, in samples; none where there is no file yet.
pub fn length(file: &Path) -> usize {
    fs::metadata(file).map_or(0, |file| (file.len() as usize).saturating_sub(HEADER_BYTES) / 2)
}

/// What was recorded from one sample on, at most so many.
///
/// # Panics
/// When the file cannot be read.
pub fn recorded(file: &Path, from: usize, most: usize) -> Vec<f32> {
    let bytes = fs::read(file).expect("a recording");
    let samples = bytes.get(HEADER_BYTES..).unwrap_or_default().as_chunks::<2>().0;
    let recorded = samples.iter().skip(from).take(most);
    recorded.map(|sample| f32::from(i16::from_le_bytes(*sample)) / f32::from(i16::MAX)).collect()
}

/// The strength of one frequency in a signal, as the amplitude of a sine (Goertzel's algorithm).
pub fn amplitude(signal: &[f32], hz: f32) -> f32 {
    let factor = 2.0 * f64::from(TAU * hz / RATE_HZ as f32).cos();
    let (mut one, mut two) = (0.0_f64, 0.0_f64);
    for sample in signal {
        let zero = f64::from(*sample) + factor * one - two;
        two = one;
        one = zero;
    }
    let power = one * one + two * two - factor * one * two;
    (power.max(0.0).sqrt() * 2.0 / signal.len().max(1) as f64) as f32
}
