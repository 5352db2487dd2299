//! Any packets at any time into the jitter buffer: real ones, damaged ones and garbage, with numbers
//! near and far. It must neither panic nor grow nor give out anything but sound.
#![no_main]

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use arbitrary::Arbitrary;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use maru_media::audio::jitter::JitterBuffer;
use maru_media::audio::opus::Encoder;
use maru_media::audio::red::{self, Repeated, Repeater};
use maru_media::audio::{SAMPLES_10_MS, SAMPLES_20_MS};

#[derive(Arbitrary, Debug)]
enum Step<'a> {
    /// One of ours, `ahead` packets further on than the last.
    Real {
        ahead: i8,
        packet: u8,
    },
    /// The same with a byte changed.
    Damaged {
        ahead: i8,
        packet: u8,
        place: u8,
        with: u8,
    },
    /// Anything.
    Garbage {
        sequence: u16,
        timestamp: u32,
        payload: &'a [u8],
    },
    /// One of ours with those before it, as a whole or cut off.
    Repeating {
        ahead: i8,
        packet: u8,
        repeats: u8,
        cut: u8,
    },
    /// Anything that says it carries others again.
    RepeatingGarbage {
        sequence: u16,
        timestamp: u32,
        payload: &'a [u8],
    },
    /// Of maximal size.
    Long {
        ahead: i8,
        first: u8,
        fill: u8,
    },
    Pull {
        count: u8,
    },
    Wait {
        milliseconds: u16,
    },
    MinimumDelay {
        milliseconds: u16,
    },
}

/// Speech-like sound, silence, and sound with all protection there is.
static PACKETS: LazyLock<Vec<Bytes>> = LazyLock::new(|| {
    let mut encoder = Encoder::new().expect("an encoder");
    encoder.set_dtx(true).expect("DTX");
    let mut out = Vec::new();
    (0..256)
        .map(|packet: usize| {
            if packet == 128 {
                encoder.set_bitrate(64_000).expect("a bitrate");
                encoder.set_expected_loss(20).expect("a share");
                encoder.set_redundancy(20).expect("a length");
            }
            let samples: [f32; SAMPLES_20_MS] = std::array::from_fn(|index| {
                let at = (packet * SAMPLES_20_MS + index) as f32 / 48_000.0;
                let loud = if packet % 64 > 40 { 0.0 } else { ((at * 25.0).sin() * 0.3).max(0.0) };
                (1..20).map(|part| (at * 800.0 * part as f32).sin() / part as f32).sum::<f32>() * loud
            });
            encoder.encode(&samples, &mut out).expect("a packet");
            Bytes::copy_from_slice(&out)
        })
        .collect()
});

const VOICE: u8 = 111;

fn push_repeating(buffer: &mut JitterBuffer, now: Instant, sequence: u16, timestamp: u32, payload: &Bytes) {
    let Some(split) = red::split(payload, &[VOICE]) else { return };
    buffer.push(now, sequence, timestamp, split.payload);
    for Repeated { packets, samples, payload } in split.repeated {
        buffer.push_repeated(now, sequence.wrapping_sub(packets), timestamp.wrapping_sub(samples), payload);
    }
}

fuzz_target!(|steps: Vec<Step>| {
    let mut now = Instant::now();
    let mut buffer = JitterBuffer::new().expect("a decoder");
    let mut out = [0.0; SAMPLES_10_MS];
    let mut number = 0_i64;
    for step in steps {
        match step {
            Step::Real { ahead, packet } => {
                number += i64::from(ahead);
                let payload = PACKETS[usize::from(packet)].clone();
                buffer.push(now, number as u16, (number * 960) as u32, payload);
            }
            Step::Damaged { ahead, packet, place, with } => {
                number += i64::from(ahead);
                let mut payload = PACKETS[usize::from(packet)].to_vec();
                let place = usize::from(place) % payload.len().max(1);
                if let Some(byte) = payload.get_mut(place) {
                    *byte = with;
                }
                buffer.push(now, number as u16, (number * 960) as u32, payload.into());
            }
            Step::Garbage { sequence, timestamp, payload } => {
                buffer.push(now, sequence, timestamp, Bytes::copy_from_slice(payload));
            }
            Step::Repeating { ahead, packet, repeats, cut } => {
                number += i64::from(ahead);
                let mut repeater = Repeater::default();
                let first = packet.saturating_sub(2);
                let joined = (first..=packet).fold(None, |_, packet| {
                    let payload = &PACKETS[usize::from(packet)];
                    repeater.join(u32::from(packet) * 960, payload, repeats % 4, VOICE)
                });
                if let Some(mut payload) = joined {
                    payload.truncate(payload.len().saturating_sub(usize::from(cut)));
                    push_repeating(&mut buffer, now, number as u16, (number * 960) as u32, &payload);
                }
            }
            Step::RepeatingGarbage { sequence, timestamp, payload } => {
                let payload = Bytes::copy_from_slice(payload);
                push_repeating(&mut buffer, now, sequence, timestamp, &payload);
            }
            Step::Long { ahead, first, fill } => {
                number += i64::from(ahead);
                let mut payload = vec![fill; 65_000];
                payload[0] = first;
                payload.truncate(if fill & 1 == 0 { 65_000 } else { 7_999 });
                buffer.push(now, number as u16, (number * 960) as u32, payload.into());
            }
            Step::Pull { count } => {
                for _ in 0..count % 32 {
                    buffer.pull(now, &mut out);
                    assert!(out.iter().all(|sample| sample.is_finite()));
                    now += Duration::from_millis(10);
                }
            }
            Step::Wait { milliseconds } => now += Duration::from_millis(milliseconds.into()),
            Step::MinimumDelay { milliseconds } => {
                buffer.set_minimum_delay(Duration::from_millis(milliseconds.into()));
            }
        }
        let stats = buffer.stats();
        assert!(stats.buffer_ms <= 12_500.0, "{stats:?}");
        assert!((0.0..=400.0).contains(&stats.target_ms), "{stats:?}");
        assert!(stats.packets_discarded <= stats.packets_received + 200, "{stats:?}");
    }
});
