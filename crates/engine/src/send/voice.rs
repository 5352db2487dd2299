//! What the voice thread does to the microphone's sound before it is encoded: processing, in frames of
//! 10 ms, with what the speaker plays meanwhile.

use std::time::Instant;

use maru_media::audio::ring::RingConsumer;
use maru_media::audio::{SAMPLES_10_MS, SAMPLES_20_MS};
use maru_media::voice::far_end::{FarEndReader, FarFrame};
use maru_media::voice::{VoiceProcessor, VoiceSettings, VoiceStats};

/// One participant's voice.
pub(super) struct Voice {
    processor: VoiceProcessor,
    far_end: FarEndReader,
    played: [f32; SAMPLES_10_MS],
    told: VoiceStats,
}

impl Voice {
    pub fn new(settings: VoiceSettings, far_end: FarEndReader) -> Self {
        let processor = VoiceProcessor::new(settings);
        Self { processor, far_end, played: [0.0; SAMPLES_10_MS], told: VoiceStats::default() }
    }

    pub fn set(&mut self, settings: VoiceSettings) {
        self.processor.set(settings);
    }

    pub fn new_microphone(&mut self) {
        self.far_end.new_microphone();
        self.processor.new_echo_path();
    }

    /// Sound of the microphone that is not wanted.
    pub fn skip(&mut self, microphone: &mut RingConsumer, samples: &mut [f32; SAMPLES_20_MS]) {
        self.far_end.skip(microphone.pull(samples) as u64);
    }

    /// The next 20 ms of the microphone, which are there, processed. Returns when the first sample that comes
    /// out was heard.
    pub fn pull(&mut self, microphone: &mut RingConsumer, samples: &mut [f32; SAMPLES_20_MS]) -> Instant {
        let first = microphone.next_captured(Instant::now());
        let (frames, _) = samples.as_chunks_mut::<SAMPLES_10_MS>();
        for frame in frames {
            let heard = microphone.next_captured(Instant::now());
            microphone.pull(frame);
            let far = self.far_end.read(heard, &mut self.played);
            if far == FarFrame::NewSpeaker {
                self.processor.new_echo_path();
            }
            self.processor.process(frame, (far != FarFrame::None).then_some(&self.played));
        }
        self.tell();
        first.checked_sub(self.processor.delay()).unwrap_or(first)
    }

    pub fn stats(&self) -> VoiceStats {
        self.told
    }

    /// Writes to the log what is worth knowing afterwards.
    fn tell(&mut self) {
        let stats = self.processor.stats();
        if stats.panics != self.told.panics {
            tracing::error!(panics = stats.panics, "voice processing failed; the stage is built anew");
        }
        if stats.echo != self.told.echo {
            tracing::debug!(?stats, "echo cancellation");
        }
        self.told = stats;
    }
}
