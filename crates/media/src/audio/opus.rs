//! Opus by libopus: 48 kHz, one channel, 20 ms a packet on our side; on the far side whatever a
//! browser may send.

use opusic_c::{Application, Bitrate, Channels, ErrorCode, InbandFec, SampleRate, Signal};

use crate::audio::SAMPLES_20_MS;
use crate::error::CodecError;

const NAME: &str = "Opus";

/// The longest packet that there can be: 120 ms (RFC 6716, section 2.1.4).
pub const MAX_PACKET_SAMPLES: usize = 5760;

/// The shortest frame and the step of all durations: 2.5 ms.
pub const MIN_FRAME_SAMPLES: usize = 120;

/// More than any packet of one 20 ms frame (RFC 6716, section 3.2.1: 1275 bytes and a byte before).
const MAX_PACKET_BYTES: usize = 1500;

/// The bitrate to start with, in bits per second: full-band speech that nobody can tell from the original.
pub const DEFAULT_BITRATE_BPS: u32 = 32_000;

/// Good quality at about half the processor time of the highest.
const COMPLEXITY: u8 = 7;

/// The encoder: in-band FEC on, variable bitrate, DTX off until set.
pub struct Encoder {
    library: opusic_c::Encoder,
}

impl Encoder {
    /// An encoder for speech at [`DEFAULT_BITRATE_BPS`].
    ///
    /// # Errors
    /// [`CodecError::Start`] when the library refuses.
    pub fn new() -> Result<Self, CodecError> {
        let start = |error| start_error("encoder", error);
        let mut library =
            opusic_c::Encoder::new(Channels::Mono, SampleRate::Hz48000, Application::Voip).map_err(start)?;
        library.set_bitrate(Bitrate::Value(DEFAULT_BITRATE_BPS)).map_err(start)?;
        library.set_complexity(COMPLEXITY).map_err(start)?;
        library.set_signal(Signal::Voice).map_err(start)?;
        library.set_inband_fec(InbandFec::Mode1).map_err(start)?;
        Ok(Self { library })
    }

    /// Aims at another bitrate, in bits per second, from the next packet on.
    ///
    /// # Errors
    /// [`CodecError::Setting`] outside of 6 to 510 kbit/s.
    pub fn set_bitrate(&mut self, bitrate_bps: u32) -> Result<(), CodecError> {
        let refused = || CodecError::Setting {
            what: "Opus bitrate",
            value: bitrate_bps.to_string(),
            range: "6 kbit/s to 510 kbit/s",
        };
        if !(6_000..=510_000).contains(&bitrate_bps) {
            return Err(refused());
        }
        self.library.set_bitrate(Bitrate::Value(bitrate_bps)).map_err(|_| refused())
    }

    /// Says how many packets in a hundred get lost: with more, more bits repeat the packet before.
    ///
    /// # Errors
    /// [`CodecError::Setting`] above 100.
    pub fn set_expected_loss(&mut self, percent: u8) -> Result<(), CodecError> {
        self.library.set_packet_loss(percent).map_err(|_| CodecError::Setting {
            what: "expected loss",
            value: percent.to_string(),
            range: "0 to 100 %",
        })
    }

    /// Whether to send next to nothing while there is silence (discontinuous transmission).
    ///
    /// # Errors
    /// [`CodecError::Setting`] when the library refuses.
    pub fn set_dtx(&mut self, on: bool) -> Result<(), CodecError> {
        self.library.set_dtx(on).map_err(|_| CodecError::Setting {
            what: "DTX",
            value: on.to_string(),
            range: "on and off",
        })
    }

