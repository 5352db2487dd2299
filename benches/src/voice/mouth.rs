//! From mouth to ear: two participants of one process in a call over real sockets on loopback, one with
//! speech for a microphone, the other with a speaker that notes what it plays when. What real devices
//! buffer comes on top.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use maru_engine::{
    AudioReport, Choice, Command, Engine, EngineConfig, FixedServer, InboundAudioReport, PeerState,
};
use maru_media::audio::SAMPLES_10_MS;
use maru_media::audio::ring::{RingConsumer, RingProducer};
use maru_media::device::{Camera, Microphone, OnLost, Speaker, VideoFormat};
use maru_media::voice::{EchoCancellation, VoiceSettings};
use maru_media::{
    DeviceError, DeviceId, DeviceInfo, DeviceKind, DeviceList, Devices, LatestFrame, VideoCodec,
};
use maru_protocol::ClientInfo;
use parking_lot::Mutex;

use super::signal::energy;
use super::speech::write_wav;

const BLOCK: Duration = Duration::from_millis(10);
const RATE: f64 = 48_000.0;
/// How long the call is measured; the speech is longer.
const SECONDS: u64 = 20;
/// Left out at the beginning: the paths are found, the jitter buffer learns.
const SETTLE: f64 = 5.0;
const LIMIT: Duration = Duration::from_secs(20);
/// A piece of speech whose delay is measured, and the longest delay looked for, in samples.
const PIECE: usize = 24_000;
const LONGEST: usize = 24_000;

/// Amplitude of a noise of −56 dBFS.
const NOISE: f32 = 0.0027;

/// What Opus's encoder is behind: it looks 2.5 ms ahead, and 4 ms make its two halves agree.
const ENCODER_MS: f64 = 6.5;

/// What the voice's processing has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Nothing: no loudspeaker is heard, and no noise.
    None,
    /// To look for an echo and to lower noise of −56 dBFS.
    All,
}

/// Half of the delays are shorter, and 95 of 100.
pub struct Delays {
    pub p50_ms: f64,
    pub p95_ms: f64,
    /// What the first of them is made of.
    pub stages: Vec<(&'static str, f64)>,
    /// How long packets should be held back, at the end.
    pub target_ms: f64,
    /// Share of samples that were made up.
    pub concealed: f64,
}

/// Ten milliseconds, with the time at which the first sample was played.
type Played = (Instant, [f32; SAMPLES_10_MS]);

/// A microphone that plays speech, and a speaker that remembers.
struct Wav {
    speech: Arc<Vec<f32>>,
    /// When the speech's first sample was in the air.
    said: Arc<Mutex<Option<Instant>>>,
    heard: Arc<Mutex<Vec<Played>>>,
}

struct Running {
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Microphone for Running {}
impl Speaker for Running {}

impl Drop for Running {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Release);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Calls `work` for every 10 ms, with the time at which they begin.
fn every_block(mut work: impl FnMut(u32, Instant) + Send + 'static) -> Running {
    let end = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&end);
    let thread = std::thread::spawn(move || {
        let start = Instant::now();
        for block in 0.. {
            let due = start + BLOCK * block;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if ended.load(Ordering::Acquire) {
                return;
            }
            work(block, due);
        }
    });
    Running { end, thread: Some(thread) }
}

impl Devices for Wav {
    fn list(&self) -> DeviceList {
        let device = |id: &str| {
            vec![DeviceInfo {
                id: DeviceId::new(id),
                name: id.into(),
                default: true,
                synthetic: true,
                follows_system: false,
            }]
        };
        DeviceList { cameras: Vec::new(), microphones: device("speech"), speakers: device("ear") }
    }

    fn open_camera(
        &self,
        _: &DeviceId,
        _: VideoFormat,
        _: Arc<LatestFrame>,
        _: OnLost,
    ) -> Result<Box<dyn Camera>, DeviceError> {
        Err(DeviceError::None(DeviceKind::Camera))
    }

