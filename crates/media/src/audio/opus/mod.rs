//! Opus by libopus: 48 kHz, one channel, 20 ms a packet on our side; on the far side whatever a
//! browser may send.

mod decoder;
mod encoder;

pub use decoder::Decoder;
pub use encoder::{DEFAULT_BITRATE_BPS, Encoder};

use std::ffi::CStr;

use bytes::Bytes;
use opusic_c::SampleRate;

use crate::error::CodecError;

const NAME: &str = "Opus";

/// The longest packet that there can be: 120 ms (RFC 6716, section 2.1.4).
pub const MAX_PACKET_SAMPLES: usize = 5760;

/// The shortest frame and the step of all durations: 2.5 ms.
pub const MIN_FRAME_SAMPLES: usize = 120;

/// How many samples (at 48 kHz) a payload holds; `None` when it is not Opus.
pub fn packet_samples(payload: &[u8]) -> Option<usize> {
    if payload.is_empty() {
        return None;
    }
    opusic_c::utils::get_nb_samples(payload, SampleRate::Hz48000)
        .ok()
        .filter(|samples| (MIN_FRAME_SAMPLES..=MAX_PACKET_SAMPLES).contains(samples))
}

/// Whether a payload repeats the packet before it, so that [`Decoder::decode_fec`] recovers that one
/// rather than makes it up: the LBRR flag of RFC 6716, section 4.2.4.
pub fn repeats_previous(payload: &[u8]) -> bool {
    let Ok(length) = i32::try_from(payload.len()) else {
        return false;
    };
    // SAFETY: the pointer and the length are those of the slice, which is not empty; the function
    // only reads it, and checks what it says of itself against its length.
    length > 0 && unsafe { opusic_sys::opus_packet_has_lbrr(payload.as_ptr(), length) } == 1
}

/// Whether a payload's sender saves packets: with no more than its first byte it says that a pause
/// begins or goes on (RFC 6716, section 2.1.9).
pub fn begins_pause(payload: &[u8]) -> bool {
    payload.len() <= 2
}

/// Whether there is something behind a payload's frames: padding, which deep redundancy is too (RFC 6716,
/// section 3.2.5).
fn has_padding(payload: &[u8]) -> bool {
    matches!(payload, [toc, count, _, ..] if toc & 3 == 3 && count & 0x40 != 0)
}

/// A payload without what is behind its frames: the same sound in fewer bytes, and no deep redundancy.
pub fn without_padding(payload: &Bytes) -> Bytes {
    let Some(length) = i32::try_from(payload.len()).ok().filter(|_| has_padding(payload)) else {
        return payload.clone();
    };
    let mut shorter = payload.to_vec();
    // SAFETY: the pointer and the length are those of the vector, which is ours; the function writes
    // within them, and less than there was.
    let length = unsafe { opusic_sys::opus_packet_unpad(shorter.as_mut_ptr(), length) };
    match usize::try_from(length) {
        Ok(length) if length > 0 => {
            shorter.truncate(length);
            shorter.into()
        }
        _ => payload.clone(), // it is not Opus
    }
}

/// What libopus says about one of its error codes.
fn text(code: i32) -> String {
    // SAFETY: for every code the function returns a pointer to a constant, terminated text.
    unsafe { CStr::from_ptr(opusic_sys::opus_strerror(code)) }.to_string_lossy().into_owned()
}

fn start_error(what: &'static str, problem: impl Into<String>) -> CodecError {
    CodecError::Start { codec: NAME, what, problem: problem.into() }
}

