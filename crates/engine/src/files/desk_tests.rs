//! Two desks, disks and all, over a channel without a network.

use std::path::{Path, PathBuf};

use bytes::BytesMut;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::wire::{CHUNK_BYTES, Control, WINDOW_BYTES, chunk_header, hex};
use super::*;
use crate::api::{FileDirection, FileState};
use crate::notice::Sentence;
use crate::peer::FileMessage;

const LIMIT: Duration = Duration::from_secs(30);

fn peer(number: u8) -> PeerId {
    serde_json::from_str(&format!("\"00000000-0000-4000-8000-0000000000{number:02}\"")).unwrap()
}

/// Somebody with a disk.
struct Person {
    files: Files,
    picked: Picked,
    folder: PathBuf,
}

impl Person {
    fn new(test: &str, name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("maru-desk-{}-{test}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let picked = Picked::default();
        let files = Files::start(Some(folder.clone()), picked.clone(), 7);
        Self { files, picked, folder }
    }

    /// Offers a new file with this content to the other one.
    fn offer(&self, name: &str, bytes: &[u8]) {
        let path = self.folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        let picked = self.picked.add(path).unwrap();
        assert!(self.files.offer(picked.handle, vec![(peer(2), "Bob".into())]));
    }

    /// The first time that the files look like this.
    async fn until<T>(&mut self, what: &str, look: impl Fn(&[FileView]) -> Option<T>) -> T {
        let search = async {
            loop {
                if let Some(found) = look(&self.files.views()) {
                    return found;
                }
                self.files.changed().await;
            }
        };
        match timeout(LIMIT, search).await {
            Ok(found) => found,
            Err(_) => panic!("{what}: {:?}", self.files.views()),
        }
    }

    async fn all_are(&mut self, count: usize, state: FileState) {
        let look = |files: &[FileView]| {
            (files.len() == count && files.iter().all(|file| file.state == state)).then_some(())
        };
        self.until(&format!("{count} files {state:?}"), look).await;
    }

    async fn accept_all(&mut self, count: usize) {
        let offered = |files: &[FileView]| {
            let offered = files.iter().filter(|file| file.direction == FileDirection::Receiving);
            let offered: Vec<_> = offered.map(|file| file.id).collect();
            (offered.len() == count).then_some(offered)
        };
        for file in self.until("offers", offered).await {
            self.files.accept(file);
        }
    }

    fn names(&self) -> Vec<String> {
        names(&self.folder)
    }

    /// Waits until nothing is in the folder; what is not kept is removed by the transfer's own thread.
    async fn keeps_nothing(&self) {
        let gone = async {
            while !self.names().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        timeout(LIMIT, gone).await.expect("the part stays");
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn connect(anna: &Person, ben: &Person, dies_after: usize) -> CancellationToken {
    let (here, there, cut) = FileChannel::pair(dies_after);
    anna.files.channel(peer(2), "Bob".into(), here);
    ben.files.channel(peer(1), "Ada".into(), there);
    cut
}

fn content(bytes: usize, seed: usize) -> Vec<u8> {
    (0..bytes).map(|at| ((at * 31 + seed) ^ (at >> 9)) as u8).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_files_at_once_arrive_as_they_are_under_names_of_their_own() {
    let (mut anna, mut ben) = (Person::new("several", "a"), Person::new("several", "b"));
    let contents = [content(3 << 20, 1), content(CHUNK_BYTES + 1, 2), Vec::new()];
    connect(&anna, &ben, usize::MAX);
    std::fs::write(ben.folder.join("file.bin"), "there before").unwrap();
    for (number, bytes) in contents.iter().enumerate() {
        anna.offer("file.bin", bytes);
        // The next one has the same name: it has to be through before its file is another.
        ben.accept_all(number + 1).await;
        anna.all_are(number + 1, FileState::Done).await;
    }
    ben.all_are(3, FileState::Done).await;
    assert_eq!(ben.names(), ["file (1).bin", "file (2).bin", "file (3).bin", "file.bin"]);
    for (number, bytes) in contents.iter().enumerate() {
        let saved = std::fs::read(ben.folder.join(format!("file ({}).bin", number + 1))).unwrap();
        assert!(saved == *bytes, "file {number} is another one");
    }

    for (number, bytes) in contents.iter().enumerate() {
        anna.offer(&format!("{number}"), bytes);
    }
    ben.accept_all(6).await;
    anna.all_are(6, FileState::Done).await;
    for (number, bytes) in contents.iter().enumerate() {
        assert!(std::fs::read(ben.folder.join(number.to_string())).unwrap() == *bytes, "{number}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_a_new_line_a_file_goes_on_where_it_was() {
    let (mut anna, mut ben) = (Person::new("resume", "a"), Person::new("resume", "b"));
    let bytes = content(8 << 20, 3);
    let messages = (2 << 20) / CHUNK_BYTES;
    let cut = connect(&anna, &ben, messages);
    anna.offer("a.bin", &bytes);
    ben.accept_all(1).await;
    let most = |files: &[FileView]| files.first().map(|file| file.moved).filter(|moved| *moved > 1 << 20);
    let moved = ben.until("some of it", most).await;
    cut.cancel();
    anna.all_are(1, FileState::Waiting).await;
    ben.all_are(1, FileState::Waiting).await;

    // Over the new line only what is missing can be sent.
    connect(&anna, &ben, (bytes.len() - moved as usize) / CHUNK_BYTES + 10);
    anna.all_are(1, FileState::Done).await;
    ben.all_are(1, FileState::Done).await;
    assert!(std::fs::read(ben.folder.join("a.bin")).unwrap() == bytes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_file_leaves_nothing_behind_whoever_cancels_it() {
    for (who, name) in [(0, "sender"), (1, "receiver"), (2, "leaver"), (3, "closing")] {
        let (mut anna, mut ben) = (Person::new(name, "a"), Person::new(name, "b"));
        connect(&anna, &ben, (2 << 20) / CHUNK_BYTES);
        anna.offer("a.bin", &content(8 << 20, 3));
        ben.accept_all(1).await;
        let some = |files: &[FileView]| files.first().filter(|file| file.moved > 0).map(|file| file.id);
        let file = ben.until("some of it", some).await;
        assert_eq!(ben.names(), ["a.bin.part"]);
        match who {
            0 => anna.files.cancel(file),
            1 => ben.files.cancel(file),
            3 => {
                ben.files.close().await;
                assert!(ben.names().is_empty(), "the part stays");
                continue;
            }
            _ => ben.files.gone(peer(1)),
        }
        // The sender's word of it does not get through a dead path.
        let (over, state) = match who {
            0 => (&mut anna, FileState::Cancelled),
            1 => (&mut ben, FileState::Cancelled),
            _ => (&mut ben, FileState::Failed),
        };
        over.all_are(1, state).await;
        if who > 0 {
            ben.keeps_nothing().await;
        }
    }
}

/// A person, and the other end of the line in the test's own hands.
async fn against(test: &str, offer: Control) -> (Person, FileChannel) {
    let mut ben = Person::new(test, "b");
    let (here, there, _) = FileChannel::pair(usize::MAX);
    ben.files.channel(peer(1), "Eve".into(), there);
    assert!(here.send_text(&offer.text()).await);
    ben.accept_all(1).await;
    loop {
        match here.recv().await {
            Some(FileMessage::Text(text))
                if matches!(Control::parse(&text), Some(Control::Accept { .. })) =>
            {
                break;
            }
            Some(_) => {}
            None => panic!("the line is closed"),
        }
    }
    (ben, here)
}

fn chunk(id: u32, offset: u64, bytes: &[u8]) -> BytesMut {
    let mut message = BytesMut::from(&chunk_header(id, offset)[..]);
    message.extend_from_slice(bytes);
    message
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_what_was_offered_is_not_kept() {
    let offer = |size| Control::Offer { id: 5, name: "../x".into(), size };
    let done = |sha256: &str| Control::Done { id: 5, sha256: sha256.into() }.text();
    let zeros = hex(&[0; 32]);

    let (mut ben, eve) = against("wrong-hash", offer(3)).await;
    eve.send(chunk(5, 0, b"abc")).await;
    eve.send_text(&done(&zeros)).await;
    let problem = |files: &[FileView]| files.first()?.problem.clone();
    let said = ben.until("an end", problem).await;
    assert_eq!(said.sentence, Sentence::FileDamaged {});
    ben.keeps_nothing().await;

    let (mut ben, eve) = against("too-short", offer(3)).await;
    eve.send(chunk(5, 0, b"ab")).await;
    eve.send_text(&done(&zeros)).await;
    ben.until("an end", problem).await;
    ben.keeps_nothing().await;

    for (test, at, bytes) in [("beyond", 0, b"abcd".as_slice()), ("ahead", 1, b"b"), ("far", u64::MAX, b"b")]
    {
        let (mut ben, eve) = against(test, offer(3)).await;
        eve.send(chunk(6, 0, b"of no transfer")).await;
        eve.send(BytesMut::from(&b"garbage"[..])).await;
        eve.send(chunk(5, at, bytes)).await;
        let said = ben.until("an end", problem).await;
        assert_eq!(said.sentence, Sentence::FileGarbled { name: "Eve".into() }, "{test}");
        ben.keeps_nothing().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_waits_for_the_receivers_disk() {
    let mut anna = Person::new("window", "a");
    let (here, there, _) = FileChannel::pair(usize::MAX);
    anna.files.channel(peer(2), "Bob".into(), here);
    anna.offer("a.bin", &content(3 * WINDOW_BYTES as usize, 1));
    let mut came = 0;
    let mut wire = None;
    // One that takes the bytes and says nothing of a disk.
    let listen = async {
        while let Some(message) = there.recv().await {
            match message {
                FileMessage::Text(text) => {
                    if let Some(Control::Offer { id, .. }) = Control::parse(&text) {
                        wire = Some(id);
                        there.send_text(&Control::Accept { id, offset: 0 }.text()).await;
                    }
                }
                FileMessage::Binary(bytes) => came += bytes.len() as u64 - 12,
                FileMessage::Open => {}
            }
            if came == WINDOW_BYTES {
                return;
            }
        }
    };
    timeout(LIMIT, listen).await.expect("a window's worth");
    let more = timeout(Duration::from_millis(200), there.recv()).await;
    assert!(more.is_err(), "more than the window is on the way");
    there.send_text(&Control::Got { id: wire.unwrap(), offset: CHUNK_BYTES as u64 }.text()).await;
    let next = timeout(LIMIT, there.recv()).await.unwrap();
    assert!(matches!(next, Some(FileMessage::Binary(_))), "it goes on");
    anna.until("under way", |files| (files[0].state == FileState::Moving).then_some(())).await;
}
