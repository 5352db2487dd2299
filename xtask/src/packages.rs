//! What has to be installed, per purpose, and how to get it. On Debian and its relatives missing
//! packages are installed; elsewhere the exact command is named.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::process::{run, succeeds};

/// What a machine is to be able to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Build everything but the window: codecs need C++, CMake and an assembler (without `nasm`
    /// openh264 silently builds without its assembly), cameras need libclang, sound needs ALSA, screens on Wayland
    /// libclang and PipeWire.
    Engine,
    /// Build and show the window.
    App,
    /// Run all tests: a virtual screen with a window manager, a desktop on Wayland with its portal, a driver for the window, a certificate
    /// authority, a TURN server, a Redis, a sound server, Node.js for the UI, and peers that share no code with Maru.
    Test,
    /// Run the tests with browsers as guests.
    Browsers,
    /// Run the benchmarks: a voice to measure with, a sound server, and Python for the scores.
    Bench,
    /// Measure how well a shared page can be read: what sets one, and what reads it.
    Reading,
    /// Measure the relay: another one beside it.
    Relay,
    /// Boot a guest with a kernel of its own.
    Guest,
    /// Make bundles: what Tauri's tool runs in, what checks the files that describe the app to a system.
    Bundle,
    /// Try a bundle on a system of its own.
    Trial,
    /// Build for Windows and macOS.
    Targets,
    /// Run programs for Windows, and make an installer of them.
    Wine,
}

/// Packages of Debian and Ubuntu.
const fn debian(purpose: Purpose) -> &'static [&'static str] {
    match purpose {
        Purpose::Engine => &[
            "build-essential",
            "cmake",
            "nasm",
            "pkg-config",
            "clang",
            "libclang-dev",
            "libasound2-dev",
            "libpipewire-0.3-dev",
            "libvpx-dev",
        ],
        // The plug-ins parse and decode H.264 for the webview; without them the app decodes by itself.
        Purpose::App => &["libwebkit2gtk-4.1-dev", "gstreamer1.0-plugins-base", "gstreamer1.0-plugins-bad"],
        Purpose::Test => &[
            "xvfb",
            "coturn",
            "webkit2gtk-driver",
            "dbus",
            "openbox",
            "xdotool",
            "sway",
            "foot",
            "xdg-desktop-portal",
            "xdg-desktop-portal-wlr",
            "pipewire",
            "wireplumber",
            "pebble",
            "redis-server",
            "pulseaudio",
            "pulseaudio-utils",
            "libasound2-plugins",
            "nodejs",
            "node-typescript",
            "curl",
            "python3-venv",
            "python3-gi",
            "gir1.2-gst-plugins-bad-1.0",
            "gstreamer1.0-plugins-base",
            "gstreamer1.0-plugins-good",
            "gstreamer1.0-plugins-bad",
            "gstreamer1.0-nice",
            "iproute2",
            "nftables",
            "tcpdump",
        ],
        // The last two are what the guest is given of this machine.
        Purpose::Guest => &["qemu-system-x86", "kmod", "udev"],
        Purpose::Browsers => &["chromium", "chromium-driver", "firefox-esr", "coturn", "curl"],
        Purpose::Bench => &["espeak-ng", "python3-dev", "python3-venv", "pulseaudio", "pulseaudio-utils"],
        Purpose::Reading => &["pango1.0-tools", "fonts-dejavu-core", "tesseract-ocr", "tesseract-ocr-eng"],
        Purpose::Relay => &["coturn"],
        Purpose::Bundle => &["nodejs", "curl", "appstream", "desktop-file-utils"],
        Purpose::Trial => &["mmdebstrap", "util-linux"],
        Purpose::Targets => &[
            "build-essential",
            "cmake",
            "nasm",
            "python3-pip",
            "gcc-mingw-w64-x86-64",
            "g++-mingw-w64-x86-64",
        ],
        Purpose::Wine => &["wine64", "wixl", "msitools"],
    }
}

/// One package manager that is not apt: how it is called, and what it calls the same things.
struct Manager {
    program: &'static str,
    install: &'static str,
    engine: &'static str,
    app: &'static str,
    test: &'static str,
}

