//! Sound cards without any hardware: a PulseAudio daemon of the test's own. Its null sinks play to nobody, what
//! hums a note into one makes it a microphone, and all of it can be plugged in and out while a call goes on.
//!
//! A process finds its sound server by environment variables, so a test that opens such devices itself runs in a
//! process of its own, which is the same program started again.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tracing_subscriber::filter::LevelFilter;

use crate::process::{Group, Stranger};
use crate::recording::RATE_HZ;
use crate::wait::eventually;

/// From the start of a daemon on a busy machine to its first answer.
const START_LIMIT: Duration = Duration::from_secs(60);
/// Tells the process of a test that it is one, and which daemon is its own.
const CHILD: &str = "MARU_TEST_SOUND";

/// How the test's process reaches its sound cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Through {
    /// As on a desktop: the daemon itself.
    PulseAudio,
    /// As on a system that has nothing but ALSA, with a configuration that leads to the daemon's sinks `one`
    /// (the default one) and `two`. ALSA reads it once in a process.
    Alsa,
    /// Not at all: nothing leads to it.
    Nothing,
}

/// A sound server, and how to reach it.
pub struct Sound {
    socket: PathBuf,
    /// `None` in the process of a test: another one started it.
    _daemon: Option<Group>,
}

/// Something that was plugged in: its modules.
#[derive(Clone, Debug)]
pub struct Plugged(Vec<String>);

/// A sound card's modules with their arguments, which are separated by this.
const AND: &str = "; ";

impl Sound {
    /// Starts a daemon with these sound cards and with its files in a folder.
    ///
    /// # Panics
    /// When it does not start in time.
    pub async fn start(folder: &Path, cards: &[&str]) -> Self {
        let sound = Self { socket: folder.join("sound"), _daemon: None };
        let log = File::create(folder.join("pulseaudio.log")).expect("a log file");
        let mut daemon = Command::new("pulseaudio");
        daemon
            .args(["-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--disable-shm=yes"])
            .args(["--high-priority=no", "--realtime=no"])
            .args(cards.iter().flat_map(|card| card.split(AND)).flat_map(|module| ["-L", module]))
            .args(["-L", &sound.protocol()])
            .env("HOME", folder)
            .env("XDG_RUNTIME_DIR", folder)
            .env("XDG_CONFIG_HOME", folder.join("config"))
            .env("DBUS_SESSION_BUS_ADDRESS", "disabled:")
            .env_remove("PULSE_SERVER")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let daemon = Group::start(&mut daemon);
        eventually("a sound server", START_LIMIT, async || UnixStream::connect(&sound.socket).ok()).await;
        Self { _daemon: Some(daemon), ..sound }
    }

