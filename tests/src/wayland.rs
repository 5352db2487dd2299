//! A desktop on Wayland that nobody sees, made of real parts: a compositor without hardware (sway), PipeWire with its
//! session manager, and the desktop's portal with the part for this kind of compositor. It has a session bus, a home and
//! sockets of its own, and everything ends with it.

mod card;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use zbus::names::BusName;

use crate::process::Group;
use crate::wait::eventually;
use crate::window::Bus;

/// Each part is there within this time, on a busy machine too.
const START_LIMIT: Duration = Duration::from_secs(30);

/// The display of who is to believe in a graphics card.
const CARD: &str = "with-a-card";

/// The one screen is shared without asking anybody.
const PORTAL: &str = "[screencast]\noutput_name=HEADLESS-1\nchooser_type=none\n";
/// Which part of the portal is for this compositor, for versions that want to be told.
const PORTALS: &str = "[preferred]\ndefault=wlr\n";

/// The session manager leaves the machine's own devices alone, in the words of its versions 0.4 and 0.5.
const QUIET: [(&str, &str); 3] = [
    (
        "wireplumber/main.lua.d/60-quiet.lua",
        "alsa_monitor.enabled = false\nv4l2_monitor.enabled = false\nlibcamera_monitor.enabled = false\n",
    ),
    ("wireplumber/bluetooth.lua.d/60-quiet.lua", "bluez_monitor.enabled = false\n"),
    (
        "wireplumber/wireplumber.conf.d/60-quiet.conf",
        "wireplumber.profiles = { main = { hardware.audio = disabled, hardware.bluetooth = disabled, \
         hardware.video-capture = disabled } }\n",
    ),
];

/// Who has no rights, for what refuses to run as root; and how to become them.
const NOBODY: u32 = 65534;
const AS_NOBODY: [&str; 3] = ["--reuid=65534", "--regid=65534", "--clear-groups"];

/// Where systems keep programs that nobody starts by hand.
const LIBEXEC: [&str; 2] = ["/usr/libexec", "/usr/lib"];

/// A running desktop.
pub struct WaylandDesktop {
    // Dropped in this order: the programs, then the files.
    compositor: Option<Group>,
    others: Vec<Group>,
    bus: Bus,
    display: String,
    control: String,
    home: TempDir,
}

impl WaylandDesktop {
    /// Starts one whose screen is this large and all of this colour (`#rrggbb`).
    ///
    /// # Panics
    /// When a part of it does not start.
    pub async fn start(size: (u32, u32), colour: &str) -> Self {
        let home = tempfile::Builder::new().prefix("maru-way-").tempdir().expect("a home");
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).expect("a home of one's own");
        let write = |name: &str, text: &str| {
            let path = home.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder in the home");
            fs::write(&path, text).expect("a file in the home");
            path
        };
        for (name, text) in QUIET {
            write(&format!(".config/{name}"), text);
        }
        write(".config/xdg-desktop-portal/portals.conf", PORTALS);
        let portal = write("portal.conf", PORTAL);
        let ready = home.path().join("ready");
        let sway = format!(
            "xwayland disable\ndefault_border none\noutput HEADLESS-1 resolution {}x{}\n\
             output HEADLESS-1 bg {colour} solid_color\n\
             exec echo \"$WAYLAND_DISPLAY $SWAYSOCK\" > {ready} && mv {ready} {ready}.done\n",
            size.0,
            size.1,
            ready = ready.display(),
        );
        let sway = write("sway.conf", &sway);
        let mut desktop = Self {
            compositor: None,
            others: Vec::new(),
            bus: Bus::start(),
            display: String::new(),
            control: String::new(),
            home,
        };
        let mut command = desktop.as_somebody("sway");
        command.arg("--config").arg(sway).env("WLR_BACKENDS", "headless").env("WLR_RENDERER", "pixman");
        desktop.compositor = Some(desktop.run(command.env("WLR_LIBINPUT_NO_DEVICES", "1")));
        let said = desktop.home.path().join("ready.done");
        let said = eventually("sway runs", START_LIMIT, async || fs::read_to_string(&said).ok()).await;
        let (display, control) = said.trim().split_once(' ').expect("a display and a socket to control it");
        (desktop.display, desktop.control) = (display.to_owned(), control.to_owned());

