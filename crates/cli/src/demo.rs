//! `maru-cli demo`: a whole call on this machine, each participant with its own engine and its own
//! sockets, and a verdict.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use maru_devices::{Options, SystemDevices};
use maru_engine::{CallView, Choice, Engine, EngineConfig, FixedServer, PeerState};
use maru_media::DeviceId;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::args::{self, Demo};
use crate::output::{Meter, Report, snapshots};
use crate::{participant, platform};

/// Louder than this is a voice that was heard; the tone is sent at about −20.
const HEARD_DBFS: f64 = -45.0;
/// How long everybody may take to be connected to everybody.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
const ROOM: &str = "demo";

#[derive(Debug, Serialize)]
struct DemoReport {
    participants: Vec<Report>,
}

pub async fn run(args: Demo) -> anyhow::Result<ExitCode> {
    let length = args::seconds("--seconds", args.seconds)?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.context("No port is free")?;
    let url = format!("ws://{}", listener.local_addr()?);
    let stop = CancellationToken::new();
    let server = tokio::spawn(maru_signaling::run(listener, stop.clone().cancelled_owned()));
    let meter = Meter::start();

    let count = args.participants as usize;
    let mut engines = Vec::with_capacity(count);
    for number in 1..=count {
        let engine = start(number, &url)?;
        participant::join(&engine, ROOM, &format!("Participant {number}")).await?;
        eprintln!("Participant {number} of {count} is in the room.");
        engines.push(engine);
    }
    for engine in &engines {
        let all_connected = |view: &CallView| {
            view.peers.len() == count - 1 && view.peers.iter().all(|peer| peer.state == PeerState::Connected)
        };
        if participant::wait_for(engine, CONNECT_TIMEOUT, all_connected).await.is_none() {
            eprintln!("Not everybody is connected to everybody after {} s.", CONNECT_TIMEOUT.as_secs());
        }
    }
    tokio::select! {
        () = tokio::time::sleep(length) => {}
        () = platform::asked_to_end() => {}
    }

    let mut participants = Vec::with_capacity(count);
    for engine in &engines {
        let report = engine.report().await.context("A participant stopped before its end")?;
        participants.push(meter.report(report, count));
    }
    let mut files = Vec::new();
    if let Some(dir) = &args.snapshot {
        for (index, engine) in engines.iter().enumerate() {
            files.extend(snapshots(engine, dir, &format!("seen-by-{}-", index + 1))?);
        }
    }
    for engine in &engines {
        engine.shutdown().await;
    }
    stop.cancel();
    let _ = tokio::time::timeout(Duration::from_secs(5), server).await;

    let problems = problems(&participants);
    for problem in &problems {
        eprintln!("! {problem}");
    }
    if args.json {
        println!("{}", serde_json::to_string(&DemoReport { participants })?);
    } else {
        summary(&participants);
        for file in &files {
            println!("saved {}", file.display());
        }
    }
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn start(number: usize, url: &str) -> anyhow::Result<Engine> {
    let device = |id: String| Choice::Device(DeviceId::new(id));
    let devices = Arc::new(SystemDevices::new(Options { synthetic: true }));
    let server = Arc::new(FixedServer::parse(url)?);
    Engine::start(EngineConfig {
        camera: device(format!("test-pattern:{number}")),
        microphone: device("tone".into()),
        speaker: device("null".into()),
        ..participant::config(devices, server)
    })
    .context("A participant cannot be started")
}

/// Who did not see or hear whom.
fn problems(participants: &[Report]) -> Vec<String> {
    let mut problems = Vec::new();
    for report in participants {
        let me = &report.call.me.name;
        for other in participants.iter().filter(|other| other.call.me.id != report.call.me.id) {
            let name = &other.call.me.name;
            let Some(peer) = report.call.peers.iter().find(|peer| Some(peer.id) == other.call.me.id) else {
                problems.push(format!("{me} never met {name}."));
                continue;
            };
            if peer.video.frames == 0 {
                problems.push(format!("{me} did not see {name}."));
            }
            if peer.audio.level_dbfs < HEARD_DBFS {
                problems.push(format!("{me} did not hear {name}."));
            }
        }
    }
    problems
}

fn summary(participants: &[Report]) {
    for report in participants {
        let sent = &report.call.sent.video;
        println!(
            "{}: joined in {:.0} ms, sent {}×{} at {:.0} kbit/s with {} encoder(s), {:.2} cores",
            report.call.me.name,
            report.call.joined_ms.unwrap_or(0.0),
            sent.width,
            sent.height,
            sent.kbps,
            sent.encoders,
            report.cpu_s / report.wall_s.max(0.001),
        );
        for peer in &report.call.peers {
            let latency = peer.video.latency_ms.as_ref();
            println!(
                "  saw {} after {:.0} ms: {}×{}, {:.1} fps, {} freezes, latency {:.0} ms (95 %: {:.0} ms); heard at {:.0} dBFS",
                peer.name,
                peer.first_frame_ms.unwrap_or(0.0),
                peer.video.width,
                peer.video.height,
                peer.video.fps,
                peer.video.freezes,
                latency.map_or(0.0, |latency| latency.p50),
                latency.map_or(0.0, |latency| latency.p95),
                peer.audio.level_dbfs,
            );
        }
    }
}
