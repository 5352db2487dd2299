//! The jitter buffer in virtual time: what it makes of packets that come late, out of order, in
//! bursts, or not at all.
#![allow(clippy::unwrap_used)]

use std::f32::consts::TAU;
use std::time::{Duration, Instant};

use bytes::Bytes;
use maru_media::audio::jitter::{JitterBuffer, Pull};
use maru_media::audio::level::rms_dbfs;
use maru_media::audio::opus::Encoder;
use maru_media::audio::{SAMPLES_10_MS, SAMPLES_20_MS};
use proptest::prelude::*;

/// Packet `n` of a 440 Hz tone at half of full scale.
fn tone_packets(count: usize) -> Vec<Bytes> {
    let mut encoder = Encoder::new().unwrap();
    encoder.set_expected_loss(10).unwrap();
    let mut out = Vec::new();
    (0..count)
        .map(|packet| {
            let mut samples = [0.0; SAMPLES_20_MS];
            for (index, sample) in samples.iter_mut().enumerate() {
                let at = (packet * SAMPLES_20_MS + index) as f32 / 48_000.0;
                *sample = (at * 440.0 * TAU).sin() * 0.5;
            }
            encoder.encode(&samples, &mut out).unwrap();
            Bytes::copy_from_slice(&out)
        })
        .collect()
}

/// A seeded source of numbers from 0 to 1 (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// What was played.
struct Played {
    buffer: JitterBuffer,
    samples: Vec<f32>,
    kinds: Vec<Pull>,
    /// Target and level in ms after each pull.
    targets: Vec<f32>,
    levels: Vec<f32>,
}

impl Played {
    /// Share of made-up samples after `from` pulls.
    fn concealed_after(&self, from: usize) -> f64 {
        let concealed = self.kinds[from..].iter().filter(|kind| **kind == Pull::Concealed).count();
        concealed as f64 / (self.kinds.len() - from) as f64
    }

    /// The mean level in ms over a range of pulls.
    fn mean_level(&self, range: std::ops::Range<usize>) -> f32 {
        let count = range.len() as f32;
        self.levels[range].iter().sum::<f32>() / count
    }

    /// The largest step from one sample to the next: a click is a large one. The tone's own is 0.029.
    fn largest_step(&self, from: usize) -> f32 {
        let samples = &self.samples[from * SAMPLES_10_MS..];
        samples.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
    }
}

/// Plays packets whose arrival in ms after its regular time `delay` says (`None`: never), for as long
/// as the last one lasts. `pace` is how fast the sender's clock runs.
fn play(count: usize, pace: f64, mut delay: impl FnMut(usize) -> Option<f64>) -> Played {
    let start = Instant::now();
    let mut arrivals: Vec<(f64, usize)> = (0..count)
        .filter_map(|packet| Some((packet as f64 * 20.0 / pace + delay(packet)?, packet)))
        .collect();
    arrivals.sort_by(|a, b| a.0.total_cmp(&b.0));
    let packets = tone_packets(count);
    let mut arrivals = arrivals.into_iter().peekable();
    let mut played = Played {
        buffer: JitterBuffer::new().unwrap(),
        samples: Vec::new(),
        kinds: Vec::new(),
        targets: Vec::new(),
        levels: Vec::new(),
    };
    let mut out = [0.0; SAMPLES_10_MS];
    for tick in 0..count * 2 {
        // The playout clock is not in step with the packets.
        let at = tick as f64 * 10.0 + 3.7;
        while let Some((arrival, packet)) = arrivals.next_if(|(arrival, _)| *arrival <= at) {
            let now = start + Duration::from_secs_f64(arrival / 1e3);
            let sequence = 65_500_u16.wrapping_add(packet as u16);
            let timestamp = (u32::MAX - 20_000).wrapping_add((packet * SAMPLES_20_MS) as u32);
            played.buffer.push(now, sequence, timestamp, packets[packet].clone());
        }
        played.kinds.push(played.buffer.pull(start + Duration::from_secs_f64(at / 1e3), &mut out));
        played.samples.extend_from_slice(&out);
        let stats = played.buffer.stats();
        played.targets.push(stats.target_ms);
        played.levels.push(stats.buffer_ms);
    }
    played
}

