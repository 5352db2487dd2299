//! A sound card for a browser: a PulseAudio daemon of its own with a sink that plays to nobody.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use super::{START_LIMIT, command};
use crate::process::Group;
use crate::wait::eventually;

/// Starts it with its files in `profile`; returns the socket at which it listens.
pub(super) async fn start(profile: &Path) -> (Group, PathBuf) {
    let socket = profile.join("sound");
    let mut daemon = command("pulseaudio", profile);
    daemon
        .args(["-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--disable-shm=yes"])
        .args(["--high-priority=no", "--realtime=no", "-L", "module-null-sink"])
        .args(["-L", &format!("module-native-protocol-unix auth-anonymous=1 socket={}", socket.display())])
        .env_remove("PULSE_SERVER");
    let daemon = Group::start(&mut daemon);
    eventually("a sound card", START_LIMIT, async || UnixStream::connect(&socket).ok()).await;
    (daemon, socket)
}
