//! A page of small text, and how much of it can still be read once it was encoded, sent and decoded. The letters
//! are as large as those of a usual window: 14 pixels high, strokes two pixels wide.

use std::time::Instant;

use maru_media::{FramePool, VideoFrame};

/// Width of the page in pixels.
pub const WIDTH_PX: u32 = 1920;
/// Height of the page in pixels.
pub const HEIGHT_PX: u32 = 1080;

/// Pixels of the page for one of a glyph.
const SCALE: usize = 2;
const GLYPH_COLUMNS: usize = 5;
const GLYPH_ROWS: usize = 7;
/// From one character to the next, and from one line to the next.
const ADVANCE: usize = (GLYPH_COLUMNS + 1) * SCALE;
const LINE: usize = (GLYPH_ROWS + 2) * SCALE;
const MARGIN: usize = 24;
const COLUMNS: usize = (WIDTH_PX as usize - 2 * MARGIN) / ADVANCE;
const LINES: usize = (HEIGHT_PX as usize - 2 * MARGIN) / LINE;

const PAPER: u8 = 235;
const INK: u8 = 16;

/// Characters and their rows from the top, the leftmost pixel in the highest of five bits.
const GLYPHS: [(char, [u8; GLYPH_ROWS]); 40] = [
    ('A', [0b01110, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001]),
    ('B', [0b11110, 0b10001, 0b10001, 0b11110, 0b10001, 0b10001, 0b11110]),
    ('C', [0b01111, 0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b01111]),
    ('D', [0b11110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b11110]),
    ('E', [0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b11111]),
    ('F', [0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b10000]),
    ('G', [0b01111, 0b10000, 0b10000, 0b10011, 0b10001, 0b10001, 0b01111]),
    ('H', [0b10001, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001]),
    ('I', [0b01110, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110]),
    ('J', [0b00111, 0b00010, 0b00010, 0b00010, 0b00010, 0b10010, 0b01100]),
    ('K', [0b10001, 0b10010, 0b10100, 0b11000, 0b10100, 0b10010, 0b10001]),
    ('L', [0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b11111]),
    ('M', [0b10001, 0b11011, 0b10101, 0b10101, 0b10001, 0b10001, 0b10001]),
    ('N', [0b10001, 0b11001, 0b10101, 0b10011, 0b10001, 0b10001, 0b10001]),
    ('O', [0b01110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110]),
    ('P', [0b11110, 0b10001, 0b10001, 0b11110, 0b10000, 0b10000, 0b10000]),
    ('Q', [0b01110, 0b10001, 0b10001, 0b10001, 0b10101, 0b10010, 0b01101]),
    ('R', [0b11110, 0b10001, 0b10001, 0b11110, 0b10100, 0b10010, 0b10001]),
    ('S', [0b01111, 0b10000, 0b10000, 0b01110, 0b00001, 0b00001, 0b11110]),
    ('T', [0b11111, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100]),
    ('U', [0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110]),
    ('V', [0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01010, 0b00100]),
    ('W', [0b10001, 0b10001, 0b10001, 0b10101, 0b10101, 0b11011, 0b10001]),
    ('X', [0b10001, 0b10001, 0b01010, 0b00100, 0b01010, 0b10001, 0b10001]),
    ('Y', [0b10001, 0b10001, 0b01010, 0b00100, 0b00100, 0b00100, 0b00100]),
    ('Z', [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b10000, 0b11111]),
    ('0', [0b01110, 0b10011, 0b10101, 0b10101, 0b10101, 0b11001, 0b01110]),
    ('1', [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110]),
    ('2', [0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111]),
    ('3', [0b11110, 0b00001, 0b00001, 0b01110, 0b00001, 0b00001, 0b11110]),
    ('4', [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010]),
    ('5', [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110]),
    ('6', [0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110]),
    ('7', [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000]),
    ('8', [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110]),
    ('9', [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100]),
    (' ', [0b00000, 0b00000, 0b00000, 0b00000, 0b00000, 0b00000, 0b00000]),
    ('.', [0b00000, 0b00000, 0b00000, 0b00000, 0b00000, 0b01100, 0b01100]),
    ('-', [0b00000, 0b00000, 0b00000, 0b11111, 0b00000, 0b00000, 0b00000]),
    ('?', [0b01110, 0b10001, 0b00001, 0b00110, 0b00100, 0b00000, 0b00100]),
];