    fn open_microphone(
        &self,
        _: &DeviceId,
        mut output: RingProducer,
        _: OnLost,
    ) -> Result<Box<dyn Microphone>, DeviceError> {
        let (speech, said) = (Arc::clone(&self.speech), Arc::clone(&self.said));
        Ok(Box::new(every_block(move |block, due| {
            // A block is there when its last sample was heard.
            let begun = due.checked_sub(BLOCK).unwrap_or(due);
            said.lock().get_or_insert(begun);
            output.stamp(begun);
            let first = block as usize * SAMPLES_10_MS % (speech.len() - SAMPLES_10_MS);
            output.push(&speech[first..first + SAMPLES_10_MS]);
        })))
    }

    fn open_speaker(
        &self,
        _: &DeviceId,
        mut input: RingConsumer,
        _: OnLost,
    ) -> Result<Box<dyn Speaker>, DeviceError> {
        let heard = Arc::clone(&self.heard);
        Ok(Box::new(every_block(move |_, due| {
            let mut block = [0.0; SAMPLES_10_MS];
            input.stamp(due);
            input.pull(&mut block);
            heard.lock().push((due, block));
        })))
    }
}

/// Measures, and writes what was heard.
pub fn measure(speech: &[f32], folder: &Path, work: Work) -> Result<Delays> {
    let devices =
        |speech| Arc::new(Wav { speech: Arc::new(speech), said: Arc::default(), heard: Arc::default() });
    let mut spoken = speech.to_vec();
    if work == Work::All {
        let mut state = 1_u32;
        for sample in &mut spoken {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *sample += ((state >> 8) as f32 / (1 << 23) as f32 - 1.0) * NOISE;
        }
    }
    let (mouth, ear) = (devices(spoken), devices(Vec::new()));
    let runtime = tokio::runtime::Runtime::new()?;
    let (before, after, processing_ms) = runtime.block_on(call(&mouth, &ear, work))?;
    let said = mouth.said.lock().context("the microphone was never opened")?;
    let mut heard = vec![0.0_f32; (SECONDS as usize + 2) * 48_000];
    for (at, block) in ear.heard.lock().iter() {
        let Some(after) = at.checked_duration_since(said) else { continue };
        let first = (after.as_secs_f64() * RATE).round() as usize;
        if let Some(place) = heard.get_mut(first..first + SAMPLES_10_MS) {
            place.copy_from_slice(block);
        }
    }
    write_wav(&folder.join(format!("heard-{work:?}.wav").to_lowercase()), &heard)?;
    let mut delays: Vec<f64> = speech
        .chunks_exact(PIECE)
        .enumerate()
        .map(|(index, piece)| (index * PIECE, piece))
        .filter(|(first, piece)| {
            let seconds = *first as f64 / RATE;
            (SETTLE..SECONDS as f64 - 2.0).contains(&seconds) && energy(piece) > 1.0
        })
        .filter_map(|(first, piece)| delay(piece, heard.get(first..first + PIECE + LONGEST)?))
        .map(|samples| samples as f64 / RATE * 1_000.0)
        .collect();
    ensure!(delays.len() > 10, "hardly anything was heard");
    delays.sort_by(f64::total_cmp);
    let at = |share: f64| delays[((delays.len() - 1) as f64 * share).round() as usize];
    let p50_ms = at(0.5);
    let stages = stages(p50_ms, processing_ms, &before.stats, &after.stats);
    let made_up = after.stats.concealed_samples - before.stats.concealed_samples;
    let all = after.stats.total_samples_received - before.stats.total_samples_received;
    let (target_ms, concealed) = (after.jitter_buffer_target_ms, made_up as f64 / all as f64);
    Ok(Delays { p50_ms, p95_ms: at(0.95), stages, target_ms, concealed })
}

/// Where the time goes: what is known of each stage, and what is left over.
fn stages(
    all_ms: f64,
    processing_ms: f64,
    before: &InboundAudioReport,
    after: &InboundAudioReport,
) -> Vec<(&'static str, f64)> {
    let waited = after.jitter_buffer_delay - before.jitter_buffer_delay;
    let emitted = after.jitter_buffer_emitted_count - before.jitter_buffer_emitted_count;
    let mut stages = vec![
        ("until a packet's sound has been captured", 20.0),
        ("voice processing", processing_ms),
        ("Opus", ENCODER_MS),
        ("jitter buffer", waited / emitted as f64 * 1e3),
    ];
    let known: f64 = stages.iter().map(|(_, ms)| ms).sum();
    stages.push(("waiting for the speaker; network, threads", all_ms - known));
    stages
}

/// By how many samples a piece is late; `None` where it is not found.
fn delay(piece: &[f32], heard: &[f32]) -> Option<usize> {
    let likeness = |late: usize| -> f64 {
        let window = &heard[late..late + piece.len()];
        let product: f64 = piece.iter().zip(window).step_by(3).map(|(a, b)| f64::from(a * b)).sum();
        product / (energy(piece) * energy(window)).sqrt().max(1e-9) * 3.0
    };
    let best = |from: usize, to: usize, step: usize| {
        (from..to.min(LONGEST))
            .step_by(step)
            .map(|late| (late, likeness(late)))
            .max_by(|a, b| a.1.total_cmp(&b.1))
    };
    let (near, _) = best(0, LONGEST, 12)?;
    let (late, likeness) = best(near.saturating_sub(24), near + 24, 1)?;
    (likeness > 0.5).then_some(late)
}

/// Returns what is told of the sound at the beginning of what is measured, and at its end, and how long its
/// processing then takes in milliseconds.
async fn call(mouth: &Arc<Wav>, ear: &Arc<Wav>, work: Work) -> Result<(AudioReport, AudioReport, f64)> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}", listener.local_addr()?);
    let server = tokio::spawn(maru_signaling::run(listener, std::future::pending()));
    let engine =
        |wav: &Arc<Wav>, microphone: Choice, speaker: Choice, voice: VoiceSettings| -> Result<Engine> {
            Ok(Engine::start(EngineConfig {
                devices: Arc::clone(wav) as Arc<dyn Devices>,
                server: Arc::new(FixedServer::parse(&url)?),
                client: ClientInfo { name: "maru-bench".into(), version: env!("CARGO_PKG_VERSION").into() },
                ice_servers: Vec::new(),
                addresses: Default::default(),
                token: None,
                camera: Choice::None,
                microphone,
                speaker,
                muted: false,
                camera_off: true,
                voice,
                downloads: None,
                decode: false,
                video_codecs: VideoCodec::BUILT_IN.to_vec(),
            })?)
        };
    let quiet = VoiceSettings::default();
    let ear = engine(ear, Choice::None, Choice::Preferred, quiet)?;
    let mouth = match work {
        Work::None => engine(mouth, Choice::Preferred, Choice::None, quiet)?,
        Work::All => {
            let voice = VoiceSettings { echo: EchoCancellation::On, ..quiet };
            engine(mouth, Choice::Preferred, Choice::Preferred, voice)?
        }
    };
    for engine in [&ear, &mouth] {
        engine.command(Command::Join { room: "bench".into(), name: "bench".into() }).await;
    }
    let started = Instant::now();
    while !ear.view().peers.iter().any(|peer| peer.state == PeerState::Connected) {
        ensure!(started.elapsed() < LIMIT, "the two do not get connected");
        tokio::time::sleep(BLOCK).await;
    }
    let told = async || -> Result<AudioReport> {
        let report = ear.report().await.context("the call is over")?;
        Ok(report.peers.into_iter().next().context("nobody is heard")?.audio)
    };
    tokio::time::sleep(Duration::from_secs_f64(SETTLE)).await;
    let before = told().await?;
    tokio::time::sleep(Duration::from_secs_f64(SECONDS as f64 - SETTLE)).await;
    let after = told().await?;
    let processing_ms = mouth.report().await.context("the call is over")?.sent.audio.processing_delay_ms;
    for engine in [&mouth, &ear] {
        engine.shutdown().await;
    }
    server.abort();
    Ok((before, after, processing_ms))
}
