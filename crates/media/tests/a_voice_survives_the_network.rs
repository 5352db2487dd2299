//! A voice over seeded networks in virtual time: what is lost, late, doubled, out of order or of a
//! clock of its own is hardly heard, the delay is what the path needs, and the statistics say so.
#![allow(clippy::unwrap_used)]

mod network {
    pub use self::path::*;
    #[path = "mod.rs"]
    mod path;
    pub mod voice;
}

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use bytes::Bytes;
use maru_media::audio::SAMPLES_10_MS;
use maru_media::audio::jitter::{JitterBuffer, JitterStats, Pull};
use maru_media::audio::opus::{Encoder, repeats_previous};
use proptest::prelude::*;

use network::Path;
use network::voice::packets;

/// How it went, 10 ms at a time.
struct Played {
    samples: Vec<f32>,
    kinds: Vec<Pull>,
    stats: Vec<JitterStats>,
}

impl Played {
    fn last(&self) -> JitterStats {
        *self.stats.last().unwrap()
    }

    fn concealed(&self, pulls: std::ops::Range<usize>) -> u64 {
        self.stats[pulls.end - 1].concealed_samples - self.stats[pulls.start].concealed_samples
    }

    /// The largest step between samples: a click is larger than any of the voice's own.
    fn largest_step(&self) -> f32 {
        self.samples.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
    }
}

/// Plays what arrives when, each packet with the `repeats` before it; `extra` is pushed along with each packet: sequence number, timestamp, payload.
fn play_with(
    packets: &[Bytes],
    arrivals: &[(f64, usize)],
    repeats: usize,
    extra: impl Fn(usize, u16, u32) -> Vec<(u16, u32, Bytes)>,
) -> Played {
    let start = Instant::now();
    let mut buffer = JitterBuffer::new().unwrap();
    let mut arrivals = arrivals.iter().peekable();
    let mut played = Played { samples: Vec::new(), kinds: Vec::new(), stats: Vec::new() };
    let mut out = [0.0; SAMPLES_10_MS];
    for tick in 0..packets.len() * 2 {
        let at = tick as f64 * 10.0 + 3.7;
        while let Some((arrival, packet)) = arrivals.next_if(|(arrival, _)| *arrival <= at) {
            let now = start + Duration::from_secs_f64(arrival / 1e3);
            let sequence = 65_000_u16.wrapping_add(*packet as u16);
            let timestamp = (u32::MAX - 200_000).wrapping_add(*packet as u32 * 960);
            for (sequence, timestamp, payload) in extra(*packet, sequence, timestamp) {
                buffer.push(now, sequence, timestamp, payload);
            }
            buffer.push(now, sequence, timestamp, packets[*packet].clone());
            for before in (1..=repeats).filter(|before| before <= packet) {
                let (sequence, timestamp) =
                    (sequence.wrapping_sub(before as u16), timestamp.wrapping_sub(before as u32 * 960));
                buffer.push_repeated(now, sequence, timestamp, packets[packet - before].clone());
            }
        }
        played.kinds.push(buffer.pull(start + Duration::from_secs_f64(at / 1e3), &mut out));
        played.samples.extend_from_slice(&out);
        played.stats.push(buffer.stats());
    }
    played
}

fn play(packets: &[Bytes], arrivals: &[(f64, usize)]) -> Played {
    play_repeating(packets, arrivals, 0)
}

fn play_repeating(packets: &[Bytes], arrivals: &[(f64, usize)], repeats: usize) -> Played {
    play_with(packets, arrivals, repeats, |_, _, _| Vec::new())
}

fn protected(encoder: &mut Encoder) {
    encoder.set_bitrate(80_000).unwrap();
    encoder.set_expected_loss(20).unwrap();
    encoder.set_redundancy(20).unwrap();
}

fn fec_only(encoder: &mut Encoder) {
    encoder.set_bitrate(56_000).unwrap();
    encoder.set_expected_loss(20).unwrap();
}

#[test]
fn on_a_clean_path_sound_waits_for_less_than_20_ms() {
    let played = play(&packets(500, |_| {}), &Path::default().arrivals(500, 20.0));
    let (half, last) = (played.stats[500], played.last());
    assert!(last.target_ms <= 20.0, "{} ms", last.target_ms);
    let delay = last.mean_delay_ms_since(&half).unwrap();
    assert!(delay <= 20.0, "{delay} ms");
    assert_eq!((last.concealed_samples, last.packets_lost, last.packets_discarded), (0, 0, 0));
    assert_eq!(last.jitter_buffer_emitted_count, 500 * 960 - 960 * (last.buffer_ms / 20.0) as u64);
}

