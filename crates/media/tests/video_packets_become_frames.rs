//! The video receiver gives out complete frames in order, at once where nothing is missing, and
//! says when only a key frame can help.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::packets;
use maru_media::frame::{EncodedFrame, VideoCodec};
use maru_media::video::receive::{VideoEvent, VideoPacket, VideoReceiver};
use proptest::prelude::*;

/// A sequence parameter set of a real 320×180 stream, and its picture parameter set.
const SETS: &[u8] = &[
    0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x14, 0x95, 0xa0, 0x50, 0x67, 0xe7, 0xff, 0, 0, 0, 1, 0x68, 0xce, 0x3c,
    0x80,
];

/// The head of a VP8 key frame of 320×180.
const VP8_KEY: &[u8] = &[0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00];

const BOTH: [VideoCodec; 2] = [VideoCodec::H264, VideoCodec::Vp8];

fn frame(index: u32, bytes: usize, key: bool) -> EncodedFrame {
    frame_of(VideoCodec::H264, index, bytes, key)
}

/// A frame with a slice of `bytes` bytes that no start code can be found in.
fn frame_of(codec: VideoCodec, index: u32, bytes: usize, key: bool) -> EncodedFrame {
    let mut data = match (codec, key) {
        (VideoCodec::H264, true) => [SETS, &[0, 0, 0, 1, 0x65, 0x88]].concat(),
        (VideoCodec::H264, false) => vec![0, 0, 0, 1, 0x61, 0x88],
        (VideoCodec::Vp8, true) => VP8_KEY.to_vec(),
        (VideoCodec::Vp8, false) => vec![0x11],
    };
    data.extend((0..bytes).map(|byte| (byte as u32 * 7 + index * 13) as u8 | 1));
    EncodedFrame {
        codec,
        data: data.into(),
        key,
        timestamp: index.wrapping_mul(3000).wrapping_add(u32::MAX - 9000),
        width_px: 0,
        height_px: 0,
        at: Instant::now(),
    }
}

/// Frames of one to six packets, each `every`-th a key frame.
fn frames(count: u32, every: u32) -> Vec<EncodedFrame> {
    frames_of(VideoCodec::H264, count, every)
}

fn frames_of(codec: VideoCodec, count: u32, every: u32) -> Vec<EncodedFrame> {
    (0..count)
        .map(|index| frame_of(codec, index, 400 + (index as usize * 977) % 6000, index % every == 0))
        .collect()
}

#[derive(Default)]
struct Seen {
    frames: Vec<EncodedFrame>,
    requests: Vec<Instant>,
}

fn drain(receiver: &mut VideoReceiver, now: Instant, seen: &mut Seen) {
    while let Some(event) = receiver.poll(now) {
        match event {
            VideoEvent::Frame(frame) => seen.frames.push(frame),
            VideoEvent::KeyFrameNeeded => seen.requests.push(now),
        }
    }
}

fn feed(receiver: &mut VideoReceiver, packets: impl IntoIterator<Item = VideoPacket>) -> Seen {
    let mut seen = Seen::default();
    for packet in packets {
        let now = packet.arrived;
        receiver.push(now, packet);
        drain(receiver, now, &mut seen);
    }
    seen
}

fn assert_same(received: &[EncodedFrame], sent: &[EncodedFrame]) {
    assert_eq!(received.len(), sent.len());
    for (received, sent) in received.iter().zip(sent) {
        assert!(received.data == sent.data, "{received:?} is not {sent:?}");
        assert_eq!((received.timestamp, received.key), (sent.timestamp, sent.key));
    }
}

#[test]
fn each_frame_comes_out_with_its_last_packet_and_no_key_frame_is_asked_for() {
    for codec in BOTH {
        let sent = frames_of(codec, 40, 1000);
        let mut receiver = VideoReceiver::new();
        for packet in packets(&sent, 65_530, Instant::now()) {
            let (now, marker) = (packet.arrived, packet.marker);
            receiver.push(now, packet);
            let event = receiver.poll(now);
            assert_eq!(matches!(event, Some(VideoEvent::Frame(_))), marker);
            assert!(receiver.poll(now).is_none());
            if marker {
                assert_eq!(receiver.next_deadline(), None, "nothing to wait for");
            }
        }
        let stats = receiver.stats();
        assert_eq!((stats.frames, stats.key_frames, stats.frames_dropped), (40, 1, 0));
        assert_eq!((stats.packets_lost, stats.packets_late, stats.packets_duplicate), (0, 0, 0));
    }
}

