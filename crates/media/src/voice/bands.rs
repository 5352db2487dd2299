//! Three bands of 8 kHz each, which is what echo cancellation and noise suppression work in, at the
//! scale of 16-bit samples.

use sonora::three_band_filter_bank::ThreeBandFilterBank;

use crate::audio::SAMPLES_10_MS;

/// Samples of one band in 10 ms.
pub(super) const BAND_SAMPLES: usize = SAMPLES_10_MS / 3;
/// Full scale.
pub(super) const SCALE: f32 = 32_768.0;

/// 10 ms in three bands, the lowest first.
pub(super) type Bands = [[f32; BAND_SAMPLES]; 3];

/// Ten milliseconds without sound.
pub(super) const SILENT_BANDS: Bands = [[0.0; BAND_SAMPLES]; 3];

/// Splits one stream into bands, and joins bands to one stream.
pub(super) struct FilterBank {
    bank: ThreeBandFilterBank,
    scaled: [f32; SAMPLES_10_MS],
}

impl FilterBank {
    pub fn new() -> Self {
        Self { bank: ThreeBandFilterBank::new(), scaled: [0.0; SAMPLES_10_MS] }
    }

    /// Splits 10 ms.
    pub fn split(&mut self, frame: &[f32; SAMPLES_10_MS], bands: &mut Bands) {
        for (scaled, sample) in self.scaled.iter_mut().zip(frame) {
            *scaled = sample * SCALE;
        }
        self.bank.analysis(&self.scaled, bands);
    }

    /// Joins 10 ms.
    pub fn join(&mut self, bands: &Bands, frame: &mut [f32; SAMPLES_10_MS]) {
        self.bank.synthesis(bands, &mut self.scaled);
        for (sample, scaled) in frame.iter_mut().zip(&self.scaled) {
            *sample = scaled / SCALE;
        }
    }
}
