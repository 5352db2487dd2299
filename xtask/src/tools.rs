//! Tools for the tests, kept in the cache: programs from crates.io, built once, and one script from npm.

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use anyhow::{Context as _, Result};

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

/// What finds the faults of a page that shut people out.
pub const AXE: Script = Script {
    package: "axe-core",
    version: "4.14.0",
    file: "axe.min.js",
    sha512: "f564d9c448ec67b6f5dd31fc24f99b576cfc0876e5f34ff6866dd73c41b826035d40b2bcd480515e64b11df3003a44aa41e4714ffd1dc0d0f3d863a6df3ce971",
};

/// One file of a package from npm's registry, at one version.
pub struct Script {
    /// Its package.
    pub package: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The file in the package.
    pub file: &'static str,
    /// The hash of the package's archive.
    pub sha512: &'static str,
}

/// The script's file; fetched first if this version is not there yet.
pub fn ensure_script(script: &Script) -> Result<PathBuf> {
    let Script { package, version, file, sha512 } = script;
    let place = cache_dir()?.join("tools").join(format!("{package}-{version}"));
    let found = place.join("package").join(file);
    if found.exists() {
        eprintln!("{package} {version} is there.");
        return Ok(found);
    }
    fs::create_dir_all(&place).with_context(|| format!("cannot make {}", place.display()))?;
    let archive = format!("{package}-{version}.tgz");
    let url = format!("https://registry.npmjs.org/{package}/-/{archive}");
    let here = |program: &str| {
        let mut command = Command::new(program);
        command.current_dir(&place);
        command
    };
    run(here("curl").args([
        "--fail",
        "--silent",
        "--show-error",
        "--max-time",
        "120",
        "--output",
        &archive,
        &url,
    ]))?;
    // Written down first: what checks it reads the hash from a file.
    fs::write(place.join("sha512"), format!("{sha512}  {archive}\n"))?;
    run(here("sha512sum").args(["--check", "--quiet", "sha512"]))?;
    // Under a name of its own first: an archive that is unpacked halfway is no script.
    run(here("tar").args(["--extract", "--gzip", "--file", &archive, "--one-top-level=unpacked"]))?;
    fs::rename(place.join("unpacked/package"), place.join("package"))?;
    Ok(found)
}

/// Makes sure that a component of the Rust toolchain is there: rustup's minimal profile lacks some.
pub fn ensure_component(component: &str, subcommand: &str) -> Result<()> {
    if succeeds("cargo", &[subcommand, "--version"]) {
        return Ok(());
    }
    eprintln!("Installing {component}");
    run(Command::new("rustup").args(["component", "add", component]))
}
