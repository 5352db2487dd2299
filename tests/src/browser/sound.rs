//! A sound card for a browser: a PulseAudio daemon of its own with a sink that plays to nobody.

use std::fs::File;
use std::io::Read as _;
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

/// What the speaker plays, as it is played.
pub struct Recording {
    file: File,
    heard: Vec<u8>,
    _recorder: Group,
}

impl Recording {
    /// Starts to record.
    pub(super) fn start(speaker: &Path, profile: &Path) -> Self {
        let played = tempfile::NamedTempFile::new_in(profile).expect("a file for a recording");
        let mut recorder = command("parec", profile);
        recorder
            .args(["--device=@DEFAULT_MONITOR@", "--raw", "--format=s16le", "--rate=48000", "--channels=1"])
            .args(["--latency-msec=50"])
            .env("PULSE_SERVER", format!("unix:{}", speaker.display()))
            .stdout(played.as_file().try_clone().expect("a file for a recording"));
        let recorder = Group::start(&mut recorder);
        let file = played.reopen().expect("a recording");
        Self { file, heard: Vec::new(), _recorder: recorder }
    }

    /// The next so many samples of 48 kHz, once they were played.
    ///
    /// # Panics
    /// When the recording cannot be read.
    pub fn next(&mut self, samples: usize) -> Option<Vec<f32>> {
        self.file.read_to_end(&mut self.heard).expect("a recording");
        if self.heard.len() < samples * 2 {
            return None;
        }
        let rest = self.heard.split_off(samples * 2);
        let samples = std::mem::replace(&mut self.heard, rest);
        let samples = samples.as_chunks::<2>().0.iter();
        Some(samples.map(|sample| f32::from(i16::from_le_bytes(*sample)) / f32::from(i16::MAX)).collect())
    }
}
