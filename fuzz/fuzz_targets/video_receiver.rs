//! Any video packets at any time: into order, into frames. No panic, no endless loop, nothing kept
//! beyond its bounds.
#![no_main]

use std::time::{Duration, Instant};

use arbitrary::Arbitrary;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use maru_media::VideoCodec;
use maru_media::video::receive::{VideoEvent, VideoPacket, VideoReceiver};

#[derive(Arbitrary, Debug)]
struct Step<'a> {
    ahead: i8,
    far: Option<u16>,
    timestamp_step: u8,
    back: bool,
    marker: bool,
    vp8: bool,
    payload: &'a [u8],
    wait_ms: u8,
    repeat: u8,
}

fuzz_target!(|steps: Vec<Step>| {
    let mut now = Instant::now();
    let mut receiver = VideoReceiver::new();
    let (mut sequence, mut timestamp) = (0_u16, 0_u32);
    for step in steps {
        for _ in 0..=step.repeat % 8 {
            sequence = step.far.unwrap_or(sequence.wrapping_add_signed(step.ahead.into()));
            let by = u32::from(step.timestamp_step) * 300;
            timestamp = if step.back { timestamp.wrapping_sub(by) } else { timestamp.wrapping_add(by) };
            let codec = if step.vp8 { VideoCodec::Vp8 } else { VideoCodec::H264 };
            let payload = Bytes::copy_from_slice(step.payload);
            receiver.push(
                now,
                VideoPacket { codec, sequence, timestamp, marker: step.marker, payload, arrived: now },
            );
            let mut events = 0;
            while let Some(event) = receiver.poll(now) {
                if let VideoEvent::Frame(frame) = event {
                    assert!(!frame.data.is_empty());
                }
                events += 1;
                assert!(events < 10_000, "it never ends");
            }
            now += Duration::from_millis(step.wait_ms.into());
        }
    }
});
