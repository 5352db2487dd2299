//! Makes pictures smaller: one convolution per plane, with SIMD, by `fast_image_resize`.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8;
use fast_image_resize::{FilterType, ImageBufferError, ResizeAlg, ResizeError, ResizeOptions, Resizer};

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
        // The typed images: with the others the compiler builds the library for all 13 kinds of
        // pixel, which takes a minute.
        let source = TypedImageRef::<U8>::from_buffer(from.0, from.1, source)?;
        let mut target = TypedImage::<U8>::from_buffer(to.0, to.1, target)?;
        // Bilinear with a support that grows with the ratio: no aliasing, and half the cost of a
        // cubic filter.
        let options =
            ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear)).use_alpha(false);
        Ok(self.resizer.resize_typed(&source, &mut target, &options)?)
    }
}

/// The planes do not fit their sizes.
struct Failed;

impl From<ImageBufferError> for Failed {
    fn from(_: ImageBufferError) -> Self {
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

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn fitting_keeps_the_aspect_ratio_with_even_sides_and_never_enlarges() {
        assert_eq!(fit(1920, 1080, 1280, 720), (1280, 720));
        assert_eq!(fit(1280, 720, 640, 640), (640, 360));
        assert_eq!(fit(1280, 720, 4000, 360), (640, 360));
        assert_eq!(fit(640, 480, 1280, 720), (640, 480));
        assert_eq!(fit(720, 1280, 1280, 720), (404, 720));
        assert_eq!(fit(641, 481, 1280, 720), (640, 480));
        assert_eq!(fit(1, 1, 100, 100), (2, 2));
        assert_eq!(fit(0, 0, 0, 0), (2, 2));
        assert_eq!(fit(u32::MAX, u32::MAX, 1280, 720), (720, 720));
    }

    #[test]
    fn a_scaled_picture_looks_the_same_and_keeps_its_capture_time() {
        let (pool, captured) = (FramePool::new(), Instant::now() + Duration::from_secs(3));
        let mut source = pool.take(640, 360, captured);
        // Left half bright and red, right half dark and blue.
        for (index, plane) in source.planes_mut().into_iter().enumerate() {
            let row = if index == 0 { 640 } else { 320 };
            for line in plane.chunks_exact_mut(row) {
                let (left, right) = line.split_at_mut(row / 2);
                left.fill([200, 90, 200][index]);
                right.fill([40, 200, 60][index]);
            }
        }
        let scaled = Scaler::new().scale(&source, 322, 182, &pool);
        assert_eq!((scaled.width_px(), scaled.height_px()), (322, 182));
        assert_eq!(scaled.captured(), captured);
        for ((plane, row), (left, right)) in
            scaled.planes().into_iter().zip(scaled.strides()).zip([(200, 40), (90, 200), (200, 60)])
        {
            for line in plane.chunks_exact(row) {
                assert!(line[..row / 2 - 3].iter().all(|value| *value == left));
                assert!(line[row / 2 + 3..].iter().all(|value| *value == right));
            }
        }
    }

    #[test]
    fn the_same_size_is_a_copy_and_odd_sizes_work() {
        let (pool, now) = (FramePool::new(), Instant::now());
        let mut source = pool.take(33, 17, now);
        for plane in source.planes_mut() {
            for (index, value) in plane.iter_mut().enumerate() {
                *value = index as u8;
            }
        }
        let mut scaler = Scaler::new();
        assert_eq!(scaler.scale(&source, 33, 17, &pool).data(), source.data());
        let scaled = scaler.scale(&source, 11, 7, &pool);
        assert_eq!(scaled.data().len(), VideoFrame::size_bytes(11, 7));
        assert_eq!(scaler.scale(&source, 0, 0, &pool).width_px(), 1);
    }
}
