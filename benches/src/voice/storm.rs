//! A path that is wild for a while and then calm again, in virtual time: how soon the delay forgets it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::Bytes;
use maru_media::audio::jitter::JitterBuffer;
use maru_media::audio::opus::Encoder;
use maru_media::audio::{SAMPLES_10_MS, SAMPLES_20_MS};

use super::network::Network;

/// How long it is wild, in packets of 20 ms: 10 s; and how long it is looked at, in all.
const WILD: usize = 500;
const ALL: usize = 1_250;
const CALM: Network = Network { loss: 0.0, burst: 1.0, jitter: Duration::ZERO };
const STORM: Network = Network { jitter: Duration::from_millis(300), ..CALM };
/// The target of a clean path.
const CLEAN_MS: f32 = 20.0;
/// How near to it what is heard is to be.
const NEAR_MS: f32 = 10.0;

/// What became of the delay.
pub struct Storm {
    /// The target at its highest.
    pub highest_ms: f32,
    /// From the end of the jitter until the target was that of a clean path, for good.
    pub target_s: f64,
    /// … and until what was heard was no more than 10 ms behind it.
    pub heard_s: f64,
}

/// Measures with this speech, over and over.
pub fn measure(speech: &[f32]) -> Result<Storm> {
    let mut encoder = Encoder::new()?;
    let mut speech = speech.as_chunks::<SAMPLES_20_MS>().0.iter().cycle();
    let (wild, calm) = (STORM.arrivals(ALL), CALM.arrivals(ALL));
    let at = |slot: usize| if slot < WILD { wild[slot].0 } else { calm[slot].0.max(wild[WILD - 1].0) };
    let mut arrivals = (0..ALL).map(|slot| (at(slot), slot)).peekable();
    let mut jitter = JitterBuffer::new()?;
    let start = Instant::now();
    let end = Duration::from_millis(20) * WILD as u32;
    let (mut highest_ms, mut target, mut heard) = (0.0_f32, None, None);
    for step in 0..ALL as u32 * 2 {
        let now = Duration::from_millis(10) * step;
        while let Some((at, slot)) = arrivals.next_if(|(at, _)| *at <= now) {
            let mut payload = Vec::new();
            encoder.encode(speech.next().context("there is no speech")?, &mut payload)?;
            let timestamp = (slot * SAMPLES_20_MS) as u32;
            jitter.push(start + at, slot as u16, timestamp, Bytes::from(payload));
        }
        jitter.pull(start + now, &mut [0.0; SAMPLES_10_MS]);
        let stats = jitter.stats();
        highest_ms = highest_ms.max(stats.target_ms);
        if now >= end {
            let since = Some((now - end).as_secs_f64());
            target = if stats.target_ms <= CLEAN_MS { target.or(since) } else { None };
            heard = if stats.behind_ms <= CLEAN_MS + NEAR_MS { heard.or(since) } else { None };
        }
    }
    let never = "the delay did not come back";
    Ok(Storm { highest_ms, target_s: target.context(never)?, heard_s: heard.context(never)? })
}
