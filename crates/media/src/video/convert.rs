//! Raw camera pictures to I420. Whatever a driver claims, the length decides: too few bytes are an
//! error, never a panic.

use std::time::Instant;

use yuv::{
    BufferStoreMut, YuvConversionMode, YuvPackedImage, YuvPlanarImageMut, YuvRange, YuvStandardMatrix,
};

use crate::error::CodecError;
use crate::frame::{FramePool, VideoFrame};

/// How a raw picture lies in memory. All YUV formats but [`PixelFormat::YCbCr24`] are taken for
/// BT.601 limited range, which is what cameras deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// Y, then U and V interleaved at half size; both planes have the same stride.
    Nv12,
    /// Y, then V and U interleaved at half size; both planes have the same stride.
    Nv21,
    /// Y U Y V.
    Yuyv,
    /// U Y V Y.
    Uyvy,
    /// Y, U, V; the chroma stride is half the luma stride, rounded up.
    I420,
    /// R G B.
    Rgb24,
    /// B G R.
    Bgr24,
    /// B G R and a byte that means nothing: what screens are made of.
    Bgrx32,
    /// R G B and a byte that means nothing.
    Rgbx32,
    /// Y Cb Cr for every pixel, BT.601 in full range: what a JPEG holds, and cheaper to convert
    /// than its RGB.
    YCbCr24,
}

impl PixelFormat {
    /// Its usual name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nv12 => "NV12",
            Self::Nv21 => "NV21",
            Self::Yuyv => "YUYV",
            Self::Uyvy => "UYVY",
            Self::I420 => "I420",
            Self::Rgb24 => "RGB24",
            Self::Bgr24 => "BGR24",
            Self::Bgrx32 => "BGRX32",
            Self::Rgbx32 => "RGBX32",
            Self::YCbCr24 => "YCbCr24",
        }
    }

    /// Bytes in a row of the first plane without padding.
    pub const fn row_bytes(self, width_px: u32) -> usize {
        let width = width_px as usize;
        match self {
            Self::Nv12 | Self::Nv21 | Self::I420 => width,
            Self::Yuyv | Self::Uyvy => width.div_ceil(2) * 4,
            Self::Rgb24 | Self::Bgr24 | Self::YCbCr24 => width * 3,
            Self::Bgrx32 | Self::Rgbx32 => width * 4,
        }
    }

    /// Bytes that a picture needs when rows are `stride` bytes apart. The padding of the last row
    /// need not be there, but for the formats that the library converts, which counts on it.
    const fn size_bytes(self, width_px: u32, height_px: u32, stride: usize) -> usize {
        let height = height_px as usize;
        let chroma_rows = height.div_ceil(2);
        match self {
            Self::Nv12 | Self::Nv21 => {
                (height + chroma_rows - 1) * stride + (width_px as usize).div_ceil(2) * 2
            }
            Self::I420 => {
                let chroma = stride.div_ceil(2);
                height * stride + (2 * chroma_rows - 1) * chroma + (width_px as usize).div_ceil(2)
            }
            Self::YCbCr24 => (height - 1) * stride + self.row_bytes(width_px),
            Self::Yuyv | Self::Uyvy | Self::Rgb24 | Self::Bgr24 | Self::Bgrx32 | Self::Rgbx32 => {
                height * stride
            }
        }
    }
}

/// A picture as a camera hands it over.
#[derive(Clone, Copy)]
pub struct RawPicture<'a> {
    /// How it lies in memory.
    pub format: PixelFormat,
    /// Width in pixels.
    pub width_px: u32,
    /// Height in pixels.
    pub height_px: u32,
    /// From the start of one row of the first plane to the start of the next, in bytes; `None` when
    /// rows follow each other without padding.
    pub stride: Option<usize>,
    /// The bytes. More than needed is fine.
    pub data: &'a [u8],
}

