//! `cargo xtask bundle`: what people install, made by Tauri's tool from the files in `src-tauri/bundle` and
//! `tauri.conf.json`. A bundle says nothing that only this program knows but where the list of licences is.

pub mod installer;
mod licences;
mod server;
mod trial;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::packages::{Purpose, ensure};
use crate::process::run;
use crate::steps::Steps;
use crate::tools::tauri;
use crate::workspace::{root, target_dir};

pub use trial::{frames, trial};

/// What is made when nothing is named: what Tauri's tool can make without fetching further programs.
const DEFAULT: &[&str] = match env::consts::OS.as_bytes() {
    b"linux" => &["deb", "rpm"],
    b"macos" => &["dmg"],
    _ => &["msi", "nsis"],
};

/// The server's archive, which is no bundle of Tauri's.
const SERVER: &str = "server";

/// What to build.
pub struct Wanted<'a> {
    /// The profile of the program inside.
    pub profile: &'a str,
    /// Another system or processor than this one, as cargo calls it; `universal-apple-darwin` for both of a Mac's.
    pub target: Option<&'a str>,
    /// Kinds of bundles, as Tauri calls them, or `server`; none: those of this system.
    pub kinds: &'a [String],
}

/// Builds the app and its bundles, and says what was made.
pub fn bundle(wanted: &Wanted<'_>) -> Result<Vec<PathBuf>> {
    let mut steps = Steps::new(4);
    steps.begin("Looking for what has to be installed");
    ensure(&[Purpose::Engine, Purpose::App, Purpose::Bundle])?;
    steps.begin("Listing the licences of what is in the app");
    let licences = licences::ensure()?;
    steps.begin("Building the app and bundling it");
    let mut kinds: Vec<&str> = wanted.kinds.iter().map(String::as_str).collect();
    if kinds.is_empty() {
        kinds.extend(DEFAULT);
    }
    if kinds.contains(&SERVER) {
        server::archive(wanted.profile, wanted.target, &licences)?;
        kinds.retain(|kind| *kind != SERVER);
    }
    if !kinds.is_empty() {
        let config = target_dir()?.join("bundle.json");
        let said = overrides(&licences)?;
        fs::write(&config, said).with_context(|| format!("cannot write {}", config.display()))?;
        let mut build = tauri()?;
        build.args(["build", "--ci", "--bundles", &kinds.join(","), "--config"]).arg(&config);
        if let Some(target) = wanted.target {
            build.args(["--target", target]);
        }
        run(build.args(["--", "--locked", "--profile", wanted.profile]))?;
    }
    steps.begin("Looking at what was made");
    if env::consts::OS == "linux" {
        described(wanted)?;
    }
    let made = made(wanted)?;
    if made.is_empty() {
        bail!("everything ended well, but no bundle was made");
    }
    println!();
    for path in &made {
        let bytes = fs::metadata(path)?.len();
        println!("{}.{} MB  {}", bytes / 1_000_000, bytes / 100_000 % 10, path.display());
    }
    eprintln!("\nDone in {}.", steps.elapsed());
    Ok(made)
}

/// What is said to Tauri beside `tauri.conf.json`: files that are not in the checkout.
fn overrides(licences: &Path) -> Result<String> {
    let licences = licences.to_str().context("the path to the list of licences is not UTF-8")?;
    let licences = licences.replace('\\', "/");
    let installed = format!(r#"{{ "files": {{ "/usr/share/doc/maru/licences.html": "{licences}" }} }}"#);
    let resources = format!(r#""resources": {{ "{licences}": "licences.html" }}"#);
    Ok(match env::consts::OS {
        "linux" => format!(r#"{{ "bundle": {{ "linux": {{ "deb": {installed}, "rpm": {installed} }} }} }}"#),
        "windows" => {
            let template = installer::template(&licences)?.display().to_string().replace('\\', "/");
            let wix = format!(r#""windows": {{ "wix": {{ "template": "{template}" }} }}"#);
            format!(r#"{{ "bundle": {{ {resources}, {wix} }} }}"#)
        }
        _ => format!(r#"{{ "bundle": {{ {resources} }} }}"#),
    })
}

/// Checks what a Linux desktop is told about the app, as its own tools do.
fn described(wanted: &Wanted<'_>) -> Result<()> {
    let metainfo = root().join("src-tauri/bundle/linux/app.maru.desktop.metainfo.xml");
    run(Command::new("appstreamcli").args(["validate", "--no-net"]).arg(metainfo))?;
    for package in fs::read_dir(folder(wanted)?.join("deb")).into_iter().flatten() {
        // What Tauri's tool made of the template is left beside the package.
        let entry = package?.path().join("data/usr/share/applications/Maru.desktop");
        if entry.exists() {
            run(Command::new("desktop-file-validate").arg(entry))?;
        }
    }
    Ok(())
}

/// Where bundles are put.
fn folder(wanted: &Wanted<'_>) -> Result<PathBuf> {
    let mut folder = target_dir()?;
    folder.extend(wanted.target);
    Ok(folder.join(directory(wanted.profile)).join("bundle"))
}

/// All that was made so, sorted.
fn made(wanted: &Wanted<'_>) -> Result<Vec<PathBuf>> {
    let folder = folder(wanted)?;
    let mut found = Vec::new();
    for kind in fs::read_dir(&folder).with_context(|| format!("there is no {}", folder.display()))? {
        let kind = kind?.path();
        if !kind.is_dir() {
            continue;
        }
        for file in fs::read_dir(kind)? {
            let file = file?.path();
            let extension = file.extension().and_then(|extension| extension.to_str());
            if extension.is_some_and(|extension| EXTENSIONS.contains(&extension)) && file.is_file() {
                found.push(file);
            }
        }
    }
    found.sort();
    Ok(found)
}

const EXTENSIONS: [&str; 8] = ["deb", "rpm", "AppImage", "dmg", "msi", "exe", "gz", "zip"];

/// Where cargo puts what it builds with this profile.
fn directory(profile: &str) -> &str {
    if profile == "dev" { "debug" } else { profile }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_to_tauri_names_the_licences_also_where_paths_have_backslashes() {
        let said = overrides(Path::new(r"C:\cache\licences.html")).unwrap();
        assert!(said.contains("\"C:/cache/licences.html\""), "{said}");
    }
}
