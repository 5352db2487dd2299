//! Saves a picture as a file that everything can show.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use yuv::{YuvPlanarImage, YuvRange, YuvStandardMatrix};

use crate::frame::VideoFrame;

/// Writes `frame` to a PNG file (8-bit RGB), over whatever is there.
///
/// # Errors
/// [`io::Error`] when the file cannot be written.
pub fn save_png(frame: &VideoFrame, path: &Path) -> io::Result<()> {
    let (width, height) = (frame.width_px(), frame.height_px());
    let [y_plane, u_plane, v_plane] = frame.planes();
    let [y_stride, u_stride, v_stride] = frame.strides().map(|stride| stride as u32);
    let planar = YuvPlanarImage { y_plane, y_stride, u_plane, u_stride, v_plane, v_stride, width, height };
    let mut rgb = vec![0; width as usize * height as usize * 3];
    let (range, matrix) = (YuvRange::Limited, YuvStandardMatrix::Bt601);
    yuv::yuv420_to_rgb(&planar, &mut rgb, width * 3, range, matrix).map_err(io::Error::other)?;
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(path)?), width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&rgb)?;
    Ok(writer.finish()?)
}
