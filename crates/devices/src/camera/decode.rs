//! Turns what a camera hands over into pictures. What the driver claims is a hint; the length and
//! the first bytes decide.

use std::time::Instant;

use maru_media::video::convert::{self, PixelFormat, RawPicture};
use maru_media::{FramePool, VideoFrame};
use nokhwa::utils::FrameFormat;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Pictures beyond this are no camera's.
const SIDE_LIMIT_PX: usize = 8192;
/// The first bytes of every JPEG (ITU-T T.81, B.1.1.3: start of image, and the next marker's first).
const JPEG_START: [u8; 3] = [0xFF, 0xD8, 0xFF];
/// A segment that says: this is from a video, its Huffman tables are the usual ones of ITU-T T.81,
/// annex K. Many cameras leave out both.
const AVI1: [u8; 18] = *b"\xFF\xE0\x00\x10AVI1\0\0\0\0\0\0\0\0\0\0";
/// Most that a driver pads a row with.
const PADDING_LIMIT: usize = 512;

/// What a camera says it delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// How a picture is stored.
    pub format: FrameFormat,
    /// Width in pixels.
    pub width_px: u32,
    /// Height in pixels.
    pub height_px: u32,
}

/// Decodes picture after picture.
#[derive(Default)]
pub struct Decoder {
    /// A decoded JPEG.
    pixels: Vec<u8>,
    /// A JPEG of which something was missing.
    completed: Vec<u8>,
}

impl Decoder {
    /// The picture in `data`.
    ///
    /// # Errors
    /// What is wrong with the data.
    pub fn decode(
        &mut self,
        claim: Claim,
        data: &[u8],
        captured: Instant,
        pool: &FramePool,
    ) -> Result<VideoFrame, String> {
        if data.starts_with(&JPEG_START) && !fits_exactly(claim, data.len()) {
            return self.decode_jpeg(data, captured, pool);
        }
        let Claim { width_px, height_px, .. } = claim;
        match layout(claim, data.len()) {
            Some(Layout::Grey) => Ok(grey(data, width_px, height_px, captured, pool)),
            Some(Layout::Colour(format, stride)) => {
                let data = &data[..data.len().min(stride * rows(format, height_px))];
                let picture = RawPicture { format, width_px, height_px, stride: Some(stride), data };
                convert::to_i420(picture, captured, pool).map_err(|error| error.to_string())
            }
            None => Err(format!(
                "{} bytes are no picture of {width_px} × {height_px} pixels in {}",
                data.len(),
                claim.format
            )),
        }
    }

    fn decode_jpeg(
        &mut self,
        data: &[u8],
        captured: Instant,
        pool: &FramePool,
    ) -> Result<VideoFrame, String> {
        // YCbCr as stored: turning it into RGB and back would cost more than decoding it.
        let options = DecoderOptions::new_fast()
            .jpeg_set_out_colorspace(ColorSpace::YCbCr)
            .set_max_width(SIDE_LIMIT_PX)
            .set_max_height(SIDE_LIMIT_PX);
        let data = match lacks_huffman_tables(data) {
            true => {
                self.completed.clear();
                self.completed.extend_from_slice(&data[..2]);
                self.completed.extend_from_slice(&AVI1);
                self.completed.extend_from_slice(&data[2..]);
                &self.completed
            }
            false => data,
        };
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(data), options);
        decoder.decode_headers().map_err(|error| error.to_string())?;
        let (Some(info), Some(size)) = (decoder.info(), decoder.output_buffer_size()) else {
            return Err("a JPEG without a size".to_owned());
        };
        self.pixels.resize(size, 0);
        decoder.decode_into(&mut self.pixels).map_err(|error| error.to_string())?;
        let (width, height) = (u32::from(info.width), u32::from(info.height));
        let area = usize::from(info.width) * usize::from(info.height);
        match (decoder.output_colorspace(), size / area.max(1)) {
            (Some(ColorSpace::YCbCr), 3) => {
                convert::from_ycbcr24(&self.pixels, width, height, captured, pool)
                    .map_err(|error| error.to_string())
            }
            (Some(ColorSpace::RGB), 3) => convert::from_rgb24(&self.pixels, width, height, captured, pool)
                .map_err(|error| error.to_string()),
            (Some(ColorSpace::Luma), 1) => Ok(grey(&self.pixels, width, height, captured, pool)),
            (colours, _) => Err(format!("a JPEG of colours that no camera uses: {colours:?}")),
        }
    }
}

