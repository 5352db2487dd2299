//! Makes a piece of sound a little shorter or longer without changing its pitch: takes out, or
//! plays twice, a stretch that is one or more periods long, cross-faded where it joins. After
//! "waveform similarity overlap-add" (Verhelst and Roelands, ICASSP 1993).

use crate::audio::level::power;

/// Shortest and longest period looked for: 2.5 ms (400 Hz) to 10 ms (100 Hz).
const MIN_LAG: usize = 120;
const MAX_LAG: usize = 480;
/// Length of the cross-fade, and of what is compared: 5 ms.
pub(super) const FADE: usize = 240;
/// Sound that is this much alike one period later joins without being heard …
const ALIKE: f32 = 0.6;
/// … and this much is good enough in a hurry, and in a pause.
const ALIKE_IN_A_HURRY: f32 = 0.3;
/// Below this mean power (−50 dBFS) anything joins without being heard.
const QUIET_POWER: f32 = 1e-5;

/// Where a piece may be stretched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Only where nobody speaks.
    Pause,
    /// Also in a word, if that is not heard.
    Anywhere,
    /// Also where it is heard a little.
    AnywhereInAHurry,
}

/// Samples that a piece must have to be stretched.
pub(super) const MIN_SAMPLES: usize = MAX_LAG + FADE;

/// Takes 2.5 to 10 ms out of `samples`, `most` samples at most. `pause`: the mean power below which
/// nobody speaks. Returns how many samples that were; 0 when it is too short, or no place was found.
pub(super) fn shorten(samples: &mut Vec<f32>, most: usize, place: Place, pause: f32) -> usize {
    let Some(lag) = period(samples, most, place, pause) else {
        return 0;
    };
    let mut joint = [0.0; FADE];
    joint.copy_from_slice(&samples[lag..lag + FADE]);
    cross_fade(&samples[..FADE], &mut joint);
    samples[..FADE].copy_from_slice(&joint);
    samples.drain(FADE..FADE + lag);
    lag
}

/// Puts 2.5 to 10 ms into `samples`. Returns how many samples that were; 0 as in [`shorten`].
pub(super) fn lengthen(samples: &mut Vec<f32>, most: usize, place: Place, pause: f32) -> usize {
    let Some(lag) = period(samples, most, place, pause) else {
        return 0;
    };
    // Play one lag and a bit, fade back to the beginning meanwhile, and go on from there.
    let mut joint = [0.0; FADE];
    joint.copy_from_slice(&samples[..FADE]);
    cross_fade(&samples[lag..], &mut joint);
    let old = samples.len();
    samples.resize(old + lag, 0.0);
    samples.copy_within(FADE..old, FADE + lag);
    samples[lag..lag + FADE].copy_from_slice(&joint);
    lag
}

/// The lag at which the sound resembles itself best, in samples.
fn period(samples: &[f32], most: usize, place: Place, pause: f32) -> Option<usize> {
    let most = most.min(MAX_LAG);
    if samples.len() < MIN_SAMPLES || most < MIN_LAG {
        return None;
    }
    let power = power(&samples[..MIN_SAMPLES]);
    if power < QUIET_POWER {
        return Some(most);
    }
    let alike = match place {
        _ if power < pause => ALIKE_IN_A_HURRY,
        Place::Pause => return None,
        Place::Anywhere => ALIKE,
        Place::AnywhereInAHurry => ALIKE_IN_A_HURRY,
    };
    let (lag, likeness) = best_match(&samples[..FADE], samples, MIN_LAG, most)?;
    (likeness > alike).then_some(lag)
}

/// Where in `from` the beginning of `to` resembles it best, so that there is still [`FADE`] left of it.
pub(super) fn best_lag(from: &[f32], to: &[f32]) -> usize {
    let Some((template, most)) = to.get(..FADE).zip(from.len().checked_sub(FADE)) else {
        return 0;
    };
    best_match(template, from, 0, most).map_or(0, |(lag, _)| lag)
}