#[test]
fn the_size_of_the_picture_is_read_from_the_stream() {
    for codec in BOTH {
        let sent = frames_of(codec, 3, 1000);
        let seen = feed(&mut VideoReceiver::new(), packets(&sent, 0, Instant::now()));
        assert!(seen.frames.iter().all(|frame| (frame.width_px, frame.height_px) == (320, 180)));
    }
}

#[test]
fn a_packet_that_is_sent_again_in_time_repairs_its_frame() {
    let sent = frames(6, 1000);
    let start = Instant::now();
    let mut packets = packets(&sent, 100, start);
    let mut again = packets.remove(4);
    again.arrived = packets.last().unwrap().arrived + Duration::from_millis(20);
    packets.push(again);
    let mut receiver = VideoReceiver::new();
    let seen = feed(&mut receiver, packets);
    assert_same(&seen.frames, &sent);
    assert!(seen.requests.is_empty());
    assert_eq!(receiver.stats().packets_lost, 0);
}

#[test]
fn a_lost_packet_is_waited_for_120_ms_and_then_a_key_frame_is_asked_for_until_one_comes() {
    for codec in BOTH {
        let sent = frames_of(codec, 60, 55);
        let start = Instant::now();
        let mut packets = packets(&sent, 100, start);
        let lost = packets.iter().position(|packet| packet.timestamp == sent[5].timestamp).unwrap();
        packets.remove(lost);
        let later = packets[lost].arrived;
        let mut receiver = VideoReceiver::new();
        let seen = feed(&mut receiver, packets.clone());
        let waited =
            packets.iter().map(|packet| packet.arrived).find(|at| *at >= later + Duration::from_millis(120));
        assert_eq!(seen.requests, [waited.unwrap()], "once, and not again within 500 ms");
        let expected: Vec<EncodedFrame> = sent[..5].iter().chain(&sent[55..]).cloned().collect();
        assert_same(&seen.frames, &expected);
        let stats = receiver.stats();
        assert_eq!((stats.packets_lost, stats.frames_dropped), (1, 50));
    }
}

#[test]
fn the_deadline_tells_when_a_gap_is_given_up_and_when_to_ask_again() {
    let sent = frames(4, 1000);
    let start = Instant::now();
    let mut packets = packets(&sent, 100, start);
    let lost = packets.iter().position(|packet| packet.timestamp == sent[2].timestamp).unwrap();
    packets.remove(lost);
    let behind = packets[lost].arrived;
    let last = packets.last().unwrap().arrived;
    let mut receiver = VideoReceiver::with_max_wait(Duration::from_millis(50));
    assert_eq!(receiver.next_deadline(), None);
    let mut seen = feed(&mut receiver, packets);
    let mut asked = Vec::new();
    while let Some(deadline) = receiver.next_deadline() {
        drain(&mut receiver, deadline - Duration::from_micros(1), &mut seen);
        assert_eq!(seen.requests, asked, "not before the deadline");
        drain(&mut receiver, deadline, &mut seen);
        asked.push(deadline);
        assert_eq!(seen.requests, asked);
    }
    let first = behind + Duration::from_millis(50);
    let every = Duration::from_millis(500);
    // Two seconds after the last packet the camera is taken to be off.
    let expected: Vec<Instant> =
        (0..).map(|n| first + every * n).take_while(|at| *at < last + Duration::from_secs(2)).collect();
    assert!(expected.len() >= 3);
    assert_eq!(asked, expected);
}

#[test]
fn a_receiver_that_comes_into_a_running_stream_asks_at_once_and_starts_with_the_key_frame() {
    for codec in BOTH {
        let sent = frames_of(codec, 30, 20);
        let start = Instant::now();
        let from_the_middle = packets(&sent[7..], 40_000, start);
        let mut receiver = VideoReceiver::new();
        let seen = feed(&mut receiver, from_the_middle);
        assert_eq!(seen.requests, [start]);
        assert_same(&seen.frames, &sent[20..]);
        assert_eq!(receiver.stats().frames_dropped, 13);
    }
}

#[test]
fn a_damaged_key_frame_is_asked_for_again_at_once() {
    let sent: Vec<EncodedFrame> =
        (0..30).map(|index| frame(index, 5000, index == 0 || index == 20)).collect();
    let start = Instant::now();
    let mut packets = packets(&sent, 7, start);
    packets.remove(2);
    let seen = feed(&mut VideoReceiver::new(), packets);
    assert_same(&seen.frames, &sent[20..]);
    assert_eq!(seen.requests, [start + Duration::from_millis(120)]);
}