#[test]
fn on_a_perfect_path_everything_is_played_with_20_to_40_ms_of_delay() {
    let played = play(500, 1.0, |_| Some(5.0));
    let first = played.kinds.iter().position(|kind| *kind == Pull::Normal).unwrap();
    assert!(first <= 5, "silence for {first} steps");
    assert!(played.kinds[first..].iter().all(|kind| *kind == Pull::Normal));
    let stats = played.buffer.stats();
    assert_eq!((stats.packets_discarded, stats.packets_lost, stats.concealed_samples), (0, 0, 0));
    assert_eq!(stats.packets_received, 500);
    assert!(played.targets[900] <= 20.0, "target {} ms", played.targets[900]);
    assert!(played.mean_level(800..1000) < 40.0, "{} ms", played.mean_level(800..1000));
    assert!(played.largest_step(20) < 0.05, "a click of {}", played.largest_step(20));
    let level = rms_dbfs(&played.samples[48_000..]);
    assert!((level - -9.03).abs() < 1.0, "{level} dBFS");
}

#[test]
fn packets_in_the_wrong_order_are_played_in_the_right_one() {
    // Every fifth comes 25 ms late: behind the next one.
    let played = play(500, 1.0, |packet| Some(if packet % 5 == 3 { 30.0 } else { 5.0 }));
    assert_eq!(played.concealed_after(100), 0.0);
    assert!(played.largest_step(100) < 0.05, "a click of {}", played.largest_step(100));
}

#[test]
fn each_tenth_packet_lost_is_hardly_missed() {
    let mut random = Random(7);
    let mut lost = 0;
    let played = play(1000, 1.0, |_| {
        let arrives = random.next() > 0.1;
        lost += u64::from(!arrives);
        arrives.then_some(5.0)
    });
    let stats = played.buffer.stats();
    assert!(stats.packets_lost.abs_diff(lost) <= 2, "{} of {lost} noticed", stats.packets_lost);
    assert_eq!(stats.packets_discarded, 0);
    assert!(played.concealed_after(50) < 0.16, "{}", played.concealed_after(50));
    let level = rms_dbfs(&played.samples[48_000..]);
    assert!((level - -9.03).abs() < 1.5, "{level} dBFS");
    assert!(stats.target_ms <= 35.0, "as long as repair takes, no longer: {} ms", stats.target_ms);
}

#[test]
fn packets_that_come_in_bursts_are_held_back_for_as_long_as_a_burst() {
    // Four at a time, as some wireless networks deliver them.
    let played = play(1000, 1.0, |packet| Some(5.0 + (3 - packet % 4) as f64 * 20.0));
    assert!(played.concealed_after(200) < 0.005, "{}", played.concealed_after(200));
    assert!((65.0..110.0).contains(&played.targets[1900]), "{} ms", played.targets[1900]);
}

#[test]
fn a_delay_that_is_not_far_off_is_left_as_it_is() {
    let mut random = Random(3);
    // In order: who is behind a late one waits.
    let mut latest = 0.0_f64;
    let mut delay = |packet| {
        latest = latest.max(f64::from(packet) * 20.0 + random.next() * 100.0);
        latest - f64::from(packet) * 20.0
    };
    let delays: Vec<f64> = (0..3000).map(&mut delay).collect();
    let played = |count| play(count, 1.0, |packet| Some(delays[packet]));
    let changed = |played: &Played| {
        let stats = played.buffer.stats();
        stats.inserted_samples_for_deceleration + stats.removed_samples_for_acceleration
    };
    let (early, all) = (played(1500), played(3000));
    assert!((90.0..130.0).contains(&all.targets[5900]), "{} ms", all.targets[5900]);
    let later = changed(&all) - changed(&early);
    assert!(later <= 960, "{later} samples put in or taken out in 30 s");
}

#[test]
fn a_sender_whose_clock_is_off_neither_fills_the_buffer_nor_empties_it() {
    for pace in [1.001, 0.999] {
        let played = play(3000, pace, |_| Some(5.0));
        assert!(played.concealed_after(100) < 0.004, "at {pace}: {}", played.concealed_after(100));
        assert!(played.mean_level(5000..6000) < 60.0, "at {pace}: {} ms", played.mean_level(5000..6000));
        assert!(played.largest_step(100) < 0.08, "at {pace}: a click of {}", played.largest_step(100));
    }
}

