//! A small guest in QEMU with the kernel of this system's packages, for tests that want a driver which the
//! machine itself lacks: it boots, starts programs that were built here, and is gone.

mod cpio;
mod kernel;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::process::{output, shown};
use cpio::Archive;

pub use kernel::{Kernel, ensure as ensure_kernel};

/// Where the modules are in the guest.
pub const MODULES: &str = "/modules";
/// What the first process prints when the programs have ended, before their exit status.
const ENDED: &str = "The guest's programs ended with ";
/// What the first process needs of this machine: a shell, and what it starts before the programs.
const TOOLS: [&str; 4] = ["/bin/sh", "/bin/mount", "/sbin/insmod", "/bin/udevadm"];
/// Makes the device nodes' lasting names.
const UDEV: [&str; 2] = ["/lib/systemd/systemd-udevd", "/usr/lib/systemd/systemd-udevd"];

/// What a guest is made of.
pub struct Guest<'a> {
    /// What it runs on.
    pub kernel: &'a Kernel,
    /// Programs of this machine, each with its path in the guest.
    pub programs: &'a [(PathBuf, &'a str)],
    /// Further files: path and content.
    pub files: &'a [(&'a str, &'a str)],
    /// A shell script that loads the modules of [`MODULES`]. The device manager runs when it starts.
    pub load: &'a str,
    /// A shell script that starts the programs; its exit status is the guest's.
    pub start: &'a str,
}

impl Guest<'_> {
    /// Writes the guest's first file system.
    pub fn write(&self, path: &Path) -> Result<()> {
        let file = fs::File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        let mut archive = Archive::new(BufWriter::new(file));
        for folder in ["dev", "proc", "sys", "run", "tmp"] {
            archive.folder(folder)?;
        }
        archive.file("/init", self.init().as_bytes())?;
        for (path, content) in self.files {
            archive.file(path, content.as_bytes())?;
        }
        for module in &self.kernel.modules {
            let name = module.file_name().unwrap_or_default().to_string_lossy();
            archive.file(&format!("{MODULES}/{name}"), &read(module)?)?;
        }
        let mut libraries = BTreeSet::new();
        for (program, place) in self.programs {
            archive.file(place, &read(program)?)?;
            libraries.extend(libraries_of(program)?);
        }
        for tool in TOOLS.into_iter().chain([udev()?]) {
            archive.file(tool, &read(Path::new(tool))?)?;
            libraries.extend(libraries_of(Path::new(tool))?);
        }
        for library in libraries {
            archive.file(&library, &read(Path::new(&library))?)?;
        }
        archive.finish()?;
        Ok(())
    }

    /// The first process: a script that never ends, since the kernel wants it so.
    fn init(&self) -> String {
        let udev = udev().unwrap_or(UDEV[0]);
        format!(
            "#!/bin/sh
export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/tmp
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
{udev} --daemon
(
set -e
{load}
udevadm settle --timeout=60
{start}
)
echo \"{ENDED}$?\"
echo o > /proc/sysrq-trigger
while :; do :; done
",
            load = self.load,
            start = self.start,
        )
    }
}

/// Boots a kernel with a first file system, shows what it prints, gives each line to `line`, and waits at
/// most `limit` for its end. Fails unless the programs in it ended well.
pub fn boot(kernel: &Kernel, files: &Path, limit: Duration, mut line: impl FnMut(&str)) -> Result<()> {
    let mut command = Command::new("qemu-system-x86_64");
    if has_virtualization() {
        command.args(["-accel", "kvm"]);
    }
    // Emulated, where it cannot be by the processor.
    command.args(["-accel", "tcg", "-cpu", "max", "-smp", "2", "-m", "1024"]);
    command.args(["-display", "none", "-monitor", "none", "-serial", "stdio", "-nic", "none", "-no-reboot"]);
    command.arg("-kernel").arg(&kernel.image).arg("-initrd").arg(files);
    // A kernel that panics restarts at once, which ends the emulator.
    command.args(["-append", "console=ttyS0 quiet loglevel=4 panic=-1 mitigations=off"]);
    let name = shown(&command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{name}`"))?;
    let console = child.stdout.take().context("the emulator has no output")?;
    let (said, lines) = mpsc::sync_channel(100);
    std::thread::spawn(move || {
        let mut console = BufReader::new(console);
        let mut bytes = Vec::new();
        // By bytes: a kernel may print what is not UTF-8.
        while console.read_until(b'\n', &mut bytes).is_ok_and(|length| length > 0) {
            let text = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            if said.send(text).is_err() {
                return;
            }
            bytes.clear();
        }
    });
    let deadline = Instant::now() + limit;
    let mut status = None;
    let in_time = loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(text) => {
                if let Some(number) = text.strip_prefix(ENDED) {
                    status = Some(number.to_owned());
                } else {
                    println!("{text}");
                    line(&text);
                }
            }
            Err(RecvTimeoutError::Disconnected) => break true,
            Err(RecvTimeoutError::Timeout) => break false,
        }
    };
    if !in_time {
        child.kill()?;
    }
    child.wait()?;
    match status.as_deref() {
        Some("0") => Ok(()),
        Some(number) => bail!("the guest's programs ended with status {number}"),
        None if in_time => bail!("the guest ended before its programs did"),
        None => bail!("the guest did not end within {} minutes", limit.as_secs() / 60),
    }
}

/// Whether the processor runs guests. In a virtual machine there can be a /dev/kvm that boots nothing.
fn has_virtualization() -> bool {
    let about = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    about.split_whitespace().any(|word| word == "vmx" || word == "svm")
}

fn udev() -> Result<&'static str> {
    UDEV.into_iter().find(|path| Path::new(path).exists()).context("udev is not installed")
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The shared libraries that a program is linked to, and what loads them.
fn libraries_of(program: &Path) -> Result<Vec<String>> {
    let list = output(Command::new("ldd").arg(program))?;
    let mut libraries = Vec::new();
    for line in list.lines() {
        // `libc.so.6 => /lib/…/libc.so.6 (0x…)`, or `/lib64/ld-linux-x86-64.so.2 (0x…)`.
        let path = line.split_once("=>").map_or(line, |(_, path)| path);
        match path.split_whitespace().next() {
            Some("not") => bail!("{} lacks a library: {}", program.display(), line.trim()),
            Some(path) if path.starts_with('/') => libraries.push(path.to_owned()),
            _ => {}
        }
    }
    Ok(libraries)
}