#[test]
fn after_10_s_of_300_ms_jitter_the_delay_is_back_within_10_s() {
    let calm = Path { jitter_ms: 2.0, ..Path::default() };
    let storm = Path { jitter_ms: 300.0, reorder: true, seed: 5, ..Path::default() };
    let mut arrivals: Vec<_> =
        calm.arrivals(1500, 20.0).into_iter().filter(|(_, packet)| !(250..750).contains(packet)).collect();
    arrivals.extend(storm.arrivals(1500, 20.0).into_iter().filter(|(_, packet)| (250..750).contains(packet)));
    arrivals.sort_by(|a, b| a.0.total_cmp(&b.0));
    let played = play(&packets(1500, |_| {}), &arrivals);
    assert!(played.stats[1400].target_ms > 250.0, "{} ms", played.stats[1400].target_ms);
    // The second half of the storm is played with what was learned in the first.
    let made_up = played.concealed(1000..1500) as f64 / (500.0 * 480.0);
    assert!(made_up < 0.06, "{made_up}");
    // The storm ends at 15 s.
    let after = played.stats[2500];
    assert!(after.target_ms <= 20.0, "target {} ms", after.target_ms);
    assert!(after.behind_ms <= 30.0, "behind {} ms", after.behind_ms);
    assert_eq!(played.concealed(1600..3000), 0);
}

#[test]
fn clocks_that_differ_by_80_ppm_are_not_heard() {
    for drift_ppm in [80.0, -80.0] {
        let path = Path { drift_ppm, jitter_ms: 3.0, ..Path::default() };
        static PACKETS: LazyLock<Vec<Bytes>> = LazyLock::new(|| packets(3000, |_| {}));
        let played = play(&PACKETS, &path.arrivals(3000, 20.0));
        // Who is fast is done 5 ms before its time.
        let (early, last) = (played.stats[500], played.stats[5980]);
        assert_eq!(last.concealed_samples, early.concealed_samples, "{drift_ppm}");
        assert!((last.behind_ms - last.target_ms).abs() < 12.0, "{last:?}");
        let changed = last.removed_samples_for_acceleration - early.removed_samples_for_acceleration
            + last.inserted_samples_for_deceleration
            - early.inserted_samples_for_deceleration;
        // 55 s of 80 ppm are 211 samples.
        assert!(changed < 1_500, "{changed} samples");
    }
}

#[test]
fn most_of_what_is_lost_alone_comes_with_the_next_packet() {
    let packets = packets(1500, fec_only);
    let covered = packets.iter().filter(|packet| repeats_previous(packet)).count();
    assert!(covered > 900, "{covered} packets repeat the one before");
    let path = Path { loss: 0.1, ..Path::default() };
    let played = play(&packets, &path.arrivals(1500, 20.0));
    let last = played.last();
    assert!(last.packets_recovered * 2 > last.packets_lost, "{last:?}");
    assert!(last.concealed_samples < last.packets_lost * 960 * 6 / 10, "{last:?}");
    assert!(last.target_ms <= 50.0, "{} ms", last.target_ms);
    assert!(last.concealment_events <= last.packets_lost);
}

#[test]
fn deep_redundancy_brings_back_bursts() {
    let path = Path { loss: 0.2, burst: 3.0, seed: 3, ..Path::default() };
    let arrivals = path.arrivals(1500, 20.0);
    let with = play(&packets(1500, protected), &arrivals);
    let without = play(&packets(1500, fec_only), &arrivals);
    let made_up = |played: &Played| played.concealed(200..3000);
    assert!(
        made_up(&with) * 2 < made_up(&without),
        "{} and {} samples made up",
        made_up(&with),
        made_up(&without)
    );
    assert!(with.last().packets_recovered > with.last().packets_lost * 6 / 10, "{:?}", with.last());
    assert!(with.last().target_ms <= 150.0, "{} ms", with.last().target_ms);
}

