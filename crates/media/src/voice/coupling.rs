//! Whether the microphone hears the speaker at all, measured: where the canceller's linear filter
//! explains nothing of what the microphone hears while the far end speaks, there is no echo path, as
//! with a headset, and cancelling could only harm.

use super::bands::{BAND_SAMPLES, SCALE};

/// Energies of 10 ms of the lowest band.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Energies {
    /// What the speaker was given.
    pub far: f32,
    /// What the microphone heard.
    pub heard: f32,
    /// What is left of that without the echo that the linear filter knows.
    pub unexplained: f32,
}

/// Frames in a window that is judged: 100 ms of them in which the far end was heard.
const WINDOW: u32 = 10;
/// A far end louder than this (−45 dBFS) can be expected to be heard …
const FAR_ENERGY: f32 = BAND_SAMPLES as f32 * SCALE * SCALE * 3.2e-5;
/// … for this many frames: a room's echo comes late and fades.
const FAR_FRAMES: u32 = 15;
/// Below this (−70 dBFS) the microphone hears nothing.
const HEARD_ENERGY: f32 = BAND_SAMPLES as f32 * SCALE * SCALE * 1e-7;
/// The filter explains an echo when it lowers a window by this factor (5 dB) …
const ECHO_FACTOR: f32 = 3.2;
/// … and what it lowers by less than this (1 dB) has none in it.
const NO_ECHO_FACTOR: f32 = 1.26;
/// Windows without echo that say that there is no path for it: 6 s of the far end.
const WINDOWS_WITHOUT: u32 = 60;

/// Judges from what the canceller tells of each frame.
pub(super) struct Coupling {
    sum: Energies,
    frames: u32,
    /// Frames for which the far end still counts as heard.
    far_frames: u32,
    without: u32,
}

impl Coupling {
    /// Expects an echo until it is shown that there is none.
    pub fn new() -> Self {
        Self { sum: Energies::default(), frames: 0, far_frames: 0, without: 0 }
    }

    /// A frame went through the canceller.
    pub fn frame(&mut self, energies: Energies) {
        if energies.far > FAR_ENERGY {
            self.far_frames = FAR_FRAMES;
        }
        if self.far_frames == 0 {
            return;
        }
        self.far_frames -= 1;
        self.sum.heard += energies.heard;
        self.sum.unexplained += energies.unexplained;
        self.frames += 1;
        if self.frames == WINDOW {
            self.judge();
            self.frames = 0;
            self.sum = Energies::default();
        }
    }

    fn judge(&mut self) {
        let heard = self.sum.heard;
        if heard > HEARD_ENERGY * WINDOW as f32 && heard > ECHO_FACTOR * self.sum.unexplained {
            self.without = 0;
        } else if heard < NO_ECHO_FACTOR * self.sum.unexplained || heard <= HEARD_ENERGY * WINDOW as f32 {
            self.without = (self.without + 1).min(WINDOWS_WITHOUT);
        } else if self.without < WINDOWS_WITHOUT {
            // Neither: somebody may speak over the echo.
            self.without = self.without.saturating_sub(1);
        }
    }

    /// Whether an echo has to be expected.
    pub fn is_coupled(&self) -> bool {
        self.without < WINDOWS_WITHOUT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(coupling: &mut Coupling, count: u32, far: f32, heard: f32, unexplained: f32) {
        let loud = BAND_SAMPLES as f32 * SCALE * SCALE * 1e-3;
        for _ in 0..count {
            coupling.frame(Energies {
                far: far * loud,
                heard: heard * loud,
                unexplained: unexplained * loud,
            });
        }
    }

    #[test]
    fn an_echo_is_expected_until_six_seconds_of_the_far_end_brought_none() {
        let mut coupling = Coupling::new();
        frames(&mut coupling, 6_000, 0.0, 1.0, 1.0);
        assert!(coupling.is_coupled(), "a silent far end shows nothing");
        frames(&mut coupling, 590, 1.0, 1.0, 1.0);
        assert!(coupling.is_coupled());
        frames(&mut coupling, 20, 1.0, 1.0, 1.0);
        assert!(!coupling.is_coupled());
        frames(&mut coupling, 1_000, 1.0, 1.0, 0.7);
        assert!(!coupling.is_coupled(), "what the filter explains by chance is no echo");
    }

    #[test]
    fn an_echo_is_noticed_within_a_fifth_of_a_second() {
        let mut coupling = Coupling::new();
        frames(&mut coupling, 1_000, 1.0, 1.0, 1.0);
        assert!(!coupling.is_coupled());
        frames(&mut coupling, 20, 1.0, 1.0, 0.1);
        assert!(coupling.is_coupled());
    }

    #[test]
    fn a_voice_over_the_echo_does_not_hide_it_for_long() {
        let mut coupling = Coupling::new();
        for _ in 0..100 {
            frames(&mut coupling, 200, 1.0, 1.0, 0.9);
            frames(&mut coupling, 20, 1.0, 0.2, 0.01);
        }
        assert!(coupling.is_coupled());
    }

    #[test]
    fn a_microphone_that_hears_nothing_hears_no_echo() {
        let mut coupling = Coupling::new();
        frames(&mut coupling, 1_000, 1.0, 0.0, 0.0);
        assert!(!coupling.is_coupled());
    }

    #[test]
    fn what_is_no_number_changes_nothing_for_long() {
        let mut coupling = Coupling::new();
        frames(&mut coupling, 100, f32::NAN, f32::NAN, f32::NAN);
        frames(&mut coupling, 1_000, 1.0, 1.0, 1.0);
        assert!(!coupling.is_coupled());
    }
}
