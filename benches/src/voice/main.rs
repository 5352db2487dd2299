//! `cargo xtask bench voice`: echo, losses and computing time of the voice path, measured without
//! hardware and printed as tables.

mod cpu;
mod echo;
mod loss;
mod mouth;
mod network;
mod signal;
mod speech;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use speech::Speech;

const USAGE: &str =
    "usage: bench-voice FOLDER [echo] [cpu] [mouth] [loss]: files go to FOLDER; with nothing named, all";
const PARTS: [&str; 4] = ["echo", "cpu", "mouth", "loss"];

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
    let delays = mouth::measure(&original, folder)?;
    println!("## From mouth to ear\n");
    println!("Goal: at most 60 ms for half of it, over loopback; what devices buffer comes on top.\n");
    println!("p50 {:.0} ms, p95 {:.0} ms\n", delays.p50_ms, delays.p95_ms);
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
    let scores =
        run(Command::new(python()).arg(concat!(env!("CARGO_MANIFEST_DIR"), "/score.py")).arg(folder))?;
    let scores: HashMap<&str, &str> = scores.lines().filter_map(|line| line.split_once(' ')).collect();
    println!("## Losses\n");
    println!("| network | Maru: WB-PESQ, ViSQOL | Chromium: WB-PESQ, ViSQOL |");
    println!("|---|---|---|");
    for network in &networks {
        let score = |who: &str| {
            let score = scores.get(format!("{}-{who}", network.name()).as_str());
            score.map_or("not measured".to_owned(), |score| score.replace(' ', ", "))
        };
        println!("| {} | {} | {} |", network.title(), score("maru"), score("chromium"));
    }
    println!();
    Ok(())
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
