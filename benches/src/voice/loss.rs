//! Speech through the whole send and receive path of `media` and a network in virtual time.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use bytes::Bytes;
use maru_media::audio::jitter::JitterBuffer;
use maru_media::audio::opus::Encoder;
use maru_media::audio::{SAMPLES_10_MS, SAMPLES_20_MS};

use super::network::Network;
use super::speech::write_wav;

const RATE: usize = 48_000;
const STEP: Duration = Duration::from_millis(10);

/// The packets of a sender that knows how much is lost.
pub fn packets(speech: &[f32], network: Network) -> Result<Vec<Bytes>> {
    let mut encoder = Encoder::new()?;
    encoder.set_expected_loss((network.loss * 100.0) as u8)?;
    let mut packet = Vec::new();
    speech
        .as_chunks::<SAMPLES_20_MS>()
        .0
        .iter()
        .map(|samples| {
            packet.clear();
            encoder.encode(samples, &mut packet)?;
            Ok(Bytes::copy_from_slice(&packet))
        })
        .collect()
}

/// What is heard of them, as long as it lasts.
pub fn heard(packets: &[Bytes], network: Network) -> Result<Vec<f32>> {
    let arrivals = network.arrivals(packets.len());
    let mut jitter = JitterBuffer::new()?;
    let start = Instant::now();
    let mut out = Vec::with_capacity((packets.len() + 100) * SAMPLES_20_MS);
    let mut frame = [0.0; SAMPLES_10_MS];
    let mut next = 0;
    for step in 0..(packets.len() * 2 + 100) as u32 {
        let now = STEP * step;
        while next < packets.len() && arrivals[next].is_none_or(|at| at <= now) {
            if let Some(at) = arrivals[next] {
                let timestamp = (next * SAMPLES_20_MS) as u32;
                jitter.push(start + at, next as u16, timestamp, packets[next].clone());
            }
            next += 1;
        }
        frame.fill(0.0);
        jitter.pull(start + now, &mut frame);
        out.extend_from_slice(&frame);
    }
    Ok(out)
}

/// Writes for one network what is heard, and what arrives when, for another receiver to be fed with:
/// a line for each packet, its arrival in microseconds, number, time stamp and payload.
pub fn write(directory: &Path, speech: &[f32], network: Network) -> Result<()> {
    let packets = packets(speech, network)?;
    let heard = heard(&packets, network)?;
    write_wav(&directory.join("scored").join(format!("{}-maru.wav", network.name())), &heard)?;
    let mut trace = String::new();
    for (number, (arrival, packet)) in network.arrivals(packets.len()).iter().zip(&packets).enumerate() {
        let Some(arrival) = arrival else { continue };
        write!(trace, "{} {number} {} ", arrival.as_micros(), number * SAMPLES_20_MS)?;
        for byte in packet {
            write!(trace, "{byte:02x}")?;
        }
        trace.push('\n');
    }
    Ok(std::fs::write(directory.join("traces").join(format!("{}.txt", network.name())), trace)?)
}

/// Ten seconds of each voice, with a pause before, between and after.
pub fn original(voices: [&[f32]; 2]) -> Vec<f32> {
    let mut speech = vec![0.0; RATE / 2];
    for voice in voices {
        speech.extend(&voice[..voice.len().min(10 * RATE)]);
        speech.resize(speech.len() + RATE / 2, 0.0);
    }
    speech.truncate(speech.len() / SAMPLES_20_MS * SAMPLES_20_MS);
    speech
}