/// Converts any raw picture to I420, into a buffer from `pool`.
///
/// # Errors
/// [`CodecError::Picture`] when the data does not hold such a picture.
pub fn to_i420(
    picture: RawPicture<'_>,
    captured: Instant,
    pool: &FramePool,
) -> Result<VideoFrame, CodecError> {
    let RawPicture { format, width_px, height_px, data, .. } = picture;
    let row = format.row_bytes(width_px);
    let stride = picture.stride.unwrap_or(row);
    let refused = |needed| CodecError::Picture {
        format: format.name(),
        width_px,
        height_px,
        needed,
        actual: data.len(),
    };
    /// More than any camera has; keeps every product below within range.
    const MAX_SIDE_PX: u32 = 16_384;
    let sides = 1..=MAX_SIDE_PX;
    if !sides.contains(&width_px) || !sides.contains(&height_px) || stride > 8 * MAX_SIDE_PX as usize {
        return Err(refused(0));
    }
    let needed = format.size_bytes(width_px, height_px, stride.max(row));
    if stride < row || data.len() < needed {
        return Err(refused(needed));
    }
    // The library takes what is behind the last row for a row where there is an odd number of them.
    let data = &data[..needed];
    let mut frame = pool.take(width_px, height_px, captured);
    let converted = match format {
        PixelFormat::I420 => {
            copy_planes(data, stride, &mut frame);
            true
        }
        PixelFormat::Nv12 => {
            deinterleave(data, stride, &mut frame, false);
            true
        }
        PixelFormat::Nv21 => {
            deinterleave(data, stride, &mut frame, true);
            true
        }
        PixelFormat::YCbCr24 => {
            subsample(data, stride, &mut frame);
            true
        }
        PixelFormat::Yuyv | PixelFormat::Uyvy => {
            let packed =
                YuvPackedImage { yuy: data, yuy_stride: stride as u32, width: width_px, height: height_px };
            let mut planar = planar(&mut frame);
            match format {
                PixelFormat::Yuyv => yuv::yuyv422_to_yuv420(&mut planar, &packed).is_ok(),
                _ => yuv::uyvy422_to_yuv420(&mut planar, &packed).is_ok(),
            }
        }
        PixelFormat::Rgb24 | PixelFormat::Bgr24 | PixelFormat::Bgrx32 | PixelFormat::Rgbx32 => {
            let convert = match format {
                PixelFormat::Rgb24 => yuv::rgb_to_yuv420,
                PixelFormat::Bgr24 => yuv::bgr_to_yuv420,
                PixelFormat::Rgbx32 => yuv::rgba_to_yuv420,
                _ => yuv::bgra_to_yuv420,
            };
            let (range, matrix) = (YuvRange::Limited, YuvStandardMatrix::Bt601);
            let mode = YuvConversionMode::Balanced;
            convert(&mut planar(&mut frame), data, stride as u32, range, matrix, mode).is_ok()
        }
    };
    if converted { Ok(frame) } else { Err(refused(needed)) }
}

/// [`to_i420`] for tightly packed R G B, as most decoders of still pictures deliver it.
///
/// # Errors
/// [`CodecError::Picture`] when `data` is too short for the size.
pub fn from_rgb24(
    data: &[u8],
    width_px: u32,
    height_px: u32,
    captured: Instant,
    pool: &FramePool,
) -> Result<VideoFrame, CodecError> {
    let picture = RawPicture { format: PixelFormat::Rgb24, width_px, height_px, stride: None, data };
    to_i420(picture, captured, pool)
}

/// [`to_i420`] for tightly packed full-range Y Cb Cr, as a JPEG decoder delivers it when asked for no colour
/// conversion.
///
/// # Errors
/// [`CodecError::Picture`] when `data` is too short for the size.
pub fn from_ycbcr24(
    data: &[u8],
    width_px: u32,
    height_px: u32,
    captured: Instant,
    pool: &FramePool,
) -> Result<VideoFrame, CodecError> {
    let picture = RawPicture { format: PixelFormat::YCbCr24, width_px, height_px, stride: None, data };
    to_i420(picture, captured, pool)
}