#[test]
fn jitter_of_100_ms_raises_the_delay_at_once_and_calm_lowers_it_slowly() {
    let mut random = Random(3);
    let played = play(1750, 1.0, |packet| {
        Some(if (500..1250).contains(&packet) { random.next() * 100.0 } else { 0.0 })
    });
    assert!(played.targets[990] <= 20.0, "calm: {} ms", played.targets[990]);
    let rising = &played.targets[1000..1050];
    assert!(rising.iter().any(|target| *target > 60.0), "half a second later: {:?} ms", rising.last());
    assert!(played.targets[2400] > 90.0, "{} ms", played.targets[2400]);
    // Two seconds in, the buffer has learned.
    let stormy = &played.kinds[1200..2500];
    let concealed = stormy.iter().filter(|kind| **kind == Pull::Concealed).count();
    assert!(concealed < stormy.len() / 30, "{concealed} of {}", stormy.len());
    // Ten seconds after the storm it is as if it had not been.
    assert!(played.targets[3490] <= 20.0, "{} ms", played.targets[3490]);
    assert!(played.mean_level(3400..3500) < 50.0, "{} ms", played.mean_level(3400..3500));
    assert_eq!(played.concealed_after(2700), 0.0);
    assert!(played.largest_step(2700) < 0.08, "a click of {}", played.largest_step(2700));
}

#[test]
fn a_stream_that_stops_fades_to_silence_and_starts_again() {
    let played = play(600, 1.0, |packet| (!(200..400).contains(&packet)).then_some(5.0));
    let gap = 400..800;
    let silent_from = played.kinds[gap.clone()].iter().position(|kind| *kind == Pull::Silence).unwrap();
    assert!((5..40).contains(&silent_from), "silence after {silent_from} steps");
    assert!(rms_dbfs(&played.samples[420 * SAMPLES_10_MS..790 * SAMPLES_10_MS]) < -90.0);
    assert!(played.kinds[gap].iter().filter(|kind| **kind == Pull::Concealed).count() <= 21);
    assert!(played.kinds[810..1190].iter().all(|kind| *kind == Pull::Normal));
    assert!(played.largest_step(50) < 0.1, "a click of {}", played.largest_step(50));
}

#[test]
fn after_a_stall_the_backlog_is_skipped_rather_than_kept_as_delay() {
    // Nothing for a second, then everything at once.
    let played = play(900, 1.0, |packet| {
        Some(if (300..350).contains(&packet) { (350 - packet) as f64 * 20.0 } else { 0.0 })
    });
    assert!(played.mean_level(1000..1100) < 250.0, "{} ms", played.mean_level(1000..1100));
    assert!(played.mean_level(1700..1800) < 60.0, "{} ms", played.mean_level(1700..1800));
}

#[test]
fn packets_of_any_duration_and_two_channels_play() {
    use opusic_c::{Application, Channels, SampleRate};
    for (milliseconds, channels) in
        [(2.5, 1), (5.0, 2), (10.0, 1), (20.0, 2), (40.0, 1), (60.0, 2), (120.0, 1)]
    {
        let kind = if channels == 1 { Channels::Mono } else { Channels::Stereo };
        let mut encoder = opusic_c::Encoder::new(kind, SampleRate::Hz48000, Application::Audio).unwrap();
        let samples = (milliseconds * 48.0) as usize;
        let start = Instant::now();
        let mut buffer = JitterBuffer::new().unwrap();
        let mut out = [0.0; SAMPLES_10_MS];
        let (mut packet, mut heard) = (0, Vec::new());
        for tick in 0..300 {
            let now = start + Duration::from_millis(10) * tick;
            while packet as f64 * milliseconds <= f64::from(tick) * 10.0 {
                let sound: Vec<f32> = (0..samples * channels)
                    .map(|index| {
                        let at = (packet * samples + index / channels) as f32 / 48_000.0;
                        (at * 440.0 * TAU).sin() * 0.5
                    })
                    .collect();
                let mut payload = vec![0; 4000];
                let length = encoder.encode_float_to_slice(&sound, &mut payload).unwrap();
                payload.truncate(length);
                buffer.push(now, packet as u16, (packet * samples) as u32, payload.into());
                packet += 1;
            }
            if buffer.pull(now, &mut out) == Pull::Normal && tick > 100 {
                heard.extend_from_slice(&out);
            }
        }
        assert!(heard.len() > 180 * SAMPLES_10_MS, "{milliseconds} ms: {} samples", heard.len());
        let level = rms_dbfs(&heard);
        assert!((level - -9.03).abs() < 1.0, "{milliseconds} ms, {channels} channels: {level} dBFS");
    }
}