        desktop.others.push(desktop.run(&mut Command::new("pipewire")));
        let socket = desktop.home.path().join("pipewire-0");
        eventually("PipeWire runs", START_LIMIT, async || socket.exists().then_some(())).await;
        desktop.others.push(desktop.run(&mut Command::new("wireplumber")));
        card::stand_between(&desktop.home.path().join(CARD), &desktop.home.path().join(&desktop.display));
        let mut part = libexec("xdg-desktop-portal-wlr");
        desktop.settle(part.arg("--config").arg(portal));
        desktop.others.push(start(part.env("WAYLAND_DISPLAY", CARD)));
        desktop.until_on_bus("org.freedesktop.impl.portal.desktop.wlr").await;
        desktop.others.push(desktop.run(&mut libexec("xdg-desktop-portal")));
        desktop.until_on_bus("org.freedesktop.portal.Desktop").await;
        desktop
    }

    /// Has a program run on this desktop.
    pub fn settle(&self, command: &mut Command) {
        let home = self.home.path();
        for name in ["DISPLAY", "SWAYSOCK", "PIPEWIRE_REMOTE", "PIPEWIRE_RUNTIME_DIR", "XDG_DATA_HOME"] {
            command.env_remove(name);
        }
        command.env("HOME", home).env("XDG_CONFIG_HOME", home.join(".config")).env("XDG_RUNTIME_DIR", home);
        command.env("DBUS_SESSION_BUS_ADDRESS", self.bus.address()).env("XDG_CURRENT_DESKTOP", "sway");
        command.env("XDG_SESSION_TYPE", "wayland");
        if !self.display.is_empty() {
            command.env("WAYLAND_DISPLAY", &self.display).env("SWAYSOCK", &self.control);
        }
    }

    /// Gives sway a command.
    ///
    /// # Panics
    /// When it does not do it.
    pub fn command(&self, words: &[&str]) {
        let mut command = Command::new("swaymsg");
        self.settle(command.args(words).stdout(Stdio::null()));
        assert!(command.status().is_ok_and(|status| status.success()), "sway does not do {words:?}");
    }

    /// Starts a program on it.
    pub fn run(&self, command: &mut Command) -> Group {
        self.settle(command);
        start(command)
    }

    /// For a program that does not run as root.
    fn as_somebody(&self, program: &str) -> Command {
        if !rustix::process::geteuid().is_root() {
            return Command::new(program);
        }
        chown(self.home.path(), Some(NOBODY), Some(NOBODY)).expect("a home for somebody else");
        let mut command = Command::new("setpriv");
        command.args(AS_NOBODY).arg(program);
        command
    }

    /// The compositor crashes.
    pub fn crash(&mut self) {
        self.compositor = None;
    }

    async fn until_on_bus(&self, name: &str) {
        let build = zbus::connection::Builder::address(self.bus.address()).expect("an address");
        let connection = build.build().await.expect("a bus");
        let bus = zbus::fdo::DBusProxy::new(&connection).await.expect("a bus");
        let owned = async || {
            let name = BusName::try_from(name).expect("a name");
            bus.name_has_owner(name).await.is_ok_and(|has| has).then_some(())
        };
        eventually(name, START_LIMIT, owned).await;
    }
}

fn start(command: &mut Command) -> Group {
    Group::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()))
}

fn libexec(program: &str) -> Command {
    let places = LIBEXEC.into_iter().map(|place| Path::new(place).join(program));
    let found: Option<PathBuf> = places.into_iter().find(|path| path.exists());
    Command::new(found.unwrap_or_else(|| program.into()))
}
