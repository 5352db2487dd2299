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

/// Mean power of the samples, of which there are some.
pub(crate) fn power(samples: &[f32]) -> f32 {
    samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len() as f32
}

/// How fast a voice's power is learnt and forgotten with each 10 ms: within a word, and in some seconds.
const LEARN: f32 = 0.3;
const FORGET: f32 = 1.0 / 400.0;

/// Power of a voice where it is loud; what is far below is a pause.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct VoicePower(f32);

impl VoicePower {
    /// Takes 10 ms of this mean power into account.
    pub(crate) fn push(&mut self, power: f32) {
        let more = power - self.0;
        self.0 += if more > 0.0 { more * LEARN } else { -self.0 * FORGET };
    }

    /// As it is now.
    pub(crate) fn get(self) -> f32 {
        self.0
    }
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

/// Whoever is this much above the noise speaks, …
const SPEAKS_ABOVE_NOISE_DB: f32 = 16.0;
/// … and goes on speaking while this much above it.
const SPEAKS_ON_ABOVE_NOISE_DB: f32 = 10.0;
/// Noise is never thought to be quieter than this, …
const LEAST_NOISE_DBFS: f32 = -56.0;
/// … nor louder: what goes on and on at such a level is music, not a fan.
const MOST_NOISE_DBFS: f32 = -40.0;
/// What goes on and on is noise: from a whisper to a loud fan in five seconds.
const NOISE_RISES_DB_PER_S: f32 = 3.0;
/// The pauses between words show how much of the sound is noise.
const NOISE_FALLS_DB_PER_S: f32 = 30.0;
/// What ends before is a click, not a word. Shorter than the time between two updates, which come every 100 ms.
const WORD: Duration = Duration::from_millis(80);
/// Pauses between words are shorter.
const HOLD: Duration = Duration::from_millis(500);

/// Whether somebody speaks, from the level, steady enough for a highlight: not for a click, nor for noise that
/// goes on and on.
#[derive(Clone, Copy, Debug)]
pub struct Speaking {
    noise_dbfs: f32,
    updated: Option<Instant>,
    /// Since when it is loud.
    loud: Option<Instant>,
    /// When it was last a voice.
    heard: Option<Instant>,
}

impl Default for Speaking {
    fn default() -> Self {
        Self { noise_dbfs: LEAST_NOISE_DBFS, updated: None, loud: None, heard: None }
    }
}

impl Speaking {
    /// Nobody speaks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the latest peak, in dBFS, into account; to be called every 100 ms. True from the second loud one
    /// until half a second after the last one that was not quiet.
    pub fn update(&mut self, now: Instant, dbfs: f32) -> bool {
        let elapsed = self.updated.map_or(0.0, |then| now.saturating_duration_since(then).as_secs_f32());
        self.updated = Some(now);
        let lowest = self.noise_dbfs - NOISE_FALLS_DB_PER_S * elapsed;
        let highest = self.noise_dbfs + NOISE_RISES_DB_PER_S * elapsed;
        self.noise_dbfs = dbfs.clamp(lowest, highest).clamp(LEAST_NOISE_DBFS, MOST_NOISE_DBFS);

        let speaks = self.heard.is_some_and(|heard| now < heard + HOLD);
        let above = if speaks { SPEAKS_ON_ABOVE_NOISE_DB } else { SPEAKS_ABOVE_NOISE_DB };
        if dbfs <= self.noise_dbfs + above {
            self.loud = None;
            return speaks;
        }
        let since = *self.loud.get_or_insert(now);
        if speaks || now.saturating_duration_since(since) >= WORD {
            self.heard = Some(now);
            return true;
        }
        false
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

    /// The levels in order, one every 100 ms, and whether somebody speaks after each.
    fn speaking(levels: impl IntoIterator<Item = f32>) -> Vec<bool> {
        let start = Instant::now();
        let mut speaking = Speaking::new();
        let update = |(tick, dbfs)| speaking.update(start + Duration::from_millis(100) * tick, dbfs);
        (0..).zip(levels).map(update).collect()
    }

    #[test]
    fn speaking_holds_through_pauses_between_words_and_then_ends() {
        let levels = [-60.0, -43.0, -43.0, -20.0, -20.0, -80.0, -80.0, -80.0, -43.0, -80.0, -80.0, -80.0];
        let mut expected = [true; 12];
        expected[..4].fill(false); // not loud enough, then not long enough to begin
        assert_eq!(speaking(levels), expected, "-43 is loud enough to go on");
        let ends = speaking(levels.into_iter().chain([-80.0, -80.0, -43.0]));
        assert_eq!(ends[12..], [true, false, false]);
    }

    #[test]
    fn a_click_is_not_a_word() {
        let clicks = (0..100).map(|tick| if tick % 7 == 0 { -10.0 } else { -70.0 });
        assert!(!speaking(clicks).contains(&true));
    }

    #[test]
    fn noise_that_goes_on_is_nobody_who_speaks_and_whoever_speaks_over_it_does() {
        // A fan, as loud as a soft voice, that is not quite steady and once drops out.
        let fan = |tick: u32| if tick == 150 { -100.0 } else { -36.0 + (tick % 4) as f32 };
        let heard = speaking((0..300).map(fan));
        assert!(!heard[70..].contains(&true), "{heard:?}");
        let heard = speaking((0..200).map(|tick| if tick < 150 { fan(tick) } else { -14.0 }));
        assert!(heard[151..].iter().all(|speaks| *speaks));
    }

    #[test]
    fn a_long_speech_and_lasting_music_are_not_taken_for_noise() {
        // Words of half a second, soft ones too, with short pauses.
        let speech = (0..600).map(|tick| if tick % 6 == 5 { -60.0 } else { -18.0 - (tick % 5) as f32 * 3.0 });
        assert!(speaking(speech)[2..].iter().all(|speaks| *speaks));
        assert!(speaking([-20.0; 600])[1..].iter().all(|speaks| *speaks));
    }
}
