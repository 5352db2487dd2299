//! Gain control: brings a voice to a level that is heard well, by its loudness while it speaks, and
//! keeps it from clipping.

use sonora::config::{AdaptiveDigital, GainController2};
use sonora::{AudioProcessing, Config, StreamConfig};

use crate::audio::{SAMPLE_RATE_HZ, SAMPLES_10_MS};

/// What a voice gets before it has been heard, in dB: most microphones need little.
const INITIAL_GAIN_DB: f32 = 6.0;
/// More would bring up the room rather than a voice.
const MAX_GAIN_DB: f32 = 30.0;

pub(super) struct GainStage {
    processing: AudioProcessing,
    output: [f32; SAMPLES_10_MS],
}

impl GainStage {
    pub fn new() -> Self {
        let adaptive = AdaptiveDigital {
            initial_gain_db: INITIAL_GAIN_DB,
            max_gain_db: MAX_GAIN_DB,
            ..AdaptiveDigital::default()
        };
        let gain = GainController2 { adaptive_digital: Some(adaptive), ..GainController2::default() };
        let mono = StreamConfig::new(SAMPLE_RATE_HZ, 1);
        let config = Config { gain_controller2: Some(gain), ..Config::default() };
        let processing =
            AudioProcessing::builder().config(config).capture_config(mono).render_config(mono).build();
        Self { processing, output: [0.0; SAMPLES_10_MS] }
    }

    /// Applies the gain to 10 ms.
    pub fn process(&mut self, frame: &mut [f32; SAMPLES_10_MS]) {
        // Refused only for formats that it was not made for: then the frame stays as it is.
        if self.processing.process_capture_f32(&[&frame[..]], &mut [&mut self.output[..]]).is_ok() {
            frame.copy_from_slice(&self.output);
        }
    }
}
