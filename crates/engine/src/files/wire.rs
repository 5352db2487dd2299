//! What two participants say to each other about files, on a data channel of its own (`maru.files`,
//! reliable and ordered, made by who offers the connection, only where both announce `files`).
//!
//! Text messages are JSON ([`Control`]); binary ones are a file's bytes ([`chunk`]). A transfer's id is chosen
//! by whoever offers the file and means something among its own offers only; the messages of the two sides
//! have different names, so that an id is never taken for one of the other side.
//!
//! ```text
//! who offers        who is offered
//! hello {live}                      once the channel is open: the ids that still count
//! offer {id,name,size}              then each of them; again after every reconnect
//!                   accept {id,offset}   go on from here: 0, or what is there already
//! <chunk>…          got {id,offset}      written to the disk; at most WINDOW_BYTES may be on the way
//! done {id,sha256}                  of the whole file
//!                   received {id}        it is the same file
//! withdraw {id,reason}   refuse {id,reason}   the end, at any time
//! ```
//!
//! It refuses to know disks, channels and what a person wants.

use serde::{Deserialize, Serialize};

/// The data channel's label.
pub(crate) const LABEL: &str = "maru.files";
/// Largest file that can be sent, in bytes: 4 GiB.
pub const FILE_MAX_BYTES: u64 = 4 << 30;
/// Bytes of a file in one message that we send: a chat message waits for one of these at most.
pub(crate) const CHUNK_BYTES: usize = 32 * 1024;
/// Bytes of a file in one message that we take.
pub(crate) const CHUNK_MAX_BYTES: usize = 64 * 1024;
/// Before the bytes: the transfer's id (u32) and where in the file they belong (u64), big endian.
pub(crate) const CHUNK_HEADER_BYTES: usize = 12;
/// Bytes that may be on the way without having been written: what the receiver has to keep in memory.
pub(crate) const WINDOW_BYTES: u64 = 4 << 20;
/// The receiver says what it has at least this often, in bytes.
pub(crate) const GOT_EVERY_BYTES: u64 = 256 * 1024;
/// Transfers of one side that may be unfinished at once.
pub(crate) const UNFINISHED_LIMIT: usize = 16;
/// Longest name that is taken, in bytes, before it is made safe.
const NAME_MAX_BYTES: usize = 1024;
/// JSON may write each byte of a name as `\u00xx`.
const CONTROL_MAX_BYTES: usize = NAME_MAX_BYTES * 6 + 256;

/// A message about a transfer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Control {
    /// From who offers: these of its transfers still count, and no others.
    Hello { live: Vec<u32> },
    /// From who offers: here is a file. The same id again means the same file.
    Offer { id: u32, name: String, size: u64 },
    /// From who is offered: send it from this offset on.
    Accept { id: u32, offset: u64 },
    /// From who is offered: everything before this offset is written.
    Got { id: u32, offset: u64 },
    /// From who offers: that was all, and this is its SHA-256 in hexadecimal digits.
    Done { id: u32, sha256: String },
    /// From who is offered: it is all here and is the same.
    Received { id: u32 },
    /// From who offers: there is no such transfer any more.
    Withdraw { id: u32, reason: Withdrawal },
    /// From who is offered: there is no such transfer any more.
    Refuse { id: u32, reason: Refusal },
    /// Of a later version; ignored.
    #[serde(other)]
    Unknown,
}

/// Why who offers does not send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Withdrawal {
    /// The person does not want to.
    Cancelled,
    /// The file is not there any more, or not as it was.
    Vanished,
    /// A reason of a later version.
    #[serde(other)]
    Unknown,
}

/// Why who is offered does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Refusal {
    /// The person did not want it.
    Declined,
    /// The person does not want it any more.
    Cancelled,
    /// Too many offers.
    TooMany,
    /// More than this side can take.
    TooLarge,
    /// The disk is full.
    DiskFull,
    /// It cannot be written.
    NotSaved,
    /// What came is not what was sent.
    Damaged,
    /// What came is not what was agreed on.
    Garbled,
    /// A reason of a later version.
    #[serde(other)]
    Unknown,
}

impl Control {
    /// Reads a text message; `None` for anything that is none, or too much.
    pub fn parse(data: &[u8]) -> Option<Self> {
        if data.len() > CONTROL_MAX_BYTES {
            return None;
        }
        match serde_json::from_slice(data).ok()? {
            Self::Unknown => None,
            Self::Offer { name, .. } if name.len() > NAME_MAX_BYTES => None,
            Self::Hello { live } if live.len() > UNFINISHED_LIMIT => None,
            Self::Done { sha256, .. } if digest(&sha256).is_none() => None,
            control => Some(control),
        }
    }

    /// As it is sent.
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default() // of these types nothing can fail
    }
}

/// The name of an offer, short enough to be taken.
pub(crate) fn offered_name(name: &str) -> String {
    let mut end = name.len().min(NAME_MAX_BYTES);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name[..end].to_owned()
}

