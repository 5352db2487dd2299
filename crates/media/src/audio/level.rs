//! How loud it is, and whether somebody speaks.

use std::time::{Duration, Instant};

/// What counts as silence, in dBFS: no level is below.
pub const FLOOR_DBFS: f32 = -100.0;

/// Amplitude (1 is full scale) to dBFS.
pub fn amplitude_dbfs(amplitude: f32) -> f32 {
    if amplitude > 0.0 { (20.0 * amplitude.log10()).max(FLOOR_DBFS) } else { FLOOR_DBFS }
}

/// The level of the samples' root mean square in dBFS, where a full-scale square wave has 0.
/// [`FLOOR_DBFS`] for none.
pub fn rms_dbfs(samples: &[f32]) -> f32 {
    let sum: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    amplitude_dbfs((sum / samples.len().max(1) as f64).sqrt() as f32)
}

/// The highest amplitude of the samples.
pub fn peak(samples: &[f32]) -> f32 {
    samples.iter().fold(0.0, |peak, sample| peak.max(sample.abs()))
}

/// Measures the peak of what passes.
#[derive(Clone, Copy, Debug, Default)]
pub struct LevelMeter {
    peak: f32,
}

impl LevelMeter {
    /// A meter that has heard nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes samples into account.
    pub fn push(&mut self, samples: &[f32]) {
        self.peak = self.peak.max(peak(samples));
    }

    /// The highest peak since the last take in dBFS, [`FLOOR_DBFS`] for silence; starts anew.
    pub fn take_dbfs(&mut self) -> f32 {
        amplitude_dbfs(std::mem::take(&mut self.peak))
    }
}

/// Above this peak somebody speaks, …
const SPEAKS_ABOVE_DBFS: f32 = -40.0;
/// … and goes on speaking while above this one.
const SPEAKS_ON_ABOVE_DBFS: f32 = -46.0;
/// Pauses between words are shorter.
const HOLD: Duration = Duration::from_millis(500);

/// Whether somebody speaks, from the level, steady enough for a highlight.
#[derive(Clone, Copy, Debug, Default)]
pub struct Speaking {
    heard: Option<Instant>,
}

impl Speaking {
    /// Nobody speaks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the latest peak, in dBFS, into account: true from the first loud one until half a second after the
    /// last one that was not quiet.
    pub fn update(&mut self, now: Instant, dbfs: f32) -> bool {
        let speaks = self.heard.is_some_and(|heard| now < heard + HOLD);
        if dbfs > if speaks { SPEAKS_ON_ABOVE_DBFS } else { SPEAKS_ABOVE_DBFS } {
            self.heard = Some(now);
            return true;
        }
        speaks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_relative_to_full_scale() {
        assert_eq!(rms_dbfs(&[1.0, -1.0]), 0.0);
        assert!((rms_dbfs(&[0.1; 480]) - -20.0).abs() < 0.01);
        assert_eq!(rms_dbfs(&[0.0; 480]), FLOOR_DBFS);
        assert_eq!(rms_dbfs(&[]), FLOOR_DBFS);
    }

    #[test]
    fn a_meter_gives_the_peak_since_the_last_take() {
        let mut meter = LevelMeter::new();
        assert_eq!(meter.take_dbfs(), FLOOR_DBFS);
        meter.push(&[0.01, -0.1, 0.05]);
        meter.push(&[0.02, f32::NAN]);
        assert!((meter.take_dbfs() - -20.0).abs() < 0.01);
        assert_eq!(meter.take_dbfs(), FLOOR_DBFS);
    }

    #[test]
    fn speaking_holds_through_pauses_between_words_and_then_ends() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut speaking = Speaking::new();
        assert!(!speaking.update(at(0), -60.0));
        assert!(!speaking.update(at(100), -43.0), "not loud enough to begin");
        assert!(speaking.update(at(200), -20.0));
        assert!(speaking.update(at(600), -80.0));
        assert!(speaking.update(at(650), -43.0), "loud enough to go on");
        assert!(speaking.update(at(1100), -80.0));
        assert!(!speaking.update(at(1150), -80.0));
        assert!(!speaking.update(at(1200), -43.0));
    }
}
