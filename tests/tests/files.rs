//! Files between participants over real connections: what arrives is what was sent, whatever happens on the way.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use maru_engine::{Command, FileDirection, FileState, FileView, PeerState};
use maru_tests::participant::Participant;
use maru_tests::server::LocalServer;
use maru_tests::wait::eventually;
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};

/// One call at a time: two cores carry no more in a debug build.
static MACHINE: Mutex<()> = Mutex::const_new(());

const LIMIT: Duration = Duration::from_secs(60);
const ROOM: &str = "files";

/// Two people in a room, and a folder of files.
struct Pair {
    anna: Participant,
    ben: Participant,
    folder: TempDir,
    _server: LocalServer,
    _machine: MutexGuard<'static, ()>,
}

impl Pair {
    async fn new() -> Self {
        let machine = MACHINE.lock().await;
        let server = LocalServer::start();
        let anna = Participant::join(&server.url(), ROOM, "Anna").await;
        let ben = Participant::join(&server.url(), ROOM, "Ben").await;
        for (person, other) in [(&anna, "Ben"), (&ben, "Anna")] {
            person
                .until_peer("connected", other, |peer| peer.state == PeerState::Connected && peer.takes_files)
                .await;
        }
        Self { anna, ben, folder: TempDir::new().unwrap(), _server: server, _machine: machine }
    }

    fn file(&self, name: &str, bytes: usize) -> PathBuf {
        file(self.folder.path(), name, bytes)
    }

    async fn end(self) {
        self.anna.leave().await;
        self.ben.leave().await;
    }
}

/// A file whose content is nowhere the same.
fn file(folder: &Path, name: &str, bytes: usize) -> PathBuf {
    let mut state = 0x2545_f491_4f6c_dd1d_u64 ^ bytes as u64;
    let words = std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    let content: Vec<u8> = words.flatten().take(bytes).collect();
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    path
}

async fn offer(person: &Participant, path: &Path) {
    let picked = person.engine().pick_file(path.to_owned()).unwrap();
    person.command(Command::OfferFile { handle: picked.handle }).await;
}

/// The first view of a file by this name that looks so.
async fn until(person: &Participant, name: &str, what: &str, look: impl Fn(&FileView) -> bool) -> FileView {
    person.until(what, |view| view.files.iter().find(|file| file.name == name && look(file)).cloned()).await
}

