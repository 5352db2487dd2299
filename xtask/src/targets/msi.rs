//! An installer of the programs for Windows, made by `wixl` from the source that releases are made from, then
//! installed, used and removed under Wine: its layout, its upgrade code, its shortcut and its links. What is released
//! is made by WiX on Windows.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::wine::Wine;
use super::{LIBRARIES, copy};
use crate::bundle::installer;
use crate::process::{output, run};
use crate::workspace::{root, target_dir};

/// In the installer beside the app, so that something in it can be run here.
const MORE: [&str; 2] = ["maru-cli.exe", "maru-server.exe"];

/// Makes the installer, and lives through its life twice: an upgrade is a removal and an installation.
pub fn trial(wine: &Wine, programs: &Path) -> Result<()> {
    let first = make(programs, "0.0.1")?;
    let version = env!("CARGO_PKG_VERSION");
    let second = make(programs, version)?;
    println!("{}", second.display());

    install(wine, &first, "/i")?;
    install(wine, &second, "/i")?;
    let installed = installed(wine)?;
    for name in MORE {
        let said = output(wine.command(installed.join(name)).arg("--version"))?;
        if said.split_whitespace().last() != Some(version) {
            bail!("the installed {name} says `{}` and not its version {version}", said.trim());
        }
        println!("{}", said.trim());
    }
    let opener = registry(wine, r"HKCU\Software\Classes\maru\shell\open\command")?;
    if !opener.contains("maru.exe\" \"%1\"") {
        bail!("links with maru:// are not Maru's: {opener}");
    }
    let shortcut =
        find(&wine.drive().join("users"), "Maru.lnk").context("there is no shortcut in the start menu")?;
    // Two entries would be two products: another upgrade code, or none.
    let listed = registry(wine, r"HKCU\Software\Microsoft\Windows\CurrentVersion\Uninstall")?;
    let listed = listed + &registry(wine, r"HKLM\Software\Microsoft\Windows\CurrentVersion\Uninstall")?;
    let times = listed
        .lines()
        .filter(|line| line.contains("DisplayName") && line.trim_end().ends_with("Maru"))
        .count();
    if times != 1 {
        bail!("after an upgrade the system lists Maru {times} times");
    }

    install(wine, &second, "/x")?;
    if installed.exists() || shortcut.exists() {
        bail!("removed, but {} or {} is still there", installed.display(), shortcut.display());
    }
    if !registry(wine, r"HKCU\Software\Classes\maru")?.is_empty() {
        bail!("removed, but links with maru:// are still Maru's");
    }
    println!("Installed, upgraded, run and removed.");
    Ok(())
}

/// An installer that says that it is of this version.
fn make(programs: &Path, version: &str) -> Result<PathBuf> {
    let place = target_dir()?.join("msi");
    fs::create_dir_all(&place).with_context(|| format!("cannot make {}", place.display()))?;
    // wixl finds files beside its source only.
    let more: Vec<String> = MORE.iter().chain(&LIBRARIES).map(ToString::to_string).collect();
    for name in more.iter().map(String::as_str).chain(["maru.exe"]) {
        copy(&programs.join(name), &place.join(name))?;
    }
    copy(&root().join("icons/icon.ico"), &place.join("icon.ico"))?;
    // The real list takes minutes to make; that it gets into the installer is the question here.
    copy(&root().join("LICENSE-MIT"), &place.join("licences.html"))?;
    let config = fs::read_to_string(root().join("tauri.conf.json"))?;
    let upgrade_code = value(&config, "upgradeCode").context("tauri.conf.json names no upgrade code")?;
    let bundle_id = value(&config, "identifier").context("tauri.conf.json names no identifier")?;
    let product = value(&config, "productName").context("tauri.conf.json names no product")?;
    let manufacturer = value(&config, "publisher").context("tauri.conf.json names no publisher")?;
    let mut source = installer::source("licences.html", &more)?;
    for (name, value) in [
        ("product_name", product),
        ("manufacturer", manufacturer),
        ("upgrade_code", upgrade_code),
        ("bundle_id", bundle_id),
        ("version", version),
        ("icon_path", "icon.ico"),
        ("main_binary_path", "maru.exe"),
    ] {
        source = source.replace(&format!("{{{{{name}}}}}"), value);
    }
    fs::write(place.join("maru.wxs"), source)?;
    let name = format!("Maru_{version}_x64.msi");
    run(Command::new("wixl").args(["--arch", "x64", "--output", &name, "maru.wxs"]).current_dir(&place))?;
    Ok(place.join(name))
}

/// `/i` installs, `/x` removes.
fn install(wine: &Wine, installer: &Path, how: &str) -> Result<()> {
    run(wine.command("msiexec").arg(how).arg(installer).arg("/qn"))
}

/// The folder that the installer made.
fn installed(wine: &Wine) -> Result<PathBuf> {
    let program = find(&wine.drive().join("users"), "maru.exe").context("maru.exe was not installed")?;
    let folder = program.parent().context("a file without a folder")?;
    if !folder.ends_with("AppData/Local/Maru") {
        bail!("installed into {} and not into the person's own place for programs", folder.display());
    }
    Ok(folder.to_path_buf())
}

/// All that the registry has under a key; nothing where there is no such key.
fn registry(wine: &Wine, key: &str) -> Result<String> {
    let asked = wine.command("reg").args(["query", key, "/s"]).output()?;
    // That there is no such key is said on standard output too.
    let found = asked.status.success().then(|| String::from_utf8_lossy(&asked.stdout).into_owned());
    Ok(found.unwrap_or_default())
}

/// The first file of this name below a folder.
fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    for entry in fs::read_dir(folder).ok()?.flatten() {
        // Wine links a person's folders to those of this machine, which are none of ours.
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            if let Some(found) = find(&entry.path(), name) {
                return Some(found);
            }
        } else if entry.file_name() == name {
            return Some(entry.path());
        }
    }
    None
}

/// The first string of this name in a JSON file.
fn value<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = json.split_once(&format!("\"{name}\": \""))?;
    Some(rest.split_once('"')?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_installers_names_are_those_of_the_app() {
        let config = fs::read_to_string(root().join("tauri.conf.json")).unwrap();
        assert_eq!(value(&config, "identifier"), Some("app.maru.desktop"));
        assert_eq!(value(&config, "upgradeCode").map(str::len), Some(36));
        assert_eq!(value(&config, "nonsense"), None);
    }
}
