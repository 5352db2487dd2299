//! Machines on one network meet without a server that anybody set up: real programs in network namespaces,
//! with multicast between them. Takes root; without it, each test says that it tested nothing.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use maru_tests::lan::Lan;
use maru_tests::programs::cli;
use serde_json::Value;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(30);
/// How long a call goes on where it matters that it does.
const A_WHILE: Duration = Duration::from_secs(4);
const ROOM: &str = "회의실 on the lan";

/// One network at a time: the machine has other things to do.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    cli(); // built before anything is timed
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A camera whose pictures cost nothing, so that what is measured is the network.
fn camera(folder: &Path) -> String {
    let file = folder.join("small.y4m");
    if !file.exists() {
        let mut film = b"YUV4MPEG2 W64 H48 F30:1 Ip A1:1 C420jpeg\n".to_vec();
        for frame in 0..30_u8 {
            film.extend_from_slice(b"FRAME\n");
            film.extend((0..64 * 48).map(|n| (n % 64) as u8 * 2 + frame * 4));
            film.resize(film.len() + 64 * 48 / 2, 128);
        }
        std::fs::write(&file, film).unwrap();
    }
    format!("file:{}", file.display())
}

/// `maru-cli join` on a machine; ends with the test.
struct Person {
    child: Child,
    said: Receiver<String>,
}

impl Person {
    fn join(lan: &Lan, folder: &Path, machine: u8, name: &str, more: &[&str]) -> Self {
        let mut command = lan.on(machine, cli());
        command.args(["join", ROOM, "--name", name, "--json", "--camera", &camera(folder)]);
        command.args(["--microphone", "tone", "--speaker", "null"]).args(more).env_remove("MARU_NO_LAN");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let errors = BufReader::new(child.stderr.take().unwrap());
        let (sender, said) = channel();
        std::thread::spawn(move || {
            for line in errors.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, said }
    }

    /// Waits for lines with all of these.
    fn sees(&self, wanted: &[&str]) {
        let deadline = Instant::now() + LIMIT;
        let (mut wanted, mut seen) = (wanted.to_vec(), Vec::new());
        while !wanted.is_empty() {
            match self.said.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    wanted.retain(|text| !line.contains(text));
                    seen.push(line);
                }
                Err(_) => panic!("no line with {wanted:?}; there were {seen:#?}"),
            }
        }
    }

    /// Leaves and tells of the call.
    fn leave(mut self) -> Value {
        let _ = writeln!(self.child.stdin.as_mut().unwrap(), "/quit");
        let mut report = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut report).unwrap();
        assert!(self.child.wait().unwrap().success());
        serde_json::from_str(&report).unwrap()
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn peer<'a>(report: &'a Value, name: &str) -> &'a Value {
    let all = report["peers"].as_array().unwrap().iter().filter(|peer| peer["name"] == name);
    let [peer] = all.collect::<Vec<_>>()[..] else { panic!("not once {name}: {report}") };
    peer
}

