//! `cargo xtask bench`: what Maru promises, measured and printed as tables.

mod relay;

use std::fs;
use std::process::Command;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::packages::{Purpose, ensure, has_browsers};
use crate::process::run;
use crate::python;
use crate::steps::Steps;
use crate::test;
use crate::workspace::{cargo, program, root, target_dir};

/// What there is to measure.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Bench {
    /// What the app costs before a call: time to start, computing time, memory, size.
    App,
    /// How fast a large file is beside a call.
    Files,
    /// What guests in Chromium get: times, ages of pictures, memory.
    Guest,
    /// How soon a call begins, and how old its pictures are, directly and by the relay, near and far.
    Join,
    /// The server's relay beside coturn: what a packet costs, what the detour adds.
    Relay,
    /// What the signaling server's connections cost, and how fast it forwards and lets in.
    Server,
    /// What becomes of a call when addresses, networks and servers go and come.
    Reconnect,
    /// A screen that is shared: ages of pictures, how soon and how well text can be read, rates.
    Share,
    /// What a call's own figures cost.
    Stats,
    /// Echo, computing time, delay, and speech over bad networks beside Chromium.
    Voice,
}

/// Installs, builds, measures; of the benchmark only `parts`, where there are any.
pub fn bench(bench: Bench, parts: &[String]) -> Result<()> {
    match bench {
        Bench::App if parts.is_empty() => app(),
        Bench::App => bail!("`app` is measured as a whole"),
        Bench::Files if parts.is_empty() => test::bench_figures("figures", "files::"),
        Bench::Files => bail!("`files` is measured as a whole"),
        Bench::Guest if parts.is_empty() => test::bench_with_browsers("guest", "figures::"),
        Bench::Guest => bail!("`guest` is measured as a whole"),
        Bench::Join if parts.is_empty() => test::bench_figures("joining", ""),
        Bench::Join => bail!("`join` is measured as a whole"),
        Bench::Relay if parts.is_empty() => relay::relay(),
        Bench::Relay => bail!("`relay` is measured as a whole"),
        Bench::Server => server(parts),
        Bench::Reconnect if parts.is_empty() => test::bench_figures("reconnect", ""),
        Bench::Reconnect => bail!("`reconnect` is measured as a whole"),
        Bench::Share if parts.is_empty() => share(),
        Bench::Share => bail!("`share` is measured as a whole"),
        Bench::Stats if parts.is_empty() => test::bench_figures("figures", "stats::"),
        Bench::Stats => bail!("`stats` is measured as a whole"),
        Bench::Voice => voice(parts),
    }
}

/// A shared screen, where there are browsers beside them.
fn share() -> Result<()> {
    ensure(&[Purpose::Reading])?;
    if !has_browsers() {
        return test::bench_figures("figures", "share::");
    }
    test::bench_with_browsers("figures", "share::")
}

fn app() -> Result<()> {
    test::bench_window("app")?;
    // What was bundled last, if anything was.
    for profile in ["dist", "release"] {
        for package in fs::read_dir(target_dir()?.join(profile).join("bundle/deb")).into_iter().flatten() {
            let package = package?.path();
            if package.extension().is_none_or(|extension| extension != "deb") {
                continue;
            }
            let asked =
                Command::new("dpkg-deb").arg("--field").arg(&package).arg("Installed-Size").output()?;
            let kib: f64 = String::from_utf8_lossy(&asked.stdout).trim().parse().unwrap_or(f64::NAN);
            println!(
                "{} takes {:.1} MB installed (promised: at most 40 MB)",
                package.display(),
                kib * 1.024 / 1000.0
            );
        }
    }
    Ok(())
}

fn server(parts: &[String]) -> Result<()> {
    let mut steps = Steps::new(2);
    steps.begin("Building the server and its load");
    run(&mut cargo(&["build", "--release", "--package", "maru-signaling", "--bin", "maru-server"])?)?;
    let load =
        ["build", "--release", "--package", "maru-bench", "--no-default-features", "--bin", "bench-server"];
    run(&mut cargo(&load)?)?;
    steps.begin("Measuring, which takes a minute or two");
    run(Command::new(program("release", "bench-server")?).arg(program("release", "maru-server")?).args(parts))
}

fn voice(parts: &[String]) -> Result<()> {
    let mut steps = Steps::new(3);
    steps.begin("Looking for what has to be installed");
    let mut purposes = vec![Purpose::Engine, Purpose::Bench];
    let browsers = has_browsers();
    if browsers {
        purposes.push(Purpose::Browsers);
    }
    ensure(&purposes)?;
    let python = python::ensure(&python::BENCH)?;
    steps.begin("Building the benchmark");
    run(&mut cargo(&["build", "--release", "--package", "maru-bench", "--package", "maru-cli"])?)?;
    steps.begin("Measuring, which takes some minutes");
    let folder = target_dir()?.join("bench").join("voice");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let mut measure = Command::new(program("release", "bench-voice")?);
    measure.arg(&folder).args(parts).env("BENCH_PYTHON", python);
    if browsers {
        measure.env("BENCH_OTHER_RECEIVER", root().join("benches/chromium/receive.py"));
    }
    run(&mut measure)
}
