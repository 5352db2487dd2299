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
