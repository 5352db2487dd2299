//! `cargo xtask bench voice`: echo, losses and computing time of the voice path, measured without
//! hardware and printed as tables.

mod cpu;
mod echo;
mod loss;
mod mouth;
mod network;
mod signal;
mod sinks;
mod speech;
mod storm;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use maru_media::voice::{EchoCancellation, VoiceSettings};
use mouth::Work;
use network::Network;
use speech::Speech;

const USAGE: &str = "usage: bench-voice FOLDER [echo] [cpu] [mouth] [call] [loss]: files go to FOLDER; with nothing named, all";
const PARTS: [&str; 5] = ["echo", "cpu", "mouth", "call", "loss"];

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().context(USAGE)?);
    let mut wanted: Vec<String> = arguments.collect();
    if let Some(unknown) = wanted.iter().find(|name| !PARTS.contains(&name.as_str())) {
        bail!("{USAGE}; not {unknown}");
    }
    if wanted.is_empty() {
        wanted = PARTS.map(String::from).to_vec();
    }
    for part in ["scored", "traces"] {
        std::fs::create_dir_all(folder.join(part))?;
    }
    let speech = Speech::speak(&folder)?;
    for part in wanted {
        match part.as_str() {
            "echo" => print_echo(&speech),
            "cpu" => print_cpu(&speech)?,
            "mouth" => print_mouth(&speech, &folder)?,
            "call" => print_call(&speech, &folder.join("call"))?,
            _ => print_loss(&speech, &folder)?,
        }
    }
    Ok(())
}

fn print_echo(speech: &Speech) {
    println!("## Echo\n");
    println!("Goals: ERLE at least 30 dB after 3 s, at most 3 dB of the voice lost in double talk.\n");
    println!("| situation | ERLE after 3 s | voice lost in double talk | canceller bypassed |");
    println!("|---|---|---|---|");
    for scenario in echo::SCENARIOS {
        let measured = echo::measure(scenario, speech);
        let erle = measured.erle_db.map_or("no echo".into(), |erle| format!("{erle:.1} dB"));
        let (loss, bypassed) = (measured.near_loss_db, measured.bypassed * 100.0);
        println!("| {} | {erle} | {loss:.1} dB | {bypassed:.0} % |", scenario.name);
    }
    println!();
}

fn print_cpu(speech: &Speech) -> Result<()> {
    let shares = cpu::measure(speech)?;
    println!("## Computing time\n");
    println!("Goal: at most 3 % of a core in each direction.\n");
    println!("| part | share of a core |");
    println!("|---|---|");
    for (part, share) in &shares.parts {
        println!("| {part} | {:.2} % |", share * 100.0);
    }
    println!("| **sending** | **{:.2} %** |", shares.send * 100.0);
    println!("| **receiving**, one peer | **{:.2} %** |\n", shares.receive * 100.0);
    Ok(())
}

fn print_mouth(speech: &Speech, folder: &Path) -> Result<()> {
    let original = loss::original([&speech.far, &speech.near]);
    let idle = mouth::measure(&original, folder, Work::None)?;
    let busy = mouth::measure(&original, folder, Work::All)?;
    println!("## From mouth to ear\n");
    println!("Goal: at most 60 ms for half of it, over loopback; what devices buffer comes on top.\n");
    println!("| what takes how long, in ms | neither echo nor noise | an echo is expected, and noise |");
    println!("|---|---|---|");
    for ((stage, idle), (_, busy)) in idle.stages.iter().zip(&busy.stages) {
        println!("| {stage} | {idle:.1} | {busy:.1} |");
    }
    println!("| **all, p50** | **{:.0}** | **{:.0}** |", idle.p50_ms, busy.p50_ms);
    println!("| all, p95 | {:.0} | {:.0} |", idle.p95_ms, busy.p95_ms);
    println!("| the jitter buffer's target | {:.0} | {:.0} |", idle.target_ms, busy.target_ms);
    println!("| made up | {:.2} % | {:.2} % |\n", idle.concealed * 100.0, busy.concealed * 100.0);
    let storm = storm::measure(&original)?;
    println!("After 10 s of up to 300 ms of jitter, when the target was {:.0} ms, it is", storm.highest_ms);
    println!(
        "back at 20 ms or less after {:.1} s, and what is heard within 10 ms of it after",
        storm.target_s
    );
    println!("{:.1} s. Goal: 10 s.\n", storm.heard_s);
    Ok(())
}

