//! What the tests of this crate share: a picture worth encoding, how alike two pictures are, and a
//! stream of packets.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::time::{Duration, Instant};

use maru_media::frame::{EncodedFrame, FramePool, VideoCodec, VideoFrame};
use maru_media::video::codec::{Content, EncoderConfig, VideoEncoder, encoder};
use maru_media::video::receive::VideoPacket;
use maru_media::video::rtp::{Packetizer, Payload};

/// A capture time for time codes.
pub const UNIX_MS: u64 = 1_763_700_000_123;

/// 30 frames a second.
pub const FRAME_TIME: Duration = Duration::from_micros(33_333);

/// Picture `index` of a moving scene: gradients, edges and fine texture that move at different
/// speeds, so that it costs bits like a camera's picture.
pub fn picture(pool: &FramePool, width: u32, height: u32, index: u32, captured: Instant) -> VideoFrame {
    let mut frame = pool.take(width, height, captured);
    let strides = frame.strides();
    let [y, u, v] = frame.planes_mut();
    // Scene coordinates: the same scene at each size.
    let scale = 1280.0 / width as f32;
    let time = index as f32;
    for (row, line) in y.chunks_exact_mut(strides[0]).enumerate() {
        for (column, pixel) in line.iter_mut().enumerate() {
            let (x, y) = (column as f32 * scale, row as f32 * scale);
            let slow = (x * 0.01 + time * 0.05).sin() * 40.0 + (y * 0.013).cos() * 30.0;
            let texture = ((x + time * 3.0) * 0.21).sin() * ((y - time) * 0.17).sin() * 25.0;
            let edge = if ((x + time * 4.0) / 160.0).floor() as i32 % 2 == 0 { 15.0 } else { -15.0 };
            *pixel = (126.0 + slow + texture + edge).clamp(16.0, 235.0) as u8;
        }
    }
    for (plane, phase) in [(u, 0.0), (v, 1.5)] {
        for (row, line) in plane.chunks_exact_mut(strides[1]).enumerate() {
            for (column, pixel) in line.iter_mut().enumerate() {
                let (x, y) = (column as f32 * scale * 2.0, row as f32 * scale * 2.0);
                *pixel = (128.0 + ((x + y) * 0.008 + time * 0.03 + phase).sin() * 50.0) as u8;
            }
        }
    }
    frame
}

/// Peak signal-to-noise ratio of the luma in dB; above 35 a difference is hard to see.
pub fn psnr(a: &VideoFrame, b: &VideoFrame) -> f64 {
    assert_eq!((a.width_px(), a.height_px()), (b.width_px(), b.height_px()));
    let (a, b) = (a.planes()[0], b.planes()[0]);
    let sum: f64 = a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    10.0 * (255.0 * 255.0 * a.len() as f64 / sum.max(1e-9)).log10()
}

pub fn encode_with(
    codec: VideoCodec,
    width_px: u32,
    height_px: u32,
    bitrate_bps: u32,
) -> Box<dyn VideoEncoder> {
    encoder(codec, EncoderConfig { width_px, height_px, fps: 30.0, bitrate_bps, content: Content::Camera })
        .unwrap()
}

/// `count` frames of the moving scene, encoded; key frames where `key` says so.
pub fn stream(
    encoder: &mut dyn VideoEncoder,
    count: u32,
    start: Instant,
    key: impl Fn(u32) -> bool,
) -> Vec<EncodedFrame> {
    let pool = FramePool::new();
    let EncoderConfig { width_px, height_px, .. } = encoder.config();
    (0..count)
        .map(|index| {
            let frame = picture(&pool, width_px, height_px, index, start + FRAME_TIME * index);
            encoder.encode(&frame, index * 3000, key(index)).unwrap().unwrap()
        })
        .collect()
}

/// The packets of frames, 10 ms apart from frame to frame, numbered from `first`.
pub fn packets(frames: &[EncodedFrame], first: u16, start: Instant) -> Vec<VideoPacket> {
    let mut packets: Vec<VideoPacket> = Vec::new();
    let mut payloads: Vec<Payload> = Vec::new();
    let mut packetizer = Packetizer::default();
    for (index, frame) in frames.iter().enumerate() {
        packetizer.packetize(frame, 1200, &mut payloads);
        for payload in payloads.drain(..) {
            packets.push(VideoPacket {
                codec: frame.codec,
                sequence: first.wrapping_add(packets.len() as u16),
                timestamp: frame.timestamp,
                marker: payload.marker,
                payload: payload.data,
                arrived: start + Duration::from_millis(10) * index as u32,
            });
        }
    }
    packets
}
