//! Sound on its way from the decoder to the speaker: what is decoded, recovered or made up, joined
//! without clicks. Knows nothing of packets' order and time. Allocates nothing once it is made.

use crate::audio::SAMPLES_10_MS;
use crate::audio::jitter::stretch::{self, FADE, Place};
use crate::audio::level::{VoicePower, power};
use crate::audio::opus::{Decoder, MAX_PACKET_SAMPLES, MIN_FRAME_SAMPLES, repeats_previous};
use crate::error::CodecError;

/// Made-up sound begins to fade here (60 ms) …
const FADE_FROM: usize = 2_880;
/// … and is gone here (120 ms).
const FADE_TO: usize = 5_760;
/// Made-up sound that is kept back for joining what comes next (10 ms).
const TAIL: usize = SAMPLES_10_MS;
/// What is so far (30 dB) below the voice, in power, is a pause.
const PAUSE: f32 = 1e-3;

/// One stream's decoder and what it has decoded.
pub(super) struct Playout {
    decoder: Decoder,
    /// Not played yet.
    ready: Vec<f32>,
    /// How what is ready would go on, if it has to be joined with something that does not follow it.
    tail: Vec<f32>,
    scratch: Vec<f32>,
    /// Made-up samples since the last real one.
    made_up: usize,
    loud: VoicePower,
}