/// Whether a JPEG's picture begins before any Huffman table came.
fn lacks_huffman_tables(data: &[u8]) -> bool {
    const HUFFMAN: u8 = 0xC4;
    const SCAN: u8 = 0xDA;
    let mut rest = data.get(2..).unwrap_or_default();
    while let [0xFF, marker, high, low, ..] = *rest {
        match marker {
            HUFFMAN => return false,
            SCAN => return true,
            _ => {}
        }
        let length = usize::from(u16::from_be_bytes([high, low]));
        rest = rest.get(2 + length..).unwrap_or_default();
    }
    false
}

/// How the bytes lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// With this row stride, in bytes.
    Colour(PixelFormat, usize),
    /// One byte per pixel.
    Grey,
}

/// Finds out how `length` bytes lie: as claimed, if that fits; else as another format of exactly this
/// length; else as claimed, with padded rows or something behind the picture.
fn layout(claim: Claim, length: usize) -> Option<Layout> {
    let (width, height) = (claim.width_px, claim.height_px);
    if width == 0 || height == 0 || width as usize > SIDE_LIMIT_PX || height as usize > SIDE_LIMIT_PX {
        return None;
    }
    let claimed = match claim.format {
        FrameFormat::YUYV => Some(PixelFormat::Yuyv),
        FrameFormat::NV12 => Some(PixelFormat::Nv12),
        FrameFormat::RAWRGB => Some(PixelFormat::Rgb24),
        FrameFormat::RAWBGR => Some(PixelFormat::Bgr24),
        FrameFormat::GRAY | FrameFormat::MJPEG => None,
    };
    let tight = |format: PixelFormat| Layout::Colour(format, format.row_bytes(width));
    let exact = |format: &PixelFormat| size(*format, width, height) == length;
    let area = width as usize * height as usize;
    if let Some(format) = claimed.filter(exact) {
        return Some(tight(format));
    }
    if claim.format == FrameFormat::GRAY && length == area {
        return Some(Layout::Grey);
    }
    if let Some(format) =
        [PixelFormat::Nv12, PixelFormat::Yuyv, PixelFormat::Bgr24].iter().find(|it| exact(it))
    {
        return Some(tight(*format));
    }
    let format = claimed?;
    let (row, rows) = (format.row_bytes(width), rows(format, height));
    let stride = length / rows;
    if length.is_multiple_of(rows) && (row..=row + PADDING_LIMIT).contains(&stride) {
        return Some(Layout::Colour(format, stride));
    }
    (length > size(format, width, height)).then_some(tight(format))
}

/// Rows in memory, those of chroma included.
fn rows(format: PixelFormat, height_px: u32) -> usize {
    let height = height_px as usize;
    match format {
        PixelFormat::Nv12 => height + height.div_ceil(2),
        _ => height,
    }
}

fn size(format: PixelFormat, width_px: u32, height_px: u32) -> usize {
    format.row_bytes(width_px) * rows(format, height_px)
}

/// Whether it is surely not a JPEG, whatever it begins with.
fn fits_exactly(claim: Claim, length: usize) -> bool {
    claim.format != FrameFormat::MJPEG
        && [PixelFormat::Nv12, PixelFormat::Yuyv, PixelFormat::Bgr24]
            .iter()
            .any(|format| size(*format, claim.width_px, claim.height_px) == length)
}

/// A picture without colour.
fn grey(data: &[u8], width_px: u32, height_px: u32, captured: Instant, pool: &FramePool) -> VideoFrame {
    let mut frame = pool.take(width_px, height_px, captured);
    let [y, u, v] = frame.planes_mut();
    let there = y.len().min(data.len());
    y[..there].copy_from_slice(&data[..there]);
    y[there..].fill(16);
    u.fill(128);
    v.fill(128);
    frame
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
