//! How long each codec takes for a moving 720p picture at 30 frames a second, and how good it looks:
//! `cargo run --release -p maru-media --example pace [FRAMES]`.

use std::time::{Duration, Instant};

use maru_media::stats::Percentiles;
use maru_media::video::codec::{CodecError, Content, EncoderConfig, decoder, encoder};
use maru_media::{FramePool, VideoCodec, VideoFrame};

#[allow(clippy::unwrap_used, reason = "what it shares with the tests")]
#[path = "../tests/common/mod.rs"]
mod common;

fn main() -> Result<(), CodecError> {
    let frames = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(300);
    let pool = FramePool::new();
    let start = Instant::now();
    let pictures: Vec<VideoFrame> =
        (0..30).map(|index| common::picture(&pool, 1280, 720, index, start)).collect();
    println!("codec  kbit/s  encode p50/p95 ms  decode p50/p95 ms  kbit/s got  PSNR dB");
    for codec in VideoCodec::BUILT_IN {
        for bitrate_bps in [700_000, 2_000_000] {
            let config = EncoderConfig {
                width_px: 1280,
                height_px: 720,
                fps: 30.0,
                bitrate_bps,
                content: Content::Camera,
            };
            let (mut encoder, mut decoder) = (encoder(*codec, config)?, decoder(*codec)?);
            let (mut encoding, mut decoding) = (Percentiles::new(), Percentiles::new());
            let (mut bytes, mut quality) = (0, 0.0);
            for index in 0..frames {
                // There and back, so that it never jumps.
                let place = (index % 58) as usize;
                let picture = &pictures[if place < 30 { place } else { 58 - place }];
                let timed = |times: &mut Percentiles, since: Instant| times.push_duration(since.elapsed());
                let since = Instant::now();
                let encoded = encoder.encode(picture, index * 3000, false)?;
                timed(&mut encoding, since);
                let Some(encoded) = encoded else { continue };
                bytes += encoded.data.len();
                let since = Instant::now();
                let decoded = decoder.decode(&encoded, &pool)?;
                timed(&mut decoding, since);
                quality += decoded.map_or(0.0, |decoded| common::psnr(&decoded, picture));
            }
            let seconds = Duration::from_secs(1).as_secs_f64() * f64::from(frames) / 30.0;
            println!(
                "{:5}  {:6}  {:8.2} /{:6.2}   {:8.2} /{:6.2}   {:10.0}  {:7.1}",
                codec.name(),
                bitrate_bps / 1000,
                encoding.p50().unwrap_or_default(),
                encoding.p95().unwrap_or_default(),
                decoding.p50().unwrap_or_default(),
                decoding.p95().unwrap_or_default(),
                bytes as f64 * 8.0 / 1000.0 / seconds,
                quality / f64::from(frames),
            );
        }
    }
    Ok(())
}
