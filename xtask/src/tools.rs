//! Tools that come from crates.io, built once into the cache.

use std::env;
use std::path::PathBuf;

use anyhow::Result;

use crate::process::{run, succeeds};
use crate::workspace::{cache_dir, cargo};

/// A program from crates.io, at one version.
pub struct Tool {
    /// Its package and program name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

/// Stands between a test and the window's own driver.
pub const TAURI_DRIVER: Tool = Tool { name: "tauri-driver", version: "2.1.0" };

/// Checks dependencies.
pub const CARGO_DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2" };

/// The tool's program; built first if this version is not there yet.
pub fn ensure(tool: &Tool) -> Result<PathBuf> {
    // The version is in the path: a new one is installed beside the old one.
    let place = cache_dir()?.join("tools").join(format!("{}-{}", tool.name, tool.version));
    let program = place.join("bin").join(format!("{}{}", tool.name, env::consts::EXE_SUFFIX));
    if program.exists() {
        eprintln!("{} {} is there.", tool.name, tool.version);
        return Ok(program);
    }
    let mut install = cargo(&["install", tool.name, "--version", tool.version, "--locked", "--root"])?;
    run(install.arg(&place))?;
    Ok(program)
}

/// Makes sure that a component of the Rust toolchain is there: rustup's minimal profile lacks some.
pub fn ensure_component(component: &str, subcommand: &str) -> Result<()> {
    if succeeds("cargo", &[subcommand, "--version"]) {
        return Ok(());
    }
    eprintln!("Installing {component}");
    run(std::process::Command::new("rustup").args(["component", "add", component]))
}
