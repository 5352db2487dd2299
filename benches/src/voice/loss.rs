//! Speech through the whole send and receive path of `media` and a network in virtual time.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use bytes::Bytes;
use maru_media::audio::jitter::JitterBuffer;
use maru_media::audio::opus::{Encoder, begins_pause};
use maru_media::audio::protection::{Protection, Understands};
use maru_media::audio::red::{self, Repeater};
use maru_media::audio::{SAMPLES_10_MS, SAMPLES_20_MS};

use super::network::Network;
use super::speech::write_wav;

const RATE: usize = 48_000;
const STEP: Duration = Duration::from_millis(10);
/// Reports of loss until it is believed, and a path that has room.
const REPORTS: u32 = 20;
const PATH_BPS: u32 = 2_000_000;

/// The payload types, as the traces have them.
const OPUS: u8 = 111;
const RED: u8 = 63;
/// The peer as a protection knows it.
const PEER: u32 = 1;

/// A packet as a call sends it.
pub struct Sent {
    payload_type: u8,
    sequence: u16,
    /// Counts times of 20 ms: in a pause there are some without a packet.
    slot: usize,
    payload: Bytes,
}

impl Sent {
    fn timestamp(&self) -> u32 {
        (self.slot * SAMPLES_20_MS) as u32
    }
}

/// What a call sends to a Maru that has reported this network's loss for a while.
pub fn packets(speech: &[f32], network: Network) -> Result<Vec<Sent>> {
    let now = Instant::now();
    let mut protection = Protection::new();
    for _ in 0..REPORTS {
        protection.report(now, PEER, network.loss, Understands { deep_redundancy: true, repeats: true });
    }
    let mut encoder = Encoder::new()?;
    encoder.set_dtx(true)?;
    protection.plan(now, PATH_BPS).apply(&mut encoder)?;
    let (mut repeater, repeats) = (Repeater::default(), protection.repeats(now, PEER));
    let (mut sent, mut payload, mut pausing) = (Vec::<Sent>::new(), Vec::new(), false);
    for (slot, samples) in speech.as_chunks::<SAMPLES_20_MS>().0.iter().enumerate() {
        payload.clear();
        encoder.encode(samples, &mut payload)?;
        // A pause that goes on is not sent.
        let goes_on = std::mem::replace(&mut pausing, begins_pause(&payload)) && pausing;
        if !goes_on {
            let (own, sequence) = (Bytes::copy_from_slice(&payload), sent.len() as u16);
            let joined = repeater.join((slot * SAMPLES_20_MS) as u32, &own, repeats, OPUS);
            let payload_type = if joined.is_some() { RED } else { OPUS };
            sent.push(Sent { payload_type, sequence, slot, payload: joined.unwrap_or(own) });
        }
    }
    Ok(sent)
}

/// Those that arrive, with the time of it.
fn arrivals(packets: &[Sent], network: Network) -> impl Iterator<Item = (Duration, &Sent)> {
    let slots = packets.last().map_or(0, |last| last.slot + 1);
    let of_slot = |slot| packets.binary_search_by_key(&slot, |packet| packet.slot).ok();
    let arrivals = network.arrivals(slots).into_iter();
    arrivals.filter_map(move |(at, slot)| Some((at, &packets[of_slot(slot)?])))
}

/// What is heard of them, as long as it lasts.
pub fn heard(packets: &[Sent], network: Network) -> Result<Vec<f32>> {
    let mut arrivals = arrivals(packets, network).peekable();
    let mut jitter = JitterBuffer::new()?;
    let start = Instant::now();
    let steps = packets.last().map_or(0, |last| last.slot * 2) + 100;
    let mut out = Vec::with_capacity(steps * SAMPLES_10_MS);
    let mut frame = [0.0; SAMPLES_10_MS];
    for step in 0..steps as u32 {
        let now = STEP * step;
        while let Some((at, packet)) = arrivals.next_if(|(at, _)| *at <= now) {
            let (at, sequence, timestamp) = (start + at, packet.sequence, packet.timestamp());
            if packet.payload_type == OPUS {
                jitter.push(at, sequence, timestamp, packet.payload.clone());
            } else if let Some(split) = red::split(&packet.payload, &[OPUS]) {
                jitter.push(at, sequence, timestamp, split.payload);
                for earlier in split.repeated {
                    let sequence = sequence.wrapping_sub(earlier.packets);
                    let timestamp = timestamp.wrapping_sub(earlier.samples);
                    jitter.push_repeated(at, sequence, timestamp, earlier.payload);
                }
            }
        }
        jitter.pull(start + now, &mut frame);
        out.extend_from_slice(&frame);
    }
    Ok(out)
}

/// Writes for one network what is heard, and what arrives when, for another receiver to be fed with:
/// a line for each packet, its arrival in microseconds, payload type, number, time stamp and payload.
pub fn write(directory: &Path, speech: &[f32], network: Network) -> Result<()> {
    let packets = packets(speech, network)?;
    let heard = heard(&packets, network)?;
    write_wav(&directory.join("scored").join(format!("{}-maru.wav", network.name())), &heard)?;
    let mut trace = String::new();
    for (at, packet) in arrivals(&packets, network) {
        let Sent { payload_type, sequence, .. } = packet;
        write!(trace, "{} {payload_type} {sequence} {} ", at.as_micros(), packet.timestamp())?;
        for byte in &packet.payload {
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
