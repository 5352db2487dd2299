//! Signals as the benchmark needs them: a Fourier transform, convolution, sample rates, levels.

use std::f64::consts::TAU;

/// A complex number.
#[derive(Clone, Copy, Debug, Default)]
pub struct Complex {
    pub re: f64,
    pub im: f64,
}

impl Complex {
    fn times(self, other: Self) -> Self {
        Self { re: self.re * other.re - self.im * other.im, im: self.re * other.im + self.im * other.re }
    }

    /// The complex conjugate times another.
    pub fn conjugate_times(self, other: Self) -> Self {
        Self { re: self.re, im: -self.im }.times(other)
    }

    /// The square of its size.
    pub fn power(self) -> f64 {
        self.re * self.re + self.im * self.im
    }
}

/// Fourier transform in place; the length is a power of two.
pub fn fft(data: &mut [Complex], inverse: bool) {
    let count = data.len();
    let mut swap = 0;
    for index in 1..count {
        let mut bit = count >> 1;
        while swap & bit != 0 {
            swap ^= bit;
            bit >>= 1;
        }
        swap |= bit;
        if index < swap {
            data.swap(index, swap);
        }
    }
    let mut length = 2;
    while length <= count {
        let angle = if inverse { TAU } else { -TAU } / length as f64;
        for start in (0..count).step_by(length) {
            for index in 0..length / 2 {
                let (im, re) = (angle * index as f64).sin_cos();
                let odd = data[start + index + length / 2].times(Complex { re, im });
                let even = data[start + index];
                data[start + index] = Complex { re: even.re + odd.re, im: even.im + odd.im };
                data[start + index + length / 2] = Complex { re: even.re - odd.re, im: even.im - odd.im };
            }
        }
        length *= 2;
    }
}

/// What a room with this response makes of a sound; as long as the sound.
pub fn convolve(sound: &[f32], response: &[f32]) -> Vec<f32> {
    const SIZE: usize = 1 << 16;
    let step = SIZE - response.len();
    let mut filter = spectrum(response, SIZE);
    fft(&mut filter, false);
    let mut out = vec![0.0; sound.len() + SIZE];
    for (index, piece) in sound.chunks(step).enumerate() {
        let mut data = spectrum(piece, SIZE);
        fft(&mut data, false);
        for (value, filter) in data.iter_mut().zip(&filter) {
            *value = value.times(*filter);
        }
        fft(&mut data, true);
        for (out, value) in out[index * step..].iter_mut().zip(&data) {
            *out += (value.re / SIZE as f64) as f32;
        }
    }
    out.truncate(sound.len());
    out
}

fn spectrum(sound: &[f32], size: usize) -> Vec<Complex> {
    let mut data = vec![Complex::default(); size];
    for (value, sample) in data.iter_mut().zip(sound) {
        value.re = f64::from(*sample);
    }
    data
}

/// Reads a sound at another rate: `step` samples of it per sample of the result.
pub fn resample(sound: &[f32], step: f64) -> Vec<f32> {
    const HALF: i64 = 24;
    let count = (sound.len() as f64 / step) as usize;
    // A lower rate needs a lower cut-off.
    let cut = (1.0 / step).min(1.0);
    let tap = |distance: f64| {
        let x = distance * cut;
        let sinc = if x.abs() < 1e-9 { 1.0 } else { (TAU / 2.0 * x).sin() / (TAU / 2.0 * x) };
        sinc * cut * (0.5 + 0.5 * (TAU / 2.0 * distance / HALF as f64).cos())
    };
    (0..count)
        .map(|index| {
            let position = index as f64 * step;
            let whole = position.floor() as i64;
            let sum: f64 = (whole - HALF + 1..=whole + HALF)
                .filter_map(|number| {
                    let sample = sound.get(usize::try_from(number).ok()?)?;
                    Some(f64::from(*sample) * tap(position - number as f64))
                })
                .sum();
            sum as f32
        })
        .collect()
}

/// The sum of squares.
pub fn energy(sound: &[f32]) -> f64 {
    sound.iter().map(|sample| f64::from(*sample).powi(2)).sum()
}

/// A ratio of energies in decibels.
pub fn db(ratio: f64) -> f64 {
    10.0 * ratio.max(1e-12).log10()
}

/// A sound brought to this level (root mean square) in dBFS.
pub fn at_level(sound: &[f32], dbfs: f64) -> Vec<f32> {
    let mean = energy(sound) / sound.len().max(1) as f64;
    let gain = (10_f64.powf(dbfs / 10.0) / mean.max(1e-12)).sqrt() as f32;
    sound.iter().map(|sample| sample * gain).collect()
}

/// Numbers that look random and are the same every time.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Begins anew for each seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// 0 to 1.
    pub fn unit(&mut self) -> f64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// −1 to 1.
    pub fn signed(&mut self) -> f64 {
        self.unit() * 2.0 - 1.0
    }
}

/// How much of `wanted` is in `got`, by energy: what of each piece of a tenth of a second and of each
/// band from 100 Hz to 8 kHz is the same but for its level and phase.
pub fn kept(wanted: &[f32], got: &[f32]) -> f64 {
    const SIZE: usize = 2_048;
    const HOP: usize = 512;
    const PIECE: usize = 9;
    let edges: Vec<usize> = [
        100, 300, 500, 700, 900, 1_100, 1_400, 1_700, 2_000, 2_400, 2_900, 3_500, 4_200, 5_000, 6_000, 8_000,
    ]
    .iter()
    .map(|hz| hz * SIZE / 48_000)
    .collect();
    let frames = |sound: &[f32]| -> Vec<Vec<Complex>> {
        sound
            .windows(SIZE)
            .step_by(HOP)
            .map(|piece| {
                let mut data = spectrum(piece, SIZE);
                for (index, value) in data.iter_mut().enumerate() {
                    value.re *= 0.5 - 0.5 * (TAU * index as f64 / SIZE as f64).cos();
                }
                fft(&mut data, false);
                data
            })
            .collect()
    };
    let (wanted, got) = (frames(wanted), frames(got));
    let (mut all, mut same) = (0.0, 0.0);
    for (wanted, got) in wanted.chunks(PIECE).zip(got.chunks(PIECE)) {
        for band in edges.windows(2) {
            let (mut power, mut product) = (0.0, Complex::default());
            for (wanted, got) in wanted.iter().zip(got) {
                for bin in band[0]..band[1] {
                    power += wanted[bin].power();
                    let part = wanted[bin].conjugate_times(got[bin]);
                    product = Complex { re: product.re + part.re, im: product.im + part.im };
                }
            }
            all += power;
            same += product.power() / power.max(1e-12);
        }
    }
    same / all.max(1e-12)
}
