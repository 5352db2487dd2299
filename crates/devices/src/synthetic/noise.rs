//! Noise with the spectrum of natural pictures: sums of smoothed random lattices, each twice as
//! fine and about half as strong as the one before (value noise; Perlin, "An image synthesizer",
//! 1985, introduced the idea). It wraps around horizontally.

/// Side of the coarsest lattice's cells, in pixels.
const COARSEST_PX: usize = 64;
/// Lattices to sum: cells of 64, 32, 16, 8, 4 and 2 pixels.
const OCTAVES: u32 = 6;
/// How much weaker each finer lattice is; √½ would be white noise, ½ is smooth like clouds.
const FALL: f32 = 0.62;

/// A `width` × `height` field of values in −1 … 1 or a little less.
pub fn field(width: usize, height: usize, seed: u32) -> Vec<f32> {
    let mut field = vec![0.0; width * height];
    let mut strength = 1.0;
    let mut total = 0.0;
    for octave in 0..OCTAVES {
        add(&mut field, width, COARSEST_PX >> octave, strength, seed.wrapping_add(octave));
        total += strength;
        strength *= FALL;
    }
    // Sums of independent values rarely come near their bound: spread them.
    let scale = 1.8 / total;
    for value in &mut field {
        *value = (*value * scale).clamp(-1.0, 1.0);
    }
    field
}

/// Adds one smoothed lattice with cells of about `cell` pixels.
fn add(field: &mut [f32], width: usize, cell: usize, strength: f32, seed: u32) {
    let columns = (width / cell).max(1);
    let step = columns as f32 / width as f32;
    let mut upper = lattice_row(columns, 0, seed);
    let mut lower = lattice_row(columns, 1, seed);
    for (y, row) in field.chunks_exact_mut(width).enumerate() {
        if y > 0 && y % cell == 0 {
            std::mem::swap(&mut upper, &mut lower);
            lower = lattice_row(columns, y / cell + 1, seed);
        }
        let down = smooth((y % cell) as f32 / cell as f32);
        for (x, value) in row.iter_mut().enumerate() {
            let position = x as f32 * step;
            let left = (position as usize).min(columns - 1);
            let right = smooth(position - left as f32);
            let above = mix(upper[left], upper[left + 1], right);
            let below = mix(lower[left], lower[left + 1], right);
            *value += mix(above, below, down) * strength;
        }
    }
}

/// One row of a lattice, its first value repeated at the end so that it wraps around.
fn lattice_row(columns: usize, row: usize, seed: u32) -> Vec<f32> {
    let mut values: Vec<f32> = (0..columns).map(|column| random(column as u32, row as u32, seed)).collect();
    values.push(values[0]);
    values
}

fn smooth(x: f32) -> f32 {
    x * x * (3.0 - 2.0 * x)
}

fn mix(a: f32, b: f32, share: f32) -> f32 {
    a + (b - a) * share
}

/// A value in −1 … 1 that depends on nothing but its arguments.
pub fn random(x: u32, y: u32, seed: u32) -> f32 {
    let mut hash = x.wrapping_mul(0x9E37_79B1) ^ y.wrapping_mul(0x85EB_CA77) ^ seed.wrapping_mul(0xC2B2_AE3D);
    hash = (hash ^ (hash >> 15)).wrapping_mul(0x2C1B_3C6D);
    hash = (hash ^ (hash >> 12)).wrapping_mul(0x297A_2D39);
    hash ^= hash >> 15;
    hash as f32 / (u32::MAX as f32 / 2.0) - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_has_contrast_and_wraps_around() {
        let (width, height) = (320, 60);
        let field = field(width, height, 1);
        let mean = field.iter().sum::<f32>() / field.len() as f32;
        let variance = field.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / field.len() as f32;
        assert!(variance.sqrt() > 0.15, "flat: {variance}");
        let step = |a: f32, b: f32| (a - b).abs();
        let inner: f32 =
            field.windows(2).map(|pair| step(pair[0], pair[1])).sum::<f32>() / field.len() as f32;
        let seam: f32 =
            field.chunks(width).map(|row| step(row[width - 1], row[0])).sum::<f32>() / height as f32;
        assert!(seam < inner * 2.0, "a seam: {seam} against {inner}");
    }
}