    /// Encodes 20 ms into `out`, over what is there. A payload of 1 or 2 bytes says "silence goes on" when DTX
    /// is on; it need not be sent. Allocates nothing once `out` has its capacity.
    ///
    /// # Errors
    /// [`CodecError::Encode`] when the library fails.
    pub fn encode(&mut self, samples: &[f32; SAMPLES_20_MS], out: &mut Vec<u8>) -> Result<(), CodecError> {
        out.resize(MAX_PACKET_BYTES, 0);
        let encoded = self.library.encode_float_to_slice(samples, out);
        out.truncate(*encoded.as_ref().unwrap_or(&0));
        encoded.map(drop).map_err(|error| CodecError::Encode { codec: NAME, problem: text(error) })
    }
}

/// The decoder. Packets with two channels come out as one.
pub struct Decoder {
    library: opusic_c::Decoder,
}

impl Decoder {
    /// A decoder.
    ///
    /// # Errors
    /// [`CodecError::Start`] when the library refuses.
    pub fn new() -> Result<Self, CodecError> {
        let library = opusic_c::Decoder::new(Channels::Mono, SampleRate::Hz48000)
            .map_err(|error| start_error("decoder", error))?;
        Ok(Self { library })
    }

    /// Decodes a packet into `out` and returns how many samples that were. `out` must have room for
    /// the packet; [`MAX_PACKET_SAMPLES`] is enough for every one.
    ///
    /// # Errors
    /// [`CodecError::Decode`] when the payload is not Opus. The decoder goes on.
    pub fn decode(&mut self, payload: &[u8], out: &mut [f32]) -> Result<usize, CodecError> {
        if payload.is_empty() {
            // The library would take it for a lost packet.
            return Err(decode_error("it is empty".into()));
        }
        self.library.decode_float_to_slice(payload, out, false).map_err(|error| decode_error(text(error)))
    }

    /// Makes up `out.len()` samples, a multiple of [`MIN_FRAME_SAMPLES`], in place of a packet that
    /// is not there: the sound goes on and fades.
    ///
    /// # Errors
    /// [`CodecError::Decode`] when the length is impossible.
    pub fn conceal(&mut self, out: &mut [f32]) -> Result<usize, CodecError> {
        self.library.decode_float_to_slice(&[], out, false).map_err(|error| decode_error(text(error)))
    }

    /// Recovers the `out.len()` samples of the lost packet before `next_payload` from what that one
    /// repeats of it; made up like [`conceal`](Self::conceal) when it repeats nothing. The length is
    /// the lost packet's, a multiple of [`MIN_FRAME_SAMPLES`].
    ///
    /// # Errors
    /// [`CodecError::Decode`] when the payload is not Opus or the length is impossible.
    pub fn decode_fec(&mut self, next_payload: &[u8], out: &mut [f32]) -> Result<usize, CodecError> {
        self.library.decode_float_to_slice(next_payload, out, true).map_err(|error| decode_error(text(error)))
    }
}

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
/// rather than makes it up: the LBRR flag of RFC 6716, section 4.2.4. False for payloads of several
/// frames, which nobody sends together with FEC.
pub fn repeats_previous(payload: &[u8]) -> bool {
    let &[toc, first, ..] = payload else {
        return false;
    };
    let (config, stereo, code) = (toc >> 3, toc & 4 != 0, toc & 3);
    if config >= 16 || code != 0 {
        return false; // CELT has no LBRR
    }
    // One speech flag per 20 ms comes before it. SILK has 10, 20, 40 and 60 ms, hybrid 10 and 20.
    let parts = match config {
        0..12 => (config & 3).max(1),
        _ => 1,
    };
    let flag = |shift: u8| first >> shift & 1 != 0;
    flag(7 - parts) || (stereo && flag(6 - 2 * parts))
}

fn text(error: ErrorCode) -> String {
    error.message().to_owned()
}

fn start_error(what: &'static str, error: ErrorCode) -> CodecError {
    CodecError::Start { codec: NAME, what, problem: text(error) }
}

fn decode_error(problem: String) -> CodecError {
    CodecError::Decode { codec: NAME, problem, key_frame_needed: false }
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::*;
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
