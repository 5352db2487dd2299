//! `cargo xtask run`: the app, or without a display the demo.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::packages::{Purpose, ensure};
use crate::process::run as run_command;
use crate::steps::Steps;
use crate::workspace::{cargo, program, root, target_dir};

/// Long enough to see every participant's pictures move.
const DEMO_SECONDS: &str = "10";

/// Installs, builds, starts.
pub fn run(debug: bool, arguments: &[OsString]) -> Result<()> {
    if has_display() { app(debug, arguments) } else { demo(debug) }
}

/// Linux without X11 and Wayland has none; other systems always have one.
fn has_display() -> bool {
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    env::consts::OS != "linux" || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

fn app(debug: bool, arguments: &[OsString]) -> Result<()> {
    let mut steps = Steps::new(3);
    steps.begin("Looking for what has to be installed");
    ensure(&[Purpose::Engine, Purpose::App])?;
    steps.begin("Building the app (the first time takes some minutes)");
    let app = build("maru", debug)?;
    steps.begin("Starting Maru; close its window to end it");
    run_command(Command::new(app).args(arguments))
}

fn demo(debug: bool) -> Result<()> {
    eprintln!(
        "There is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set), so the app cannot open its"
    );
    eprintln!("window. Two participants without a window meet instead, over real sockets.");
    let mut steps = Steps::new(3);
    steps.begin("Looking for what has to be installed");
    ensure(&[Purpose::Engine])?;
    steps.begin("Building maru-cli (the first time takes some minutes)");
    let cli = build("maru-cli", debug)?;
    steps.begin("Running `maru-cli demo`");
    let pictures = target_dir()?.join("demo");
    if pictures.exists() {
        fs::remove_dir_all(&pictures).with_context(|| format!("cannot empty {}", pictures.display()))?;
    }
    let mut demo = Command::new(cli);
    demo.args(["demo", "--seconds", DEMO_SECONDS, "--snapshot"]).arg(&pictures).current_dir(root());
    run_command(&mut demo)?;
    eprintln!("\nThe last picture that each participant got of each other one:");
    for picture in pictures_in(&pictures)? {
        eprintln!("    {}", picture.display());
    }
    Ok(())
}

fn build(package: &str, debug: bool) -> Result<PathBuf> {
    let mut build = cargo(&["build", "--package", package, "--bin", package])?;
    if !debug {
        build.arg("--release");
    }
    run_command(&mut build)?;
    program(if debug { "debug" } else { "release" }, package)
}

/// All PNG files in a directory and in those right below it, sorted.
fn pictures_in(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("no pictures in {}", dir.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(pictures_in(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "png") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
