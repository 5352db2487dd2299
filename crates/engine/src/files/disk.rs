//! Files on the disk: one thread reads what is sent, one writes what comes, each for one transfer and a few
//! pieces at a time. They refuse to know peers and channels.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use ring::digest::{Context, SHA256};
use tokio::sync::mpsc;

use super::name::numbered;
use super::problems::{damaged, not_a_file, unreadable, unwritable, vanished};
use super::wire::{CHUNK_BYTES, CHUNK_HEADER_BYTES, GOT_EVERY_BYTES, Refusal, chunk_header, hex};
use crate::notice::Problem;

/// Names tried until one is free.
const NUMBERS: u32 = 1000;
/// Bytes that are read from the disk at once.
const READ_BYTES: usize = 8 * CHUNK_BYTES;

/// A file that a person picked, as it was then.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    path: PathBuf,
    pub name: String,
    pub size: u64,
    modified: Option<SystemTime>,
}

impl Source {
    /// Looks at a file. Blocks on the disk.
    ///
    /// # Errors
    /// When it is no file, or may not be read.
    pub fn open(path: PathBuf) -> Result<Self, Problem> {
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let looked = File::open(&path).and_then(|file| file.metadata());
        match looked {
            Ok(metadata) if metadata.is_file() => {
                Ok(Self { path, name, size: metadata.len(), modified: metadata.modified().ok() })
            }
            Ok(_) => Err(not_a_file(name)),
            Err(error) => Err(unreadable(&name, &error)),
        }
    }

    /// The file, if it is still the one that was picked.
    fn reopen(&self) -> Result<File, Problem> {
        let file = File::open(&self.path).map_err(|error| unreadable(&self.name, &error))?;
        let metadata = file.metadata().map_err(|error| unreadable(&self.name, &error))?;
        let same = metadata.len() == self.size && metadata.modified().ok() == self.modified;
        if same { Ok(file) } else { Err(vanished(&self.name)) }
    }
}

/// The digest of a file's beginning: it grows with what is read, and outlasts a line that breaks.
pub(crate) struct Digest {
    context: Context,
    bytes: u64,
}

impl Default for Digest {
    fn default() -> Self {
        Self { context: Context::new(&SHA256), bytes: 0 }
    }
}

impl Digest {
    /// Takes in bytes that belong at an offset; those that it has already count once.
    fn add(&mut self, offset: u64, bytes: &[u8]) {
        let known = usize::try_from(self.bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
        if let Some(new) = bytes.get(known..) {
            self.context.update(new);
            self.bytes += new.len() as u64;
        }
    }

    fn value(&self) -> [u8; 32] {
        let mut value = [0; 32];
        value.copy_from_slice(self.context.clone().finish().as_ref());
        value
    }
}

/// A piece of a file that is sent.
pub(crate) enum Piece {
    /// A whole message, and the offset at which its bytes end.
    Chunk { message: BytesMut, end: u64 },
    /// That was all: its SHA-256.
    End { sha256: String },
    /// It cannot be read.
    Failed(Problem),
}

/// Reads a file from an offset to its end. Blocks: a thread's work. Stops when nobody takes the pieces.
pub(crate) fn read(
    source: &Source,
    digest: &Mutex<Digest>,
    wire: u32,
    offset: u64,
    pieces: &mpsc::Sender<Piece>,
) {
    let last = match read_pieces(source, digest, wire, offset, pieces) {
        Ok(true) => Piece::End { sha256: hex(&digest.lock().value()) },
        Ok(false) => return,
        Err(problem) => Piece::Failed(problem),
    };
    let _ = pieces.blocking_send(last); // nobody is interested any more
}

/// False when nobody takes them.
fn read_pieces(
    source: &Source,
    digest: &Mutex<Digest>,
    wire: u32,
    offset: u64,
    pieces: &mpsc::Sender<Piece>,
) -> Result<bool, Problem> {
    let mut file = source.reopen()?;
    let failed = |error: io::Error| unreadable(&source.name, &error);
    // The digest needs what comes before, too: as a rule it has that.
    let mut at = digest.lock().bytes.min(offset);
    file.seek(SeekFrom::Start(at)).map_err(failed)?;
    let mut block = vec![0; READ_BYTES];
    while at < source.size {
        let wanted = READ_BYTES.min(usize::try_from(source.size - at).unwrap_or(READ_BYTES));
        let read = match file.read(&mut block[..wanted]) {
            Ok(0) => return Err(vanished(&source.name)), // it was cut short meanwhile
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(failed(error)),
        };
        let block = &block[..read];
        digest.lock().add(at, block);
        let before = usize::try_from(offset.saturating_sub(at)).unwrap_or(usize::MAX).min(read);
        let mut end = at + before as u64;
        for bytes in block[before..].chunks(CHUNK_BYTES) {
            let mut message = BytesMut::with_capacity(CHUNK_HEADER_BYTES + bytes.len());
            message.extend_from_slice(&chunk_header(wire, end));
            message.extend_from_slice(bytes);
            end += bytes.len() as u64;
            if pieces.blocking_send(Piece::Chunk { message, end }).is_err() {
                return Ok(false);
            }
        }
        at += read as u64;
    }
    Ok(true)
}

/// What a file that comes is told.
pub(crate) enum Write {
    Chunk(Bytes),
    /// That was all: compare, and give it its name.
    Finish([u8; 32]),
}

/// What becomes of a file that comes.
pub(crate) enum Written {
    Opened,
    UpTo(u64),
    Failed(Problem, Refusal),
    /// It has this name now.
    Saved(String),
}

/// A file of which not everything is there. Dropped, it is taken away.
struct Part {
    /// `None` once it has its name: this one may be another's by now.
    path: Option<PathBuf>,
    file: File,
}

impl Part {
    fn create(folder: &Path, name: &str) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let (file, path) = free_name(folder, |number| format!("{}.part", numbered(name, number)))?;
        Ok(Self { path: Some(path), file })
    }

