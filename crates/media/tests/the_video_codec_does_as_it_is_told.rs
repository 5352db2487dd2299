//! Every video encoder gives key frames when asked, holds the bitrate it is set to and never holds a
//! frame back; the decoder survives whatever it is given.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Instant;

use bytes::Bytes;
use common::{FRAME_TIME, encode_with, picture, psnr, stream};
use maru_media::frame::{EncodedFrame, FramePool, VideoCodec};
use maru_media::video::codec::{CodecError, Content, EncoderConfig, decoder, encoder};
use proptest::prelude::*;

/// Types of the NAL units in a frame.
fn unit_types(frame: &EncodedFrame) -> Vec<u8> {
    let starts = frame.data.windows(4).filter(|window| window[..3] == [0, 0, 1]);
    starts.map(|window| window[3] & 0x1f).collect()
}

#[test]
fn key_frames_come_first_and_on_request_and_at_no_other_time() {
    for codec in VideoCodec::BUILT_IN.iter().copied() {
        let mut encoder = encode_with(codec, 320, 180, 500_000);
        let frames = stream(&mut *encoder, 120, Instant::now(), |index| index == 50);
        let keys: Vec<usize> =
            frames.iter().enumerate().filter(|(_, frame)| frame.key).map(|(index, _)| index).collect();
        assert_eq!(keys, [0, 50], "{codec:?}");
    }
}

#[test]
fn each_h264_key_frame_carries_its_parameter_sets_and_one_slice() {
    let mut encoder = encode_with(VideoCodec::H264, 320, 180, 500_000);
    let frames = stream(&mut *encoder, 6, Instant::now(), |index| index == 3);
    let types: Vec<Vec<u8>> = frames.iter().map(unit_types).collect();
    assert_eq!(types, [vec![7, 8, 5], vec![1], vec![1], vec![7, 8, 5], vec![1], vec![1]]);
}

#[test]
fn the_h264_stream_says_constrained_baseline_and_the_level_that_fits_its_size() {
    for (width, height, level) in [(1280, 720, 31), (640, 360, 30), (320, 180, 20), (1920, 1080, 40)] {
        let mut encoder = encode_with(VideoCodec::H264, width, height, 1_000_000);
        let frame = stream(&mut *encoder, 1, Instant::now(), |_| false).remove(0);
        let sps = frame.data.windows(4).position(|window| window == [0, 0, 1, 0x67]).unwrap() + 4;
        assert_eq!(frame.data[sps], 66, "baseline");
        assert_ne!(frame.data[sps + 1] & 0x40, 0, "constrained");
        assert_eq!(frame.data[sps + 2], level, "{width}×{height}");
    }
}

/// Bits per second over 90 frames.
fn measured_bps(encoder: &mut dyn maru_media::video::codec::VideoEncoder, fps: f32) -> f64 {
    let frames = stream(encoder, 90, Instant::now(), |_| false);
    let bytes: usize = frames.iter().map(|frame| frame.data.len()).sum();
    bytes as f64 * 8.0 * f64::from(fps) / 90.0
}

#[test]
fn the_bitrate_follows_what_it_is_set_to() {
    for codec in VideoCodec::BUILT_IN.iter().copied() {
        let mut encoder = encode_with(codec, 640, 360, 1_000_000);
        measured_bps(&mut *encoder, 30.0);
        for (bitrate, fps) in [(400_000, 30.0), (1_500_000, 30.0), (700_000, 15.0), (250_000, 30.0)] {
            encoder.set_rate(bitrate, fps).unwrap();
            assert_eq!((encoder.config().bitrate_bps, encoder.config().fps), (bitrate, fps));
            let measured = measured_bps(&mut *encoder, fps);
            let ratio = measured / f64::from(bitrate);
            assert!(
                (0.75..=1.25).contains(&ratio),
                "{codec:?}: {bitrate} bit/s asked for, {measured:.0} measured"
            );
        }
    }
}

#[test]
fn settings_and_pictures_that_do_not_fit_are_refused_and_change_nothing() {
    for codec in VideoCodec::BUILT_IN.iter().copied() {
        let config = EncoderConfig {
            width_px: 641,
            height_px: 360,
            fps: 30.0,
            bitrate_bps: 500_000,
            content: Content::Camera,
        };
        for (width_px, height_px) in [(641, 360), (640, 361), (0, 0), (8, 8), (7680, 4320)] {
            let refused = encoder(codec, EncoderConfig { width_px, height_px, ..config });
            assert!(matches!(refused, Err(CodecError::Size { .. })), "{width_px}×{height_px}");
        }
        let mut encoder = encode_with(codec, 640, 360, 500_000);
        for (bitrate, fps) in [(0, 30.0), (500_000, 0.0), (500_000, f32::NAN), (u32::MAX, 30.0)] {
            assert!(matches!(encoder.set_rate(bitrate, fps), Err(CodecError::Setting { .. })));
        }
        assert_eq!(encoder.config(), EncoderConfig { width_px: 640, ..config });
        let (pool, now) = (FramePool::new(), Instant::now());
        let other = picture(&pool, 320, 180, 0, now);
        assert!(matches!(encoder.encode(&other, 0, false), Err(CodecError::WrongSize { .. })));
        assert!(encoder.encode(&picture(&pool, 640, 360, 0, now), 0, false).unwrap().unwrap().key);
    }
}

