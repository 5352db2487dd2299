//! A way round a stage, as long as the way through it, and the crossing from one to the other: so that a stage
//! that has nothing to do leaves the sound as it is.

use super::bands::{BAND_SAMPLES, Bands, SILENT_BANDS};

/// Delays sound by so many samples of a band.
pub(super) struct Detour<const DELAY: usize> {
    under_way: [[f32; DELAY]; 3],
    /// How much of the output comes through the stage: 0 or 1 but while it changes.
    share: f32,
}

impl<const DELAY: usize> Detour<DELAY> {
    pub fn new() -> Self {
        Self { under_way: [[0.0; DELAY]; 3], share: 0.0 }
    }

    /// What went in, late.
    pub fn pass(&mut self, bands: &Bands) -> Bands {
        let mut around = SILENT_BANDS;
        for ((around, band), under_way) in around.iter_mut().zip(bands).zip(&mut self.under_way) {
            let (late, early) = around.split_at_mut(DELAY);
            late.copy_from_slice(under_way);
            let kept = BAND_SAMPLES - DELAY;
            early.copy_from_slice(&band[..kept]);
            under_way.copy_from_slice(&band[kept..]);
        }
        around
    }

    /// Moves on within this frame to that share of what came through the stage.
    pub fn cross(&mut self, around: &Bands, through: &Bands, share: f32) -> Bands {
        let mut out = SILENT_BANDS;
        let step = (share - self.share) / BAND_SAMPLES as f32;
        for ((out, through), around) in out.iter_mut().zip(through).zip(around) {
            for (index, ((out, through), around)) in out.iter_mut().zip(through).zip(around).enumerate() {
                let share = self.share + step * index as f32;
                *out = around + (through - around) * share;
            }
        }
        self.share = share;
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_round_is_late_by_its_length_and_crossing_over_does_not_click() {
        let mut detour = Detour::<32>::new();
        let (near, stage) = ([[1.0; BAND_SAMPLES]; 3], [[0.0; BAND_SAMPLES]; 3]);
        let around = detour.pass(&near);
        assert_eq!((around[1][31], around[1][32]), (0.0, 1.0));
        let around = detour.pass(&near);
        assert_eq!(detour.cross(&around, &stage, 0.0), near);
        let crossing = detour.cross(&around, &stage, 1.0);
        assert!(crossing[0].windows(2).all(|pair| (0.0..0.01).contains(&(pair[0] - pair[1]))));
        assert_eq!(detour.cross(&around, &stage, 1.0), stage);
    }
}
