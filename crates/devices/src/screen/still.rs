//! A picture from a PNG file.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::Instant;

use maru_media::video::convert::from_rgb24;
use maru_media::{FramePool, VideoFrame};

/// More than any screen has.
const MAX_SIDE_PX: u32 = 8192;

/// Reads a PNG.
///
/// # Errors
/// What is wrong with the file.
pub fn read(path: &Path) -> Result<VideoFrame, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut decoder = png::Decoder::new(BufReader::new(file));
    decoder.set_transformations(png::Transformations::normalize_to_color8() | png::Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(|error| error.to_string())?;
    let (width, height) = (reader.info().width, reader.info().height);
    // What encodes it needs even sides, of 16 at least.
    if width.max(height) > MAX_SIDE_PX || width.min(height) < 16 {
        return Err(format!("{width} × {height} pixels are too many or too few"));
    }
    let size = reader.output_buffer_size().ok_or("it is too large")?;
    let mut data = vec![0; size];
    let info = reader.next_frame(&mut data).map_err(|error| error.to_string())?;
    let samples = info.color_type.samples();
    let (width, height) = (width & !1, height & !1);
    let mut rgb = Vec::with_capacity(width as usize * height as usize * 3);
    for row in data.chunks_exact(info.line_size).take(height as usize) {
        for pixel in row.chunks_exact(samples).take(width as usize) {
            match pixel {
                [red, green, blue, ..] => rgb.extend([*red, *green, *blue]),
                [grey, ..] => rgb.extend([*grey; 3]),
                [] => {}
            }
        }
    }
    from_rgb24(&rgb, width, height, Instant::now(), &FramePool::new()).map_err(|error| error.to_string())
}