#[test]
fn a_huge_jump_of_the_sequence_number_starts_anew() {
    for codec in BOTH {
        let start = Instant::now();
        let mut receiver = VideoReceiver::new();
        let before = frames_of(codec, 5, 1000);
        assert_same(&feed(&mut receiver, packets(&before, 60_000, start)).frames, &before);
        let after = frames_of(codec, 5, 1000);
        assert_same(&feed(&mut receiver, packets(&after, 10_000, start)).frames, &after);
        assert_eq!(receiver.stats().packets_lost, 0);
    }
}

#[test]
fn a_change_of_the_codec_in_mid_stream_starts_anew_with_a_key_frame() {
    let start = Instant::now();
    let mut receiver = VideoReceiver::new();
    let (h264, vp8) = (frames(5, 1000), frames_of(VideoCodec::Vp8, 9, 4));
    let before = packets(&h264, 100, start);
    let next = 100 + before.len() as u16;
    assert_same(&feed(&mut receiver, before).frames, &h264);
    // Its first key frame was lost with the change.
    let seen = feed(&mut receiver, packets(&vp8[1..], next, start));
    assert_eq!(seen.requests, [start]);
    assert_same(&seen.frames, &vp8[4..]);
    assert!(seen.frames.iter().all(|frame| frame.codec == VideoCodec::Vp8));
}

#[test]
fn padding_between_frames_and_missing_markers_do_no_harm() {
    let sent = frames(8, 1000);
    let start = Instant::now();
    let mut padded = Vec::new();
    for packet in packets(&sent, 0, start) {
        let end = packet.marker;
        let mut padding = VideoPacket { marker: false, payload: Bytes::new(), ..packet.clone() };
        padded.push(VideoPacket { marker: false, ..packet });
        if end {
            padding.sequence = 0;
            padded.push(padding);
        }
    }
    for (packet, sequence) in padded.iter_mut().zip(65_000_u16..) {
        packet.sequence = sequence;
    }
    let seen = feed(&mut VideoReceiver::new(), padded);
    // Without its marker the last frame is not known to be over.
    assert_same(&seen.frames, &sent[..7]);
}

#[test]
fn a_stream_that_begins_with_padding_is_not_asked_for_the_key_frame_that_comes_next() {
    let sent = frames(4, 1000);
    let start = Instant::now();
    let mut stream = packets(&sent, 101, start);
    let first = stream[0].clone();
    let timestamp = first.timestamp.wrapping_sub(1);
    let padding = VideoPacket { sequence: 100, timestamp, marker: false, payload: Bytes::new(), ..first };
    let lost = feed(&mut VideoReceiver::new(), [vec![padding.clone()], stream[1..].to_vec()].concat());
    assert!(!lost.requests.is_empty(), "the key frame's beginning is missing");
    stream.insert(0, padding);
    let seen = feed(&mut VideoReceiver::new(), stream);
    assert!(seen.requests.is_empty(), "{:?}", seen.requests);
    assert_same(&seen.frames, &sent);
}

#[test]
fn parameter_sets_that_are_sent_on_their_own_are_put_before_the_key_frame() {
    let start = Instant::now();
    let key = frame(1, 300, true);
    let unit = |bytes: &[u8], sequence, timestamp, marker| VideoPacket {
        codec: VideoCodec::H264,
        sequence,
        timestamp,
        marker,
        payload: Bytes::copy_from_slice(bytes),
        arrived: start,
    };
    let stream = [
        unit(&SETS[4..14], 1, 5, true),
        unit(&SETS[18..], 2, 6, true),
        unit(&key.data[SETS.len() + 4..], 3, key.timestamp, true),
    ];
    let seen = feed(&mut VideoReceiver::new(), stream);
    assert_same(&seen.frames, &[key]);
}