const MANAGERS: [Manager; 5] = [
    Manager {
        program: "dnf",
        install: "sudo dnf install",
        engine: "gcc gcc-c++ make cmake nasm pkgconf-pkg-config clang clang-devel alsa-lib-devel pipewire-devel libvpx-devel",
        app: "webkit2gtk4.1-devel gstreamer1-plugins-base gstreamer1-plugins-good gstreamer1-plugin-openh264",
        test: "xorg-x11-server-Xvfb coturn webkit2gtk-driver dbus-daemon openbox xdotool sway foot xdg-desktop-portal-wlr pipewire wireplumber valkey-compat-redis pulseaudio pulseaudio-utils alsa-plugins-pulseaudio nodejs typescript python3-gobject gstreamer1-plugins-bad-free libnice-gstreamer1 iproute nftables tcpdump",
    },
    Manager {
        program: "pacman",
        install: "sudo pacman -S --needed",
        engine: "base-devel cmake nasm pkgconf clang alsa-lib libpipewire libvpx",
        app: "webkit2gtk-4.1 gst-plugins-base gst-plugins-good gst-plugins-bad gst-libav",
        test: "xorg-server-xvfb dbus openbox xdotool sway foot xdg-desktop-portal-wlr pipewire wireplumber valkey pulseaudio alsa-plugins nodejs typescript python-gobject gst-plugins-bad libnice iproute2 nftables tcpdump",
    },
    Manager {
        program: "zypper",
        install: "sudo zypper install",
        engine: "gcc gcc-c++ make cmake nasm pkgconf clang clang-devel alsa-devel pipewire-devel libvpx-devel",
        app: "webkit2gtk3-devel gstreamer-plugins-base gstreamer-plugins-good gstreamer-plugins-bad gstreamer-plugins-libav",
        test: "xorg-x11-server-Xvfb webkit2gtk-4_1-injected-bundles dbus-1 openbox xdotool sway foot xdg-desktop-portal-wlr pipewire wireplumber redis pulseaudio pulseaudio-utils alsa-plugins-pulse nodejs typescript python3-gobject gstreamer-plugins-bad gstreamer-plugins-libnice iproute2 nftables tcpdump",
    },
    Manager {
        program: "brew",
        install: "brew install",
        engine: "cmake nasm pkgconf libvpx",
        app: "",
        test: "node typescript",
    },
    Manager {
        program: "winget",
        install: "winget install",
        engine: "Kitware.CMake NASM.NASM LLVM.LLVM Microsoft.VisualStudio.2022.BuildTools",
        app: "Microsoft.EdgeWebView2Runtime",
        test: "OpenJS.NodeJS",
    },
];

/// Whether this system has Chromium and Firefox ESR as packages. Ubuntu has them as snaps only, which
/// neither run in containers nor take a test's profile.
pub fn has_browsers() -> bool {
    let system = fs::read_to_string("/etc/os-release").unwrap_or_default();
    system.lines().any(|line| line == "ID=debian")
}

/// Whether this system's packages come by apt.
pub fn has_apt() -> bool {
    Path::new("/etc/debian_version").exists()
}

/// Makes sure that everything for these purposes is there.
pub fn ensure(purposes: &[Purpose]) -> Result<()> {
    if has_apt() {
        let wanted: Vec<&str> = purposes.iter().flat_map(|purpose| debian(*purpose)).copied().collect();
        return install_debian(&wanted);
    }
    let missing = missing_elsewhere(purposes);
    if missing.is_empty() {
        eprintln!("Everything is there.");
        return Ok(());
    }
    match MANAGERS.iter().find(|manager| succeeds(manager.program, &["--version"])) {
        Some(manager) => {
            bail!(
                "missing: {}. Run this, then try again:\n\n    {}",
                missing.join(", "),
                command(manager, purposes)
            )
        }
        None => bail!(
            "missing: {}. Install them with your system's package manager, then try again",
            missing.join(", ")
        ),
    }
}

