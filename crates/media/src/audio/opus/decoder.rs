//! Packets to sound, and sound for packets that are not there: from the next one's in-band FEC, from
//! deep redundancy (DRED) in a later one, or made up.

use std::ptr::NonNull;

use opusic_sys as sys;

use super::{decode_error, has_padding, start_error, text};
use crate::audio::SAMPLE_RATE_HZ;
use crate::error::CodecError;

/// How hard the library tries when it makes sound up: from 5 on by a neural network, which goes on
/// with a vowel as a voice would.
const CONCEAL_COMPLEXITY: i32 = 5;

const RATE: i32 = SAMPLE_RATE_HZ as i32;

/// The decoder. Packets with two channels come out as one.
pub struct Decoder {
    library: Library,
    /// Of the last payload that [`Decoder::find_redundancy`] looked at.
    redundancy: i32,
}

/// What belongs to libopus. None of these pointers is shared or dangles as long as this lives.
struct Library {
    decoder: NonNull<sys::OpusDecoder>,
    dred_decoder: NonNull<sys::OpusDREDDecoder>,
    dred: NonNull<sys::OpusDRED>,
}

// SAFETY: libopus keeps no state of its own beside these, and none of it is bound to a thread.
unsafe impl Send for Library {}

impl Library {
    fn new() -> Result<Self, CodecError> {
        let mut error = 0;
        // SAFETY: `error` outlives the calls; what they return is checked before use, and given
        // back on every path out of here.
        unsafe {
            let decoder = NonNull::new(sys::opus_decoder_create(RATE, 1, &raw mut error))
                .ok_or_else(|| start_error("decoder", text(error)))?;
            let Some(dred_decoder) = NonNull::new(sys::opus_dred_decoder_create(&raw mut error)) else {
                sys::opus_decoder_destroy(decoder.as_ptr());
                return Err(start_error("decoder", text(error)));
            };
            let Some(dred) = NonNull::new(sys::opus_dred_alloc(&raw mut error)) else {
                sys::opus_dred_decoder_destroy(dred_decoder.as_ptr());
                sys::opus_decoder_destroy(decoder.as_ptr());
                return Err(start_error("decoder", text(error)));
            };
            Ok(Self { decoder, dred_decoder, dred })
        }
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        // SAFETY: each was made by its own constructor and is given back once.
        unsafe {
            sys::opus_dred_free(self.dred.as_ptr());
            sys::opus_dred_decoder_destroy(self.dred_decoder.as_ptr());
            sys::opus_decoder_destroy(self.decoder.as_ptr());
        }
    }
}

impl Decoder {
    /// A decoder.
    ///
    /// # Errors
    /// [`CodecError::Start`] when the library refuses.
    pub fn new() -> Result<Self, CodecError> {
        Ok(Self { library: Library::new()?, redundancy: 0 })
    }

    /// Decodes a packet into `out` and returns how many samples that were. `out` must have room for
    /// the packet; [`MAX_PACKET_SAMPLES`](super::MAX_PACKET_SAMPLES) is enough for every one.
    ///
    /// # Errors
    /// [`CodecError::Decode`] when the payload is not Opus. The decoder goes on.
    pub fn decode(&mut self, payload: &[u8], out: &mut [f32]) -> Result<usize, CodecError> {
        if payload.is_empty() {
            // The library would take it for a lost packet.
            return Err(decode_error("it is empty"));
        }
        self.run(payload, out, false)
    }

    /// Makes up `out.len()` samples, a multiple of [`MIN_FRAME_SAMPLES`](super::MIN_FRAME_SAMPLES), in
    /// place of a packet that is not there: the voice goes on and fades.
    ///
    /// # Errors
    /// [`CodecError::Decode`] when the length is impossible.
    pub fn conceal(&mut self, out: &mut [f32]) -> Result<usize, CodecError> {
        self.set_complexity(CONCEAL_COMPLEXITY);
        let made_up = self.run(&[], out, false);
        self.set_complexity(0);
        made_up
    }

