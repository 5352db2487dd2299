//! `cargo xtask bundle --try`: the package as somebody gets it who has nothing else. A small Debian is made, the
//! package installed there by apt, the app started on a virtual screen and a call made with `maru-cli`, first
//! without what the package only recommends, then with it. Everything runs in a network of its own.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::{Wanted, bundle};
use crate::packages::{Purpose, ensure, has_apt, is_root};
use crate::process::{output, run};
use crate::steps::Steps;
use crate::workspace::{cargo, program, target_dir};

/// What the trial needs there beside the package: a screen, hands, eyes. Installed after the package, and after
/// what it depends on was found complete.
const TOOLS: &str = "xvfb xdotool dbus imagemagick iproute2";

/// Says which libraries of the app are missing there, if any.
const LIBRARIES: &str = "! ldd /usr/bin/maru | grep 'not found'";

/// Starts the app, whose settings name a room, and somebody else in that room. Enter, which joins, is pressed until
/// the other one sees the app. A picture of the screen is taken when the call has gone on for a while.
const CALL: &str = r#"
set -e
export HOME=/root DISPLAY=:7 LANG=C.UTF-8 NO_AT_BRIDGE=1 GTK_A11Y=none
cd /trial; rm -rf data pictures call.json /tmp/.X*; mkdir -p data/config
echo '{ "name": "App", "room": "trial" }' > data/config/settings.json
ip link set lo up
Xvfb :7 -screen 0 1280x800x24 -nolisten tcp >screen.log 2>&1 &
for attempt in $(seq 100); do
    xdotool getmouselocation >screen.log 2>&1 && break
    sleep 0.1
done
dbus-run-session -- maru --synthetic-devices --no-lan --data-dir /trial/data >app.log 2>&1 &
window=$(timeout 60 xdotool search --sync --onlyvisible --name '^Maru$')
xdotool windowfocus --sync "$window"
./maru-cli join trial --name Other --no-lan --camera test-pattern --microphone tone --speaker null \
    --seconds 90 --json-every 1 --snapshot pictures > call.json 2>cli.log &
other=$!
for attempt in $(seq 60); do
    grep -q '"name":"App"' call.json && break
    xdotool key Return
    sleep 1
done
sleep 12
import -window root screen.png
kill -INT "$other"
wait "$other"
"#;

/// Pictures of the app that the other one has to get: a few seconds of them.
const FRAMES: u32 = 100;

/// Builds, installs and calls. Fails where the package lacks something or no pictures come.
pub fn trial(profile: &str) -> Result<()> {
    if !has_apt() || !is_root() {
        bail!(
            "the trial makes a small Debian and a network of its own: run it as root on Debian; a container will do"
        );
    }
    let made = bundle(&Wanted { profile, target: None, kinds: &["deb".into()] })?;
    let package = made.iter().find(|path| path.extension().is_some_and(|extension| extension == "deb"));
    let package = package.context("no .deb was made")?;
    let mut steps = Steps::new(4);
    steps.begin("Building the other side of the call");
    ensure(&[Purpose::Trial])?;
    run(&mut cargo(&["build", "--profile", profile, "--package", "maru-cli", "--bin", "maru-cli"])?)?;
    let place = target_dir()?.join("trial");
    let system = place.join("system");
    steps.begin("Making a small Debian and installing the package there, with what it depends on");
    install(package, &system)?;
    let there = system.join("trial");
    let cli = program(super::directory(profile), "maru-cli")?;
    fs::copy(&cli, there.join("maru-cli")).with_context(|| format!("cannot copy {}", cli.display()))?;
    steps.begin("A call without what the package recommends");
    call(&system, &place.join("without"))?;
    steps.begin("A call with what the package recommends");
    inside(&system, "apt-get install -y -q --fix-policy --install-recommends")?;
    call(&system, &place.join("with"))?;
    eprintln!("\nInstalled, started, in a call, twice ({}).", steps.elapsed());
    Ok(())
}

/// A Debian of this machine's release with the package in it and nothing that it does not ask for.
fn install(package: &Path, system: &Path) -> Result<()> {
    if system.exists() {
        fs::remove_dir_all(system).with_context(|| format!("cannot remove {}", system.display()))?;
    }
    if let Some(place) = system.parent() {
        fs::create_dir_all(place)?;
    }
    let release = output(Command::new("sh").args(["-c", ". /etc/os-release && echo $VERSION_CODENAME"]))?;
    let mut make = Command::new("mmdebstrap");
    make.args(["--mode=root", "--variant=minbase", "--aptopt=Acquire::Languages \"none\""]);
    make.arg("--customize-hook=mkdir \"$1\"/trial");
    make.arg(format!("--customize-hook=copy-in {} /trial", package.display()));
    let install = "apt-get install -y -q --no-install-recommends /trial/*.deb";
    make.arg(format!("--customize-hook=chroot \"$1\" sh -c '{install}'"));
    make.arg(release.trim()).arg(system);
    // The mirrors that this machine uses.
    for list in ["/etc/apt/sources.list", "/etc/apt/sources.list.d/debian.sources"] {
        if fs::metadata(list).is_ok_and(|list| list.len() > 0) {
            make.arg(list);
        }
    }
    run(&mut make)?;
    inside(system, LIBRARIES).context("the package does not name all that the app is linked with")?;
    inside(system, &format!("apt-get update -q && apt-get install -y -q --no-install-recommends {TOOLS}"))
}

/// Runs a script in the system, with this machine's network.
fn inside(system: &Path, script: &str) -> Result<()> {
    fs::copy("/etc/resolv.conf", system.join("etc/resolv.conf")).context("there is no /etc/resolv.conf")?;
    let mut command = Command::new("chroot");
    command.arg(system).args(["env", "DEBIAN_FRONTEND=noninteractive", "sh", "-e", "-c", script]);
    run(&mut command)
}

/// One call; what came of it is kept in `kept`.
fn call(system: &Path, kept: &Path) -> Result<()> {
    let there = system.join("trial");
    fs::write(there.join("call"), CALL)?;
    // Processes of its own: whatever is started there ends with it.
    let mut call = Command::new("timeout");
    call.args(["--kill-after=10", "240", "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child"]);
    let script =
        r#"mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" sh /trial/call"#;
    let ended = run(call.args(["sh", "-e", "-c", script]).arg(system));
    fs::create_dir_all(kept)?;
    for file in ["app.log", "cli.log", "call.json", "screen.png"] {
        let _ = fs::copy(there.join(file), kept.join(file));
    }
    let told = || format!("no call; what both sides said is in {}", kept.display());
    ended.with_context(told)?;
    let reports = fs::read_to_string(kept.join("call.json")).with_context(told)?;
    let report = reports.lines().last().unwrap_or_default();
    println!("{report}");
    let frames = frames(report).with_context(told)?;
    if frames < FRAMES {
        bail!("only {frames} pictures of the app came; what both sides said is in {}", kept.display());
    }
    println!("{frames} pictures of the app came. The screen: {}", kept.join("screen.png").display());
    Ok(())
}

/// How many of the first peer's pictures a report says that there were.
pub fn frames(report: &str) -> Option<u32> {
    let (_, number) = report.split_once("\"frames\":")?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peers_pictures_are_counted_from_a_report() {
        let report = r#"{"peers":[{"video":{"codec":"H264","frames":117}}],"sent":{"video":{"frames":120}}}"#;
        assert_eq!(frames(report), Some(117));
        assert_eq!(frames(r#"{"peers":[]}"#), None);
    }
}