#[test]
fn a_decoder_says_that_it_needs_a_key_frame_and_goes_on_with_one() {
    for codec in VideoCodec::BUILT_IN.iter().copied() {
        let pool = FramePool::new();
        let start = Instant::now();
        let frames = stream(&mut *encode_with(codec, 320, 180, 500_000), 8, start, |index| index == 5);
        let mut decoder = decoder(codec).unwrap();
        let needs_key = |error| matches!(error, CodecError::Decode { key_frame_needed: true, .. });

        assert!(needs_key(decoder.decode(&frames[1], &pool).unwrap_err()), "nothing to refer to");
        assert!(decoder.decode(&frames[0], &pool).unwrap().is_some());
        assert!(decoder.decode(&frames[1], &pool).unwrap().is_some());
        let damaged = EncodedFrame {
            data: Bytes::from_static(match codec {
                VideoCodec::H264 => &[0, 0, 0, 1, 0x61, 0, 1, 2],
                VideoCodec::Vp8 => &[0x31, 0xff, 0xff, 2],
            }),
            ..frames[2].clone()
        };
        assert!(needs_key(decoder.decode(&damaged, &pool).unwrap_err()));
        assert!(needs_key(decoder.decode(&frames[3], &pool).unwrap_err()), "it refers to the damaged one");
        let decoded = decoder.decode(&frames[5], &pool).unwrap().unwrap();
        let source = picture(&pool, 320, 180, 5, start + FRAME_TIME * 5);
        assert!(psnr(&decoded, &source) > 28.0);
        assert!(decoder.decode(&frames[6], &pool).unwrap().is_some());
    }
}

#[test]
fn a_decoder_follows_the_stream_to_another_size() {
    for codec in VideoCodec::BUILT_IN.iter().copied() {
        let pool = FramePool::new();
        let mut decoder = decoder(codec).unwrap();
        for (width, height) in [(640, 360), (320, 180), (1280, 720)] {
            for frame in
                stream(&mut *encode_with(codec, width, height, 1_000_000), 3, Instant::now(), |_| false)
            {
                let decoded = decoder.decode(&frame, &pool).unwrap().unwrap();
                assert_eq!((decoded.width_px(), decoded.height_px()), (width, height));
            }
        }
    }
}

#[test]
#[cfg(feature = "vp8")]
fn a_vp8_key_frame_that_announces_a_huge_picture_is_refused_before_memory_is_taken_for_it() {
    let pool = FramePool::new();
    let frame =
        stream(&mut *encode_with(VideoCodec::Vp8, 160, 90, 200_000), 1, Instant::now(), |_| false).remove(0);
    let mut data = frame.data.to_vec();
    data[6..10].copy_from_slice(&[0xff, 0x3f, 0xff, 0x3f]); // 16383×16383
    let mut decoder = decoder(VideoCodec::Vp8).unwrap();
    let refused = decoder.decode(&EncodedFrame { data: data.into(), ..frame.clone() }, &pool).unwrap_err();
    assert!(refused.to_string().contains("16383×16383"), "{refused}");
    assert!(decoder.decode(&frame, &pool).unwrap().is_some());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn a_decoder_survives_garbage_and_decodes_what_is_sound_afterwards(
        garbage in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..400), any::<bool>(), any::<bool>()), 1..12),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        codec in prop::sample::select(VideoCodec::BUILT_IN),
    ) {
        let pool = FramePool::new();
        let frames = stream(&mut *encode_with(codec, 160, 90, 200_000), 3, Instant::now(), |_| false);
        let mut decoder = decoder(codec).unwrap();
        for (mut data, key, start_code) in garbage {
            if start_code {
                let start: &[u8] = match codec {
                    VideoCodec::H264 => &[0, 0, 0, 1, 0x65],
                    VideoCodec::Vp8 => &[0x10, 0x10, 0, 0x9d, 1, 0x2a, 0xa0, 0, 0x5a, 0],
                };
                data.splice(..0, start.iter().copied());
            }
            let _ = decoder.decode(&EncodedFrame { data: data.into(), key, ..frames[0].clone() }, &pool);
        }
        // A real frame with flipped bytes reaches deeper.
        for frame in &frames {
            let mut data = frame.data.to_vec();
            for (index, value) in &flips {
                *index.get_mut(&mut data) ^= value;
            }
            let _ = decoder.decode(&EncodedFrame { data: data.into(), ..frame.clone() }, &pool);
        }
        let fresh = decoder.decode(&frames[0], &pool);
        prop_assert!(matches!(fresh, Ok(Some(_))), "{fresh:?}");
    }
}
