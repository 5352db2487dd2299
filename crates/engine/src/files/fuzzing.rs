//! What a peer says about files, without a peer and without a disk, for fuzzing.

use std::time::{Duration, Instant};

use maru_protocol::{PeerId, ResumeToken};

use super::ledger::{Input, Ledger, NewOffer, Output};
use super::wire::{Control, FILE_MAX_BYTES, Intake, UNFINISHED_LIMIT, parse_chunk};
use super::{name, wire};
use crate::api::{FileDirection, FileState};

/// How large the file is that this side sends, in bytes.
const OURS_BYTES: u64 = 1000;
/// The first id that this side gives its own offers.
const FIRST_WIRE: u32 = 7;

/// One participant's transfers with one peer; the disk takes whatever it is given.
pub struct Desk {
    ledger: Ledger,
    peer: PeerId,
    now: Instant,
    intakes: Vec<(u64, u32, Intake)>,
}

impl Default for Desk {
    fn default() -> Self {
        let peer = ResumeToken::random().peer_id();
        let mut desk =
            Self { ledger: Ledger::new(FIRST_WIRE), peer, now: Instant::now(), intakes: Vec::new() };
        desk.tell(Input::Opened(peer));
        desk
    }
}

impl Desk {
    /// The peer says this.
    pub fn said(&mut self, data: &[u8]) {
        if let Some(control) = Control::parse(data) {
            assert_eq!(Control::parse(control.text().as_bytes()), Some(control.clone()));
            self.tell(Input::Said(self.peer, "Eve".into(), control));
        }
    }

    /// The peer sends this.
    pub fn sent(&mut self, message: &[u8]) {
        let Some((id, offset)) = parse_chunk(message) else { return };
        let Some(at) = self.intakes.iter().position(|(_, wire, _)| *wire == id) else { return };
        let (file, _, intake) = &mut self.intakes[at];
        let file = *file;
        if intake.take(offset, message.len() - wire::CHUNK_HEADER_BYTES) {
            let written = intake.next();
            self.tell(Input::Written(file, written));
        } else {
            self.tell(Input::Garbled(file));
        }
    }

    /// The person takes, or does not want, a transfer of those that are shown.
    pub fn chosen(&mut self, which: u8, wanted: bool) {
        let views = self.ledger.views(self.now);
        let Some(view) = views.get(usize::from(which) % views.len().max(1)) else { return };
        self.tell(if wanted { Input::Accept(view.id) } else { Input::Cancel(view.id) });
    }

    /// The person offers a file.
    pub fn offer(&mut self) {
        let offer = NewOffer {
            peer: self.peer,
            peer_name: "Eve".into(),
            name: "ours.txt".into(),
            size: OURS_BYTES,
            at_ms: 0,
        };
        let _ = self.ledger.offer(offer);
        self.work();
    }

    /// The line breaks, and is there again after so many seconds.
    pub fn again_after(&mut self, seconds: u8) {
        self.tell(Input::Closed(self.peer));
        self.now += Duration::from_secs(seconds.into());
        self.tell(Input::Opened(self.peer));
    }

    fn tell(&mut self, input: Input) {
        self.ledger.handle(self.now, 0, input);
        self.work();
    }

    /// Does what is to be done, and looks whether what is shown may be.
    fn work(&mut self) {
        while let Some(output) = self.ledger.poll() {
            match output {
                Output::OpenPart { file, wire, name, size, .. } => {
                    assert!(size <= FILE_MAX_BYTES && name::safe(&name) == name);
                    self.intakes.push((file, wire, Intake::new(size)));
                    self.ledger.handle(self.now, 0, Input::PartOpened(file));
                }
                Output::Discard(file) => self.intakes.retain(|(of, ..)| *of != file),
                Output::Finish { file, .. } => {
                    self.intakes.retain(|(of, ..)| *of != file);
                    self.ledger.handle(self.now, 0, Input::Saved(file, "saved".into()));
                }
                Output::Read { file, offset, .. } => {
                    assert!(offset <= OURS_BYTES);
                    self.ledger.handle(self.now, 0, Input::Sent(file));
                }
                Output::Credit(_, offset) => assert!(offset <= OURS_BYTES),
                Output::Tell(..) | Output::StopReading(_) | Output::Continue { .. } => {}
            }
        }
        let views = self.ledger.views(self.now);
        for direction in [FileDirection::Sending, FileDirection::Receiving] {
            let runs = |state| {
                matches!(
                    state,
                    FileState::Offered | FileState::Moving | FileState::Waiting | FileState::Checking
                )
            };
            let running = views.iter().filter(|view| view.direction == direction && runs(view.state));
            assert!(running.count() <= UNFINISHED_LIMIT);
        }
        assert!(views.iter().all(|view| view.moved <= view.size));
        assert!(self.intakes.len() <= UNFINISHED_LIMIT);
    }
}