fn decode_error(problem: impl Into<String>) -> CodecError {
    CodecError::Decode { codec: NAME, problem: problem.into(), key_frame_needed: false }
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::*;
    use crate::audio::SAMPLES_20_MS;
    use crate::audio::level::rms_dbfs;

    fn tone(packet: usize) -> [f32; SAMPLES_20_MS] {
        std::array::from_fn(|index| {
            let at = (packet * SAMPLES_20_MS + index) as f32 / 48_000.0;
            (at * 440.0 * TAU).sin() * 0.5
        })
    }

    fn encoded(encoder: &mut Encoder, count: usize) -> Vec<Vec<u8>> {
        (0..count)
            .map(|packet| {
                let mut out = Vec::new();
                encoder.encode(&tone(packet), &mut out).unwrap();
                out
            })
            .collect()
    }

    /// Cycles per second, from the upward crossings of zero.
    fn frequency(samples: &[f32]) -> f32 {
        let crossings = samples.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
        crossings as f32 * 48_000.0 / samples.len() as f32
    }

    #[test]
    fn a_tone_keeps_its_level_and_its_frequency() {
        let packets = encoded(&mut Encoder::new().unwrap(), 150);
        let mut decoder = Decoder::new().unwrap();
        let mut out = vec![0.0; MAX_PACKET_SAMPLES];
        let mut heard = Vec::new();
        for packet in &packets {
            assert_eq!(packet_samples(packet), Some(SAMPLES_20_MS));
            assert_eq!(decoder.decode(packet, &mut out).unwrap(), SAMPLES_20_MS);
            heard.extend_from_slice(&out[..SAMPLES_20_MS]);
        }
        let heard = &heard[48_000..];
        assert!((rms_dbfs(heard) - rms_dbfs(&tone(0))).abs() < 1.0, "{} dBFS", rms_dbfs(heard));
        assert!((frequency(heard) - 440.0).abs() < 2.0, "{} Hz", frequency(heard));
    }

    #[test]
    fn the_bitrate_follows_what_it_is_set_to() {
        let mut encoder = Encoder::new().unwrap();
        // Noise costs all the bits there are.
        let mut state = 1_u32;
        let mut noise = || -> [f32; SAMPLES_20_MS] {
            std::array::from_fn(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / (1 << 23) as f32 * 0.5 - 0.5
            })
        };
        for bitrate in [16_000, 32_000, 64_000] {
            encoder.set_bitrate(bitrate).unwrap();
            let mut out = Vec::new();
            let bytes: usize = (0..100)
                .map(|_| {
                    encoder.encode(&noise(), &mut out).unwrap();
                    out.len()
                })
                .sum();
            let ratio = (bytes * 8 / 2) as f64 / f64::from(bitrate);
            assert!((0.75..1.25).contains(&ratio), "{bitrate}: {ratio:.2}");
        }
        assert!(matches!(encoder.set_bitrate(5_999), Err(CodecError::Setting { .. })));
        assert!(matches!(encoder.set_expected_loss(101), Err(CodecError::Setting { .. })));
    }

    #[test]
    fn silence_costs_next_to_nothing_with_dtx_only() {
        let mut encoder = Encoder::new().unwrap();
        let mut out = Vec::new();
        let mut bytes = |encoder: &mut Encoder| -> usize {
            (0..100)
                .map(|_| {
                    encoder.encode(&[0.0; SAMPLES_20_MS], &mut out).unwrap();
                    out.len()
                })
                .sum()
        };
        let without = bytes(&mut encoder);
        encoder.set_dtx(true).unwrap();
        let with = bytes(&mut encoder);
        assert!(with < without, "{with} of {without} bytes");
        encoder.set_dtx(false).unwrap();
        assert!(bytes(&mut encoder) > with);
    }

    #[test]
    fn a_lost_packet_is_recovered_from_the_next_one_better_than_made_up() {
        let mut encoder = Encoder::new().unwrap();
        encoder.set_bitrate(24_000).unwrap();
        encoder.set_expected_loss(30).unwrap();
        // A tone that steps up in the lost packet: what is made up cannot know.
        let packets: Vec<Vec<u8>> = (0..60)
            .map(|packet| {
                let gain = if packet < 50 { 0.1 } else { 1.0 };
                let mut out = Vec::new();
                encoder.encode(&tone(packet).map(|sample| sample * gain), &mut out).unwrap();
                out
            })
            .collect();
        assert!(repeats_previous(&packets[51]), "no FEC in the packet");
        let after_loss = |fec: bool| {
            let mut decoder = Decoder::new().unwrap();
            let mut out = vec![0.0; MAX_PACKET_SAMPLES];
            for packet in &packets[..50] {
                decoder.decode(packet, &mut out).unwrap();
            }
            let out = &mut out[..SAMPLES_20_MS];
            if fec {
                decoder.decode_fec(&packets[51], out).unwrap();
            } else {
                decoder.conceal(out).unwrap();
            }
            rms_dbfs(out)
        };
        assert!(after_loss(true) > after_loss(false) + 6.0, "{} {}", after_loss(true), after_loss(false));
    }

    #[test]
    fn without_expected_loss_nothing_is_repeated() {
        let mut encoder = Encoder::new().unwrap();
        encoder.set_expected_loss(0).unwrap();
        assert!(encoded(&mut encoder, 50).iter().all(|packet| !repeats_previous(packet)));
        for payload in [&[][..], &[0x08], &[0xff, 0xff, 0xff], &[0x0b, 0xff]] {
            assert!(!repeats_previous(payload), "{payload:?}");
        }
    }

    #[test]
    fn without_its_padding_a_packet_sounds_the_same_and_has_no_redundancy() {
        let mut encoder = Encoder::new().unwrap();
        encoder.set_bitrate(64_000).unwrap();
        encoder.set_expected_loss(20).unwrap();
        encoder.set_redundancy(20).unwrap();
        let packets = encoded(&mut encoder, 60);
        let (mut whole, mut short) = (Decoder::new().unwrap(), Decoder::new().unwrap());
        let (mut out, mut of_short) = (vec![0.0; SAMPLES_20_MS], vec![0.0; SAMPLES_20_MS]);
        let mut saved = 0;
        for packet in packets {
            let packet = Bytes::from(packet);
            let shorter = without_padding(&packet);
            saved += packet.len() - shorter.len();
            assert_eq!(short.find_redundancy(&shorter, 9_600), 0);
            whole.decode(&packet, &mut out).unwrap();
            short.decode(&shorter, &mut of_short).unwrap();
            assert!(out == of_short);
        }
        assert!(saved > 500, "{saved} bytes");
        for payload in [&[][..], &[0x08], &[0x7b, 0x41, 0xff], &[0x7b, 0x41, 0x01]] {
            let payload = Bytes::from_static(payload);
            assert!(without_padding(&payload).len() <= payload.len());
        }
    }

    #[test]
    fn garbage_is_an_error_and_the_decoder_goes_on() {
        let packets = encoded(&mut Encoder::new().unwrap(), 3);
        let mut decoder = Decoder::new().unwrap();
        let mut out = vec![0.0; MAX_PACKET_SAMPLES];
        // Code 3 with no count; a count of zero; more than 120 ms; an empty payload.
        for payload in [&[0x0b][..], &[0x0b, 0], &[0x1b, 63], &[]] {
            assert!(
                matches!(decoder.decode(payload, &mut out), Err(CodecError::Decode { .. })),
                "{payload:?}"
            );
            assert_eq!(packet_samples(payload), None, "{payload:?}");
        }
        assert!(decoder.decode(&packets[0], &mut out[..100]).is_err(), "no room");
        assert_eq!(decoder.decode(&packets[1], &mut out), Ok(SAMPLES_20_MS));
    }
}
