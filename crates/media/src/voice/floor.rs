//! How loud it is where nobody speaks: the level that a tenth of the last seconds stays below. What a driver
//! leaves out now and then does not pass for a quiet room.

use super::bands::SCALE;
use crate::audio::level::{FLOOR_DBFS, amplitude_dbfs, rms_dbfs};

/// Width and number of the histogram's buckets: from silence to full scale.
const BUCKET_DB: f32 = 2.0;
const BUCKETS: usize = 51;
/// What is forgotten with each frame of 10 ms: to 37 % in three seconds.
const FORGET: f32 = 1.0 / 300.0;
const QUIET_SHARE: f32 = 0.1;

/// Of one microphone.
pub(super) struct NoiseFloor {
    /// The share of frames in each bucket.
    shares: [f32; BUCKETS],
}

impl NoiseFloor {
    pub fn new() -> Self {
        Self { shares: [0.0; BUCKETS] }
    }

    /// Takes 10 ms into account; the level in dBFS. At first it is as loud as the quietest that was heard.
    pub fn update(&mut self, samples: &[f32]) -> f32 {
        let dbfs = rms_dbfs(samples) - amplitude_dbfs(SCALE);
        let bucket = ((dbfs - FLOOR_DBFS) / BUCKET_DB).clamp(0.0, (BUCKETS - 1) as f32) as usize;
        for share in &mut self.shares {
            *share *= 1.0 - FORGET;
        }
        self.shares[bucket] += FORGET;
        let all: f32 = self.shares.iter().sum();
        let mut below = 0.0;
        let quiet = self.shares.iter().position(|share| {
            below += share;
            below >= all * QUIET_SHARE
        });
        FLOOR_DBFS + quiet.unwrap_or(BUCKETS - 1) as f32 * BUCKET_DB
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The floor after so many seconds of frames whose amplitude depends on their number.
    fn after(seconds: usize, amplitude: impl Fn(usize) -> f32) -> f32 {
        let mut floor = NoiseFloor::new();
        (0..seconds * 100).map(|frame| floor.update(&[amplitude(frame) * SCALE; 160])).last().unwrap()
    }

    #[test]
    fn it_is_what_is_heard_between_words() {
        let words = |frame: usize| if frame % 50 < 40 { 0.1 } else { 0.001 };
        assert!((after(5, words) - -60.0).abs() <= BUCKET_DB);
        assert!((after(5, |_| 0.0) - FLOOR_DBFS).abs() <= BUCKET_DB);
        assert!((after(5, |frame| if frame < 100 { 0.0 } else { 0.01 }) - -40.0).abs() <= BUCKET_DB);
    }

    #[test]
    fn gaps_in_a_noise_are_not_a_quiet_room() {
        let noise = |frame: usize| if frame.is_multiple_of(25) { 0.0 } else { 0.003 };
        assert!((after(5, noise) - -50.0).abs() <= BUCKET_DB);
    }
}