    /// Like [`conceal`](Self::conceal) for a pause that the sender made: noise as before it, without the
    /// work of a voice.
    ///
    /// # Errors
    /// [`CodecError::Decode`] when the length is impossible.
    pub fn comfort_noise(&mut self, out: &mut [f32]) -> Result<usize, CodecError> {
        self.run(&[], out, false)
    }

    /// Recovers the `out.len()` samples of the lost packet before `next_payload` from what that one
    /// repeats of it; made up like [`conceal`](Self::conceal) when it repeats nothing. The length is
    /// the lost packet's, a multiple of [`MIN_FRAME_SAMPLES`](super::MIN_FRAME_SAMPLES).
    ///
    /// # Errors
    /// [`CodecError::Decode`] when the payload is not Opus or the length is impossible.
    pub fn decode_fec(&mut self, next_payload: &[u8], out: &mut [f32]) -> Result<usize, CodecError> {
        self.run(next_payload, out, true)
    }

    /// Makes ready what [`decode_redundancy`](Self::decode_redundancy) decodes, up to `most` samples of it.
    /// Returns how many samples before it the packet describes.
    pub fn find_redundancy(&mut self, payload: &[u8], most: usize) -> usize {
        self.redundancy = 0;
        if !has_padding(payload) {
            return 0;
        }
        let mut end = 0;
        // SAFETY: the pointers are ours, those of the payload are with its length, `end` outlives the call.
        self.redundancy = unsafe {
            sys::opus_dred_parse(
                self.library.dred_decoder.as_ptr(),
                self.library.dred.as_ptr(),
                payload.as_ptr(),
                length(payload.len()),
                length(most),
                RATE,
                &raw mut end,
                0,
            )
        };
        usize::try_from(self.redundancy).unwrap_or(0)
    }

    /// Makes `out.len()` samples from the redundancy found last, from `before` samples before that
    /// packet on. Both are multiples of [`MIN_FRAME_SAMPLES`](super::MIN_FRAME_SAMPLES).
    ///
    /// # Errors
    /// [`CodecError::Decode`] when there is no redundancy that far back.
    pub fn decode_redundancy(&mut self, before: usize, out: &mut [f32]) -> Result<usize, CodecError> {
        let before = i32::try_from(before).unwrap_or(i32::MAX);
        if before > self.redundancy {
            return Err(decode_error("there is no redundancy that far back"));
        }
        // SAFETY: the pointers are ours; `dred` was filled by a parse that found something, else
        // `redundancy` would be 0; the library writes at most `out.len()` samples.
        let samples = unsafe {
            sys::opus_decoder_dred_decode_float(
                self.library.decoder.as_ptr(),
                self.library.dred.as_ptr(),
                before,
                out.as_mut_ptr(),
                length(out.len()),
            )
        };
        usize::try_from(samples).map_err(|_| decode_error(text(samples)))
    }

    fn run(&mut self, payload: &[u8], out: &mut [f32], fec: bool) -> Result<usize, CodecError> {
        let data = if payload.is_empty() { std::ptr::null() } else { payload.as_ptr() };
        // SAFETY: the decoder is ours; the payload's pointer is null where there is none, else with its
        // length; the library writes at most `out.len()` samples of its one channel.
        let samples = unsafe {
            sys::opus_decode_float(
                self.library.decoder.as_ptr(),
                data,
                length(payload.len()),
                out.as_mut_ptr(),
                length(out.len()),
                i32::from(fec),
            )
        };
        usize::try_from(samples).map_err(|_| decode_error(text(samples)))
    }

    fn set_complexity(&mut self, complexity: i32) {
        // SAFETY: the decoder is ours, and the request takes one 32-bit number by value.
        unsafe {
            sys::opus_decoder_ctl(
                self.library.decoder.as_ptr(),
                sys::OPUS_SET_COMPLEXITY_REQUEST,
                complexity,
            );
        }
    }
}

/// Lengths as the library counts them; what does not fit is no packet and no piece of sound.
fn length(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(0)
}