/// What stands before a chunk's bytes.
pub(crate) fn chunk_header(id: u32, offset: u64) -> [u8; CHUNK_HEADER_BYTES] {
    let mut header = [0; CHUNK_HEADER_BYTES];
    header[..4].copy_from_slice(&id.to_be_bytes());
    header[4..].copy_from_slice(&offset.to_be_bytes());
    header
}

/// The id and offset of a binary message; `None` where it has no bytes, or too many.
pub(crate) fn parse_chunk(message: &[u8]) -> Option<(u32, u64)> {
    let (id, rest) = message.split_first_chunk::<4>()?;
    let (offset, bytes) = rest.split_first_chunk::<8>()?;
    let fits = !bytes.is_empty() && bytes.len() <= CHUNK_MAX_BYTES;
    fits.then(|| (u32::from_be_bytes(*id), u64::from_be_bytes(*offset)))
}

/// A SHA-256 that was written in hexadecimal digits.
pub(crate) fn digest(hex: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> =
        hex.chars().map(|digit| digit.to_digit(16).map(|d| d as u8)).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    (digits.len() == 64).then(|| bytes.try_into().ok()).flatten()
}

/// As [`digest`] reads it.
pub(crate) fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Which bytes of a file may come next: all in order, and no more than were offered.
#[derive(Debug)]
pub(crate) struct Intake {
    size: u64,
    next: u64,
}

impl Intake {
    pub fn new(size: u64) -> Self {
        Self { size, next: 0 }
    }

    /// Where the next chunk has to begin.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Takes a chunk in; false when it does not belong there.
    pub fn take(&mut self, offset: u64, bytes: usize) -> bool {
        let fits = offset == self.next && self.size - self.next >= bytes as u64;
        if fits {
            self.next += bytes as u64;
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_said_survives_the_wire() {
        for control in [
            Control::Hello { live: vec![1, u32::MAX] },
            Control::Offer { id: 7, name: "보고서 \"1\".pdf".into(), size: FILE_MAX_BYTES },
            Control::Accept { id: 7, offset: 12 },
            Control::Done { id: 7, sha256: hex(&[0xab; 32]) },
            Control::Refuse { id: 7, reason: Refusal::DiskFull },
            Control::Withdraw { id: 7, reason: Withdrawal::Vanished },
        ] {
            assert_eq!(Control::parse(control.text().as_bytes()), Some(control));
        }
        let later = br#"{"type":"refuse","id":1,"reason":"of a later version"}"#;
        assert_eq!(Control::parse(later), Some(Control::Refuse { id: 1, reason: Refusal::Unknown }));
    }

    #[test]
    fn garbage_and_too_much_are_no_messages() {
        let long = Control::Offer { id: 1, name: "x".repeat(NAME_MAX_BYTES + 1), size: 1 }.text();
        let many = Control::Hello { live: vec![0; UNFINISHED_LIMIT + 1] }.text();
        let digest = Control::Done { id: 1, sha256: "a".repeat(63) }.text();
        for data in [
            "",
            "{",
            "[]",
            "null",
            &long,
            &many,
            &digest,
            r#"{"type":"later"}"#,
            r#"{"type":"offer","id":-1,"name":"a","size":1}"#,
            r#"{"type":"offer","id":4294967296,"name":"a","size":1}"#,
            r#"{"type":"offer","id":1,"name":"a","size":1.5}"#,
            r#"{"type":"accept","id":1,"offset":-1}"#,
            &" ".repeat(1 << 20),
        ] {
            assert_eq!(Control::parse(data.as_bytes()), None, "{}", &data[..data.len().min(60)]);
        }
    }

    #[test]
    fn a_chunk_says_where_it_belongs_and_has_bytes() {
        let message = |bytes: usize| {
            let mut message = chunk_header(3, 1 << 33).to_vec();
            message.resize(CHUNK_HEADER_BYTES + bytes, 0);
            message
        };
        assert_eq!(parse_chunk(&message(1)), Some((3, 1 << 33)));
        assert_eq!(parse_chunk(&message(0)), None);
        assert_eq!(parse_chunk(&message(CHUNK_MAX_BYTES + 1)), None);
        assert_eq!(parse_chunk(&message(1)[..11]), None);
    }

    #[test]
    fn no_byte_is_taken_twice_out_of_order_or_beyond_what_was_offered() {
        let mut intake = Intake::new(10);
        assert!(intake.take(0, 6));
        for (offset, bytes) in [(0, 6), (5, 1), (7, 1), (u64::MAX, 1), (6, 5), (6, usize::MAX)] {
            assert!(!intake.take(offset, bytes), "{offset} {bytes}");
        }
        assert!(intake.take(6, 4) && intake.next() == 10 && !intake.take(10, 1));
    }

    proptest! {
        #[test]
        fn nothing_that_comes_can_panic(data: Vec<u8>, text: String) {
            let _ = (Control::parse(&data), Control::parse(text.as_bytes()), parse_chunk(&data), digest(&text));
        }
    }
}
