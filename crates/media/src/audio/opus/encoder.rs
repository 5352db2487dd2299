//! Sound to packets.

use opusic_c::{Application, Bitrate, Channels, ErrorCode, InbandFec, SampleRate, Signal};

use super::{NAME, start_error};
use crate::audio::SAMPLES_20_MS;
use crate::error::CodecError;

/// More than any packet of one 20 ms frame (RFC 6716, section 3.2.1: 1275 bytes and a byte before).
const MAX_PACKET_BYTES: usize = 1500;

/// The bitrate where there is room, in bits per second: full-band speech that nobody can tell from the original.
pub const DEFAULT_BITRATE_BPS: u32 = 64_000;

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
        let start = |error: ErrorCode| start_error("encoder", error.message());
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

    /// Whether packets repeat the one before them where loss is expected (in-band FEC).
    ///
    /// # Errors
    /// [`CodecError::Setting`] when the library refuses.
    pub fn set_fec(&mut self, on: bool) -> Result<(), CodecError> {
        let mode = if on { InbandFec::Mode1 } else { InbandFec::Off };
        self.library.set_inband_fec(mode).map_err(|_| CodecError::Setting {
            what: "in-band FEC",
            value: on.to_string(),
            range: "on and off",
        })
    }

    /// How much of the past to describe once more in every packet by deep redundancy, in steps of 10 ms;
    /// 0 for none. It takes part of the bitrate as expected loss rises, and none without loss. Decoders
    /// that do not know it skip it.
    ///
    /// # Errors
    /// [`CodecError::Setting`] above 104.
    pub fn set_redundancy(&mut self, frames: u8) -> Result<(), CodecError> {
        self.library.set_dred_duration(frames).map_err(|_| CodecError::Setting {
            what: "deep redundancy",
            value: frames.to_string(),
            range: "0 to 104 frames of 10 ms",
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
        encoded
            .map(drop)
            .map_err(|error| CodecError::Encode { codec: NAME, problem: error.message().to_owned() })
    }
}
