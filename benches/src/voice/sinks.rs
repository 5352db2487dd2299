//! A call between two `maru-cli` with sound cards, as far as they can tell: null sinks of a PulseAudio daemon
//! of this benchmark's own. What is played into the first one's microphone is recorded at the other one's
//! speaker.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use maru_media::audio::SAMPLES_10_MS;
use maru_media::voice::{VoiceProcessor, VoiceSettings};

use super::speech::write_wav;

/// For everything that is waited for.
const LIMIT: Duration = Duration::from_secs(30);
/// How often it is looked for.
const LOOK: Duration = Duration::from_millis(20);
/// Before the speech and after it so much is recorded, in seconds.
const MARGIN_S: usize = 1;
/// One second of what is recorded: mono at 48 kHz in 16 bits.
const SECOND_BYTES: usize = 96_000;

/// What plays to nobody: the first hears the speech, the second is the other one's speaker. That "mic" is
/// the first one's monitor is nothing that a program could see.
const MODULES: [&str; 3] = [
    "module-null-sink sink_name=air rate=48000",
    "module-null-sink sink_name=speaker rate=48000",
    "module-remap-source master=air.monitor source_name=mic",
];

/// A program that ends when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Daemon {
    folder: PathBuf,
    _process: Running,
}

impl Daemon {
    fn start(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let folder = folder.canonicalize()?;
        let daemon = |process| Self { folder: folder.clone(), _process: Running(process) };
        let socket = folder.join("native");
        let mut command = Command::new("pulseaudio");
        command
            .args(["-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--disable-shm=yes"])
            .args(["--high-priority=no", "--realtime=no"])
            .args(MODULES.iter().flat_map(|module| ["-L", module]))
            .arg("-L")
            .arg(format!("module-native-protocol-unix auth-anonymous=1 socket={}", socket.display()))
            .envs(["HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"].map(|name| (name, folder.as_path())))
            .env("DBUS_SESSION_BUS_ADDRESS", "disabled:")
            .env_remove("PULSE_SERVER")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.join("log"))?);
        let daemon = daemon(command.spawn().context("pulseaudio does not start: install it")?);
        let quietly = |command: &mut Command| command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        until("pulseaudio to start", || {
            quietly(daemon.program("pactl").arg("info")).is_ok_and(|status| status.success())
        })?;
        for (what, name) in [("set-default-sink", "speaker"), ("set-default-source", "mic")] {
            let told = daemon.program("pactl").args([what, name]).status()?;
            ensure!(told.success(), "pactl {what} failed");
        }
        Ok(daemon)
    }

    /// A program that has these sound cards.
    fn program(&self, name: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut program = Command::new(name);
        program
            .env("PULSE_SERVER", format!("unix:{}", self.folder.join("native").display()))
            .envs(["HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"].map(|name| (name, &self.folder)))
            .env_remove("MARU_SYNTHETIC_DEVICES");
        program
    }

    /// Somebody in the room.
    fn join(&self, url: &str, name: &str, more: &[&str]) -> Result<Participant> {
        let cli = std::env::current_exe()?.with_file_name("maru-cli");
        ensure!(cli.exists(), "{} is not built", cli.display());
        let mut command = self.program(cli);
        command.args(["join", "bench", "--server", url, "--name", name, "--camera", "none"]).args(more);
        let process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut process = Running(process);
        let output = process.0.stdout.take().context("a program without output")?;
        let (tell, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Participant { process, lines })
    }
}

struct Participant {
    process: Running,
    lines: mpsc::Receiver<String>,
}

impl Participant {
    /// Reads until a line that says this.
    fn until(&self, said: &str) -> Result<()> {
        let end = Instant::now() + LIMIT;
        let mut all = String::new();
        while let Ok(line) = self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            if line.contains(said) {
                return Ok(());
            }
            all = all + &line + "\n";
        }
        bail!("maru-cli did not say {said:?}, but:\n{all}")
    }

    fn leave(mut self) -> Result<()> {
        let mut input = self.process.0.stdin.take().context("a program without input")?;
        input.write_all(b"/quit\n")?;
        drop(input);
        ensure!(self.process.0.wait()?.success(), "maru-cli failed");
        Ok(())
    }
}

/// Records what is heard of `FOLDER/original.wav`, as `FOLDER/scored/NAME.wav`, when the one who speaks is
/// given these options.
pub fn record(folder: &Path, name: &str, options: &[&str]) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
    let url = format!("ws://{}", listener.local_addr()?);
    runtime.spawn(maru_signaling::run(listener, std::future::pending()));

    let daemon = Daemon::start(&folder.join("pulseaudio"))?;
    let mouth = daemon.join(&url, "mouth", options)?;
    let ear = daemon.join(&url, "ear", &["--muted"])?;
    mouth.until("ear is here")?;
    ear.until("mouth is here")?;
    let mut recorder = daemon
        .program("parec")
        .args(["--device=speaker.monitor", "--rate=48000", "--channels=1", "--format=s16le"])
        .stdout(Stdio::piped())
        .spawn()
        .map(Running)
        .context("parec does not start")?;
    let mut sound = recorder.0.stdout.take().context("a program without output")?;
    // The two find their delays meanwhile.
    let mut heard = vec![0; MARGIN_S * SECOND_BYTES];
    sound.read_exact(&mut heard)?;
    let mut player = daemon.program("paplay");
    player.arg("--device=air").arg(folder.join("original.wav"));
    let mut player = player.spawn().map(Running).context("paplay does not start")?;
    let mut tenth = vec![0; SECOND_BYTES / 10];
    let mut after = MARGIN_S * 10;
    while after > 0 {
        sound.read_exact(&mut tenth)?;
        heard.extend_from_slice(&tenth);
        after -= usize::from(player.0.try_wait()?.is_some());
    }
    drop(recorder);
    ear.leave()?;
    mouth.leave()?;
    let (samples, _) = heard.as_chunks::<2>();
    let samples: Vec<f32> =
        samples.iter().map(|sample| f32::from(i16::from_le_bytes(*sample)) / 32_768.0).collect();
    write_wav(&folder.join("scored").join(format!("{name}.wav")), &samples)
}

/// What voice processing makes of a voice without an echo, with a speaker that is silent.
pub fn processed(voice: &[f32], settings: VoiceSettings) -> Vec<f32> {
    let mut processor = VoiceProcessor::new(settings);
    let frames = voice.as_chunks::<SAMPLES_10_MS>().0.iter();
    frames
        .flat_map(|frame| {
            let mut frame = *frame;
            processor.process(&mut frame, Some(&[0.0; SAMPLES_10_MS]));
            frame
        })
        .collect()
}

fn until(what: &str, ready: impl Fn() -> bool) -> Result<()> {
    let started = Instant::now();
    while !ready() {
        ensure!(started.elapsed() < LIMIT, "waited in vain for {what}");
        std::thread::sleep(LOOK);
    }
    Ok(())
}