/// The lag between two others at which `samples` is most like `template`, and how much, −1 to 1.
fn best_match(template: &[f32], samples: &[f32], from: usize, to: usize) -> Option<(usize, f32)> {
    let own = power(template);
    // Every second lag will do: at 48 kHz neighbours hardly differ.
    (from..=to)
        .step_by(2)
        .map(|lag| {
            let piece = &samples[lag..lag + template.len()];
            let product: f32 = template.iter().zip(piece).map(|(a, b)| a * b).sum::<f32>() / FADE as f32;
            (lag, product / (own * power(piece)).sqrt().max(f32::MIN_POSITIVE))
        })
        .max_by(|a, b| a.1.total_cmp(&b.1))
}

/// Turns the beginning of `to` from `from` into itself, over [`FADE`] samples or what there is.
pub(super) fn cross_fade(from: &[f32], to: &mut [f32]) {
    let length = FADE.min(from.len()).min(to.len());
    for (index, (from, to)) in from.iter().zip(to).take(length).enumerate() {
        let weight = (index as f32 + 0.5) / length as f32;
        *to = from * (1.0 - weight) + *to * weight;
    }
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::*;

    type Change = fn(&mut Vec<f32>, usize, Place, f32) -> usize;

    fn tone(hz: f32, samples: usize) -> Vec<f32> {
        (0..samples).map(|index| (index as f32 / 48_000.0 * hz * TAU).sin() * 0.5).collect()
    }

    fn largest_step(samples: &[f32]) -> f32 {
        samples.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
    }

    fn crossings(samples: &[f32]) -> f32 {
        let count = samples.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
        count as f32 / samples.len() as f32
    }

    #[test]
    fn a_tone_gets_shorter_and_longer_without_a_click_and_keeps_its_pitch() {
        for hz in [110.0, 150.0, 220.0, 440.0, 700.0] {
            let original = tone(hz, 24_000);
            for (change, longer) in [(shorten as Change, false), (lengthen, true)] {
                let mut samples = original.clone();
                let lag = change(&mut samples, MAX_LAG, Place::Anywhere, 0.0);
                assert!((MIN_LAG..=MAX_LAG).contains(&lag), "{hz} Hz");
                assert_eq!(samples.len(), if longer { 24_000 + lag } else { 24_000 - lag });
                let step = largest_step(&samples) / largest_step(&original);
                assert!(step < 1.2, "{hz} Hz, longer {longer}: {step} times the tone's own step");
                let pitch = crossings(&samples) / crossings(&original);
                assert!((pitch - 1.0).abs() < 0.02, "{hz} Hz, longer {longer}: pitch changed by {pitch}");
                assert_eq!(samples.last(), original.last(), "it ends as it ended");
            }
        }
    }

    #[test]
    fn silence_is_stretched_by_the_most_and_noise_not_at_all() {
        let mut silence = vec![0.0; 960];
        assert_eq!(shorten(&mut silence, MAX_LAG, Place::Anywhere, 0.0), MAX_LAG);
        let mut state = 5_u32;
        let mut noise: Vec<f32> = (0..960)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / (1 << 23) as f32 - 1.0
            })
            .collect();
        assert_eq!(
            (
                shorten(&mut noise, MAX_LAG, Place::Anywhere, 0.0),
                lengthen(&mut noise, MAX_LAG, Place::Anywhere, 0.0)
            ),
            (0, 0)
        );
    }

    #[test]
    fn what_is_too_short_stays_as_it_is() {
        for samples in [0, 100, MIN_SAMPLES - 1] {
            let mut sound = tone(440.0, samples);
            assert_eq!(
                (
                    shorten(&mut sound, 999, Place::AnywhereInAHurry, 0.0),
                    lengthen(&mut sound, 999, Place::AnywhereInAHurry, 0.0)
                ),
                (0, 0)
            );
            assert_eq!(sound.len(), samples);
        }
    }

    #[test]
    fn a_word_is_left_alone_where_a_pause_is_asked_for() {
        let loud = tone(220.0, 960);
        let quiet: Vec<f32> = loud.iter().map(|sample| sample * 0.02).collect(); // -37 dBFS
        for change in [shorten as Change, lengthen] {
            assert_eq!(change(&mut loud.clone(), MAX_LAG, Place::Pause, 1e-3), 0);
            assert!(change(&mut quiet.clone(), MAX_LAG, Place::Pause, 1e-3) > 0);
            assert_eq!(change(&mut quiet.clone(), MAX_LAG, Place::Pause, 1e-5), 0);
        }
    }
}
