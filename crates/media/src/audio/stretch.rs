//! Makes a piece of sound a little shorter or longer without changing its pitch: takes out, or
//! plays twice, a stretch that is one or more periods long, cross-faded where it joins. After
//! "waveform similarity overlap-add" (Verhelst and Roelands, ICASSP 1993).

/// Shortest and longest period looked for: 2.5 ms (400 Hz) to 10 ms (100 Hz).
const MIN_LAG: usize = 120;
const MAX_LAG: usize = 480;
/// Length of the cross-fade, and of what is compared: 5 ms.
pub(super) const FADE: usize = 240;
/// Sound that is this much alike one period later joins without being heard.
const ALIKE: f32 = 0.6;
/// Below this mean power (−50 dBFS) anything joins without being heard.
const QUIET_POWER: f32 = 1e-5;

/// Samples that a piece must have to be stretched.
pub(super) const MIN_SAMPLES: usize = MAX_LAG + FADE;

/// Takes 2.5 to 10 ms out of `samples`. Returns how many samples that were; 0 when it is too short, or
/// no place was found that would not be heard.
pub(super) fn shorten(samples: &mut Vec<f32>) -> usize {
    let Some(lag) = period(samples) else {
        return 0;
    };
    let joint = fade(&samples[..FADE], &samples[lag..]);
    samples[..FADE].copy_from_slice(&joint);
    samples.drain(FADE..FADE + lag);
    lag
}

/// Puts 2.5 to 10 ms into `samples`. Returns how many samples that were; 0 as in [`shorten`].
pub(super) fn lengthen(samples: &mut Vec<f32>) -> usize {
    let Some(lag) = period(samples) else {
        return 0;
    };
    // Play one lag and a bit, fade back to the beginning meanwhile, and go on from there.
    let joint = fade(&samples[lag..], &samples[..FADE]);
    let old = samples.len();
    samples.resize(old + lag, 0.0);
    samples.copy_within(FADE..old, FADE + lag);
    samples[lag..lag + FADE].copy_from_slice(&joint);
    lag
}

/// The lag at which the sound resembles itself best, in samples.
fn period(samples: &[f32]) -> Option<usize> {
    let template = samples.get(..FADE)?;
    if samples.len() < MIN_SAMPLES {
        return None;
    }
    let power = |piece: &[f32]| piece.iter().map(|sample| sample * sample).sum::<f32>() / piece.len() as f32;
    let own = power(template);
    if power(&samples[..MIN_SAMPLES]) < QUIET_POWER {
        return Some(MAX_LAG);
    }
    // Every second lag will do: at 48 kHz neighbours hardly differ.
    let (best, likeness) = (MIN_LAG..=MAX_LAG)
        .step_by(2)
        .map(|lag| {
            let piece = &samples[lag..lag + FADE];
            let product: f32 = template.iter().zip(piece).map(|(a, b)| a * b).sum::<f32>() / FADE as f32;
            (lag, product / (own * power(piece)).sqrt().max(f32::MIN_POSITIVE))
        })
        .max_by(|a, b| a.1.total_cmp(&b.1))?;
    (likeness > ALIKE).then_some(best)
}

/// The first [`FADE`] samples of one sound turning into those of another.
pub(super) fn fade(from: &[f32], to: &[f32]) -> [f32; FADE] {
    let mut joint = [0.0; FADE];
    for (index, ((joint, from), to)) in joint.iter_mut().zip(from).zip(to).enumerate() {
        let weight = (index as f32 + 0.5) / FADE as f32;
        *joint = from * (1.0 - weight) + to * weight;
    }
    joint
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::*;

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
            for (change, longer) in [(shorten as fn(&mut Vec<f32>) -> usize, false), (lengthen, true)] {
                let mut samples = original.clone();
                let lag = change(&mut samples);
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
        assert_eq!(shorten(&mut silence), MAX_LAG);
        let mut state = 5_u32;
        let mut noise: Vec<f32> = (0..960)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / (1 << 23) as f32 - 1.0
            })
            .collect();
        assert_eq!((shorten(&mut noise), lengthen(&mut noise)), (0, 0));
    }

    #[test]
    fn what_is_too_short_stays_as_it_is() {
        for samples in [0, 100, MIN_SAMPLES - 1] {
            let mut sound = tone(440.0, samples);
            assert_eq!((shorten(&mut sound), lengthen(&mut sound)), (0, 0));
            assert_eq!(sound.len(), samples);
        }
    }
}