async fn accept(person: &Participant, name: &str) {
    let offered = until(person, name, "an offer", |file| {
        file.state == FileState::Offered && file.direction == FileDirection::Receiving
    });
    let id = offered.await.id;
    person.command(Command::AcceptFile { id }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_go_both_ways_at_once_and_chat_does_not_wait_for_them() {
    let pair = Pair::new().await;
    let (one, two) = (pair.file("one.bin", 12 << 20), pair.file("둘.bin", 3 << 20));
    offer(&pair.anna, &one).await;
    offer(&pair.ben, &two).await;
    let offered = until(&pair.ben, "one.bin", "an offer", |_| true).await;
    assert_eq!((offered.size, offered.peer_name.as_str()), (12 << 20, "Anna"));
    assert_eq!(std::fs::read_dir(pair.ben.downloads()).unwrap().count(), 0, "nobody accepted anything");
    accept(&pair.ben, "one.bin").await;
    accept(&pair.anna, "둘.bin").await;
    until(&pair.ben, "one.bin", "some of it", |file| file.moved > 0 && file.state == FileState::Moving).await;
    pair.anna.command(Command::SendChat { text: "in between".into() }).await;
    pair.ben.until("the message", |view| (!view.chat.is_empty()).then_some(())).await;
    let meanwhile = pair.ben.engine().view();
    let state = meanwhile.files.iter().find(|file| file.name == "one.bin").unwrap().state;
    assert_eq!(state, FileState::Moving, "the message came behind the file");

    for (person, name, sent) in [(&pair.ben, "one.bin", &one), (&pair.anna, "둘.bin", &two)] {
        let done = until(person, name, "done", |file| file.state == FileState::Done).await;
        assert_eq!(done.saved_as.as_deref(), Some(name));
        let same = std::fs::read(person.downloads().join(name)).unwrap() == std::fs::read(sent).unwrap();
        assert!(same, "{name} is another one");
    }
    until(&pair.anna, "one.bin", "done", |file| file.state == FileState::Done).await;
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_declined_or_cancelled_by_either_side_and_nothing_stays_of_it() {
    let pair = Pair::new().await;
    let path = pair.file("a.bin", 64 << 20);
    for name in ["declined", "by sender", "by receiver"] {
        let count = pair.ben.engine().view().files.len() + 1;
        offer(&pair.anna, &path).await;
        let newest = |view: &maru_engine::CallView| view.files.get(count - 1).cloned();
        let (mine, theirs) =
            (pair.anna.until("mine", newest).await.id, pair.ben.until("theirs", newest).await.id);
        if name == "declined" {
            pair.ben.command(Command::CancelFile { id: theirs }).await;
        } else {
            pair.ben.command(Command::AcceptFile { id: theirs }).await;
            pair.ben.until("some of it", |view| newest(view).filter(|file| file.moved > 0)).await;
            let (who, id) = if name == "by sender" { (&pair.anna, mine) } else { (&pair.ben, theirs) };
            who.command(Command::CancelFile { id }).await;
        }
        let state = if name == "declined" { FileState::Declined } else { FileState::Cancelled };
        for person in [&pair.anna, &pair.ben] {
            person.until(name, |view| newest(view).filter(|file| file.state == state)).await;
        }
        eventually("nothing left", LIMIT, async || {
            (std::fs::read_dir(pair.ben.downloads()).unwrap().count() == 0).then_some(())
        })
        .await;
    }
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_ends_what_was_under_way_and_that_is_said() {
    let pair = Pair::new().await;
    offer(&pair.anna, &pair.file("a.bin", 64 << 20)).await;
    accept(&pair.ben, "a.bin").await;
    until(&pair.ben, "a.bin", "some of it", |file| file.moved > 0).await;
    pair.anna.leave().await;
    let failed = until(&pair.ben, "a.bin", "an end", |file| file.state == FileState::Failed).await;
    assert!(failed.problem.unwrap().text.contains("Anna left"));
    pair.ben.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_anybody_who_could_take_a_file_that_is_said() {
    let _machine = MACHINE.lock().await;
    let server = LocalServer::start();
    let alone = Participant::join(&server.url(), ROOM, "Anna").await;
    let folder = TempDir::new().unwrap();
    offer(&alone, &file(folder.path(), "a.bin", 10)).await;
    let said = |view: &maru_engine::CallView| view.notice.clone().map(|notice| notice.text);
    assert!(alone.until("a notice", said).await.contains("Nobody is connected"));
    alone.command(Command::DismissNotice).await;
    alone.until("no notice", |view| view.notice.is_none().then_some(())).await;
    alone.leave().await;
}

#[cfg(target_os = "linux")]
mod programs {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::process::{ChildStdin, Stdio};
    use std::sync::{Arc, Mutex};

    use maru_tests::faults::Scene;
    use maru_tests::process::Group;
    use maru_tests::programs;

    use super::*;

    /// `maru-cli` in a room, and what it says.
    struct Terminal {
        _program: Group,
        typed: ChildStdin,
        lines: Arc<Mutex<Vec<String>>>,
        downloads: TempDir,
    }

    impl Terminal {
        fn join(server: &str, name: &str, arguments: &[&str]) -> Self {
            let downloads = TempDir::new().unwrap();
            let mut command = std::process::Command::new(programs::cli());
            command.args(["join", ROOM, "--server", server, "--name", name]);
            command.args(["--camera", "none", "--microphone", "none", "--speaker", "none"]);
            command.arg("--downloads").arg(downloads.path()).args(arguments);
            let mut program = Group::start(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
            let typed = program.leader().stdin.take().unwrap();
            let said = program.leader().stdout.take().unwrap();
            let lines: Arc<Mutex<Vec<String>>> = Arc::default();
            let kept = Arc::clone(&lines);
            std::thread::spawn(move || {
                for line in BufReader::new(said).lines().map_while(Result::ok) {
                    kept.lock().unwrap().push(line);
                }
            });
            Self { _program: program, typed, lines, downloads }
        }

        async fn says(&self, what: &str) -> String {
            eventually(what, LIMIT, async || {
                self.lines.lock().unwrap().iter().find(|line| line.contains(what)).cloned()
            })
            .await
        }

        fn types(&mut self, line: &str) {
            writeln!(self.typed, "{line}").unwrap();
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn terminals_send_each_other_files_that_are_asked_for_by_number() {
        let _machine = MACHINE.lock().await;
        let server = LocalServer::start();
        let folder = TempDir::new().unwrap();
        let sent = file(folder.path(), "a b.bin", 2 << 20);
        let mut ben = Terminal::join(&server.url(), "Ben", &[]);
        ben.says("You are the first one here").await;
        let mut anna =
            Terminal::join(&server.url(), "Anna", &["--accept-files", "--send", sent.to_str().unwrap()]);
        let offered = ben.says("/accept 1 or /cancel 1").await;
        assert!(offered.contains("“a b.bin”") && offered.contains("Anna"), "{offered}");
        ben.types("/accept 1");
        ben.says("saved as “a b.bin”").await;
        anna.says("“a b.bin”: sent").await;
        let came = std::fs::read(ben.downloads.path().join("a b.bin")).unwrap();
        assert!(came == std::fs::read(&sent).unwrap());

        ben.types(&format!("/send {}", sent.display()));
        anna.says("saved as “a b.bin”").await;
        assert!(std::fs::read(anna.downloads.path().join("a b.bin")).unwrap() == came);
        anna.types("/quit");
        ben.says("* Anna left").await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_file_goes_on_by_itself_after_a_path_that_was_cut() {
        let _machine = MACHINE.lock().await;
        let folder = TempDir::new().unwrap();
        let downloads = folder.path().join("downloads");
        let sent = file(folder.path(), "a.bin", 96 << 20);
        let arguments =
            ["--accept-files", "--downloads", downloads.to_str().unwrap(), "--send", sent.to_str().unwrap()];
        let Some(scene) = Scene::begin_without(&[], &arguments).await else { return };
        let some = async || {
            let part = downloads.join("a.bin.part").metadata().ok()?;
            (part.len() > 1 << 20).then_some(())
        };
        eventually("some of the file", LIMIT, some).await;
        let path = format!("ip saddr {} ip daddr {}", scene.annas.address, scene.bens.address);
        scene.network.lose(&[path]);
        tokio::time::sleep(Duration::from_secs(4)).await; // what is tried is a gap of this length
        assert!(!downloads.join("a.bin").exists(), "it was through before the path was cut");
        scene.network.heal();
        // Both send it.
        for name in ["a.bin", "a (1).bin"] {
            eventually("the whole file", 2 * LIMIT, async || downloads.join(name).exists().then_some(()))
                .await;
            eventually("no part of it", LIMIT, async || {
                let whole = downloads.join(name).metadata().ok()?;
                (whole.len() == 96 << 20).then_some(())
            })
            .await;
            assert!(std::fs::read(downloads.join(name)).unwrap() == std::fs::read(&sent).unwrap(), "{name}");
        }
    }
}
