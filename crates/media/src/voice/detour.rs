//! A way round a stage, as long as the way through it, and the crossing from one to the other: so that a stage
//! that has nothing to do leaves the sound as it is. Where it has had nothing to do for a while there is a
//! shortcut, which takes no time: the step onto it, and off it again, is made in a pause, where nobody hears it.

use super::bands::{BAND_SAMPLES, Bands, SCALE, SILENT_BANDS};
use crate::audio::level::{VoicePower, power};

/// Frames (10 ms) without work until the shortcut is taken: 3 s.
const IDLE_FRAMES: u32 = 300;
/// Work that is wanted up to this share waits for a pause.
const CAN_WAIT: f32 = 0.5;
/// A pause is so far (26 dB) below the voice in power, or below −70 dBFS.
const PAUSE: f32 = 2.5e-3;
const SILENT: f32 = SCALE * SCALE * 1e-7;

/// Delays sound by so many samples of a band, or not at all.
pub(super) struct Detour<const DELAY: usize> {
    under_way: [[f32; DELAY]; 3],
    /// How much of the output comes through the stage: 0 or 1 but while it changes.
    share: f32,
    /// The output is the input: neither the stage nor the way round it.
    shortcut: bool,
    /// Frames since the stage last had work.
    idle: u32,
    loud: VoicePower,
}

impl<const DELAY: usize> Detour<DELAY> {
    /// On the shortcut: nothing was heard yet that could be interrupted.
    pub fn new() -> Self {
        Self {
            under_way: [[0.0; DELAY]; 3],
            share: 0.0,
            shortcut: true,
            idle: 0,
            loud: VoicePower::default(),
        }
    }

    /// Whether the output is behind the input.
    pub fn is_late(&self) -> bool {
        !self.shortcut
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

    /// Moves on within this frame to that share of what came through the stage, the rest being what came
    /// round it; or to `bands`, which is what went in, where there is no work.
    pub fn cross(&mut self, bands: &Bands, around: &Bands, through: &Bands, share: f32) -> Bands {
        let pause = self.is_pause(&bands[0], &around[0]);
        self.idle = if share > 0.0 { 0 } else { self.idle.saturating_add(1) };
        let was = self.shortcut;
        self.shortcut = match was {
            true => share <= 0.0 || share < CAN_WAIT && !pause,
            false => self.idle > IDLE_FRAMES && pause,
        };
        let from = self.share;
        self.share = if self.shortcut || was { 0.0 } else { share };
        match (was, self.shortcut) {
            (true, true) => *bands,
            (true, false) => fade(bands, around, 0.0, 1.0),
            (false, true) => fade(around, bands, 0.0, 1.0),
            (false, false) => fade(around, through, from, share),
        }
    }

    fn is_pause(&mut self, now: &[f32; BAND_SAMPLES], before: &[f32; BAND_SAMPLES]) -> bool {
        let (now, before) = (power(now), power(before));
        self.loud.push(now);
        now.max(before) < (self.loud.get() * PAUSE).max(SILENT)
    }
}

/// From one share of the second to another.
fn fade(first: &Bands, second: &Bands, from: f32, to: f32) -> Bands {
    let mut out = SILENT_BANDS;
    let step = (to - from) / BAND_SAMPLES as f32;
    for ((out, first), second) in out.iter_mut().zip(first).zip(second) {
        for (index, ((out, first), second)) in out.iter_mut().zip(first).zip(second).enumerate() {
            *out = first + (second - first) * (from + step * index as f32);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOICE: Bands = [[0.1 * SCALE; BAND_SAMPLES]; 3];
    const STAGE: Bands = [[0.0; BAND_SAMPLES]; 3];

    fn frame(detour: &mut Detour<32>, bands: &Bands, share: f32) -> Bands {
        let around = detour.pass(bands);
        detour.cross(bands, &around, &STAGE, share)
    }

    #[test]
    fn the_way_round_is_late_by_its_length_and_crossing_over_does_not_click() {
        let mut detour = Detour::<32>::new();
        frame(&mut detour, &SILENT_BANDS, 1.0);
        assert!(detour.is_late());
        frame(&mut detour, &SILENT_BANDS, 0.0);
        let around = frame(&mut detour, &VOICE, 0.0);
        assert_eq!((around[1][31], around[1][32]), (0.0, VOICE[1][0]));
        assert_eq!(frame(&mut detour, &VOICE, 0.0), VOICE);
        let crossing = frame(&mut detour, &VOICE, 1.0);
        let steps = crossing[0].windows(2).map(|pair| (pair[0] - pair[1]) / VOICE[0][0]);
        assert!(steps.into_iter().all(|step| (0.0..0.01).contains(&step)));
        assert_eq!(frame(&mut detour, &VOICE, 1.0), STAGE);
    }

    #[test]
    fn the_shortcut_is_taken_in_a_pause_once_there_was_nothing_to_do_for_a_while() {
        let mut detour = Detour::<32>::new();
        assert_eq!(frame(&mut detour, &VOICE, 0.0), VOICE, "nothing is in the way at first");
        frame(&mut detour, &VOICE, 1.0);
        for _ in 0..2 * IDLE_FRAMES {
            frame(&mut detour, &VOICE, 0.0);
            assert!(detour.is_late(), "not within a word");
        }
        for _ in 0..2 {
            frame(&mut detour, &SILENT_BANDS, 0.0);
        }
        assert!(!detour.is_late());
        assert_eq!(frame(&mut detour, &VOICE, 0.0), VOICE);
        frame(&mut detour, &VOICE, 1.0);
        for _ in 0..IDLE_FRAMES / 2 {
            frame(&mut detour, &SILENT_BANDS, 0.0);
            assert!(detour.is_late(), "too soon");
        }
    }

    #[test]
    fn work_that_can_wait_leaves_the_shortcut_in_a_pause_and_work_that_cannot_at_once() {
        let mut detour = Detour::<32>::new();
        frame(&mut detour, &VOICE, 0.0);
        frame(&mut detour, &VOICE, 0.1);
        assert!(!detour.is_late());
        for _ in 0..2 {
            frame(&mut detour, &SILENT_BANDS, 0.1);
        }
        assert!(detour.is_late());
        let mut detour = Detour::<32>::new();
        frame(&mut detour, &VOICE, 0.0);
        frame(&mut detour, &VOICE, 1.0);
        assert!(detour.is_late());
        let left = frame(&mut detour, &VOICE, 1.0)[0][BAND_SAMPLES - 1] / VOICE[0][0];
        assert!((left * BAND_SAMPLES as f32 - 1.0).abs() < 0.01, "{left}");
        assert_eq!(frame(&mut detour, &VOICE, 1.0), STAGE);
    }
}
