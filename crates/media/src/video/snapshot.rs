//! Saves a picture as a file that everything can show.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use yuv::{YuvPlanarImage, YuvRange, YuvStandardMatrix};

use crate::frame::VideoFrame;

/// Writes `frame` to a PNG file (8-bit RGB), over whatever is there.
///
/// # Errors
/// [`io::Error`] when the file cannot be written.
pub fn save_png(frame: &VideoFrame, path: &Path) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    write_png(frame, &mut file)?;
    file.flush()
}

/// Writes `frame` as a PNG (8-bit RGB).
///
/// # Errors
/// [`io::Error`] when it cannot be written.
pub fn write_png(frame: &VideoFrame, to: impl Write) -> io::Result<()> {
    let (width, height) = (frame.width_px(), frame.height_px());
    let [y_plane, u_plane, v_plane] = frame.planes();
    let [y_stride, u_stride, v_stride] = frame.strides().map(|stride| stride as u32);
    let planar = YuvPlanarImage { y_plane, y_stride, u_plane, u_stride, v_plane, v_stride, width, height };
    let mut rgb = vec![0; width as usize * height as usize * 3];
    let (range, matrix) = (YuvRange::Limited, YuvStandardMatrix::Bt601);
    yuv::yuv420_to_rgb(&planar, &mut rgb, width * 3, range, matrix).map_err(io::Error::other)?;
    let mut encoder = png::Encoder::new(to, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&rgb)?;
    Ok(writer.finish()?)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::frame::FramePool;

    #[test]
    fn a_saved_picture_has_the_colours_of_the_frame() {
        let mut frame = FramePool::new().take(31, 17, Instant::now());
        // Pure red in BT.601 limited range.
        for (plane, value) in frame.planes_mut().into_iter().zip([81, 90, 240]) {
            plane.fill(value);
        }
        let path = std::env::temp_dir().join(format!("maru-snapshot-{}.png", std::process::id()));
        save_png(&frame, &path).unwrap();
        let file = io::BufReader::new(File::open(&path).unwrap());
        let mut reader = png::Decoder::new(file).read_info().unwrap();
        let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut rgb).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!((info.width, info.height), (31, 17));
        for pixel in rgb.chunks_exact(3) {
            assert!(pixel[0] >= 250 && pixel[1] <= 5 && pixel[2] <= 5, "{pixel:?}");
        }
    }

    #[test]
    fn a_path_that_cannot_be_written_is_an_error() {
        let frame = FramePool::new().take(16, 16, Instant::now());
        assert!(save_png(&frame, Path::new("/nowhere/at/all.png")).is_err());
    }
}