    /// Gives it its name, or the next one that is free.
    fn rename(mut self, folder: &Path, name: &str) -> io::Result<String> {
        let Some(part) = self.path.take() else { return Err(ErrorKind::NotFound.into()) };
        // An empty file of ours holds the name: whoever wants the same at the same time gets another.
        let (held, path) = free_name(folder, |number| numbered(name, number))?;
        drop(held);
        if let Err(error) = std::fs::rename(&part, &path) {
            let _ = std::fs::remove_file(&path);
            self.path = Some(part);
            return Err(error);
        }
        Ok(path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = std::fs::remove_file(path);
        }
    }
}

fn free_name(folder: &Path, name: impl Fn(u32) -> String) -> io::Result<(File, PathBuf)> {
    for number in 0..NUMBERS {
        let path = folder.join(name(number));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::from(ErrorKind::AlreadyExists))
}

/// Writes a file of this name and size into a folder. Blocks: a thread's work. Where `orders` end early,
/// what was written is taken away.
pub(crate) fn write(
    folder: &Path,
    name: &str,
    size: u64,
    mut orders: mpsc::Receiver<Write>,
    mut tell: impl FnMut(Written),
) {
    let mut part = match Part::create(folder, name) {
        Ok(part) => part,
        Err(error) => {
            let (problem, refusal) = unwritable(&error);
            return tell(Written::Failed(problem, refusal));
        }
    };
    tell(Written::Opened);
    let mut digest = Digest::default();
    let mut told = 0;
    loop {
        match orders.blocking_recv() {
            Some(Write::Chunk(bytes)) => {
                let offset = digest.bytes;
                digest.add(offset, &bytes);
                if let Err(error) = part.file.write_all(&bytes) {
                    let (problem, refusal) = unwritable(&error);
                    return tell(Written::Failed(problem, refusal));
                }
                if digest.bytes - told >= GOT_EVERY_BYTES || digest.bytes == size || orders.is_empty() {
                    told = digest.bytes;
                    tell(Written::UpTo(told));
                }
            }
            Some(Write::Finish(sha256)) if digest.bytes == size && digest.value() == sha256 => {
                return match part.file.flush().and_then(|()| part.rename(folder, name)) {
                    Ok(saved_as) => tell(Written::Saved(saved_as)),
                    Err(error) => {
                        let (problem, refusal) = unwritable(&error);
                        tell(Written::Failed(problem, refusal));
                    }
                };
            }
            Some(Write::Finish(_)) => {
                return tell(Written::Failed(damaged(), Refusal::Damaged));
            }
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::wire::{digest as parse_digest, parse_chunk};
    use crate::notice::Sentence;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("maru-disk-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn content(bytes: usize) -> Vec<u8> {
        (0..bytes).map(|at| (at * 31 + at / 251) as u8).collect()
    }

    fn sha256(bytes: &[u8]) -> [u8; 32] {
        ring::digest::digest(&SHA256, bytes).as_ref().try_into().unwrap()
    }

    /// What is read from an offset, in pieces; at most so many.
    fn pieces(source: &Source, digest: &Mutex<Digest>, offset: u64, most: usize) -> Vec<Piece> {
        let (sender, mut receiver) = mpsc::channel(4);
        std::thread::scope(|scope| {
            scope.spawn(move || read(source, digest, 9, offset, &sender));
            let mut pieces = Vec::new();
            while pieces.len() < most
                && let Some(piece) = receiver.blocking_recv()
            {
                pieces.push(piece);
            }
            drop(receiver);
            pieces
        })
    }

    #[test]
    fn a_file_is_read_from_any_offset_and_its_digest_is_that_of_all_of_it() {
        let folder = folder("read");
        let bytes = content(READ_BYTES * 2 + 777);
        std::fs::write(folder.join("a"), &bytes).unwrap();
        let source = Source::open(folder.join("a")).unwrap();
        let digest = Mutex::default();
        // The line breaks after five pieces; the receiver has two of them, and then more than was hashed.
        for (offset, most) in [(0, 5), (2 * CHUNK_BYTES, 3), (bytes.len() - 10, usize::MAX)] {
            let mut at = offset;
            for piece in pieces(&source, &digest, offset as u64, most) {
                match piece {
                    Piece::Chunk { message, end } => {
                        assert_eq!(parse_chunk(&message), Some((9, at as u64)));
                        let payload = &message[CHUNK_HEADER_BYTES..];
                        assert_eq!(payload, &bytes[at..at + payload.len()]);
                        at += payload.len();
                        assert_eq!(end, at as u64);
                    }
                    Piece::End { sha256: said } => {
                        assert_eq!(at, bytes.len());
                        assert_eq!(parse_digest(&said), Some(sha256(&bytes)));
                    }
                    Piece::Failed(problem) => panic!("{problem}"),
                }
            }
            assert!(most != usize::MAX || at == bytes.len());
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_file_that_changed_or_vanished_since_it_was_picked_is_not_sent() {
        let folder = folder("vanished");
        let path = folder.join("a");
        std::fs::write(&path, content(100)).unwrap();
        let source = Source::open(path.clone()).unwrap();
        std::fs::write(&path, content(101)).unwrap();
        let failed = |source: &Source| match pieces(source, &Mutex::default(), 0, 9).pop() {
            Some(Piece::Failed(problem)) => problem.sentence,
            _ => panic!("it was read"),
        };
        assert_eq!(failed(&source), Sentence::FileVanished { name: "a".into() });
        std::fs::remove_file(&path).unwrap();
        assert_eq!(failed(&source), Sentence::FileVanished { name: "a".into() });
        assert!(Source::open(path).is_err());
        let is_folder = Source::open(folder.clone()).unwrap_err();
        assert!(matches!(is_folder.sentence, Sentence::FileNotAFile { .. }));
        std::fs::remove_dir_all(folder).unwrap();
    }

    /// Writes these bytes in two chunks; what came of it last.
    fn written(folder: &Path, bytes: &[u8], size: u64, finish: Option<[u8; 32]>) -> Option<Written> {
        let (sender, receiver) = mpsc::channel(4);
        for chunk in bytes.chunks(bytes.len() / 2 + 1) {
            sender.try_send(Write::Chunk(Bytes::copy_from_slice(chunk))).unwrap_or_default();
        }
        if let Some(sha256) = finish {
            sender.try_send(Write::Finish(sha256)).unwrap_or_default();
        }
        drop(sender);
        let mut last = None;
        write(folder, "a b.txt", size, receiver, |news| last = Some(news));
        last
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = (std::fs::read_dir(folder).unwrap())
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn nothing_is_overwritten_and_what_is_damaged_or_cut_short_is_taken_away() {
        let folder = folder("write");
        let bytes = content(1000);
        let whole = Some(sha256(&bytes));
        assert!(
            matches!(written(&folder, &bytes, 1000, whole), Some(Written::Saved(name)) if name == "a b.txt")
        );
        assert!(
            matches!(written(&folder, &bytes, 1000, whole), Some(Written::Saved(name)) if name == "a b (1).txt")
        );
        let refused = |written| match written {
            Some(Written::Failed(_, refusal)) => refusal,
            _ => panic!("it was taken"),
        };
        assert_eq!(refused(written(&folder, &bytes, 1000, Some([0; 32]))), Refusal::Damaged);
        assert_eq!(refused(written(&folder, &bytes, 1001, whole)), Refusal::Damaged);
        assert!(matches!(written(&folder, &bytes, 1000, None), Some(Written::UpTo(1000))));
        assert_eq!(names(&folder), ["a b (1).txt", "a b.txt"]);
        assert_eq!(std::fs::read(folder.join("a b (1).txt")).unwrap(), bytes);
        std::fs::remove_dir_all(&folder).unwrap();
        // A file where the folder should be.
        std::fs::write(&folder, "").unwrap();
        assert_eq!(refused(written(&folder, &bytes, 1000, whole)), Refusal::NotSaved);
        std::fs::remove_file(folder).unwrap();
    }

    #[test]
    fn a_full_disk_is_told_from_one_that_may_not_be_written() {
        assert_eq!(unwritable(&ErrorKind::StorageFull.into()).1, Refusal::DiskFull);
        assert_eq!(unwritable(&ErrorKind::QuotaExceeded.into()).0.sentence, Sentence::FileDiskFull {});
        assert_eq!(unwritable(&ErrorKind::PermissionDenied.into()).1, Refusal::NotSaved);
    }
}
