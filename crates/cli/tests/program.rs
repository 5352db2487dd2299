//! The program as a person runs it: its output, its exit status, its answers to bad input.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio_util::sync::CancellationToken;

const PROGRAM: &str = env!("CARGO_BIN_EXE_maru-cli");
const LIMIT: Duration = Duration::from_secs(60);
/// The issue of a participant that vanishes: told to the others within this time.
const VANISHED: Duration = Duration::from_secs(10);
/// Until who does not come back is gone: fifteen seconds after its path fell silent, and some for a busy machine.
const GIVEN_UP: Duration = Duration::from_secs(25);

/// One call at a time: two cores carry no more in a debug build.
static MACHINE: Mutex<()> = Mutex::new(());

fn machine() -> MutexGuard<'static, ()> {
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A server for the test, on a thread of its own.
struct Server {
    url: String,
    stop: CancellationToken,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Server {
    fn start() -> Self {
        let stop = CancellationToken::new();
        let (bound, url) = channel();
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            tokio::runtime::Runtime::new().unwrap().block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                bound.send(format!("ws://{}", listener.local_addr().unwrap())).unwrap();
                maru_signaling::run(listener, stopped.cancelled_owned()).await.unwrap();
            });
        });
        Self { url: url.recv().unwrap(), stop, thread: Some(thread) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A running `maru-cli join` whose standard output is read line by line; ends with the test.
struct Participant {
    child: Child,
    lines: Receiver<String>,
}

impl Participant {
    fn join(server: &Server, name: &str) -> Self {
        Self::start(&["room", "--server", &server.url], name)
    }

    fn start(place: &[&str], name: &str) -> Self {
        let mut child = Command::new(PROGRAM)
            .arg("join")
            .args(place)
            .args(["--name", name, "--camera", "test-pattern"])
            .args(["--microphone", "tone", "--speaker", "null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    fn type_line(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Waits for a line with `text`.
    fn see(&self, text: &str, limit: Duration) {
        let deadline = Instant::now() + limit;
        let mut seen = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            if line.contains(text) {
                return;
            }
            seen.push(line);
        }
        panic!("no line with {text:?} within {limit:?}; there were {seen:?}");
    }
}

impl Drop for Participant {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(args: &[&str]) -> Output {
    Command::new(PROGRAM).args(args).stdin(Stdio::null()).output().unwrap()
}

/// The sentence that a failing call prints.
fn failure(args: &[&str]) -> String {
    let output = run(args);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{args:?} succeeded: {text}");
    assert!(!text.contains("panicked"), "{text}");
    assert!(output.stdout.is_empty(), "{args:?} wrote to standard output");
    text
}

#[test]
fn a_demo_ends_well_and_prints_exactly_one_object() {
    let _machine = machine();
    let dir = tempfile::tempdir().unwrap();
    let output = run(&["demo", "--seconds", "4", "--json", "--snapshot", dir.path().to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let participants = report["participants"].as_array().unwrap();
    assert_eq!(participants.len(), 2);
    for participant in participants {
        assert_eq!(participant["room"], "demo");
        assert_eq!(participant["sent"]["video"]["encoders"], 1);
        assert!(participant["cpu_s"].as_f64().unwrap() > 0.0);
        assert!(participant["wall_s"].as_f64().unwrap() >= 4.0);
        assert!(participant["joined_ms"].is_number());
        let peer = &participant["peers"][0];
        assert!(peer["first_frame_ms"].is_number() && peer["connected_ms"].is_number());
        assert_eq!(peer["candidate_pair"]["protocol"], "udp");
        assert_eq!((&peer["video"]["codec"], &peer["audio"]["codec"]), (&"H264".into(), &"opus".into()));
        assert!(peer["video"]["latency_ms"]["p50"].as_f64().unwrap() < 1000.0);
        assert!(peer["video"]["frames"].as_u64().unwrap() > 10);
        assert!(peer["audio"]["level_dbfs"].as_f64().unwrap() > -45.0);
        for key in ["concealed_ratio", "jitter_buffer_ms", "jitter_buffer_target_ms"] {
            assert!(peer["audio"][key].is_number(), "{key}");
        }
        for key in ["concealedSamples", "concealmentEvents", "insertedSamplesForDeceleration"] {
            assert!(peer["audio"]["stats"][key].is_u64(), "{key}");
        }
        assert!(peer["audio"]["stats"]["jitterBufferEmittedCount"].as_u64().unwrap() > 48_000);
        assert!(peer["video"]["sound_lag_ms"]["late_p99"].is_number(), "{peer}");
        for key in ["width", "height", "fps", "freezes", "frozen_ms", "key_frames", "packets_lost"] {
            assert!(peer["video"][key].is_number(), "{key}");
        }
    }
    let pictures: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(pictures.len(), 2);
    for picture in pictures {
        let start = std::fs::read(picture).unwrap();
        assert_eq!(&start[1..4], b"PNG");
    }
}

#[test]
fn typed_lines_are_chat_and_commands_are_obeyed() {
    let _machine = machine();
    let server = Server::start();
    let mut anna = Participant::join(&server, "Anna");
    anna.see("You are the first one here.", LIMIT);
    let mut bo = Participant::join(&server, "Bo");
    anna.see("* Bo is here", LIMIT);
    bo.see("* Anna is here", LIMIT);
    anna.type_line("good morning, 보");
    bo.see("Anna: good morning, 보", LIMIT);
    bo.type_line("/devices");
    bo.see("* camera: ", LIMIT);
    bo.type_line("/quit");
    anna.see("* Bo left", LIMIT);
    assert!(bo.child.wait().unwrap().success());
}

#[test]
fn whoever_pastes_an_invite_meets_whoever_typed_the_rooms_name() {
    let _machine = machine();
    let server = Server::start();
    let anna = Participant::join(&server, "Anna");
    anna.see("first one here", LIMIT);
    let invite = format!("{}/room", server.url.replacen("ws:", "http:", 1));
    let bo = Participant::start(&[&invite], "Bo");
    anna.see("* Bo is here", LIMIT);
    bo.see("* Anna is here", LIMIT);
    for (args, sentence) in [
        (vec!["join", "maru://127.0.0.1:1"], "The invite names no room."),
        (vec!["join", "https://a b/room"], "“a b” in the invite is not a server's address."),
        (vec!["join", &invite, "--server", &server.url], "An invite names its own server"),
        (
            vec!["join", "http://127.0.0.1:9/room"],
            "The server 127.0.0.1:9 cannot be reached (nothing listens there)",
        ),
    ] {
        let text = failure(&args);
        assert!(text.contains(sentence), "{text}");
    }
}

#[test]
fn a_participant_whose_process_is_killed_is_missed_within_ten_seconds_and_then_given_up() {
    let _machine = machine();
    let server = Server::start();
    let anna = Participant::join(&server, "Anna");
    anna.see("first one here", LIMIT);
    let mut bo = Participant::join(&server, "Bo");
    anna.see("* Bo is here", LIMIT);
    bo.child.kill().unwrap();
    anna.see("* Bo is reconnecting", VANISHED);
    // It may have been its network, which may come back.
    anna.see("* Bo left", GIVEN_UP);
}

#[test]
fn bad_names_and_servers_are_answered_with_a_sentence() {
    let server = Server::start();
    let url = server.url.as_str();
    let long = "회".repeat(65);
    let table: &[(&[&str], &str)] = &[
        (&["join", "", "--server", url], "The room name is empty"),
        (&["join", &long, "--server", url], "has 65 characters. 64 is the most"),
        (&["join", "a\u{7}b", "--server", url], "control character"),
        (&["join", "room", "--name", " ", "--server", url], "The display name is empty"),
        (&["join", "room", "--server", "nowhere"], "is not a server address"),
        (&["join", "room", "--server", "https://example.org"], "starts with ws:// or wss://"),
        (&["join", "room", "--server", "ws://127.0.0.1:1"], "cannot be reached"),
        (&["join", "room", "--server", url, "--seconds", "-1"], "a number from 0.01"),
        (&["demo", "--participants", "1"], "2..=16"),
    ];
    for (args, expected) in table {
        let text = failure(args);
        assert!(text.contains(expected), "{args:?} gave {text:?}");
    }
}

#[test]
fn a_server_whose_certificate_nobody_trusts_is_refused() {
    // Any TLS server will do whose certificate is none: this one answers the hello with nonsense.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("wss://{}", listener.local_addr().unwrap());
    let answering = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let text = failure(&["join", "room", "--server", &url]);
    assert!(text.contains("trust"), "{text}");
    answering.join().unwrap();
}

#[test]
fn devices_and_files_that_do_not_work_are_named_and_the_call_goes_on_without_them() {
    let _machine = machine();
    let server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str, content: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        format!("file:{}", path.display())
    };
    let missing = format!("file:{}", dir.path().join("missing.y4m").display());
    let odd = path("odd.y4m", b"this is no video");
    let short = path("short.wav", b"RIFF\x24\0\0\0WAVE");
    let table = [
        ("--camera", missing.as_str(), "missing.y4m"),
        ("--camera", odd.as_str(), "odd.y4m"),
        ("--microphone", short.as_str(), "short.wav"),
        ("--camera", "camera:none-such", "There is no camera “camera:none-such”"),
        ("--microphone", "microphone:none-such", "There is no microphone “microphone:none-such”"),
        ("--speaker", "speaker:none-such", "There is no speaker “speaker:none-such”"),
    ];
    for (option, id, expected) in table {
        let output = run(&["join", "room", "--server", &server.url, "--seconds", "1", option, id]);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{option} {id}: {text}");
        assert!(text.contains(expected) && !text.contains("panicked"), "{option} {id}: {text}");
    }
}

#[test]
fn the_devices_are_listed_for_people_and_for_programs() {
    let output = run(&["devices"]);
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("Cameras"));
    let list: Value = serde_json::from_slice(&run(&["devices", "--json"]).stdout).unwrap();
    for kind in ["cameras", "microphones", "speakers"] {
        let devices = list[kind].as_array().unwrap();
        assert!(
            devices.iter().all(|device| device["id"].is_string() && device["name"].is_string()),
            "{kind}"
        );
        assert!(!devices.is_empty(), "{kind}: without a real one there is a stand-in");
    }
}

#[test]
fn a_snapshot_folder_that_cannot_be_made_is_named() {
    let _machine = machine();
    let server = Server::start();
    let file = tempfile::NamedTempFile::new().unwrap();
    let dir = Path::new(file.path()).join("below-a-file");
    let output = run(&[
        "join",
        "room",
        "--server",
        &server.url,
        "--seconds",
        "1",
        "--snapshot",
        dir.to_str().unwrap(),
    ]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot be made"));
}
