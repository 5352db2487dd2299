//! Whatever format a camera delivers, the colours and places are right; whatever a driver claims,
//! there is a picture or an error.
#![allow(clippy::unwrap_used)]

use std::time::Instant;

use maru_media::CodecError;
use maru_media::frame::{FramePool, VideoFrame};
use maru_media::video::convert::{PixelFormat, RawPicture, from_rgb24, from_ycbcr24, to_i420};
use proptest::prelude::*;

const ALL: [PixelFormat; 10] = [
    PixelFormat::Nv12,
    PixelFormat::Nv21,
    PixelFormat::Yuyv,
    PixelFormat::Uyvy,
    PixelFormat::I420,
    PixelFormat::Rgb24,
    PixelFormat::Bgr24,
    PixelFormat::Bgrx32,
    PixelFormat::Rgbx32,
    PixelFormat::YCbCr24,
];

/// A pure red picture in each format, with rows `padding` bytes longer than they must be.
fn red(format: PixelFormat, width: usize, height: usize, padding: usize) -> (Vec<u8>, usize) {
    // BT.601 limited: Y 81, U 90, V 240; full range: 76, 85, 255.
    let row = format.row_bytes(width as u32);
    let stride = row + padding;
    let line = |bytes: &[u8], length: usize, stride: usize| {
        let mut line: Vec<u8> = bytes.iter().copied().cycle().take(length).collect();
        line.resize(stride, 7);
        line
    };
    let (half, half_height) = (width.div_ceil(2), height.div_ceil(2));
    let planes = match format {
        PixelFormat::Nv12 => vec![
            line(&[81], row, stride).repeat(height),
            line(&[90, 240], 2 * half, stride.max(2 * half)).repeat(half_height),
        ],
        PixelFormat::Nv21 => vec![
            line(&[81], row, stride).repeat(height),
            line(&[240, 90], 2 * half, stride.max(2 * half)).repeat(half_height),
        ],
        PixelFormat::I420 => vec![
            line(&[81], row, stride).repeat(height),
            line(&[90], half, stride.div_ceil(2)).repeat(half_height),
            line(&[240], half, stride.div_ceil(2)).repeat(half_height),
        ],
        PixelFormat::Yuyv => vec![line(&[81, 90, 81, 240], row, stride).repeat(height)],
        PixelFormat::Uyvy => vec![line(&[90, 81, 240, 81], row, stride).repeat(height)],
        PixelFormat::Rgb24 => vec![line(&[255, 0, 0], row, stride).repeat(height)],
        PixelFormat::Bgr24 => vec![line(&[0, 0, 255], row, stride).repeat(height)],
        PixelFormat::Bgrx32 => vec![line(&[0, 0, 255, 0], row, stride).repeat(height)],
        PixelFormat::Rgbx32 => vec![line(&[255, 0, 0, 0], row, stride).repeat(height)],
        PixelFormat::YCbCr24 => vec![line(&[76, 85, 255], row, stride).repeat(height)],
    };
    (planes.concat(), stride)
}

fn assert_red(frame: &VideoFrame, what: &str) {
    for (plane, expected) in frame.planes().into_iter().zip([81_u8, 90, 240]) {
        for value in plane {
            assert!(value.abs_diff(expected) <= 1, "{what}: {value} for {expected}");
        }
    }
}

#[test]
fn red_is_red_from_every_format_with_and_without_padding() {
    let pool = FramePool::new();
    for format in ALL {
        for (width_px, height_px, padding) in [(64, 48, 0), (64, 48, 32), (34, 18, 6)] {
            let (data, stride) = red(format, width_px as usize, height_px as usize, padding);
            let stride = (padding > 0).then_some(stride);
            let picture = RawPicture { format, width_px, height_px, stride, data: &data };
            let frame = to_i420(picture, Instant::now(), &pool).unwrap();
            assert_eq!((frame.width_px(), frame.height_px()), (width_px, height_px));
            assert_red(&frame, &format!("{} {width_px}×{height_px}+{padding}", format.name()));
        }
    }
}

#[test]
fn pictures_keep_their_place_and_their_capture_time() {
    // A gradient in NV12: nothing may be shifted.
    let (pool, captured) = (FramePool::new(), Instant::now());
    let (width, height) = (16_usize, 8_usize);
    let data: Vec<u8> = (0..(width * height * 3 / 2) as u8).collect();
    let picture =
        RawPicture { format: PixelFormat::Nv12, width_px: 16, height_px: 8, stride: None, data: &data };
    let frame = to_i420(picture, captured, &pool).unwrap();
    let [y, u, v] = frame.planes();
    assert_eq!(y, &data[..128]);
    assert!(u.iter().eq(data[128..].iter().step_by(2)));
    assert!(v.iter().eq(data[129..].iter().step_by(2)));
    assert_eq!(frame.captured(), captured);
}

#[test]
fn still_pictures_convert_from_both_of_a_decoders_formats() {
    let (pool, now) = (FramePool::new(), Instant::now());
    assert_red(&from_rgb24(&[255, 0, 0].repeat(30), 6, 5, now, &pool).unwrap(), "RGB");
    assert_red(&from_ycbcr24(&[76, 85, 255].repeat(35), 7, 5, now, &pool).unwrap(), "YCbCr");
    let grey = from_ycbcr24(&[0, 128, 128, 255, 128, 128], 2, 1, now, &pool).unwrap();
    assert_eq!(grey.data(), [16, 235, 128, 128]);
    assert!(from_rgb24(&[0; 89], 6, 5, now, &pool).is_err());
}

#[test]
fn one_byte_too_few_is_refused_with_the_number_needed() {
    let pool = FramePool::new();
    for format in ALL {
        let (data, _) = red(format, 32, 16, 0);
        let short = &data[..data.len() - 1];
        let picture = RawPicture { format, width_px: 32, height_px: 16, stride: None, data: short };
        match to_i420(picture, Instant::now(), &pool) {
            Err(CodecError::Picture { needed, actual, .. }) => {
                assert_eq!((needed, actual), (data.len(), data.len() - 1), "{}", format.name());
            }
            other => panic!("{}: {other:?}", format.name()),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_driver_claims_there_is_a_picture_or_an_error(
        format in prop::sample::select(&ALL[..]),
        width_px in prop_oneof![0_u32..70, any::<u32>()],
        height_px in prop_oneof![0_u32..70, any::<u32>()],
        stride in prop::option::of(prop_oneof![0_usize..300, any::<usize>()]),
        data in prop::collection::vec(any::<u8>(), 0..20_000),
    ) {
        let picture = RawPicture { format, width_px, height_px, stride, data: &data };
        if let Ok(frame) = to_i420(picture, Instant::now(), &FramePool::new()) {
            prop_assert_eq!((frame.width_px(), frame.height_px()), (width_px, height_px));
        }
    }
}
