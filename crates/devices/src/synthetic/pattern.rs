//! The test pattern: colour bars that move, below them three bands of detailed texture that move
//! against each other under some grain, so that they cost bits like a real picture; the time code
//! along the top edge; and a white square in the lower left corner of the picture in which a full
//! UNIX second begins.
//!
//! Everything is computed once, twice as wide as the picture. Drawing is copying rows from a place
//! that moves.

use std::time::Duration;

use maru_media::device::VideoFormat;
use maru_media::video::timecode;
use maru_media::{DeviceError, VideoFrame};

use super::clock::{Rate, Tick};
use super::noise;
use super::pictures::Pictures;

/// What a camera can be asked for.
const WIDTH_PX: (u32, u32) = (160, 3840);
const HEIGHT_PX: (u32, u32) = (90, 2160);
const FPS: (u32, u32) = (1, 60);

/// Bars across the picture.
const BARS: usize = 8;
/// How far the hues of two neighbouring variants are apart, in degrees.
const HUE_STEP: f32 = 47.0;
/// Time in which the bars cross the picture once, and the three bands of texture.
const CROSSING: Duration = Duration::from_secs(8);
const BANDS_CROSSING: [Duration; 3] =
    [Duration::from_secs(20), Duration::from_secs(12), Duration::from_secs(7)];
/// Grain changes from picture to picture, like a sensor's.
const GRAINS: usize = 4;
/// Its strength, in steps of luma.
const GRAIN: f32 = 2.5;
/// The texture's middle and contrast: far from the white of the square.
const TEXTURE_LUMA: f32 = 100.0;
const TEXTURE_CONTRAST: f32 = 60.0;
const TEXTURE_COLOUR: f32 = 25.0;
const WHITE: u8 = 235;
const NO_COLOUR: u8 = 128;

/// Draws the test pattern.
pub struct Pattern {
    width: usize,
    height: usize,
    fps: u32,
    /// One row of the bars, twice as wide as the picture: Y, U, V.
    bars: [Vec<u8>; 3],
    /// The texture, twice as wide as the picture: once per grain Y, and U, V.
    texture_luma: Vec<Vec<u8>>,
    texture_chroma: [Vec<u8>; 2],
}

impl Pattern {
    /// Computes the pattern for a format near the wanted one. Each `variant` has other hues.
    pub fn new(wanted: VideoFormat, variant: u32) -> Self {
        let even = |pixels: u32, (least, most): (u32, u32)| (pixels.clamp(least, most) & !1) as usize;
        let width = even(wanted.width_px, WIDTH_PX);
        let height = even(wanted.height_px, HEIGHT_PX);
        let fps = wanted.fps.clamp(FPS.0, FPS.1);
        let (rows, chroma_rows) = texture_rows(height);
        let chroma_width = width / 2;

        let luma = noise::field(width, rows, variant);
        let texture_luma = (0..GRAINS as u32)
            .map(|grain| {
                doubled(&luma, width, |x, y, value| {
                    TEXTURE_LUMA
                        + TEXTURE_CONTRAST * value
                        + GRAIN * noise::random(x as u32, y as u32, 1000 + grain)
                })
            })
            .collect();
        let texture_chroma = [1, 2].map(|plane| {
            let field = noise::field(chroma_width, chroma_rows, variant.wrapping_add(100 * plane));
            doubled(&field, chroma_width, |_, _, value| f32::from(NO_COLOUR) + TEXTURE_COLOUR * value)
        });
        let bars = bars(width, (variant.saturating_sub(1)) as f32 * HUE_STEP);
        Self { width, height, fps, bars, texture_luma, texture_chroma }
    }

    fn draw_bars(&self, time: Duration, planes: [&mut [u8]; 3]) {
        let bar_rows = self.height - texture_rows(self.height).0;
        let offset = offset(time, CROSSING, self.width);
        for (plane, source) in planes.into_iter().zip(&self.bars) {
            let shrink = 2 * self.width / source.len();
            let row = self.width / shrink;
            let source = &source[offset / shrink..][..row];
            for target in plane.chunks_exact_mut(row).take(bar_rows / shrink) {
                target.copy_from_slice(source);
            }
        }
    }