fn planar(frame: &mut VideoFrame) -> YuvPlanarImageMut<'_, u8> {
    let (width, height) = (frame.width_px(), frame.height_px());
    let [y_stride, u_stride, v_stride] = frame.strides().map(|stride| stride as u32);
    let [y, u, v] = frame.planes_mut().map(BufferStoreMut::Borrowed);
    YuvPlanarImageMut { y_plane: y, y_stride, u_plane: u, u_stride, v_plane: v, v_stride, width, height }
}

/// Copies rows of `row` bytes that lie `stride` apart into a tight plane.
fn copy_rows(source: &[u8], stride: usize, target: &mut [u8], row: usize) {
    if stride == row {
        let there = target.len().min(source.len());
        target[..there].copy_from_slice(&source[..there]);
        return;
    }
    for (target, source) in target.chunks_exact_mut(row).zip(source.chunks(stride)) {
        let there = row.min(source.len());
        target[..there].copy_from_slice(&source[..there]);
    }
}

fn copy_planes(data: &[u8], stride: usize, frame: &mut VideoFrame) {
    let chroma_stride = stride.div_ceil(2);
    let height = frame.height_px() as usize;
    let (luma, chroma) = data.split_at(height * stride);
    let (blue, red) = chroma.split_at(height.div_ceil(2) * chroma_stride);
    let rows = frame.strides();
    let sources = [(luma, stride), (blue, chroma_stride), (red, chroma_stride)];
    for ((target, row), (source, stride)) in frame.planes_mut().into_iter().zip(rows).zip(sources) {
        copy_rows(source, stride, target, row);
    }
}

fn deinterleave(data: &[u8], stride: usize, frame: &mut VideoFrame, red_first: bool) {
    let height = frame.height_px() as usize;
    let [luma_row, chroma_row, _] = frame.strides();
    let (luma, chroma) = data.split_at(height * stride);
    let [y, u, v] = frame.planes_mut();
    copy_rows(luma, stride, y, luma_row);
    let (first, second) = if red_first { (v, u) } else { (u, v) };
    let targets = first.chunks_exact_mut(chroma_row).zip(second.chunks_exact_mut(chroma_row));
    for ((first, second), source) in targets.zip(chroma.chunks(stride.max(2 * chroma_row))) {
        for ((first, second), pair) in first.iter_mut().zip(second).zip(source.chunks_exact(2)) {
            *first = pair[0];
            *second = pair[1];
        }
    }
}

/// Full to limited range, and the mean of each 2 × 2 block of chroma (BT.601, equation as in JFIF
/// and ITU-R BT.601-7, section 2.5).
fn subsample(data: &[u8], stride: usize, frame: &mut VideoFrame) {
    let (width, height) = (frame.width_px() as usize, frame.height_px() as usize);
    let chroma_row = frame.strides()[1];
    let [y, u, v] = frame.planes_mut();
    for (target, source) in y.chunks_exact_mut(width).zip(data.chunks(stride)) {
        for (target, pixel) in target.iter_mut().zip(source.chunks_exact(3)) {
            *target = (16 + (u32::from(pixel[0]) * 219 + 127) / 255) as u8;
        }
    }
    let targets = u.chunks_exact_mut(chroma_row).zip(v.chunks_exact_mut(chroma_row));
    for (row, (u, v)) in targets.enumerate() {
        let upper = &data[2 * row * stride..];
        let lower = &data[(2 * row + 1).min(height - 1) * stride..];
        let (upper, lower) = (&upper[..3 * width], &lower[..3 * width]);
        let blocks = upper.chunks(6).zip(lower.chunks(6));
        for ((u, v), (upper, lower)) in u.iter_mut().zip(v).zip(blocks) {
            // The last block of an odd width has one column, which counts twice.
            let right = upper.len() - 3;
            let sum = |channel: usize| {
                u32::from(upper[channel])
                    + u32::from(upper[right + channel])
                    + u32::from(lower[channel])
                    + u32::from(lower[right + channel])
            };
            // 128 + (mean − 128) × 224 / 255, in one division: 16 ≈ 128 − 128 × 224 / 255.
            let limited = |sum: u32| ((sum * 224 + 4 * 3968 + 510) / 1020) as u8;
            *u = limited(sum(1));
            *v = limited(sum(2));
        }
    }
}