fn print_loss(speech: &Speech, folder: &Path) -> Result<()> {
    let original = loss::original([&speech.far, &speech.near]);
    speech::write_wav(&folder.join("original.wav"), &original)?;
    let networks = network::networks();
    for network in &networks {
        loss::write(folder, &original, *network)?;
    }
    // Another receiver of the same packets, where there is one, writes beside ours.
    if let Some(other) = std::env::var_os("BENCH_OTHER_RECEIVER") {
        run(Command::new(python()).arg(other).arg(folder))?;
    }
    let scores = scores(folder)?;
    println!("## Losses\n");
    println!("| network | Maru: WB-PESQ, ViSQOL | Chromium: WB-PESQ, ViSQOL |");
    println!("|---|---|---|");
    for network in &networks {
        let score = |who: &str| {
            scores.get(&format!("{}-{who}", network.name())).map_or("not measured", String::as_str)
        };
        println!("| {} | {} | {} |", network.title(), score("maru"), score("chromium"));
    }
    println!();
    Ok(())
}

/// Speech through sound cards, the whole call and every stage at its default setting; and what the stages
/// alone leave of it.
fn print_call(speech: &Speech, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder.join("scored"))?;
    let original = loss::original([&speech.far, &speech.near]);
    speech::write_wav(&folder.join("original.wav"), &original)?;
    let write = |name: &str, sound: &[f32]| {
        speech::write_wav(&folder.join("scored").join(format!("{name}.wav")), sound)
    };
    let clean = Network { loss: 0.0, burst: 1.0, jitter: Duration::ZERO };
    let coded = |sound: &[f32]| loss::heard(&loss::packets(sound, clean)?, clean);
    let processed = sinks::processed(&original, VoiceSettings::default());
    write("processed", &processed)?;
    for (name, settings) in [
        ("echo", VoiceSettings { echo: EchoCancellation::Auto, ..VoiceSettings::NOTHING }),
        ("noise", VoiceSettings { noise: true, ..VoiceSettings::NOTHING }),
        ("gain", VoiceSettings { gain: true, ..VoiceSettings::NOTHING }),
    ] {
        write(name, &sinks::processed(&original, settings))?;
    }
    write("coded", &coded(&original)?)?;
    write("both", &coded(&processed)?)?;
    sinks::record(folder, "call", &[])?;
    let unprocessed = ["--echo-cancellation", "off", "--no-noise-suppression", "--no-gain-control"];
    sinks::record(folder, "unprocessed", &unprocessed)?;
    let scores = scores(folder)?;
    println!("## A call between sound cards\n");
    println!("Goal: a WB-PESQ of at least 3.8.\n");
    println!("| what the speech went through | WB-PESQ, ViSQOL |");
    println!("|---|---|");
    for (name, what) in [
        ("echo", "the echo canceller alone, which has nothing to do"),
        ("noise", "noise suppression alone"),
        ("gain", "gain control alone"),
        ("processed", "all three"),
        ("coded", "Opus and the jitter buffer alone"),
        ("both", "all of these, without devices"),
        (
            "unprocessed",
            "a call between two `maru-cli` on null sinks of PulseAudio, without voice processing",
        ),
        ("call", "**the same with voice processing**"),
    ] {
        println!("| {what} | {} |", scores.get(name).map_or("not measured", String::as_str));
    }
    println!();
    Ok(())
}

/// How everything in FOLDER/scored compares with the original: WB-PESQ and ViSQOL by name.
fn scores(folder: &Path) -> Result<HashMap<String, String>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/score.py");
    let scores = run(Command::new(python()).arg(script).arg(folder))?;
    let lines = scores.lines().filter_map(|line| line.split_once(' '));
    Ok(lines.map(|(name, scores)| (name.to_owned(), scores.replace(' ', ", "))).collect())
}

/// The Python that has the scores' packages.
fn python() -> std::ffi::OsString {
    std::env::var_os("BENCH_PYTHON").unwrap_or_else(|| "python3".into())
}

/// What a program prints.
fn run(command: &mut Command) -> Result<String> {
    let output = command.stderr(std::process::Stdio::inherit()).output()?;
    ensure!(output.status.success(), "{command:?} failed");
    Ok(String::from_utf8(output.stdout)?)
}