    fn draw_texture(&self, tick: &Tick, planes: [&mut [u8]; 3]) {
        let (rows, _) = texture_rows(self.height);
        let top = self.height - rows;
        let luma = &self.texture_luma[(tick.slot % GRAINS as u64) as usize];
        let [u, v] = &self.texture_chroma;
        let sources = [(luma, 1), (u, 2), (v, 2)];
        for (plane, (source, shrink)) in planes.into_iter().zip(sources) {
            let row = self.width / shrink;
            let rows = rows / shrink;
            let targets = plane.chunks_exact_mut(row).skip(top / shrink);
            for (index, (target, source)) in targets.zip(source.chunks_exact(2 * row)).enumerate() {
                let band = BANDS_CROSSING[(index * BANDS_CROSSING.len() / rows).min(2)];
                // The other way than the bars.
                let offset = self.width - 2 - offset(tick.time, band, self.width);
                target.copy_from_slice(&source[offset / shrink..][..row]);
            }
        }
    }

    fn draw_square(&self, planes: [&mut [u8]; 3]) {
        let side = (self.height / 8) & !1;
        for (plane, (shrink, value)) in planes.into_iter().zip([(1, WHITE), (2, NO_COLOUR), (2, NO_COLOUR)]) {
            let (row, side) = (self.width / shrink, side / shrink);
            for target in plane.chunks_exact_mut(row).skip(self.height / shrink - side) {
                target[..side].fill(value);
            }
        }
    }
}

impl Pictures for Pattern {
    fn format(&self) -> VideoFormat {
        VideoFormat { width_px: self.width as u32, height_px: self.height as u32, fps: self.fps }
    }

    fn rate(&self) -> Rate {
        Rate::per_second(self.fps)
    }

    fn draw(&mut self, tick: &Tick, frame: &mut VideoFrame) -> Result<(), DeviceError> {
        self.draw_bars(tick.time, frame.planes_mut());
        self.draw_texture(tick, frame.planes_mut());
        if tick.second {
            self.draw_square(frame.planes_mut());
        }
        Ok(())
    }

    fn stamp(&self, frame: &mut VideoFrame, unix_ms: u64) {
        timecode::write(frame, unix_ms);
    }
}

/// Rows of texture in the luma plane and in the chroma planes: the lower two fifths.
fn texture_rows(height: usize) -> (usize, usize) {
    let rows = (height * 2 / 5) & !1;
    (rows, rows / 2)
}

/// How far something has moved that takes `crossing` for the picture's width: an even number of
/// pixels below the width.
fn offset(time: Duration, crossing: Duration, width: usize) -> usize {
    let moved = time.as_nanos() % crossing.as_nanos() * width as u128 / crossing.as_nanos();
    moved as usize & !1
}

/// Turns a field into bytes, each row twice side by side, so that any part of it as wide as the
/// picture lies in one piece.
fn doubled(field: &[f32], width: usize, value: impl Fn(usize, usize, f32) -> f32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2 * field.len());
    for (y, row) in field.chunks_exact(width).enumerate() {
        let start = bytes.len();
        bytes.extend(row.iter().enumerate().map(|(x, sample)| value(x, y, *sample) as u8));
        bytes.extend_from_within(start..);
    }
    bytes
}

/// One row of bars, doubled, in Y, U and V.
fn bars(width: usize, hue: f32) -> [Vec<u8>; 3] {
    let colours: Vec<[u8; 3]> = (0..BARS)
        .map(|bar| {
            // Bars of alternating brightness are told apart without colour, too.
            let value = if bar % 2 == 0 { 0.75 } else { 0.5 };
            yuv(rgb(hue + bar as f32 * 360.0 / BARS as f32, value))
        })
        .collect();
    let row = |plane: usize, width: usize| {
        let mut row: Vec<u8> = (0..width).map(|x| colours[x * BARS / width][plane]).collect();
        row.extend_from_within(..);
        row
    };
    [row(0, width), row(1, width / 2), row(2, width / 2)]
}

/// A colour of full saturation; `hue` in degrees, `value` and the result from 0 to 1.
fn rgb(hue: f32, value: f32) -> [f32; 3] {
    [5.0_f32, 3.0, 1.0].map(|shift| {
        let place = (shift + hue / 60.0).rem_euclid(6.0);
        value * (1.0 - place.min(4.0 - place).clamp(0.0, 1.0))
    })
}

/// BT.601 limited range (ITU-R BT.601-7, section 2.5).
fn yuv([red, green, blue]: [f32; 3]) -> [u8; 3] {
    let luma = 0.299 * red + 0.587 * green + 0.114 * blue;
    let scaled = |value: f32, range: f32, middle: f32| (middle + range * value).round() as u8;
    [
        scaled(luma, 219.0, 16.0),
        scaled((blue - luma) / 1.772, 224.0, 128.0),
        scaled((red - luma) / 1.402, 224.0, 128.0),
    ]
}

#[cfg(test)]
#[path = "pattern_tests.rs"]
mod tests;
