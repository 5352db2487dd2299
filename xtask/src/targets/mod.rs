//! `cargo xtask check-targets`: what can be said of Windows and macOS on a machine that is neither. Everything is
//! type-checked for both; with `--link` the programs for Windows are linked, with `--wine` two of them make a call,
//! with `--msi` an installer is made of them, installed, used and removed. docs/platforms.md says what that proves.

mod kit;
mod msi;
mod wine;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::packages::{Purpose, ensure, has_apt};
use crate::process::{output, run};
use crate::steps::Steps;
use crate::workspace::target_dir;
use kit::{Kit, foreign_dir};
use wine::Wine;

/// A system that this machine is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// With mingw's libraries; what is shipped is built with Microsoft's.
    Windows,
    /// On Apple's own processors.
    MacOs,
}

impl Target {
    fn triple(self) -> &'static str {
        match self {
            Self::Windows => "x86_64-pc-windows-gnu",
            Self::MacOs => "aarch64-apple-darwin",
        }
    }
}

/// What is done beside type-checking.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// Link the programs for Windows.
    pub link: bool,
    /// Make a call with them.
    pub wine: bool,
    /// Make an installer of them and use it.
    pub msi: bool,
}

/// The programs for Windows.
const PROGRAMS: [&str; 3] = ["maru.exe", "maru-cli.exe", "maru-server.exe"];

/// What these need beside them; all but the first come with the compiler.
const LIBRARIES: [&str; 5] =
    ["WebView2Loader.dll", "libgcc_s_seh-1.dll", "libssp-0.dll", "libstdc++-6.dll", "libwinpthread-1.dll"];

/// Installs what is missing and checks.
pub fn check_targets(wanted: Wanted) -> Result<()> {
    if !has_apt() {
        bail!("this is made of Debian 12's packages: run it there; a container will do");
    }
    let wine = wanted.wine || wanted.msi;
    let link = wanted.link || wine;
    let mut steps = Steps::new(4 + usize::from(link) + usize::from(wanted.wine) + usize::from(wanted.msi));
    steps.begin("Looking for what has to be installed");
    ensure(&[Purpose::Engine, Purpose::Targets])?;
    if wine {
        ensure(&[Purpose::Wine])?;
    }
    steps.begin("Looking for the compilers (the first time that takes some minutes)");
    let targets = [Target::Windows, Target::MacOs];
    let kit = Kit::ensure(&targets)?;
    for target in targets {
        steps.begin(&format!("Type-checking everything for {}", target.triple()));
        run(&mut kit.cargo(&["check", "--workspace", "--all-targets", "--locked"], target)?)?;
    }
    if link {
        steps.begin("Linking the programs for Windows");
        let programs = programs(&kit)?;
        if wanted.wine {
            steps.begin("A call under Wine");
            wine::call(&Wine::ensure()?, &programs)?;
        }
        if wanted.msi {
            steps.begin("An installer: made, installed, used, removed");
            msi::trial(&Wine::ensure()?, &programs)?;
        }
    }
    eprintln!("\nAll well ({}).", steps.elapsed());
    Ok(())
}

/// Builds the programs for Windows; returns a folder with them and what they need beside them.
fn programs(kit: &Kit) -> Result<PathBuf> {
    let packages = ["--package", "maru", "--package", "maru-cli", "--package", "maru-signaling"];
    // Without VP8: there is no libvpx for this target to link with.
    let arguments = [&["build", "--bins", "--locked", "--no-default-features"][..], &packages].concat();
    run(&mut kit.cargo(&arguments, Target::Windows)?)?;
    let built = foreign_dir()?.join(Target::Windows.triple()).join("debug");
    let folder = target_dir()?.join("windows");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for name in PROGRAMS {
        copy(&built.join(name), &folder.join(name))?;
        println!("{name}: {} MB", fs::metadata(folder.join(name))?.len() / 1_000_000);
    }
    for name in LIBRARIES {
        let beside = built.join(name);
        let library = if beside.exists() { beside } else { compilers(name)? };
        copy(&library, &folder.join(name))?;
    }
    Ok(folder)
}

/// Where the compiler has a library.
fn compilers(name: &str) -> Result<PathBuf> {
    let mut ask = Command::new("x86_64-w64-mingw32-gcc-posix");
    let found = PathBuf::from(output(ask.arg(format!("-print-file-name={name}")))?.trim());
    if found.is_absolute() {
        return Ok(found);
    }
    // Not the compiler's own but the system library's.
    let other = Path::new("/usr/x86_64-w64-mingw32/lib").join(name);
    if !other.exists() {
        bail!("the compiler has no {name}");
    }
    Ok(other)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}
