//! Where things are: the checkout, what is built, and what is kept between runs.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

/// The checkout that cargo runs this xtask for: not always the one that it was built from, for checkouts
/// may share a target directory.
pub fn root() -> PathBuf {
    let package = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let package = Path::new(&package);
    package.parent().unwrap_or(package).to_path_buf()
}

/// The user's cache directory for Maru: tools and build results survive a fresh checkout there.
pub fn cache_dir() -> Result<PathBuf> {
    let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = match env::consts::OS {
        "windows" => variable("LOCALAPPDATA"),
        "macos" => variable("HOME").map(|home| home.join("Library/Caches")),
        _ => variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache"))),
    };
    Ok(base.context("there is no home directory: set HOME")?.join("maru"))
}

/// Where cargo builds: `CARGO_TARGET_DIR`, or a place in the cache.
pub fn target_dir() -> Result<PathBuf> {
    match env::var_os("CARGO_TARGET_DIR").filter(|value| !value.is_empty()) {
        Some(dir) => Ok(root().join(PathBuf::from(dir))),
        None => Ok(cache_dir()?.join("target")),
    }
}

/// A program that cargo built in this profile's directory (`debug` or `release`).
pub fn program(profile: &str, name: &str) -> Result<PathBuf> {
    Ok(target_dir()?.join(profile).join(format!("{name}{}", env::consts::EXE_SUFFIX)))
}

/// Cargo, in the checkout and with the right target directory.
pub fn cargo(arguments: &[&str]) -> Result<Command> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(arguments).current_dir(root()).env("CARGO_TARGET_DIR", target_dir()?);
    Ok(cargo)
}
