//! A time code in the picture itself: 48 square cells along the top edge, each 1/80 of the width,
//! from x = 0 on. Cell i is white when bit i of the UNIX time in milliseconds is 1, else black.
//! It survives encoding and scaling, so it proves that what was captured is what is shown, and
//! tells how old it is.

use crate::frame::VideoFrame;

/// Number of cells: enough bits for milliseconds until the year 10889.
const CELLS: u32 = 48;
/// Cells that would fit into the width.
const CELLS_PER_WIDTH: u32 = 80;
/// White and black in limited range.
const WHITE: u8 = 235;
const BLACK: u8 = 16;
/// From here on a cell is bright, …
const BRIGHT_FROM: u32 = 160;
/// … and up to here it is dark. Between the two it is neither: then this is no time code.
const DARK_TO: u32 = 90;
/// 2020-01-01 and 2100-01-01: what is outside was not written by a clock.
const PLAUSIBLE_MS: std::ops::Range<u64> = 1_577_836_800_000..4_102_444_800_000;

/// Writes the time code over the picture. Does nothing to pictures narrower than 80 pixels, or not
/// high enough for a cell.
pub fn write(frame: &mut VideoFrame, unix_ms: u64) {
    let (width, height) = (frame.width_px(), frame.height_px());
    let side = width / CELLS_PER_WIDTH;
    if side == 0 || height < side {
        return;
    }
    let [luma_row, chroma_row, _] = frame.strides();
    let [y, u, v] = frame.planes_mut();
    let edge = |cell: u32| (u64::from(cell) * u64::from(width) / u64::from(CELLS_PER_WIDTH)) as usize;
    for row in y.chunks_exact_mut(luma_row).take(side as usize) {
        for cell in 0..CELLS {
            let value = if unix_ms >> cell & 1 == 1 { WHITE } else { BLACK };
            row[edge(cell)..edge(cell + 1)].fill(value);
        }
    }
    let chroma_width = edge(CELLS).div_ceil(2).min(chroma_row);
    for plane in [u, v] {
        for row in plane.chunks_exact_mut(chroma_row).take(side.div_ceil(2) as usize) {
            row[..chroma_width].fill(128);
        }
    }
}

/// Reads the time code: UNIX milliseconds. `None` when a cell is neither clearly bright nor clearly
/// dark, or when the time is not in this century's plausible years: there is none in the picture.
pub fn read(frame: &VideoFrame) -> Option<u64> {
    let (width, height) = (frame.width_px(), frame.height_px());
    let side = width / CELLS_PER_WIDTH;
    if side == 0 || height < side {
        return None;
    }
    let luma = frame.planes()[0];
    let mut unix_ms = 0;
    for cell in 0..CELLS {
        // The mean of the middle quarter of the cell's area: codecs blur the edges.
        let reach = side / 4;
        let centre_x = (u64::from(2 * cell + 1) * u64::from(width) / u64::from(2 * CELLS_PER_WIDTH)) as u32;
        let centre_y = side / 2;
        let (mut sum, mut count) = (0, 0);
        for y in centre_y - reach..=(centre_y + reach).min(height - 1) {
            for x in centre_x - reach..=(centre_x + reach).min(width - 1) {
                sum += u32::from(luma[(y * width + x) as usize]);
                count += 1;
            }
        }
        let mean = sum / count;
        if mean >= BRIGHT_FROM {
            unix_ms |= 1 << cell;
        } else if mean > DARK_TO {
            return None;
        }
    }
    PLAUSIBLE_MS.contains(&unix_ms).then_some(unix_ms)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::frame::FramePool;
    use crate::video::scale::Scaler;

    /// 2025-11-21, with many bits of both kinds.
    const NOW_MS: u64 = 1_763_712_345_678;

    fn grey(width: u32, height: u32) -> VideoFrame {
        let mut frame = FramePool::new().take(width, height, Instant::now());
        for plane in frame.planes_mut() {
            plane.fill(128);
        }
        frame
    }

    #[test]
    fn what_is_written_is_read_at_every_size_that_a_call_uses() {
        for (width, height) in
            [(1920, 1080), (1280, 720), (848, 480), (640, 360), (320, 180), (160, 90), (80, 60)]
        {
            let mut frame = grey(width, height);
            write(&mut frame, NOW_MS);
            assert_eq!(read(&frame), Some(NOW_MS), "{width}×{height}");
        }
    }

    #[test]
    fn the_cells_are_where_the_design_says() {
        let mut frame = grey(1280, 720);
        write(&mut frame, NOW_MS);
        let luma = frame.planes()[0];
        for cell in 0..48_usize {
            let bright = NOW_MS >> cell & 1 == 1;
            for (x, y) in [(16 * cell, 0), (16 * cell + 15, 15), (16 * cell + 8, 8)] {
                assert_eq!(luma[y * 1280 + x] > 126, bright, "cell {cell} at {x}, {y}");
            }
        }
        assert_eq!(luma[16 * 1280], 128, "nothing below");
        assert_eq!(luma[48 * 16], 128, "nothing beside");
    }

    #[test]
    fn it_survives_scaling_down_and_up_again() {
        let (mut scaler, pool) = (Scaler::new(), FramePool::new());
        let mut frame = grey(1280, 720);
        write(&mut frame, NOW_MS);
        for (width, height) in [(640, 360), (426, 240), (320, 180), (960, 540)] {
            frame = scaler.scale(&frame, width, height, &pool);
            assert_eq!(read(&frame), Some(NOW_MS), "{width}×{height}");
        }
    }

    #[test]
    fn a_picture_without_one_has_none() {
        assert_eq!(read(&grey(1280, 720)), None);
        for value in [0, 255] {
            let mut flat = grey(1280, 720);
            flat.planes_mut()[0].fill(value);
            assert_eq!(read(&flat), None, "all cells {value}");
        }
        let mut frame = grey(1280, 720);
        write(&mut frame, NOW_MS);
        frame.planes_mut()[0][8 * 1280 + 16 * 5..][..16].fill(128);
        let luma = frame.planes_mut();
        for row in 0..16 {
            luma[0][row * 1280 + 80..row * 1280 + 96].fill(126);
        }
        assert_eq!(read(&frame), None, "one cell in doubt");
    }

    #[test]
    fn times_that_no_clock_shows_are_no_time_code() {
        for unix_ms in [1_500_000_000_000, 4_200_000_000_000, 0xffff_ffff_ffff] {
            let mut frame = grey(640, 360);
            write(&mut frame, unix_ms);
            assert_eq!(read(&frame), None, "{unix_ms}");
        }
    }

    #[test]
    fn pictures_that_are_too_small_are_left_alone() {
        for (width, height) in [(79, 79), (1280, 15), (2, 2)] {
            let mut frame = grey(width, height);
            let before = frame.data().to_vec();
            write(&mut frame, NOW_MS);
            assert_eq!(frame.data(), before);
            assert_eq!(read(&frame), None);
        }
    }
}