#[test]
fn what_a_later_packet_repeats_is_as_good_as_what_came() {
    let packets = packets(1500, |_| {});
    let path = Path { loss: 0.2, ..Path::default() };
    let played = play_repeating(&packets, &path.arrivals(1500, 20.0), 2);
    let last = played.last();
    // Three in a row are one in 125; what came before the buffer knew that it has to wait is not much.
    assert!(played.concealed(400..3000) < 2600 * 480 / 60, "{last:?}");
    assert!(last.packets_lost.abs_diff(300) < 60, "{last:?}");
    assert!(last.packets_recovered * 10 > last.packets_lost * 9, "{last:?}");
    assert!(last.target_ms <= 80.0, "{} ms", last.target_ms);
    assert_eq!((last.packets_received + last.packets_lost) / 10, 150, "{last:?}");
    assert_eq!(last.packets_discarded, 0, "what is repeated is no packet");
}

#[test]
fn where_nothing_is_lost_what_is_repeated_is_waited_for_and_not_used() {
    let packets = packets(500, |_| {});
    let path = Path { duplicates: 0.1, ..Path::default() };
    let played = play_repeating(&packets, &path.arrivals(500, 20.0), 2);
    let last = played.last();
    assert_eq!((last.packets_lost, last.packets_recovered, last.concealed_samples), (0, 0, 0));
    assert_eq!(last.packets_received, 500 + last.packets_discarded);
    assert!((40.0..=50.0).contains(&last.target_ms), "{} ms", last.target_ms);
}

#[test]
fn behind_what_is_repeated_deep_redundancy_goes_further_back() {
    // Bursts of four, of which two come again.
    let arrivals: Vec<_> =
        Path::default().arrivals(1500, 20.0).into_iter().filter(|(_, packet)| packet % 20 >= 4).collect();
    let with = play_repeating(&packets(1500, protected), &arrivals, 2);
    let last = with.last();
    assert!(last.packets_recovered > last.packets_lost * 9 / 10, "{last:?}");
    assert!(with.concealed(1000..3000) < 2000 * 480 / 50, "{last:?}");
}

#[test]
fn doubled_and_overtaken_packets_are_played_once_and_in_order() {
    let path = Path { jitter_ms: 50.0, reorder: true, duplicates: 0.3, seed: 9, ..Path::default() };
    let arrivals = path.arrivals(1000, 20.0);
    let twice = arrivals.len() as u64 - 1000;
    let played = play(&packets(1000, |_| {}), &arrivals);
    let last = played.last();
    assert_eq!(played.concealed(300..2000), 0);
    assert!(last.packets_discarded.abs_diff(twice) < 20, "{last:?}, {twice} came twice");
}

#[test]
fn nothing_clicks_whatever_the_path_does() {
    let packets = packets(1000, protected);
    let clean = play(&packets, &Path::default().arrivals(1000, 20.0)).largest_step();
    for (loss, burst, jitter_ms) in [(0.1, 1.0, 0.0), (0.2, 3.0, 20.0), (0.0, 1.0, 100.0), (0.05, 2.0, 60.0)]
    {
        let path = Path { loss, burst, jitter_ms, reorder: true, seed: 4, ..Path::default() };
        let step = play(&packets, &path.arrivals(1000, 20.0)).largest_step();
        assert!(step < clean * 2.0, "{path:?}: {step}, without loss {clean}");
    }
}

#[test]
fn packets_that_do_not_belong_change_nothing() {
    let packets = packets(500, |_| {});
    let arrivals = Path { jitter_ms: 10.0, ..Path::default() }.arrivals(500, 20.0);
    let clean = play(&packets, &arrivals);
    let long = Bytes::from(vec![0x78; 65_000]);
    let hostile = play_with(&packets, &arrivals, 0, |packet, sequence, timestamp| {
        let voice = packets[packet].clone();
        vec![match packet % 9 {
            1 => (sequence, timestamp, Bytes::new()),
            2 => (sequence.wrapping_add(20_000), timestamp, voice),
            3 => (sequence.wrapping_add(1), timestamp.wrapping_sub(960 * 40), voice),
            4 => (sequence.wrapping_add(3), timestamp.wrapping_add(1 << 31), voice),
            5 => (sequence.wrapping_sub(400), timestamp.wrapping_add(48_000), voice),
            6 => (sequence, timestamp, long.clone()),
            7 => (sequence.wrapping_add(1), timestamp.wrapping_add(960), Bytes::from_static(&[0x0b, 0])),
            _ => (sequence, timestamp.wrapping_add(960 * 5_000), Bytes::from_static(&[0xff; 100])),
        }]
    });
    assert!(hostile.samples == clean.samples, "what is heard is not the same");
    assert_eq!(hostile.last().packets_discarded * 2, hostile.last().packets_received);
}

