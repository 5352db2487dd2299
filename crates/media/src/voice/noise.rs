//! Noise suppression: what stays the same is taken for noise and lowered by about 12 dB.

use sonora_ns::config::{NsConfig, SuppressionLevel};
use sonora_ns::noise_suppressor::NoiseSuppressor;

use super::bands::{BAND_SAMPLES, Bands};

/// By how much its output is behind its input, in samples of a band: it overlaps blocks of 256.
pub(super) const DELAY: usize = 256 - BAND_SAMPLES;

pub(super) struct NoiseStage {
    suppressor: NoiseSuppressor,
}

impl NoiseStage {
    pub fn new() -> Self {
        let config = NsConfig { target_level: SuppressionLevel::K12dB };
        Self { suppressor: NoiseSuppressor::new_with_bands(config, 3) }
    }

    /// Learns the noise from what the microphone heard, before anything is taken out of it.
    pub fn listen(&mut self, lowest: &[f32; BAND_SAMPLES]) {
        self.suppressor.analyze(lowest);
    }

    /// Lowers the noise.
    pub fn process(&mut self, bands: &mut Bands) {
        let [lowest, upper @ ..] = bands;
        self.suppressor.process(lowest);
        let gain = self.suppressor.upper_band_gain();
        for (index, band) in upper.iter_mut().enumerate() {
            self.suppressor.process_upper_band(band, index, gain);
        }
    }
}
