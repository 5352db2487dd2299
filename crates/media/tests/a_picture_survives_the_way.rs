//! What a camera sees comes out at the far side: encoded, cut into packets, reordered, put together
//! and decoded, with the time code still readable.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Instant;

use common::{FRAME_TIME, UNIX_MS, encode_with, packets, picture, psnr};
use maru_media::frame::{EncodedFrame, FramePool, VideoCodec, VideoFrame};
use maru_media::video::codec::decoder;
use maru_media::video::receive::{VideoEvent, VideoReceiver};
use maru_media::video::scale::Scaler;
use maru_media::video::timecode;

const FRAMES: u32 = 45;

/// Frames through packets that arrive in pairs the wrong way round.
fn through_packets(frames: &[EncodedFrame], start: Instant) -> Vec<EncodedFrame> {
    let mut packets = packets(frames, 65_500, start);
    for pair in packets.chunks_exact_mut(2) {
        pair.swap(0, 1);
    }
    let mut receiver = VideoReceiver::new();
    let mut received = Vec::new();
    for packet in packets {
        let now = packet.arrived;
        receiver.push(now, packet);
        while let Some(event) = receiver.poll(now) {
            if let VideoEvent::Frame(frame) = event {
                received.push(frame);
            }
        }
    }
    received
}

/// The scene at `width` × `height` and `bitrate_bps`, made as a camera's 1280×720 picture: the worst
/// PSNR, after the first half second.
fn worst_psnr(codec: VideoCodec, width: u32, height: u32, bitrate_bps: u32) -> f64 {
    let (pool, start) = (FramePool::new(), Instant::now());
    let mut scaler = Scaler::new();
    let mut encoder = encode_with(codec, width, height, bitrate_bps);
    let sources: Vec<VideoFrame> = (0..FRAMES)
        .map(|index| {
            let mut frame = picture(&pool, 1280, 720, index, start + FRAME_TIME * index);
            timecode::write(&mut frame, UNIX_MS + u64::from(index) * 33);
            if width == 1280 { frame } else { scaler.scale(&frame, width, height, &pool) }
        })
        .collect();
    let encoded: Vec<EncodedFrame> = sources
        .iter()
        .zip(0..)
        .map(|(source, index)| encoder.encode(source, index * 3000, false).unwrap().unwrap())
        .collect();
    let received = through_packets(&encoded, start);
    assert_eq!(received.len(), encoded.len());

    let mut decoder = decoder(codec).unwrap();
    let mut worst = f64::INFINITY;
    for (index, (received, (encoded, source))) in
        received.iter().zip(encoded.iter().zip(&sources)).enumerate()
    {
        assert_eq!(received.data, encoded.data, "the same bytes as were sent");
        assert_eq!(received.key, encoded.key);
        assert_eq!(received.timestamp, encoded.timestamp);
        assert_eq!((received.width_px, received.height_px), (width, height));
        let decoded = decoder.decode(received, &pool).unwrap().expect("a picture comes out at once");
        assert_eq!(timecode::read(&decoded), Some(UNIX_MS + index as u64 * 33));
        if index >= 15 {
            worst = worst.min(psnr(&decoded, source));
        }
    }
    worst
}

fn arrives_with(width: u32, height: u32, bitrate_bps: u32, least_psnr: f64) {
    for codec in VideoCodec::BUILT_IN {
        let psnr = worst_psnr(*codec, width, height, bitrate_bps);
        assert!(psnr > least_psnr, "{codec:?}: {psnr:.1} dB");
    }
}

#[test]
fn a_720p_picture_at_2_5_megabit_arrives_in_good_quality_and_tells_its_time() {
    arrives_with(1280, 720, 2_500_000, 34.0);
}

#[test]
fn a_720p_picture_at_1_megabit_arrives_in_fair_quality_and_tells_its_time() {
    arrives_with(1280, 720, 1_000_000, 28.0);
}

#[test]
fn a_picture_scaled_to_640x360_arrives_in_good_quality_and_tells_its_time() {
    arrives_with(640, 360, 1_000_000, 34.0);
}
