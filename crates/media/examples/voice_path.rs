//! A voice on its way in virtual time: a 48 kHz mono wav in, through the encoder, a seeded network and
//! the jitter buffer, a wav out, and what it cost. For listening and for scoring:
//!
//!     voice_path IN.wav OUT.wav [loss=0.2] [burst=3] [jitter=50] [redundancy=0] [seed=1] …
#![allow(clippy::unwrap_used)]

#[path = "../tests/network/mod.rs"]
mod network;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use maru_media::audio::jitter::JitterBuffer;
use maru_media::audio::opus::{Encoder, begins_pause};
use maru_media::audio::protection::Protection;
use maru_media::audio::{SAMPLES_10_MS, SAMPLES_20_MS};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (input, output) = (arguments.next().expect("IN.wav"), arguments.next().expect("OUT.wav"));
    let options: HashMap<String, f64> = arguments
        .map(|argument| {
            let (name, value) = argument.split_once('=').expect("name=value");
            (name.to_owned(), value.parse().expect("a number"))
        })
        .collect();
    let option = |name: &str, default: f64| options.get(name).copied().unwrap_or(default);
    let path = network::Path {
        loss: option("loss", 0.0),
        burst: option("burst", 1.0),
        jitter_ms: option("jitter", 0.0),
        reorder: option("reorder", 0.0) != 0.0,
        duplicates: option("duplicates", 0.0),
        drift_ppm: option("drift", 0.0),
        seed: option("seed", 1.0) as u64,
    };

    let mut reader = hound::WavReader::open(input).expect("a wav");
    assert_eq!((reader.spec().sample_rate, reader.spec().channels), (48_000, 1));
    let mut samples: Vec<f32> =
        reader.samples::<i16>().map(|sample| f32::from(sample.unwrap()) / 32768.0).collect();
    samples.resize(samples.len().next_multiple_of(SAMPLES_20_MS), 0.0);
    let count = samples.len() / SAMPLES_20_MS;

    // What the peer would have reported for a while.
    let now = Instant::now();
    let mut protection = Protection::new();
    for _ in 0..20 {
        protection.report(now, 1, path.loss, option("redundancy", 1.0) != 0.0);
    }
    let plan = protection.plan(now, 2_000_000);
    let mut encoder = Encoder::new().unwrap();
    encoder.set_dtx(option("dtx", 1.0) != 0.0).unwrap();
    encoder.set_bitrate(option("bitrate", f64::from(plan.bitrate_bps)) as u32).unwrap();
    encoder.set_expected_loss(option("expected", f64::from(plan.expected_loss)) as u8).unwrap();
    encoder.set_redundancy(option("reach", f64::from(plan.redundancy)) as u8).unwrap();
    let mut payload = Vec::with_capacity(1500);
    let encoding = Instant::now();
    let packets: Vec<bytes::Bytes> = samples
        .chunks_exact(SAMPLES_20_MS)
        .map(|chunk| {
            encoder.encode(chunk.try_into().unwrap(), &mut payload).unwrap();
            bytes::Bytes::copy_from_slice(&payload)
        })
        .collect();
    let encoding = encoding.elapsed();

    let mut arrivals = path.arrivals(count, 20.0).into_iter().peekable();
    let mut buffer = JitterBuffer::new().unwrap();
    buffer.set_minimum_delay(Duration::from_millis(option("floor", 0.0) as u64));
    let start = Instant::now();
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(output, spec).unwrap();
    let mut sequences = Vec::with_capacity(count);
    let mut sequence = 0_u16;
    for (index, packet) in packets.iter().enumerate() {
        // A pause that goes on is not sent.
        let saved = index > 0 && begins_pause(packet) && begins_pause(&packets[index - 1]);
        sequence = sequence.wrapping_add(u16::from(!saved));
        sequences.push((!saved).then_some(sequence));
    }
    let (mut out, mut slowest, mut decoding) = ([0.0; SAMPLES_10_MS], Duration::ZERO, Duration::ZERO);
    let mut targets = Vec::new();
    for tick in 0..count * 2 + 20 {
        let at = tick as f64 * 10.0 + 4.0;
        while let Some((arrival, packet)) = arrivals.next_if(|(arrival, _)| *arrival <= at) {
            let now = start + Duration::from_secs_f64(arrival / 1e3);
            if let Some(sequence) = sequences[packet] {
                let timestamp = (packet * SAMPLES_20_MS) as u32;
                buffer.push(now, sequence, timestamp, packets[packet].clone());
            }
        }
        let begun = Instant::now();
        buffer.pull(start + Duration::from_secs_f64(at / 1e3), &mut out);
        slowest = slowest.max(begun.elapsed());
        decoding += begun.elapsed();
        targets.push(buffer.stats().target_ms);
        for sample in out {
            writer.write_sample((sample * 32768.0).clamp(-32768.0, 32767.0) as i16).unwrap();
        }
    }
    writer.finalize().unwrap();
    let stats = buffer.stats();
    let bytes: usize = packets
        .iter()
        .zip(&sequences)
        .filter(|(_, sent)| sent.is_some())
        .map(|(packet, _)| packet.len())
        .sum();
    let seconds = count as f64 / 50.0;
    targets.sort_by(f32::total_cmp);
    println!(
        "{{\"kbps\": {:.1}, \"encode_cpu\": {:.4}, \"decode_cpu\": {:.4}, \"slowest_pull_ms\": {:.2}, \
         \"lost\": {}, \"recovered\": {}, \"discarded\": {}, \"concealed\": {:.4}, \"events\": {}, \
         \"inserted\": {}, \"removed\": {}, \"delay_ms\": {:.1}, \"target_p50\": {:.1}, \"target_p95\": {:.1}}}",
        bytes as f64 * 8.0 / 1000.0 / seconds,
        encoding.as_secs_f64() / seconds,
        decoding.as_secs_f64() / seconds,
        slowest.as_secs_f64() * 1e3,
        stats.packets_lost,
        stats.packets_recovered,
        stats.packets_discarded,
        stats.concealed_samples as f64 / stats.total_samples_received.max(1) as f64,
        stats.concealment_events,
        stats.inserted_samples_for_deceleration,
        stats.removed_samples_for_acceleration,
        stats.jitter_buffer_delay.as_secs_f64() * 1e3 / stats.jitter_buffer_emitted_count.max(1) as f64,
        targets[targets.len() / 2],
        targets[targets.len() * 95 / 100],
    );
}