/// What stands on the page, line by line.
pub fn text() -> Vec<String> {
    // A generator of its own (Numerical Recipes' constants): the same text at all times.
    let mut state = 2024_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as usize
    };
    let mut character = || GLYPHS[random() % GLYPHS.len()].0;
    (0..LINES).map(|_| (0..COLUMNS).map(|_| character()).collect()).collect()
}

/// The page.
pub fn draw() -> VideoFrame {
    let mut frame = FramePool::new().take(WIDTH_PX, HEIGHT_PX, Instant::now());
    let [luma, blue, red] = frame.planes_mut();
    luma.fill(PAPER);
    blue.fill(128);
    red.fill(128);
    for (line, text) in text().iter().enumerate() {
        for (column, character) in text.chars().enumerate() {
            let Some((_, rows)) = GLYPHS.iter().find(|(known, _)| *known == character) else { continue };
            for (x, y) in pixels().filter(|(x, y)| is_ink(rows, *x, *y)) {
                let (left, top) = corner(column, line);
                luma[(top + y) * WIDTH_PX as usize + left + x] = INK;
            }
        }
    }
    frame
}

/// What can be read in a picture of the page at its full size, line by line; where no character is nearest, the
/// first. Empty for a picture of another size.
pub fn read(picture: &VideoFrame) -> Vec<String> {
    if (picture.width_px(), picture.height_px()) != (WIDTH_PX, HEIGHT_PX) {
        return Vec::new();
    }
    let luma = picture.planes()[0];
    let read = |column: usize, line: usize| {
        let (left, top) = corner(column, line);
        let distance = |rows: &[u8; GLYPH_ROWS]| -> u32 {
            pixels()
                .map(|(x, y)| {
                    let expected = if is_ink(rows, x, y) { INK } else { PAPER };
                    u32::from(luma[(top + y) * WIDTH_PX as usize + left + x].abs_diff(expected))
                })
                .sum()
        };
        GLYPHS.iter().min_by_key(|(_, rows)| distance(rows)).map_or(' ', |(character, _)| *character)
    };
    (0..LINES).map(|line| (0..COLUMNS).map(|column| read(column, line)).collect()).collect()
}

/// The share of the page's characters that can be read in a picture of it, 0 to 1.
pub fn legible(picture: &VideoFrame) -> f64 {
    let read = read(picture);
    let expected = text();
    let pairs = read.iter().zip(&expected).flat_map(|(read, expected)| read.chars().zip(expected.chars()));
    let right = pairs.filter(|(read, expected)| read == expected).count();
    right as f64 / (LINES * COLUMNS) as f64
}

/// The places of a character's cell.
fn pixels() -> impl Iterator<Item = (usize, usize)> {
    (0..GLYPH_ROWS * SCALE).flat_map(|y| (0..GLYPH_COLUMNS * SCALE).map(move |x| (x, y)))
}

fn corner(column: usize, line: usize) -> (usize, usize) {
    (MARGIN + column * ADVANCE, MARGIN + line * LINE)
}

fn is_ink(rows: &[u8; GLYPH_ROWS], x: usize, y: usize) -> bool {
    rows[y / SCALE] >> (GLYPH_COLUMNS - 1 - x / SCALE) & 1 == 1
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use maru_media::video::scale::Scaler;

    #[test]
    fn all_of_a_page_that_nothing_happened_to_can_be_read() {
        assert!(text().len() > 50 && text().iter().all(|line| line.len() > 150));
        assert_eq!(legible(&draw()), 1.0);
    }

    #[test]
    fn a_page_that_was_scaled_down_and_up_again_is_not_all_there() {
        let (mut scaler, pool) = (Scaler::new(), FramePool::new());
        let small = scaler.scale(&draw(), 480, 270, &pool);
        let blurred = scaler.scale(&small, WIDTH_PX, HEIGHT_PX, &pool);
        assert!(legible(&blurred) < 0.9, "{}", legible(&blurred));
        assert_eq!(legible(&small), 0.0, "another size");
    }
}
