//! What there is to tell a person about files that did not get through.

use std::io::{self, ErrorKind};

use super::wire::Refusal;
use crate::notice::{Problem, Sentence};

pub(crate) fn vanished(name: &str) -> Problem {
    let text = format!("“{name}” was moved, deleted or changed since you picked it. Pick it again.");
    Problem::new(Sentence::FileVanished { name: name.to_owned() }, text)
}

pub(crate) fn unreadable(name: &str, error: &io::Error) -> Problem {
    if error.kind() == ErrorKind::NotFound {
        return vanished(name);
    }
    let problem = error.to_string();
    let text = format!("“{name}” cannot be read: {problem}.");
    Problem::new(Sentence::FileUnreadable { name: name.to_owned(), problem }, text)
}

/// Why nothing could be written, for the person and for the peer.
pub(crate) fn unwritable(error: &io::Error) -> (Problem, Refusal) {
    if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
        let text = "There is no space left for this file on your disk. Make room, and ask for it again.";
        return (Problem::new(Sentence::FileDiskFull {}, text), Refusal::DiskFull);
    }
    let problem = error.to_string();
    let text =
        format!("The file cannot be saved: {problem}. Check that you may write to the folder for downloads.");
    (Problem::new(Sentence::FileNotSaved { problem }, text), Refusal::NotSaved)
}

/// There is nowhere to write to.
pub(crate) fn no_folder() -> (Problem, Refusal) {
    let text = "There is no folder for downloads on this machine. Make one, and start Maru again.";
    (Problem::new(Sentence::FileNoFolder {}, text), Refusal::NotSaved)
}

pub(crate) fn peer_left(name: &str) -> Problem {
    let text = format!("{name} left before the file was through. Send it again when both are here.");
    Problem::new(Sentence::FilePeerLeft { name: name.to_owned() }, text)
}

pub(crate) fn garbled(name: &str) -> Problem {
    let text =
        format!("What came from {name} is not what was offered, so nothing was kept. Ask for it again.");
    Problem::new(Sentence::FileGarbled { name: name.to_owned() }, text)
}

pub(crate) fn vanished_there(name: &str) -> Problem {
    let text = format!("The file was moved or changed on {name}'s side. Ask for it again.");
    Problem::new(Sentence::FilePeerVanished { name: name.to_owned() }, text)
}

/// Why a peer by this name does not take it.
pub(crate) fn refused(reason: Refusal, name: &str) -> Problem {
    let name = name.to_owned();
    match reason {
        Refusal::TooMany => {
            let text = format!("{name} has too many files to answer for. Send it again later.");
            Problem::new(Sentence::FilePeerTooMany { name }, text)
        }
        Refusal::TooLarge => {
            let text = format!("The file is larger than {name} can take. Send it in parts.");
            Problem::new(Sentence::FilePeerTooLarge { name }, text)
        }
        Refusal::DiskFull => {
            let text = format!("The disk of {name} is full.");
            Problem::new(Sentence::FilePeerDiskFull { name }, text)
        }
        Refusal::Damaged => {
            let text = format!("The file arrived damaged at {name} and was thrown away. Send it again.");
            Problem::new(Sentence::FilePeerDamaged { name }, text)
        }
        Refusal::NotSaved | Refusal::Garbled | Refusal::Declined | Refusal::Cancelled | Refusal::Unknown => {
            let text = format!("{name} could not save the file. Send it again.");
            Problem::new(Sentence::FilePeerNotSaved { name }, text)
        }
    }
}

pub(crate) fn not_a_file(name: String) -> Problem {
    let text = format!("“{name}” is not a file. Pick a file; put a folder into an archive first.");
    Problem::new(Sentence::FileNotAFile { name }, text)
}

pub(crate) fn damaged() -> Problem {
    let text = "The file arrived damaged and was thrown away. Ask for it again.";
    Problem::new(Sentence::FileDamaged {}, text)
}

pub(crate) fn too_many(name: String, limit: usize) -> Problem {
    let text =
        format!("{limit} files are on their way to {name} already. Wait until one of them is through.");
    Problem::new(Sentence::FileTooMany { name, limit }, text)
}

pub(crate) fn too_large(name: String, limit: u64) -> Problem {
    let text = format!("“{name}” is too large: 4 GB is the most. Send it in parts.");
    Problem::new(Sentence::FileTooLarge { name, limit }, text)
}
