//! Which sample of the far end's sound belongs to which of the microphone's, when each device runs by
//! a clock of its own and tells the time now and then, and not exactly. Told the time.
//!
//! Between two clocks the distance in samples drifts slowly and steadily; what is read from the
//! devices scatters around it. The drift is followed without a jump; a distance that stays off (a
//! device that buffers more than before) is taken over at once.

use crate::audio::SAMPLES_10_MS;

/// How much earlier than needed the canceller gets the far end's sound where it is there so early, in
/// samples: devices may tell the time wrong by this (20 ms).
const LEAD: f64 = 960.0;
/// A distance that is off by more than this (12 ms) …
const JUMP: f64 = 576.0;
/// … for this many frames in a row is a new one.
const JUMP_FRAMES: u32 = 25;
/// Frames in which the first distance is found quickly.
const BEGIN_FRAMES: u32 = 100;
/// Of an error this much is made good per frame, at the beginning and later, …
const QUICK: f64 = 0.05;
const SLOW: f64 = 0.004;
/// … where the times scatter by no more than this (1 ms); else less, but at least a tenth.
const FINE: f64 = 48.0;
/// How quickly the scatter is learnt.
const SCATTER: f64 = 0.01;
/// No sound card is worse (1000 ppm).
const MAX_DRIFT: f64 = SAMPLES_10_MS as f64 * 1e-3;
/// Errors count up to this many times their usual size, lest a few wild ones pull.
const MAX_ERRORS: f64 = 3.0;

/// Follows the distance between two streams' sample numbers.
#[derive(Clone, Debug)]
pub(super) struct Alignment {
    /// Far sample number minus near sample number of what sounds at the same time.
    distance: f64,
    /// Its change per frame.
    drift: f64,
    /// Mean of the errors' size.
    scatter: f64,
    frames: u32,
    off: u32,
    off_sum: f64,
    lead: f64,
}

/// Where to read the far end's sound for one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reading {
    /// The number of the first sample, between two of them.
    pub position: f64,
    /// How much further each next one is.
    pub step: f64,
}

impl Alignment {
    pub fn new() -> Self {
        let (distance, drift, scatter, off_sum) = (0.0, 0.0, 0.0, 0.0);
        Self { distance, drift, scatter, frames: 0, off: 0, off_sum, lead: LEAD }
    }

    /// The far end's sound is not there as early as it is read: from now on this much later.
    pub fn postpone(&mut self, samples: f64) {
        self.lead -= samples;
    }

    /// For the frame that begins with the microphone's sample `near`: by the devices' account the
    /// speaker played `far` at that time.
    pub fn frame(&mut self, near: u64, far: f64) -> Reading {
        let measured = far - near as f64;
        if self.frames == 0 {
            self.distance = measured;
        }
        let mut begin = self.distance;
        let error = measured - self.distance;
        if error.abs() > JUMP {
            self.off += 1;
            self.off_sum += measured;
            if self.off == JUMP_FRAMES {
                self.distance = self.off_sum / f64::from(JUMP_FRAMES);
                (self.off, self.off_sum) = (0, 0.0);
                begin = self.distance;
            }
        } else {
            (self.off, self.off_sum) = (0, 0.0);
            let beginning = self.frames < BEGIN_FRAMES;
            self.scatter += SCATTER * (error.abs() - self.scatter);
            let most = MAX_ERRORS * self.scatter.max(FINE);
            let error = error.clamp(-most, most);
            let slow = SLOW * (FINE / self.scatter.max(FINE)).max(0.1);
            self.distance += self.drift + error * if beginning { QUICK } else { slow };
            if !beginning {
                // Critically damped.
                self.drift = (self.drift + error * slow * slow / 4.0).clamp(-MAX_DRIFT, MAX_DRIFT);
            }
        }
        self.frames = self.frames.saturating_add(1);
        let step = 1.0 + (self.distance - begin) / SAMPLES_10_MS as f64;
        Reading { position: near as f64 + begin + self.lead, step }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: u64 = SAMPLES_10_MS as u64;

    /// Noise within ±`width`.
    fn scatter(state: &mut u32, width: f64) -> f64 {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (f64::from(*state >> 8) / f64::from(1 << 23) - 1.0) * width
    }

    #[test]
    fn drift_is_followed_within_half_a_millisecond_though_the_devices_times_scatter() {
        for (ppm, width) in [(80.0, 48.0), (-80.0, 240.0), (300.0, 100.0), (0.0, 480.0)] {
            let mut alignment = Alignment::new();
            let mut state = 1;
            let mut last = None;
            for index in 0..6_000 {
                let near = index * FRAME;
                let truth = 5_000.0 + near as f64 * (1.0 + ppm * 1e-6);
                let reading = alignment.frame(near, truth + scatter(&mut state, width));
                let error = (reading.position - LEAD - truth).abs();
                assert!(index < 3_000 || error < 24.0, "{ppm} ppm: {error} after {index} frames");
                assert!(index < 3_000 || (reading.step - 1.0).abs() < 0.002);
                if let Some(last) = last {
                    let seam: f64 = reading.position - last;
                    assert!(seam.abs() < 1e-3, "{seam} samples between two frames");
                }
                last = Some(reading.position + reading.step * FRAME as f64);
            }
        }
    }

    #[test]
    fn a_device_that_suddenly_buffers_more_is_followed_within_a_third_of_a_second() {
        let mut alignment = Alignment::new();
        let (mut jumps, mut last) = (0, 0.0);
        for index in 0..2_000 {
            let near = index * FRAME;
            let truth = near as f64 + if index < 1_000 { 0.0 } else { -4_800.0 };
            let reading = alignment.frame(near, truth);
            jumps += u32::from((reading.position - last).abs() > 10.0 && index > 0);
            last = reading.position + reading.step * FRAME as f64;
            let error = (reading.position - LEAD - truth).abs();
            assert!((1_000..1_030).contains(&index) || error < 1.0, "{error} after {index}");
        }
        assert_eq!(jumps, 1);
    }

    #[test]
    fn a_few_wild_times_move_nothing() {
        let mut alignment = Alignment::new();
        for index in 0..2_000 {
            let near = index * FRAME;
            let wild = if index > 0 && index % 50 < 5 { 20_000.0 } else { 0.0 };
            let reading = alignment.frame(near, near as f64 + wild);
            assert!((reading.position - LEAD - near as f64).abs() < 1.0);
        }
    }
}
