//! How fast a large file is beside a call, and what becomes of the call: `cargo xtask bench files`.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Read, Write as _};
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use maru_tests::process::Group;
use maru_tests::programs;
use maru_tests::server::LocalServer;
use maru_tests::usage::{ComputingTime, memory_mb};
use maru_tests::wait::eventually;
use serde_json::Value;
use tempfile::TempDir;

const BYTES: u64 = 1_000_000_000;
/// The call goes on for so long before the file.
const BEFORE: Duration = Duration::from_secs(10);
const LIMIT: Duration = Duration::from_secs(180);
const ROOM: &str = "files";

/// A report, when it was made, and the memory held then.
type Report = (Instant, Value, f64);

/// `maru-cli` in a call with camera and microphone, and what it says.
struct Caller {
    program: Group,
    typed: ChildStdin,
    said: Arc<Mutex<Vec<String>>>,
    reports: Arc<Mutex<Vec<Report>>>,
}

impl Caller {
    fn join(server: &str, name: &str, downloads: &Path) -> Self {
        let mut command = Command::new(programs::cli());
        command.args(["join", ROOM, "--server", server, "--name", name, "--json-every", "0.5"]);
        command.args(["--camera", "test-pattern", "--microphone", "tone", "--speaker", "null"]);
        command.arg("--accept-files").arg("--downloads").arg(downloads);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut program = Group::start(command);
        let process = program.id();
        let typed = program.leader().stdin.take().unwrap();
        let (said, reports) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<Mutex<Vec<Report>>>::default());
        let kept = Arc::clone(&said);
        read(program.leader().stderr.take().unwrap(), move |line| kept.lock().unwrap().push(line));
        let kept = Arc::clone(&reports);
        read(program.leader().stdout.take().unwrap(), move |line| {
            let report = (Instant::now(), serde_json::from_str(&line).unwrap(), memory_mb(process));
            kept.lock().unwrap().push(report);
        });
        Self { program, typed, said, reports }
    }

    async fn says(&self, what: &str) {
        eventually(what, LIMIT, async || {
            self.said.lock().unwrap().iter().any(|line| line.contains(what)).then_some(())
        })
        .await;
    }

    /// What the reports between these two moments say.
    fn between(&self, from: Instant, to: Instant) -> Span {
        let reports = self.reports.lock().unwrap();
        let within: Vec<&Report> = reports.iter().filter(|(at, ..)| (from..=to).contains(at)).collect();
        let [first, .., last] = within[..] else { panic!("too few reports") };
        let count = |report: &Report, what: &str| report.1["peers"][0]["video"][what].as_f64().unwrap();
        let seconds = (last.0 - first.0).as_secs_f64();
        Span {
            fps: (count(last, "frames") - count(first, "frames")) / seconds,
            frozen_ms: count(last, "frozen_ms") - count(first, "frozen_ms"),
            memory_mb: within.iter().map(|report| report.2).fold(0.0, f64::max),
        }
    }
}

/// A part of the call as one of the two sees it.
struct Span {
    fps: f64,
    frozen_ms: f64,
    /// The most.
    memory_mb: f64,
}

fn read(from: impl Read + Send + 'static, mut line: impl FnMut(String) + Send + 'static) {
    std::thread::spawn(move || BufReader::new(from).lines().map_while(Result::ok).for_each(&mut line));
}

/// A file whose content is nowhere the same.
fn write(path: &Path, bytes: u64) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..bytes / 8 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        file.write_all(&state.to_le_bytes()).unwrap();
    }
    file.flush().unwrap();
}

/// By a program that shares no code with Maru.
fn sha256(path: &Path) -> String {
    let sum = Command::new("sha256sum").arg(path).output().unwrap();
    assert!(sum.status.success(), "sha256sum fails");
    String::from_utf8_lossy(&sum.stdout).split_whitespace().next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a figure: cargo xtask bench files"]
async fn figures_of_a_gigabyte_beside_a_call() {
    let folder = TempDir::new().unwrap();
    let (sent, downloads) = (folder.path().join("a.bin"), folder.path().join("downloads"));
    write(&sent, BYTES);
    let expected = sha256(&sent);
    let server = LocalServer::start();
    let ben = Caller::join(&server.url(), "Ben", &downloads);
    ben.says("You are the first one here").await;
    let mut anna = Caller::join(&server.url(), "Anna", folder.path());
    ben.says("* Anna is here").await;
    anna.says("* Ben is here").await;

    println!(
        "{} MB from one maru-cli to another on loopback, beside a call with camera and microphone",
        BYTES / 1_000_000
    );
    println!(
        "|  | pictures a second | frozen | most memory | computing time of both |\n|---|---|---|---|---|"
    );
    let row = |when: &str, from: Instant, percent: f64| {
        let to = Instant::now();
        for (name, span) in [("sender", anna.between(from, to)), ("receiver", ben.between(from, to))] {
            println!(
                "| {name}, {when} | {:.1} | {:.0} ms | {:.0} MB | {percent:.0} % of a core |",
                span.fps, span.frozen_ms, span.memory_mb
            );
        }
    };
    let processes = [anna.program.id(), ben.program.id()];
    let (begun, computing) = (Instant::now(), ComputingTime::of(&processes));
    tokio::time::sleep(BEFORE).await; // a part of the call without the file
    row("before", begun, computing.percent());

    let (begun, computing) = (Instant::now(), ComputingTime::of(&processes));
    writeln!(&anna.typed, "/send {}", sent.display()).unwrap();
    ben.says("saved as “a.bin”").await;
    let took = begun.elapsed().as_secs_f64();
    row("during", begun, computing.percent());
    println!("{:.1} s: {:.1} MB/s (goal: 40)", took, BYTES as f64 / 1e6 / took);

    assert_eq!(sha256(&downloads.join("a.bin")), expected);
    let same = Command::new("cmp").arg(&sent).arg(downloads.join("a.bin")).status().unwrap();
    assert!(same.success(), "another file");
    println!("SHA-256 and every byte are the same");
    writeln!(anna.typed, "/quit").unwrap();
    ben.says("* Anna left").await;
}