/// Nothing that the person would notice happened to what came from `name` for at least `time`.
fn assert_uninterrupted(report: &Value, name: &str, time: Duration) {
    let peer = peer(report, name);
    let (video, audio) = (&peer["video"], &peer["audio"]);
    println!(
        "{name} as seen by {}: {} frames, {} freezes of {} ms in all, {} of the sound made up",
        report["me"]["name"], video["frames"], video["freezes"], video["frozen_ms"], audio["concealed_ratio"]
    );
    assert_eq!(peer["negotiations"], 1, "the connection is the first one still: {peer}");
    // Pictures may be fewer where other programs take the processors; sound is not.
    assert!(video["frames"].as_f64().unwrap() > 10.0 * time.as_secs_f64(), "{video}");
    assert!(
        audio["stats"]["totalSamplesReceived"].as_f64().unwrap() > 47_000.0 * time.as_secs_f64(),
        "{audio}"
    );
    assert!(audio["concealed_ratio"].as_f64().unwrap() < 0.05, "{audio}");
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn contains(packets: &[u8], text: &str) -> bool {
    packets.windows(text.len()).any(|bytes| bytes.eq_ignore_ascii_case(text.as_bytes()))
}

#[test]
fn who_types_the_same_room_meets_and_nobody_can_read_its_name_on_the_network() {
    let _alone = alone();
    let Some(lan) = Lan::new(2) else { return };
    let folder = folder();
    let recording = lan.listen(folder.path());
    let ada = Person::join(&lan, folder.path(), 0, "Ada Lovelace", &[]);
    ada.sees(&["You are the first one here."]);
    let bo = Person::join(&lan, folder.path(), 1, "Bo", &[]);
    ada.sees(&["* Bo is here"]);
    bo.sees(&["* Ada Lovelace is here"]);
    std::thread::sleep(A_WHILE);
    assert!(peer(&bo.leave(), "Ada Lovelace")["first_frame_ms"].is_number());
    ada.sees(&["* Bo left"]);
    ada.leave();

    let packets = recording.end();
    assert!(contains(&packets, "\u{5}_maru\u{4}_tcp"), "the recording has what is advertised");
    let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    let machine = Some(host.trim()).filter(|name| name.len() > 3);
    for secret in [Some(ROOM), Some("회의실"), Some("Lovelace"), machine].into_iter().flatten() {
        assert!(!contains(&packets, secret), "{secret} was sent in the clear");
    }
}

#[test]
fn all_who_start_at_the_same_moment_meet() {
    let _alone = alone();
    let Some(lan) = Lan::new(3) else { return };
    let folder = folder();
    let names = ["Ada", "Bo", "Cy"];
    let began = Instant::now();
    let people: Vec<Person> =
        (0..3).map(|n| Person::join(&lan, folder.path(), n, names[usize::from(n)], &[])).collect();
    for (person, name) in people.iter().zip(names) {
        let others = names.iter().filter(|other| **other != name).map(|other| format!("* {other} is here"));
        person.sees(&others.collect::<Vec<_>>().iter().map(String::as_str).collect::<Vec<_>>());
    }
    println!("three machines met within {:?} of their start", began.elapsed());
}

#[test]
fn the_host_leaves_and_the_others_go_on_and_can_be_joined() {
    the_host_goes(|ada| drop(ada.leave()));
}

#[test]
fn the_host_is_killed_and_the_others_go_on_and_can_be_joined() {
    the_host_goes(|mut ada| ada.child.kill().unwrap());
}

fn the_host_goes(go: impl FnOnce(Person)) {
    let _alone = alone();
    let Some(lan) = Lan::new(4) else { return };
    let folder = folder();
    let join = |machine, name| Person::join(&lan, folder.path(), machine, name, &[]);
    let ada = join(0, "Ada");
    ada.sees(&["You are the first one here."]);
    let (bo, cy) = (join(1, "Bo"), join(2, "Cy"));
    bo.sees(&["* Ada is here", "* Cy is here"]);
    cy.sees(&["* Ada is here", "* Bo is here"]);
    let met = Instant::now();
    std::thread::sleep(Duration::from_secs(1));
    go(ada);
    bo.sees(&["* Ada left"]);
    cy.sees(&["* Ada left"]);
    std::thread::sleep(A_WHILE);
    let dora = join(3, "Dora");
    dora.sees(&["* Bo is here", "* Cy is here"]);
    bo.sees(&["* Dora is here"]);
    cy.sees(&["* Dora is here"]);
    let time = met.elapsed();
    assert_uninterrupted(&bo.leave(), "Cy", time);
    assert_uninterrupted(&cy.leave(), "Bo", time);
}

#[test]
fn switched_off_nothing_is_said_or_asked_and_nobody_is_met() {
    let _alone = alone();
    let Some(lan) = Lan::new(2) else { return };
    let folder = folder();
    let recording = lan.listen(folder.path());
    let ada = Person::join(&lan, folder.path(), 0, "Ada", &["--no-lan"]);
    let bo = Person::join(&lan, folder.path(), 1, "Bo", &["--no-lan"]);
    for person in [&ada, &bo] {
        person.sees(&["You are the first one here."]);
    }
    std::thread::sleep(Duration::from_secs(2));
    for person in [ada, bo] {
        assert_eq!(person.leave()["peers"].as_array().unwrap().len(), 0);
    }
    assert!(!contains(&recording.end(), "_maru"));
}