fn command(manager: &Manager, purposes: &[Purpose]) -> String {
    let mut words = vec![manager.install];
    for purpose in purposes {
        words.push(match purpose {
            Purpose::Engine => manager.engine,
            Purpose::App => manager.app,
            Purpose::Test => manager.test,
            // These run on Debian: both browsers are packages there, and so are the guest's kernel, a small
            // system of its own, and Rust's own source.
            Purpose::Browsers | Purpose::Guest | Purpose::Trial | Purpose::Targets | Purpose::Wine => "",
            // Tauri's tool is built there.
            Purpose::Bundle => "",
            Purpose::Bench => "espeak-ng pulseaudio",
            Purpose::Reading => "pango tesseract",
            Purpose::Relay => "coturn",
        });
    }
    words.retain(|word| !word.is_empty());
    words.join(" ")
}

/// What cannot be found where no package database is asked: programs by starting them, libraries
/// through pkg-config.
fn missing_elsewhere(purposes: &[Purpose]) -> Vec<&'static str> {
    let linux = env::consts::OS == "linux";
    let mut missing = Vec::new();
    let mut need = |there: bool, name: &'static str| {
        if !there {
            missing.push(name);
        }
    };
    let library = |name: &str| succeeds("pkg-config", &["--exists", name]);
    need(succeeds("cmake", &["--version"]), "cmake");
    // On ARM the C compiler assembles by itself.
    need(env::consts::ARCH != "x86_64" || succeeds("nasm", &["-v"]), "nasm");
    if env::consts::OS != "windows" {
        need(library("vpx"), "vpx");
    }
    if linux {
        need(succeeds("c++", &["--version"]), "c++");
        need(succeeds("clang", &["--version"]), "clang");
        need(library("alsa"), "alsa");
        need(library("libpipewire-0.3"), "libpipewire-0.3");
        if purposes.contains(&Purpose::App) {
            need(library("webkit2gtk-4.1"), "webkit2gtk-4.1");
        }
    }
    if purposes.contains(&Purpose::Test) {
        need(succeeds("node", &["--version"]), "node");
        need(succeeds("tsc", &["--version"]), "tsc");
        if linux {
            need(succeeds("sh", &["-c", "command -v redis-server"]), "redis-server");
            need(succeeds("sh", &["-c", "command -v Xvfb"]), "Xvfb");
            need(succeeds("sh", &["-c", "command -v WebKitWebDriver"]), "WebKitWebDriver");
        }
    }
    missing
}

/// Makes sure that these packages of Debian are there.
pub fn install_debian(wanted: &[&str]) -> Result<()> {
    let missing: Vec<&str> = wanted.iter().copied().filter(|package| !is_installed(package)).collect();
    if missing.is_empty() {
        eprintln!("Everything is there.");
        return Ok(());
    }
    eprintln!("Installing {}", missing.join(" "));
    // Old lists name versions that the mirror dropped; a mirror that does not answer fails below.
    if let Err(error) = update_lists() {
        eprintln!("{error:#}; going on with the package lists that are there");
    }
    let mut install = apt(&["install", "-y", "--no-install-recommends"]);
    install.args(&missing);
    run(&mut install)
        .map_err(|error| error.context(format!("install these packages by hand: {}", missing.join(" "))))
}

/// Asks the mirrors what packages there are.
pub fn update_lists() -> Result<()> {
    run(&mut apt(&["update"]))
}

fn apt(arguments: &[&str]) -> Command {
    // Whoever is not root is asked for a password by sudo.
    let mut command = match is_root() {
        true => Command::new("env"),
        false => Command::new("sudo"),
    };
    // Another apt may run: wait for it, within reason.
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=600", "-q"]);
    command.args(arguments);
    command
}

fn is_installed(package: &str) -> bool {
    let query =
        Command::new("dpkg-query").args(["-W", "-f=${Status}", package]).stderr(Stdio::null()).output();
    query.is_ok_and(|output| output.stdout.ends_with(b"install ok installed"))
}

/// Whether this user may do everything.
pub fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_for_another_system_names_what_each_purpose_needs() {
        let dnf = command(&MANAGERS[0], &[Purpose::Engine, Purpose::App]);
        assert!(dnf.starts_with("sudo dnf install gcc "), "{dnf}");
        assert!(dnf.contains("nasm") && dnf.contains("webkit2gtk4.1-devel"), "{dnf}");
        assert!(!dnf.contains("Xvfb"), "{dnf}");
        assert_eq!(
            command(&MANAGERS[3], &[Purpose::Engine, Purpose::App]),
            "brew install cmake nasm pkgconf libvpx"
        );
    }
}