impl Playout {
    pub fn new() -> Result<Self, CodecError> {
        Ok(Self {
            decoder: Decoder::new()?,
            ready: Vec::with_capacity(4 * MAX_PACKET_SAMPLES),
            tail: Vec::with_capacity(TAIL),
            scratch: vec![0.0; MAX_PACKET_SAMPLES + TAIL],
            made_up: 0,
            loud: VoicePower::default(),
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

    /// Whether what is made up has faded to silence.
    pub fn is_silent(&self) -> bool {
        self.made_up >= FADE_TO
    }

    /// The next sound follows silence.
    pub fn begin(&mut self) {
        self.tail.clear();
        self.made_up = FADE_TO;
    }

    /// Moves 10 ms to `out`; silence for what is missing.
    pub fn take(&mut self, out: &mut [f32; SAMPLES_10_MS]) {
        let there = self.ready.len().min(SAMPLES_10_MS);
        out[..there].copy_from_slice(&self.ready[..there]);
        out[there..].fill(0.0);
        self.ready.drain(..there);
    }

    /// Makes a packet's sound ready. `shifted`: sound was put in before it, so that a wave must first be
    /// found where it can go on. Returns the samples it took to get there; `None` when the payload is
    /// not Opus.
    pub fn decode(&mut self, payload: &[u8], shifted: bool) -> Option<usize> {
        let samples = self.decoder.decode(payload, &mut self.scratch).ok()?;
        Some(self.append(0, samples, shifted))
    }

    /// Like [`decode`](Self::decode) where the place of the first `filled` samples was filled meanwhile; of
    /// what is filled altogether the decoder learns how the sound went. False when the payload is not Opus.
    pub fn decode_rest(&mut self, payload: &[u8], filled: usize) -> bool {
        let Ok(samples) = self.decoder.decode(payload, &mut self.scratch) else {
            return false;
        };
        if filled < samples {
            self.append(filled, samples, false);
        }
        true
    }

    /// Makes the last `samples` of the lost packet of `frame` samples before `next_payload` ready. False
    /// when that one does not repeat it.
    pub fn recover(&mut self, next_payload: &[u8], frame: usize, samples: usize) -> bool {
        let recovered = frame <= MAX_PACKET_SAMPLES
            && samples <= frame
            && repeats_previous(next_payload)
            && self.decoder.decode_fec(next_payload, &mut self.scratch[..frame]).is_ok();
        if recovered {
            self.append(frame - samples, frame, false);
        }
        recovered
    }

    /// Makes ready for [`rebuild`](Self::rebuild) what a packet says of those before it. Returns how many
    /// samples that are.
    pub fn find_redundancy(&mut self, payload: &[u8], most: usize) -> usize {
        self.decoder.find_redundancy(payload, most)
    }

    /// Makes `samples` ready from the redundancy found last, from `before` samples before that packet on.
    pub fn rebuild(&mut self, before: usize, samples: usize) -> bool {
        let rebuilt = samples <= MAX_PACKET_SAMPLES
            && self.decoder.decode_redundancy(before, &mut self.scratch[..samples]).is_ok();
        if rebuilt {
            self.append(0, samples, false);
        }
        rebuilt
    }

    /// Appends real sound from the scratch buffer.
    fn append(&mut self, from: usize, to: usize, shifted: bool) -> usize {
        let sound = &mut self.scratch[from..to];
        let mut put_in = 0;
        if self.tail.is_empty() {
            if self.made_up > FADE_FROM {
                let from = gain(self.made_up);
                for (index, sample) in sound.iter_mut().take(FADE).enumerate() {
                    *sample *= from + (1.0 - from) * index as f32 / FADE as f32;
                }
            }
        } else {
            if shifted {
                put_in = stretch::best_lag(&self.tail, sound);
            }
            self.ready.extend_from_slice(&self.tail[..put_in]);
            stretch::cross_fade(&self.tail[put_in..], sound);
            self.tail.clear();
        }
        self.made_up = 0;
        for piece in sound.chunks_exact(SAMPLES_10_MS) {
            self.loud.push(power(piece));
        }
        self.ready.extend_from_slice(sound);
        put_in
    }

    /// Makes `samples` up; they fade as it goes on. `open_end`: what comes next may not follow.
    pub fn conceal(&mut self, samples: usize, open_end: bool) {
        let kept = self.tail.len().min(samples);
        self.ready.extend(self.tail.drain(..kept));
        let tail = if open_end { TAIL - self.tail.len() } else { 0 };
        let missing = (samples - kept).min(MAX_PACKET_SAMPLES).next_multiple_of(MIN_FRAME_SAMPLES);
        let sound = &mut self.scratch[..missing + tail.next_multiple_of(MIN_FRAME_SAMPLES)];
        if sound.is_empty() {
            return;
        }
        if self.made_up >= FADE_TO || self.decoder.conceal(sound).is_err() {
            sound.fill(0.0);
        }
        for (index, sample) in sound.iter_mut().enumerate() {
            *sample *= gain(self.made_up + index);
        }
        self.made_up += sound.len();
        let (now, later) = sound.split_at(missing);
        self.ready.extend_from_slice(now);
        self.tail.extend_from_slice(later);
    }

    /// Fills a pause that the sender made: noise like that before, as long as there is some.
    pub fn pause(&mut self, samples: usize) {
        let samples = samples.min(MAX_PACKET_SAMPLES) / MIN_FRAME_SAMPLES * MIN_FRAME_SAMPLES;
        let sound = &mut self.scratch[..samples];
        if self.decoder.comfort_noise(sound).is_err() {
            sound.fill(0.0);
        }
        if !self.tail.is_empty() {
            stretch::cross_fade(&self.tail, sound);
            self.tail.clear();
        }
        self.ready.extend_from_slice(sound);
    }

    /// The next packet does not follow the last one: join it with how that would have gone on.
    pub fn prepare_jump(&mut self) {
        let made_up = self.made_up;
        self.conceal(0, true);
        self.made_up = made_up;
    }

    /// Makes what is ready a little longer or shorter, by `most` samples at most. Returns by how many; 0
    /// where that would be heard.
    pub fn stretch(&mut self, longer: bool, most: usize, place: Place) -> usize {
        let change = if longer { stretch::lengthen } else { stretch::shorten };
        change(&mut self.ready, most, place, self.loud.get() * PAUSE)
    }
}

/// How loud made-up sound is after `run` samples of it.
fn gain(run: usize) -> f32 {
    let faded = run.saturating_sub(FADE_FROM) as f32 / (FADE_TO - FADE_FROM) as f32;
    (1.0 - faded).max(0.0)
}
