//! A kernel for a guest: Debian's or Ubuntu's own, from their packages. It is unpacked into the cache and
//! never installed: a machine keeps the kernel that it has.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::packages::update_lists;
use crate::process::{output, run};
use crate::workspace::cache_dir;

/// Packages that depend on the current kernel, of Debian and of Ubuntu.
const CURRENT: [&str; 2] = ["linux-image-amd64", "linux-image-generic"];
/// What a kernel's own packages are called: its image, and modules where these are packages apart.
const PARTS: [&str; 2] = ["linux-image-", "linux-modules-"];
/// The kernel's image, as it is kept.
const IMAGE: &str = "vmlinuz";

/// A kernel and some of its modules.
pub struct Kernel {
    /// What the emulator boots.
    pub image: PathBuf,
    /// Each after those that it needs.
    pub modules: Vec<PathBuf>,
}

/// The current kernel of this system's packages with a module and all that it needs; fetched first if
/// this version is not there yet.
pub fn ensure(module: &str) -> Result<Kernel> {
    let packages = current()?;
    let kernels = cache_dir()?.join("kernels");
    // The package's name has the kernel's version in it.
    let place = kernels.join(format!("{}-{module}", packages[0]));
    if place.exists() {
        eprintln!("{} is there.", packages[0]);
        return kept(&place);
    }
    // One is kept: each is some ten megabytes.
    if kernels.exists() {
        fs::remove_dir_all(&kernels).with_context(|| format!("cannot empty {}", kernels.display()))?;
    }
    let unpacked = kernels.join("unpacked");
    let chosen = kernels.join("chosen");
    for folder in [&unpacked, &chosen] {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    eprintln!("Fetching {} (about 100 MB); it is not installed", packages.join(" "));
    let mut download = Command::new("apt-get");
    run(download.args(["-q", "download"]).args(&packages).current_dir(&kernels))?;
    for package in files(&kernels)? {
        run(Command::new("dpkg-deb").arg("--extract").arg(&package).arg(&unpacked))?;
        fs::remove_file(&package)?;
    }
    choose(&unpacked, module, &chosen)?;
    fs::remove_dir_all(&unpacked)?;
    // Last: it says that the rest succeeded.
    fs::rename(&chosen, &place)?;
    kept(&place)
}

/// The packages of the current kernel, its image first.
fn current() -> Result<Vec<String>> {
    for again in [false, true] {
        if again {
            update_lists()?;
        }
        let mut found: Vec<String> = Vec::new();
        let mut asked: Vec<String> = CURRENT.map(str::to_owned).to_vec();
        while let Some(package) = asked.pop() {
            let depends = output(Command::new("apt-cache").args(["depends", &package])).unwrap_or_default();
            let names = depends.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
            for name in names.filter(|name| PARTS.iter().any(|part| name.starts_with(part))) {
                if !found.iter().any(|known| known == name) {
                    found.push(name.to_owned());
                    asked.push(name.to_owned());
                }
            }
        }
        found.sort();
        if !found.is_empty() {
            return Ok(found);
        }
    }
    bail!("none of {} is among this system's packages", CURRENT.join(", "))
}

/// Copies the kernel's image and the needed modules, numbered in the order in which they are loaded.
fn choose(unpacked: &Path, module: &str, chosen: &Path) -> Result<()> {
    // Newer packages have what `kmod` looks for in /lib in /usr/lib.
    if !unpacked.join("lib").exists() {
        fs::create_dir(unpacked.join("lib"))?;
    }
    if !unpacked.join("lib/modules").exists() {
        fs::rename(unpacked.join("usr/lib/modules"), unpacked.join("lib/modules"))?;
    }
    let versions = files(&unpacked.join("lib/modules"))?;
    let version = versions.first().and_then(|path| path.file_name()).context("no modules in the package")?;
    let image = files(&unpacked.join("boot"))?
        .into_iter()
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(IMAGE)))
        .context("no kernel in the package")?;
    fs::copy(image, chosen.join(IMAGE))?;
    // By full path: these are for root, and not in everybody's path.
    run(Command::new("/sbin/depmod").arg("--basedir").arg(unpacked).arg(version))?;
    let mut needed = Command::new("/sbin/modprobe");
    // Without this machine's own settings: the (empty) folder stands in for /etc/modprobe.d.
    let settings = unpacked.join("settings");
    fs::create_dir(&settings)?;
    needed.arg("--dirname").arg(unpacked).arg("--set-version").arg(version).arg("--config").arg(&settings);
    let needed = output(needed.args(["--show-depends", module]))
        .with_context(|| format!("the package has no module {module}"))?;
    let paths = needed.lines().filter_map(|line| line.strip_prefix("insmod "));
    for (number, path) in paths.map(|path| Path::new(path.trim())).enumerate() {
        let name = path.file_name().context("a module without a name")?.to_string_lossy();
        fs::copy(path, chosen.join(format!("{number:02}-{name}")))
            .with_context(|| format!("cannot copy {}", path.display()))?;
    }
    Ok(())
}

/// What was chosen before.
fn kept(place: &Path) -> Result<Kernel> {
    let mut modules = files(place)?;
    modules.retain(|path| !path.ends_with(IMAGE));
    Ok(Kernel { image: place.join(IMAGE), modules })
}

/// What is in a folder, sorted; folders themselves are left out unless there is nothing else.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    if paths.iter().any(|path| path.is_file()) {
        paths.retain(|path| path.is_file());
    }
    paths.sort();
    Ok(paths)
}
