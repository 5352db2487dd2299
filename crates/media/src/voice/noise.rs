//! Noise suppression: what stays the same is taken for noise and lowered by about 12 dB.

use sonora_ns::config::{NsConfig, SuppressionLevel};
use sonora_ns::noise_suppressor::NoiseSuppressor;

use super::bands::{BAND_SAMPLES, Bands};
use super::floor::NoiseFloor;

/// By how much its output is behind its input, in samples of a band: it overlaps blocks of 256.
pub(super) const DELAY: usize = 256 - BAND_SAMPLES;

/// Noise below this is heard by nobody, and suppressing it would only be heard in the voice; above the other all of
/// it is done. Between two frames it changes by no more than the step.
const NOBODY_HEARS_DBFS: f32 = -74.0;
const NOISE_DBFS: f32 = -64.0;
const SHARE_STEP: f32 = 0.02;

pub(super) struct NoiseStage {
    suppressor: NoiseSuppressor,
    floor: NoiseFloor,
    /// How much of its work is worth using, 0 to 1.
    share: f32,
}

impl NoiseStage {
    pub fn new() -> Self {
        let config = NsConfig { target_level: SuppressionLevel::K12dB };
        Self { suppressor: NoiseSuppressor::new_with_bands(config, 3), floor: NoiseFloor::new(), share: 1.0 }
    }

    /// Learns the noise from what the microphone heard, before anything is taken out of it.
    pub fn listen(&mut self, lowest: &[f32; BAND_SAMPLES]) {
        self.suppressor.analyze(lowest);
        let wanted = (self.floor.update(lowest) - NOBODY_HEARS_DBFS) / (NOISE_DBFS - NOBODY_HEARS_DBFS);
        self.share += (wanted.clamp(0.0, 1.0) - self.share).clamp(-SHARE_STEP, SHARE_STEP);
    }

    /// Lowers the noise. Returns how much of that is to be used, the rest being what came in: 0 in a quiet room.
    pub fn process(&mut self, bands: &mut Bands) -> f32 {
        let [lowest, upper @ ..] = bands;
        self.suppressor.process(lowest);
        let gain = self.suppressor.upper_band_gain();
        for (index, band) in upper.iter_mut().enumerate() {
            self.suppressor.process_upper_band(band, index, gain);
        }
        self.share
    }
}
