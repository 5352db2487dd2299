//! Real sound devices: a private PulseAudio daemon with null sinks, which the sound library reaches
//! through ALSA like any sound card of a Linux desktop.
//!
//! ALSA reads its configuration from the environment once per process, so the tests run in a child
//! process of their own, which is this same program started again.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // helpers of tests

use std::f32::consts::TAU;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use maru_devices::{Options, SystemDevices};
use maru_media::audio::ring::ring;
use maru_media::{DeviceError, DeviceId, DeviceKind, Devices};
use tempfile::TempDir;

const LONG: Duration = Duration::from_secs(20);
const RATE_HZ: usize = 48_000;
/// Tells the child process that it is one, and where its daemon lives.
const CHILD: &str = "MARU_TEST_PULSEAUDIO";

/// A daemon of our own, ended when dropped.
struct Daemon {
    process: Child,
    folder: TempDir,
}

impl Daemon {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("asoundrc"), ASOUNDRC).unwrap();
        let mut command = Command::new("pulseaudio");
        environment(&mut command, folder.path());
        let log = fs::File::create(folder.path().join("log")).unwrap();
        command
            .args(["-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--disable-shm=yes"])
            .args(["--high-priority=no", "--realtime=no"])
            .args(["-L", "module-null-sink sink_name=one rate=48000"])
            .args(["-L", "module-null-sink sink_name=two rate=44100"])
            .args(["-L", &format!("module-native-protocol-unix socket={}", socket(folder.path()).display())])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let process = command.spawn().unwrap_or_else(|error| {
            panic!("cannot start pulseaudio ({error}): install the package `pulseaudio`")
        });
        let daemon = Self { process, folder };
        daemon.wait_until_ready();
        daemon
    }

    fn wait_until_ready(&self) {
        let started = Instant::now();
        while std::os::unix::net::UnixStream::connect(socket(self.folder.path())).is_err() {
            let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(started.elapsed() < LONG, "pulseaudio does not start: {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn run_child(&self, test: &str) {
        let mut command = Command::new(std::env::current_exe().unwrap());
        environment(&mut command, self.folder.path());
        let pid = self.process.id().to_string();
        command.env(CHILD, pid).args([test, "--exact", "--nocapture", "--test-threads=1"]);
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}");
        assert!(text.contains("1 passed"), "the test did not run: {text}");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// "default" plays to sink one and hears its monitor; sink two stands for a second sound card.
const ASOUNDRC: &str = r#"
</usr/share/alsa/alsa.conf>
pcm.!default { type asym
    playback.pcm { type pulse device "one" }
    capture.pcm { type pulse device "one.monitor" } }
ctl.!default { type pulse }
pcm.second_card { type asym
    playback.pcm { type pulse device "two" }
    capture.pcm { type pulse device "two.monitor" }
    hint { show on description "Second card" } }
"#;

fn socket(folder: &Path) -> PathBuf {
    folder.join("native")
}

fn environment(command: &mut Command, folder: &Path) {
    command
        .env("HOME", folder)
        .env("XDG_RUNTIME_DIR", folder)
        .env("XDG_CONFIG_HOME", folder)
        .env("PULSE_SERVER", format!("unix:{}", socket(folder).display()))
        .env("PULSE_COOKIE", folder.join("cookie"))
        .env("ALSA_CONFIG_PATH", folder.join("asoundrc"))
        .env_remove("MARU_SYNTHETIC_DEVICES")
        .env_remove("DBUS_SESSION_BUS_ADDRESS");
}

/// Runs `body` in a child process with a daemon of its own.
fn with_daemon(test: &str, body: impl FnOnce(&SystemDevices)) {
    let plugin = "/usr/lib/x86_64-linux-gnu/alsa-lib/libasound_module_pcm_pulse.so";
    let plugin = plugin.replace("x86_64", std::env::consts::ARCH);
    assert!(Path::new(&plugin).exists(), "install the package `libasound2-plugins`");
    if std::env::var_os(CHILD).is_some() {
        // Seen when the test fails.
        tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG).init();
        body(&SystemDevices::new(Options::default()));
    } else {
        Daemon::start().run_child(test);
    }
}

/// The strength of one frequency in a signal, as the amplitude of a sine (Goertzel's algorithm).
fn amplitude(signal: &[f32], hz: f32) -> f32 {
    let factor = 2.0 * f64::from(TAU * hz / RATE_HZ as f32).cos();
    let (mut one, mut two) = (0.0_f64, 0.0_f64);
    for sample in signal {
        let zero = f64::from(*sample) + factor * one - two;
        two = one;
        one = zero;
    }
    let power = one * one + two * two - factor * one * two;
    (power.max(0.0).sqrt() * 2.0 / signal.len() as f64) as f32
}

/// Plays the tone on a speaker and listens with a microphone until it is heard.
fn assert_heard(devices: &SystemDevices, speaker: &DeviceId, microphone: &DeviceId) {
    let (tone_end, speaker_end) = ring(RATE_HZ / 10);
    let (microphone_end, mut heard) = ring(RATE_HZ);
    let _tone = devices.open_microphone(&DeviceId::new("tone"), tone_end, Box::new(|_| {})).unwrap();
    let _speaker = devices.open_speaker(speaker, speaker_end, Box::new(|_| {})).unwrap();
    let _microphone = devices.open_microphone(microphone, microphone_end, Box::new(|_| {})).unwrap();
    let started = Instant::now();
    let mut best = 0.0_f32;
    let mut report = String::new();
    while started.elapsed() < LONG {
        assert!(heard.wait(RATE_HZ / 5, LONG), "the microphone delivers nothing");
        let mut sound = vec![0.0; RATE_HZ / 5];
        heard.pull(&mut sound);
        let silent = sound.iter().filter(|sample| **sample == 0.0).count();
        let runs = sound.windows(2).filter(|pair| (pair[0] == 0.0) != (pair[1] == 0.0)).count();
        report += &format!("{:?}: {silent} of {} silent in {runs} pieces\n", started.elapsed(), sound.len());
        let tone = amplitude(&sound, 440.0);
        let other = amplitude(&sound, 700.0);
        best = best.max(tone);
        // The tone has a peak of 0.1; a gap may cost some of a block.
        if tone > 0.07 && other < tone / 4.0 {
            return;
        }
    }
    panic!("no tone of 440 Hz heard on {microphone}, at best {best}:\n{report}");
}

#[test]
fn a_tone_played_on_the_default_speaker_is_heard_by_the_default_microphone() {
    with_daemon("a_tone_played_on_the_default_speaker_is_heard_by_the_default_microphone", |devices| {
        let list = devices.list();
        let default = |kind| list.preferred(kind).unwrap();
        assert_eq!(default(DeviceKind::Speaker).id.as_str(), "speaker:default", "{list:?}");
        assert_eq!(default(DeviceKind::Microphone).id.as_str(), "microphone:default", "{list:?}");
        assert_heard(devices, &default(DeviceKind::Speaker).id, &default(DeviceKind::Microphone).id);
    });
}

#[test]
fn a_sound_card_of_another_rate_is_found_by_name_and_works() {
    with_daemon("a_sound_card_of_another_rate_is_found_by_name_and_works", |devices| {
        let list = devices.list();
        let named = |kind| {
            let found = list.of(kind).iter().find(|device| device.name == "Second card");
            found.unwrap_or_else(|| panic!("{list:?}")).id.clone()
        };
        let (speaker, microphone) = (named(DeviceKind::Speaker), named(DeviceKind::Microphone));
        assert_eq!(speaker.as_str(), "speaker:alsa:second_card");
        assert!(list.of(DeviceKind::Speaker).iter().all(|device| !device.synthetic), "{list:?}");
        assert_heard(devices, &speaker, &microphone);
    });
}

#[test]
fn a_sound_service_that_dies_in_mid_call_is_reported_lost_and_listing_survives_it() {
    with_daemon(
        "a_sound_service_that_dies_in_mid_call_is_reported_lost_and_listing_survives_it",
        |devices| {
            let (speaker_lost, speaker_report) = mpsc::channel();
            let (microphone_lost, microphone_report) = mpsc::channel();
            let (_tone_end, speaker_end) = ring(RATE_HZ / 10);
            let (microphone_end, heard) = ring(RATE_HZ);
            let named = |kind: &str| DeviceId::new(format!("{kind}:alsa:second_card"));
            let on_lost = Box::new(move |error| speaker_lost.send(error).unwrap());
            let _speaker = devices.open_speaker(&named("speaker"), speaker_end, on_lost).unwrap();
            let on_lost = Box::new(move |error| microphone_lost.send(error).unwrap());
            let microphone = devices.open_microphone(&named("microphone"), microphone_end, on_lost);
            let _microphone = microphone.unwrap();
            assert!(heard.wait(4800, LONG));
            end_daemon();
            for report in [speaker_report, microphone_report] {
                let error = report.recv_timeout(LONG).unwrap();
                assert!(matches!(error, DeviceError::Lost { .. }), "{error}");
            }
            // ALSA forgets its configuration only with the process, so what was named there still is;
            // listing it neither hangs nor panics, and opening it says that it is not there.
            let started = Instant::now();
            devices.list();
            assert!(started.elapsed() < Duration::from_secs(5));
            let (_end, speaker_end) = ring(480);
            assert!(devices.open_speaker(&named("speaker"), speaker_end, Box::new(|_| {})).is_err());
        },
    );
}

/// Ends the daemon that the parent process started for this one.
fn end_daemon() {
    let pid = std::env::var(CHILD).unwrap();
    assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
}

#[test]
fn without_any_sound_service_there_are_a_silent_microphone_and_a_silent_speaker() {
    if std::env::var_os(CHILD).is_none() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join("asoundrc"),
            "</usr/share/alsa/alsa.conf>\npcm.!default { type pulse }\n",
        )
        .unwrap();
        let test = "without_any_sound_service_there_are_a_silent_microphone_and_a_silent_speaker";
        let mut command = Command::new(std::env::current_exe().unwrap());
        environment(&mut command, folder.path());
        command.env(CHILD, "").args([test, "--exact", "--nocapture"]);
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
        assert!(!text.contains("ALSA lib"), "ALSA's noise is for nobody: {text}");
        return;
    }
    let devices = SystemDevices::new(Options::default());
    let list = devices.list();
    // A machine of a developer may have a sound card; then there is nothing to see here.
    if list.microphones.iter().all(|device| device.synthetic) {
        assert_eq!(list.preferred(DeviceKind::Microphone).unwrap().id.as_str(), "silence");
    }
    if list.speakers.iter().all(|device| device.synthetic) {
        assert_eq!(list.preferred(DeviceKind::Speaker).unwrap().id.as_str(), "null");
    }
    for device in [&list.microphones, &list.speakers].into_iter().flatten() {
        assert!(!device.id.as_str().ends_with(":default"), "{device:?}");
    }
    let (end, _heard) = ring(480);
    let default = DeviceId::new("microphone:default");
    let error = devices.open_microphone(&default, end, Box::new(|_| {})).err().unwrap();
    let said = error.to_string();
    assert!(said.contains("microphone"), "{said}");
}
