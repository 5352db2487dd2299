//! Sound on its way from the decoder to the speaker: what is decoded, recovered or made up, joined
//! without clicks. Knows nothing of packets' order and time.

use crate::audio::SAMPLES_10_MS;
use crate::audio::opus::{Decoder, MAX_PACKET_SAMPLES, MIN_FRAME_SAMPLES, repeats_previous};
use crate::audio::stretch::{self, FADE};
use crate::error::CodecError;

/// Made-up sound begins to fade here (60 ms) …
const FADE_FROM: usize = 2_880;
/// … and is gone here (120 ms).
const FADE_TO: usize = 5_760;

/// One stream's decoder and what it has decoded.
pub(super) struct Playout {
    decoder: Decoder,
    /// Not played yet.
    ready: Vec<f32>,
    scratch: Vec<f32>,
    /// Sound to fade out of, after a jump.
    joint: Option<[f32; FADE]>,
    /// Made-up samples since the last real one.
    made_up: usize,
}

impl Playout {
    pub fn new() -> Result<Self, CodecError> {
        Ok(Self {
            decoder: Decoder::new()?,
            ready: Vec::with_capacity(2 * MAX_PACKET_SAMPLES),
            scratch: vec![0.0; MAX_PACKET_SAMPLES],
            joint: None,
            made_up: 0,
        })
    }

    /// Samples that are ready.
    pub fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Samples that were made up since the last real one.
    pub fn made_up(&self) -> usize {
        self.made_up
    }

    /// The next sound follows silence.
    pub fn begin(&mut self) {
        self.made_up = FADE_TO;
    }

    /// Moves 10 ms to `out`; silence for what is missing.
    pub fn take(&mut self, out: &mut [f32; SAMPLES_10_MS]) {
        let there = self.ready.len().min(SAMPLES_10_MS);
        out[..there].copy_from_slice(&self.ready[..there]);
        out[there..].fill(0.0);
        self.ready.drain(..there);
    }

    /// Makes a packet's sound ready. False when the payload is not Opus.
    pub fn decode(&mut self, payload: &[u8]) -> bool {
        let decoded = self.decoder.decode(payload, &mut self.scratch);
        if let Ok(samples) = decoded {
            self.append(samples);
        }
        decoded.is_ok()
    }

    /// Makes the sound of the lost packet before `next_payload` ready. False when that one does not
    /// repeat it.
    pub fn recover(&mut self, next_payload: &[u8], samples: usize) -> bool {
        let recovered = repeats_previous(next_payload)
            && self.decoder.decode_fec(next_payload, &mut self.scratch[..samples]).is_ok();
        if recovered {
            self.append(samples);
        }
        recovered
    }

    /// Appends real sound from the scratch buffer.
    fn append(&mut self, samples: usize) {
        let sound = &mut self.scratch[..samples];
        if let Some(joint) = self.joint.take() {
            let joint = stretch::fade(&joint, sound);
            let there = FADE.min(samples);
            sound[..there].copy_from_slice(&joint[..there]);
        } else if self.made_up > FADE_FROM {
            let from = gain(self.made_up);
            for (index, sample) in sound.iter_mut().take(FADE).enumerate() {
                *sample *= from + (1.0 - from) * index as f32 / FADE as f32;
            }
        }
        self.made_up = 0;
        self.ready.extend_from_slice(sound);
    }

    /// Makes `samples` up; they fade as it goes on.
    pub fn conceal(&mut self, samples: usize) {
        self.make_up(samples);
        self.made_up += samples;
    }

    /// Fills a pause that the sender made: noise like that before, as long as there is some.
    pub fn pause(&mut self, samples: usize) {
        self.make_up(samples / MIN_FRAME_SAMPLES * MIN_FRAME_SAMPLES);
    }

    fn make_up(&mut self, samples: usize) {
        let sound = &mut self.scratch[..samples];
        if self.decoder.conceal(sound).is_err() {
            sound.fill(0.0);
        }
        if self.made_up + samples > FADE_FROM {
            for (index, sample) in sound.iter_mut().enumerate() {
                *sample *= gain(self.made_up + index);
            }
        }
        self.ready.extend_from_slice(sound);
    }

    /// The next packet does not follow the last one: fade from how that would have gone on.
    pub fn prepare_jump(&mut self) {
        let mut joint = [0.0; FADE];
        if self.decoder.conceal(&mut joint).is_ok() {
            self.joint = Some(joint);
        }
    }

    /// Makes what is ready a little longer or shorter. False where that would be heard.
    pub fn stretch(&mut self, longer: bool) -> bool {
        let change = if longer { stretch::lengthen } else { stretch::shorten };
        change(&mut self.ready) > 0
    }
}

/// How loud made-up sound is after `run` samples of it.
fn gain(run: usize) -> f32 {
    let faded = run.saturating_sub(FADE_FROM) as f32 / (FADE_TO - FADE_FROM) as f32;
    (1.0 - faded).max(0.0)
}
