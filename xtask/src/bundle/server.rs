//! `maru-server` as an archive: the program, how to run it, and the licences of what is in it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::directory;
use crate::process::run;
use crate::workspace::{cargo, root, target_dir};

/// What is in the archive beside the program and the list of licences.
const FILES: [&str; 6] = [
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "CHANGELOG.md",
    "docs/server.md",
    "crates/signaling/deploy/maru-server.service",
    "crates/signaling/deploy/server.toml",
];

/// Builds the server and packs it; returns the archive. The list of licences is the app's, which has more in it.
pub fn archive(profile: &str, target: Option<&str>, licences: &Path) -> Result<PathBuf> {
    let mut build = cargo(&["build", "--locked", "--profile", profile, "--package", "maru-signaling"])?;
    build.args(["--bin", "maru-server"]);
    let mut built = target_dir()?;
    if let Some(target) = target {
        build.args(["--target", target]);
        built.push(target);
    }
    run(&mut build)?;
    let built = built.join(directory(profile));
    let place = built.join("bundle").join("server");
    let version = env!("CARGO_PKG_VERSION");
    let name = match target {
        Some(target) => format!("maru-server-{version}-{target}"),
        None => format!("maru-server-{version}-{}-{}", env::consts::ARCH, env::consts::OS),
    };
    let folder = place.join(&name);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let program = built.join(format!("maru-server{}", env::consts::EXE_SUFFIX));
    for file in FILES.iter().map(|file| root().join(file)).chain([program, licences.to_path_buf()]) {
        let name = file.file_name().context("a file without a name")?;
        fs::copy(&file, folder.join(name)).with_context(|| format!("cannot copy {}", file.display()))?;
    }
    // Windows' own tar makes an archive of the kind that the name says; people expect zip there.
    let (archive, how) = match env::consts::OS {
        "windows" => (format!("{name}.zip"), "-acf"),
        _ => (format!("{name}.tar.gz"), "-czf"),
    };
    run(Command::new("tar").args([how, &archive, &name]).current_dir(&place))?;
    Ok(place.join(archive))
}