#[test]
fn the_delay_that_is_told_is_the_delay_there_is() {
    let packets = packets(1000, |_| {});
    let arrivals = Path { jitter_ms: 60.0, seed: 2, ..Path::default() }.arrivals(1000, 20.0);
    let played = play(&packets, &arrivals);
    let (half, last) = (played.stats[1000], played.last());
    let told = last.mean_delay_ms_since(&half).unwrap();
    // A packet waits for the time it is behind the fastest, but for what it took longer itself.
    let behind = played.stats[1000..].iter().map(|stats| f64::from(stats.behind_ms)).sum::<f64>() / 1000.0;
    assert!((10.0..=behind + 1.0).contains(&told), "{told} ms told, {behind} ms behind");
    let target = (last.jitter_buffer_target_delay - half.jitter_buffer_target_delay).as_secs_f64() * 1e3
        / (last.jitter_buffer_emitted_count - half.jitter_buffer_emitted_count) as f64;
    assert!((50.0..=80.0).contains(&target), "{target} ms");
}

#[test]
fn a_minimum_delay_is_kept() {
    let packets = packets(400, |_| {});
    let start = Instant::now();
    let mut buffer = JitterBuffer::new().unwrap();
    let mut out = [0.0; SAMPLES_10_MS];
    let mut concealed = false;
    for tick in 0..800_u32 {
        let now = start + Duration::from_millis(10) * tick;
        if tick == 200 {
            buffer.set_minimum_delay(Duration::from_millis(120));
        }
        if tick % 2 == 0 {
            let packet = tick / 2;
            buffer.push(now, packet as u16, packet * 960, packets[packet as usize].clone());
        }
        concealed |= buffer.pull(now, &mut out) == Pull::Concealed;
    }
    let stats = buffer.stats();
    assert!((110.0..=130.0).contains(&stats.behind_ms), "{stats:?}");
    assert!(!concealed, "the sound is stretched, nothing is made up");
    assert!(stats.inserted_samples_for_deceleration > 4_000, "{stats:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn any_path_is_survived_and_left_behind(
        loss in 0.0..0.6,
        burst in 1.0..8.0,
        jitter_ms in 0.0..400.0,
        reorder: bool,
        duplicates in 0.0..0.3,
        drift_ppm in -300.0..300.0,
        seed in 1_u64..1_000,
    ) {
        let path = Path { loss, burst, jitter_ms, reorder, duplicates, drift_ppm, seed };
        let calm = Path { drift_ppm, ..Path::default() };
        let mut arrivals: Vec<_> =
            path.arrivals(400, 20.0).into_iter().chain(
                calm.arrivals(1400, 20.0).into_iter().filter(|(_, packet)| *packet >= 400)).collect();
        arrivals.sort_by(|a, b| a.0.total_cmp(&b.0));
        static PACKETS: LazyLock<Vec<Bytes>> = LazyLock::new(|| packets(1400, protected));
        let played = play(&PACKETS, &arrivals);
        for pair in played.stats.windows(2) {
            let (before, after) = (pair[0], pair[1]);
            prop_assert!(after.concealed_samples >= before.concealed_samples);
            prop_assert!(after.jitter_buffer_delay >= before.jitter_buffer_delay);
            prop_assert!(after.packets_recovered <= after.packets_lost);
            prop_assert!(after.silent_concealed_samples <= after.concealed_samples);
            prop_assert!(after.buffer_ms < 2_500.0);
        }
        prop_assert!(played.samples.iter().all(|sample| sample.abs() < 2.0));
        // Ten seconds after the storm (8 s) it is as if it had not been.
        let last = played.last();
        prop_assert_eq!(played.concealed(1800..2800), 0, "{:?}", path);
        prop_assert!(last.target_ms <= 35.0 && last.behind_ms <= 60.0, "{:?}: {:?}", path, last);
    }
}