#[test]
fn malformed_payloads_cost_their_frame_and_nothing_else() {
    let start = Instant::now();
    let vp8 = |bad: &'static [u8]| (VideoCodec::Vp8, bad);
    let h264 = |bad: &'static [u8]| (VideoCodec::H264, bad);
    for (codec, bad) in [
        h264(&[24, 0, 200, 1, 2]), // an aggregate that is shorter than it says
        h264(&[24, 0]),
        h264(&[28]),                                   // a fragment without a header
        h264(&[28, 0x01, 1]),                          // a fragment without a beginning
        h264(&[28, 0x80 | 24, 1]),                     // a fragment of an aggregate
        h264(&[28, 0x81, 1, 2, 3]),                    // a fragment without an end
        vp8(&[0x10]),                                  // a descriptor and nothing else
        vp8(&[0x90, 0x80]),                            // a descriptor that is cut off
        vp8(&[0x00, 0x11, 1, 2]),                      // a frame without its beginning
        vp8(&[0x10, 0x10, 0, 0, 1, 2, 3, 4, 5, 6, 7]), // a key frame without its start code
    ] {
        let sent: Vec<EncodedFrame> =
            (0..12).map(|index| frame_of(codec, index, 300, index % 8 == 0)).collect();
        let mut packets = packets(&sent, 0, start);
        let at = packets.iter().position(|packet| packet.timestamp == sent[3].timestamp).unwrap();
        packets[at].payload = Bytes::copy_from_slice(bad);
        let mut receiver = VideoReceiver::new();
        let seen = feed(&mut receiver, packets);
        let expected: Vec<EncodedFrame> = sent[..3].iter().chain(&sent[8..]).cloned().collect();
        assert_same(&seen.frames, &expected);
        assert_eq!(seen.requests.len(), 1, "{codec:?} {bad:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn any_packets_in_any_order_do_no_harm(
        packets in prop::collection::vec(
            (
                prop_oneof![0_u16..200, any::<u16>()],
                prop_oneof![0_u32..8, any::<u32>()],
                any::<bool>(),
                (prop_oneof![Just(24_u8), Just(28), Just(0x67), Just(0x65), Just(0x61), Just(0x10), Just(0x90), any::<u8>()],
                 prop::collection::vec(any::<u8>(), 0..40)),
                0_u64..200,
            ),
            0..400,
        ),
        codec in prop::sample::select(&BOTH[..]),
    ) {
        let mut receiver = VideoReceiver::new();
        let mut now = Instant::now();
        for (sequence, timestamp, marker, (first, rest), wait) in packets {
            let mut payload = vec![first];
            payload.extend(rest);
            if payload.len() == 1 && first < 128 {
                payload.clear();
            }
            now += Duration::from_millis(wait);
            receiver.push(now, VideoPacket { codec, sequence, timestamp, marker, payload: payload.into(), arrived: now });
            for _ in 0..2000 {
                match receiver.poll(now) {
                    Some(VideoEvent::Frame(frame)) => prop_assert!(!frame.data.is_empty()),
                    Some(VideoEvent::KeyFrameNeeded) => {}
                    None => break,
                }
            }
            prop_assert!(receiver.poll(now).is_none(), "it never comes to rest");
            if let Some(deadline) = receiver.next_deadline() {
                prop_assert!(deadline > now, "it was polled at {now:?} and wants to be polled at {deadline:?}");
            }
        }
    }

    #[test]
    fn whatever_the_order_within_the_window_the_frames_come_out_as_they_went_in(
        count in 1_u32..60,
        first in any::<u16>(),
        every in 1_u32..60,
        reach in 1_usize..200,
        order in prop::collection::vec(any::<u16>(), 400),
        doubles in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
        codec in prop::sample::select(&BOTH[..]),
    ) {
        let sent = frames_of(codec, count, every);
        let start = Instant::now();
        let mut packets = packets(&sent, first, start);
        for packet in &mut packets {
            packet.arrived = start; // all within the time that a gap is waited for
        }
        // The very first packet stays: what is before it would be before the stream.
        for block in packets[1..].chunks_mut(reach) {
            let mut keyed: Vec<_> = block.iter().cloned().zip(order.iter().cycle()).collect();
            keyed.sort_by_key(|(_, key)| **key);
            for (place, (packet, _)) in block.iter_mut().zip(keyed) {
                *place = packet;
            }
        }
        let twice: HashSet<usize> = doubles.iter().map(|index| index.index(packets.len())).collect();
        for index in &twice {
            packets.push(packets[*index].clone());
        }
        let mut receiver = VideoReceiver::new();
        let seen = feed(&mut receiver, packets);
        prop_assert_eq!(seen.frames.len(), sent.len());
        for (received, sent) in seen.frames.iter().zip(&sent) {
            prop_assert!(received.data == sent.data);
            prop_assert_eq!((received.timestamp, received.key), (sent.timestamp, sent.key));
        }
        let stats = receiver.stats();
        prop_assert_eq!(stats.packets_late + stats.packets_duplicate, twice.len() as u64);
        prop_assert_eq!((stats.packets_lost, stats.frames_dropped), (0, 0));
    }
}