#[test]
fn a_sender_that_saves_packets_in_pauses_loses_nothing() {
    let mut encoder = Encoder::new().unwrap();
    encoder.set_dtx(true).unwrap();
    let mut buffer = JitterBuffer::new().unwrap();
    let start = Instant::now();
    let (mut payload, mut out) = (Vec::new(), [0.0; SAMPLES_10_MS]);
    let (mut sequence, mut saved, mut kinds, mut heard) = (0, 0, Vec::new(), Vec::new());
    let mut pausing = false;
    for tick in 0..800_u32 {
        let now = start + Duration::from_millis(10) * tick;
        if tick % 2 == 0 {
            let first = tick as usize * SAMPLES_10_MS;
            // Two seconds of tone, four of silence, two of tone.
            let loud = if (200..600).contains(&tick) { 0.0 } else { 0.5 };
            let samples: [f32; SAMPLES_20_MS] =
                std::array::from_fn(|index| ((first + index) as f32 / 48_000.0 * 440.0 * TAU).sin() * loud);
            encoder.encode(&samples, &mut payload).unwrap();
            // As browsers do: the packet that begins a pause is sent, the empty ones after it are not.
            let empty = payload.len() <= 2;
            if empty && pausing {
                saved += 1;
            } else {
                buffer.push(now, sequence, first as u32, Bytes::copy_from_slice(&payload));
                sequence += 1;
            }
            pausing = empty;
        }
        kinds.push(buffer.pull(now, &mut out));
        heard.extend_from_slice(&out);
        // What is heard keeps its distance to what is said also where nothing comes: pictures go by it.
        let said = i64::from(tick + 1) * SAMPLES_10_MS as i64;
        let behind = buffer.playout_timestamp().map(|position| said - position);
        if tick > 20 {
            assert!(behind.is_some_and(|behind| (0..3_000).contains(&behind)), "{behind:?} at {tick}");
        }
    }
    assert!(saved > 100, "{saved} packets saved: no pause to be tested");
    let stats = buffer.stats();
    assert_eq!((stats.packets_lost, stats.packets_discarded, stats.concealed_samples), (0, 0, 0));
    assert!(kinds[10..].iter().all(|kind| *kind == Pull::Normal));
    let level = |ticks: std::ops::Range<usize>| {
        rms_dbfs(&heard[ticks.start * SAMPLES_10_MS..ticks.end * SAMPLES_10_MS])
    };
    assert!((level(650..800) - -9.03).abs() < 1.0, "{} dBFS", level(650..800));
    assert!(level(300..600) < -50.0, "{} dBFS", level(300..600));
    assert!(stats.buffer_ms < 60.0, "{} ms", stats.buffer_ms);
}

#[test]
fn a_restarted_sender_is_heard_again_whatever_its_numbers() {
    let packets = tone_packets(100);
    for (sequence, timestamp) in [(0, 0), (40_000, 5), (101, 5), (150, 4_000_000_000)] {
        let start = Instant::now();
        let mut buffer = JitterBuffer::new().unwrap();
        let mut out = [0.0; SAMPLES_10_MS];
        let mut kinds = Vec::new();
        for tick in 0..400_u32 {
            let now = start + Duration::from_millis(10) * tick;
            if tick % 2 == 0 {
                let packet = tick / 2;
                let (first, base) = if packet < 100 { (1, 1_000_000) } else { (sequence, timestamp) };
                let index = packet % 100;
                let payload = packets[index as usize].clone();
                buffer.push(now, first + index as u16, base + index * 960, payload);
            }
            kinds.push(buffer.pull(now, &mut out));
        }
        assert!(kinds[220..].iter().all(|kind| *kind == Pull::Normal), "{sequence}, {timestamp}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn any_packets_at_any_time_do_no_harm(
        steps in prop::collection::vec(
            (
                prop_oneof![0_u16..100, any::<u16>()],
                prop_oneof![(0_u32..200).prop_map(|n| n * 960), any::<u32>()],
                prop_oneof![
                    prop::collection::vec(any::<u8>(), 0..60),
                    (0_usize..20).prop_map(|index| vec![index as u8]),
                ],
                0_u64..300,
                0_usize..8,
            ),
            0..200,
        ),
    ) {
        let start = Instant::now();
        let mut now = start;
        let mut buffer = JitterBuffer::new().unwrap();
        let mut out = [0.0; SAMPLES_10_MS];
        for (sequence, timestamp, payload, wait, pulls) in steps {
            buffer.push(now, sequence, timestamp, payload.into());
            now += Duration::from_millis(wait);
            for _ in 0..pulls {
                buffer.pull(now, &mut out);
                prop_assert!(out.iter().all(|sample| sample.is_finite()));
            }
            // 100 packets of 120 ms and what is decoded.
            prop_assert!(buffer.stats().buffer_ms <= 12_300.0);
        }
    }
}
