//! Makes pictures smaller: one convolution per plane, with SIMD, by `fast_image_resize`.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeError, ResizeOptions, Resizer};

use crate::frame::{FramePool, VideoFrame};

/// Scales pictures; keeps its buffers from one to the next.
#[derive(Default)]
pub struct Scaler {
    resizer: Resizer,
}

impl Scaler {
    /// A scaler.
    pub fn new() -> Self {
        Self::default()
    }

    /// `source` at another size (each side at least 1), from `pool`; the capture time stays. Where
    /// the size is the same this is a plain copy, which the caller had better avoid.
    pub fn scale(
        &mut self,
        source: &VideoFrame,
        width_px: u32,
        height_px: u32,
        pool: &FramePool,
    ) -> VideoFrame {
        let (width_px, height_px) = (width_px.max(1), height_px.max(1));
        let mut target = pool.take(width_px, height_px, source.captured());
        if (width_px, height_px) == (source.width_px(), source.height_px()) {
            for (target, source) in target.planes_mut().into_iter().zip(source.planes()) {
                target.copy_from_slice(source);
            }
            return target;
        }
        let from = plane_sizes(source.width_px(), source.height_px());
        let to = plane_sizes(width_px, height_px);
        let planes = source.planes().into_iter().zip(from).zip(target.planes_mut().into_iter().zip(to));
        for (index, ((source, from), (target, to))) in planes.enumerate() {
            if self.plane(source, from, target, to).is_err() {
                // Not reachable for a well-formed picture; grey is better than another one's rest.
                target.fill(if index == 0 { 16 } else { 128 });
            }
        }
        target
    }

    fn plane(
        &mut self,
        source: &[u8],
        from: (u32, u32),
        target: &mut [u8],
        to: (u32, u32),
    ) -> Result<(), Failed> {
        let source = ImageRef::new(from.0, from.1, source, PixelType::U8)?;
        let mut target = Image::from_slice_u8(to.0, to.1, target, PixelType::U8)?;
        // Bilinear with a support that grows with the ratio: no aliasing, and half the cost of a
        // cubic filter.
        let options =
            ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear)).use_alpha(false);
        Ok(self.resizer.resize(&source, &mut target, &options)?)
    }
}

/// The planes do not fit their sizes.
struct Failed;

impl From<fast_image_resize::ImageBufferError> for Failed {
    fn from(_: fast_image_resize::ImageBufferError) -> Self {
        Self
    }
}

impl From<ResizeError> for Failed {
    fn from(_: ResizeError) -> Self {
        Self
    }
}

fn plane_sizes(width_px: u32, height_px: u32) -> [(u32, u32); 3] {
    let chroma = (width_px.div_ceil(2), height_px.div_ceil(2));
    [(width_px, height_px), chroma, chroma]
}

/// The largest size that fits into `max_width` × `max_height`, has the aspect ratio of
/// `width` × `height` as nearly as even numbers allow, and is no larger than that. At least 2 × 2.
pub fn fit(width: u32, height: u32, max_width: u32, max_height: u32) -> (u32, u32) {
    let (width, height) = (u64::from(width.max(1)), u64::from(height.max(1)));
    let (max_width, max_height) = (u64::from(max_width).min(width), u64::from(max_height).min(height));
    let (fitted_width, fitted_height) = if max_width * height <= max_height * width {
        (max_width, (max_width * height + width / 2) / width)
    } else {
        ((max_height * width + height / 2) / height, max_height)
    };
    let even = |side: u64| (side & !1).max(2) as u32;
    (even(fitted_width), even(fitted_height))
}