    /// In the process of this test: how to reach its sound cards. Anywhere else: starts a daemon with them, and the
    /// test in a process of its own; `None` when it passed there.
    ///
    /// # Panics
    /// When the test does not pass there.
    pub async fn of_test(test: &str, through: Through, cards: &[&str]) -> Option<Self> {
        if let Some(socket) = std::env::var_os(CHILD) {
            // Seen when the test fails.
            tracing_subscriber::fmt().with_max_level(LevelFilter::DEBUG).init();
            return Some(Self { socket: socket.into(), _daemon: None });
        }
        let folder = tempfile::tempdir().expect("a folder for a daemon's files");
        let sound = Self::start(folder.path(), cards).await;
        let mut child = Command::new(std::env::current_exe().expect("this program"));
        child
            .args([test, "--exact", "--nocapture", "--test-threads=1"])
            .env(CHILD, &sound.socket)
            .env("HOME", folder.path())
            .env("XDG_CONFIG_HOME", folder.path())
            .env("XDG_RUNTIME_DIR", folder.path())
            .env_remove("MARU_SYNTHETIC_DEVICES")
            .env_remove("DBUS_SESSION_BUS_ADDRESS");
        match through {
            Through::PulseAudio => sound.environment(&mut child),
            Through::Alsa | Through::Nothing => {
                let config = folder.path().join("asoundrc");
                fs::write(&config, sound.alsa_config(through)).expect("a configuration of ALSA");
                child.env("ALSA_CONFIG_PATH", config).env_remove("PULSE_SERVER");
            }
        }
        let output = child.output().expect("a process for the test");
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}");
        assert!(text.contains("1 passed"), "the test did not run: {text}");
        assert!(!text.contains("ALSA lib"), "ALSA's noise is for nobody: {text}");
        None
    }

    /// Lets a program use this server.
    pub fn environment(&self, command: &mut Command) {
        command.env("PULSE_SERVER", format!("unix:{}", self.socket.display()));
    }

    /// Plugs a sound card in: its modules with their arguments, separated by `; `.
    ///
    /// # Panics
    /// When the daemon refuses.
    pub fn plug_in(&self, card: &str) -> Plugged {
        let load = |module| self.tell(&format!("load-module {module}")).trim().to_owned();
        Plugged(card.split(AND).map(load).collect())
    }

    /// Pulls a sound card out.
    ///
    /// # Panics
    /// When the daemon refuses.
    pub fn pull_out(&self, plugged: &Plugged) {
        for module in plugged.0.iter().rev() {
            self.tell(&format!("unload-module {module}"));
        }
    }

    /// What the person chose in the system's settings.
    ///
    /// # Panics
    /// When there is no such sink.
    pub fn set_default_speaker(&self, sink: &str) {
        self.tell(&format!("set-default-sink {sink}"));
    }

    /// What the person chose in the system's settings.
    ///
    /// # Panics
    /// When there is no such source.
    pub fn set_default_microphone(&self, source: &str) {
        self.tell(&format!("set-default-source {source}"));
    }

    /// Whether nothing is played anywhere.
    ///
    /// # Panics
    /// When the daemon does not answer.
    pub fn is_idle(&self) -> bool {
        self.tell("list short sink-inputs").trim().is_empty()
    }

    /// Records what is played on the default speaker from now on, with its files in a folder.
    ///
    /// # Panics
    /// When there is no recorder.
    pub fn record(&self, folder: &Path) -> Recording {
        let played = tempfile::NamedTempFile::new_in(folder).expect("a file for a recording");
        let mut recorder = Command::new("parec");
        self.environment(&mut recorder);
        recorder
            .args([
                "--device=@DEFAULT_MONITOR@",
                "--raw",
                "--format=s16le",
                "--channels=1",
                "--latency-msec=50",
            ])
            .arg(format!("--rate={RATE_HZ}"))
            .env("HOME", folder)
            .env("XDG_CONFIG_HOME", folder.join("config"))
            .stdin(Stdio::null())
            .stdout(played.as_file().try_clone().expect("a file for a recording"))
            .stderr(Stdio::null());
        let recorder = Group::start(&mut recorder);
        let file = played.reopen().expect("a recording");
        Recording { file, heard: Vec::new(), _recorder: recorder }
    }

    /// Ends the daemon as a crash does.
    ///
    /// # Panics
    /// When it is not there any more.
    pub fn kill(&self) {
        self.stranger().kill();
    }

    /// Has the daemon answer nobody any more.
    ///
    /// # Panics
    /// When it is not there any more.
    pub fn hang(&self) {
        self.stranger().hang();
    }

    fn stranger(&self) -> Stranger {
        Stranger::with_argument(&self.protocol(), std::process::id()).expect("a sound server")
    }

    /// The daemon's module that lets us in, by which it is also told from other daemons.
    fn protocol(&self) -> String {
        format!("module-native-protocol-unix auth-anonymous=1 socket={}", self.socket.display())
    }

    fn tell(&self, order: &str) -> String {
        let mut pactl = Command::new("pactl");
        self.environment(&mut pactl);
        pactl.args(order.split(' ')).env("LC_ALL", "C").stdin(Stdio::null());
        let output = pactl.output().unwrap_or_else(|error| {
            panic!("cannot start pactl: {error}; `cargo xtask test` installs what the tests need")
        });
        assert!(output.status.success(), "{order}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// "default" plays to sink one and hears its monitor; sink two stands for a second sound card.
    fn alsa_config(&self, through: Through) -> String {
        if through == Through::Nothing {
            return "</usr/share/alsa/alsa.conf>\npcm.!default { type pulse }\n".to_owned();
        }
        let pcm = |device: &str| {
            format!(r#"{{ type pulse server "unix:{}" device "{device}" }}"#, self.socket.display())
        };
        format!(
            r#"
</usr/share/alsa/alsa.conf>
pcm.!default {{ type asym
    playback.pcm {}
    capture.pcm {} }}
ctl.!default {{ type pulse }}
pcm.second_card {{ type asym
    playback.pcm {}
    capture.pcm {}
    hint {{ show on description "Second card" }} }}
"#,
            pcm("one"),
            pcm("one.monitor"),
            pcm("two"),
            pcm("two.monitor"),
        )
    }
}

/// What the speaker plays, as it is played.
pub struct Recording {
    file: File,
    heard: Vec<u8>,
    _recorder: Group,
}

impl Recording {
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
