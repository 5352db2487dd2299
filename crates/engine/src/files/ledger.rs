//! Every transfer of a call, in both directions, as a state machine: it is told what happened and when, and
//! says what to do. It refuses to know disks, channels and clocks.
//!
//! ```text
//!            accepted            all sent / all here       the same
//! Offered ─────────────▶ Moving ────────────────────▶ Checking ─────▶ Done
//!    │                  ▲      │ line lost               │
//!    │            again │      ▼                         │
//!    │                  Waiting ◀────────────────────────┘
//!    └── from each of them: Declined, Cancelled, Failed
//! ```

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use maru_protocol::PeerId;

use super::name;
use super::pace::{Pace, seconds_left};
use super::problems::{garbled, peer_left, refused, too_many, vanished_there};
use super::wire::{Control, FILE_MAX_BYTES, Refusal, UNFINISHED_LIMIT, Withdrawal, digest, offered_name};
use crate::api::{FileDirection, FileId, FileState, FileView};
use crate::notice::Problem;

/// Transfers kept to be shown; the oldest that are over go.
const HISTORY: usize = 100;
/// New offers that one peer may make in [`OFFER_SPAN`]; what comes beyond that nobody is asked about.
const OFFERS_IN_SPAN: usize = 32;
const OFFER_SPAN: Duration = Duration::from_secs(10);

/// What happened.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// The channel to this peer is open.
    Opened(PeerId),
    /// It is not any more.
    Closed(PeerId),
    /// The peer left the call.
    Gone(PeerId),
    /// A peer, by its name, said this.
    Said(PeerId, String, Control),
    /// The person wants it.
    Accept(FileId),
    /// The person does not want it, or not any more.
    Cancel(FileId),
    /// A file to send has gone out whole.
    Sent(FileId),
    /// A file to send cannot be read.
    Unreadable(FileId, Problem),
    /// There is a place for what comes.
    PartOpened(FileId),
    /// Everything before this offset is on the disk.
    Written(FileId, u64),
    /// What comes cannot be written.
    WriteFailed(FileId, Problem, Refusal),
    /// It is there, whole and the same, under this name.
    Saved(FileId, String),
    /// A peer sent bytes that were not agreed on.
    Garbled(FileId),
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    Tell(PeerId, Control),
    /// Send the file's bytes from this offset on.
    Read {
        file: FileId,
        peer: PeerId,
        wire: u32,
        offset: u64,
    },
    /// The receiver has written everything before this offset.
    Credit(FileId, u64),
    StopReading(FileId),
    /// Make a place for a file of this name and size.
    OpenPart {
        file: FileId,
        peer: PeerId,
        wire: u32,
        name: String,
        size: u64,
    },
    /// Ask for the rest of what comes.
    Continue {
        peer: PeerId,
        wire: u32,
    },
    /// All was sent: compare, and save.
    Finish {
        file: FileId,
        sha256: [u8; 32],
    },
    /// Take away what came so far and has no name yet.
    Discard(FileId),
}

#[derive(Debug)]
struct Transfer {
    file: FileId,
    peer: PeerId,
    peer_name: String,
    wire: u32,
    direction: FileDirection,
    name: String,
    size: u64,
    state: FileState,
    /// Bytes that the receiver has on its disk.
    moved: u64,
    at_ms: u64,
    pace: Pace,
    problem: Option<Problem>,
    saved_as: Option<String>,
}

impl Transfer {
    fn is_over(&self) -> bool {
        match self.state {
            FileState::Offered | FileState::Moving | FileState::Waiting | FileState::Checking => false,
            FileState::Done | FileState::Declined | FileState::Cancelled | FileState::Failed => true,
        }
    }
}

/// A file that the person wants to send.
#[derive(Clone, Debug)]
pub(crate) struct NewOffer {
    pub peer: PeerId,
    pub peer_name: String,
    pub name: String,
    pub size: u64,
    /// When, in UNIX milliseconds.
    pub at_ms: u64,
}

/// All transfers.
#[derive(Debug)]
pub(crate) struct Ledger {
    transfers: Vec<Transfer>,
    open: HashSet<PeerId>,
    offers: HashMap<PeerId, VecDeque<Instant>>,
    next_file: FileId,
    next_wire: u32,
    outputs: VecDeque<Output>,
}

impl Ledger {
    /// `seed` chooses the first id: one who forgot everything does not use those of before.
    pub fn new(seed: u32) -> Self {
        Self {
            transfers: Vec::new(),
            open: HashSet::new(),
            offers: HashMap::new(),
            next_file: 1,
            next_wire: seed,
            outputs: VecDeque::new(),
        }
    }

    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// A new call: what was is of no interest.
    pub fn clear(&mut self) {
        self.transfers.retain(|transfer| !transfer.is_over());
    }

    /// A file for a peer; the problem where too much is under way already.
    pub fn offer(&mut self, offer: NewOffer) -> Result<FileId, Problem> {
        let unfinished = self.unfinished(offer.peer, FileDirection::Sending);
        if unfinished >= UNFINISHED_LIMIT {
            return Err(too_many(offer.peer_name, UNFINISHED_LIMIT));
        }
        let wire = self.next_wire;
        self.next_wire = self.next_wire.wrapping_add(1);
        let file = self.add(offer, wire, FileDirection::Sending);
        self.announce(file);
        Ok(file)
    }

    fn add(&mut self, offer: NewOffer, wire: u32, direction: FileDirection) -> FileId {
        let file = self.next_file;
        self.next_file += 1;
        let NewOffer { peer, peer_name, name, size, at_ms } = offer;
        self.transfers.push(Transfer {
            file,
            peer,
            peer_name,
            wire,
            direction,
            name,
            size,
            state: FileState::Offered,
            moved: 0,
            at_ms,
            pace: Pace::default(),
            problem: None,
            saved_as: None,
        });
        if self.transfers.len() > HISTORY
            && let Some(oldest) = self.transfers.iter().position(Transfer::is_over)
        {
            self.transfers.remove(oldest);
        }
        file
    }

    fn unfinished(&self, peer: PeerId, direction: FileDirection) -> usize {
        let of = |transfer: &&Transfer| transfer.peer == peer && transfer.direction == direction;
        self.transfers.iter().filter(of).filter(|transfer| !transfer.is_over()).count()
    }

    /// Says what is offered, where there is somebody to hear it.
    fn announce(&mut self, file: FileId) {
        let Some(transfer) = self.transfers.iter().find(|transfer| transfer.file == file) else { return };
        if self.open.contains(&transfer.peer) {
            let (id, name, size) = (transfer.wire, offered_name(&transfer.name), transfer.size);
            self.outputs.push_back(Output::Tell(transfer.peer, Control::Offer { id, name, size }));
        }
    }

    pub fn handle(&mut self, now: Instant, at_ms: u64, input: Input) {
        match input {
            Input::Opened(peer) => self.opened(peer),
            Input::Closed(peer) => self.closed(peer),
            Input::Gone(peer) => self.gone(peer),
            Input::Said(peer, name, control) => self.said(now, at_ms, peer, name, control),
            Input::Accept(file) => self.accept(now, file),
            Input::Cancel(file) => self.cancel(file),
            Input::Sent(file) => {
                self.step(file, FileState::Moving, FileState::Checking);
            }
            Input::Unreadable(file, problem) => {
                self.end(file, FileState::Failed, Some(problem), Some(Reason::Withdraw(Withdrawal::Vanished)))
            }
            Input::PartOpened(file) => self.part_opened(file),
            Input::Written(file, offset) => self.written(now, file, offset),
            Input::WriteFailed(file, problem, refusal) => {
                self.end(file, FileState::Failed, Some(problem), Some(Reason::Refuse(refusal)))
            }
            Input::Saved(file, saved_as) => self.saved(file, saved_as),
            Input::Garbled(file) => self.garbled(file),
        }
    }

    /// The transfer, if it is not over.
    fn running(&mut self, file: FileId) -> Option<&mut Transfer> {
        self.transfers.iter_mut().find(|transfer| transfer.file == file && !transfer.is_over())
    }

    fn of_wire(&mut self, peer: PeerId, wire: u32, direction: FileDirection) -> Option<&mut Transfer> {
        // The newest: ids may come again after four thousand million files.
        self.transfers.iter_mut().rev().find(|transfer| {
            transfer.peer == peer && transfer.wire == wire && transfer.direction == direction
        })
    }

    fn step(&mut self, file: FileId, from: FileState, to: FileState) -> bool {
        let stepped = self.running(file).filter(|transfer| transfer.state == from);
        stepped.map(|transfer| transfer.state = to).is_some()
    }

    fn opened(&mut self, peer: PeerId) {
        self.closed(peer); // whatever went on over another channel
        self.open.insert(peer);
        let ours = |transfer: &&Transfer| {
            transfer.peer == peer && transfer.direction == FileDirection::Sending && !transfer.is_over()
        };
        let (files, live): (Vec<_>, Vec<_>) =
            self.transfers.iter().filter(ours).map(|transfer| (transfer.file, transfer.wire)).unzip();
        self.outputs.push_back(Output::Tell(peer, Control::Hello { live }));
        for file in files {
            self.announce(file);
        }
    }

    fn closed(&mut self, peer: PeerId) {
        self.open.remove(&peer);
        for transfer in self.transfers.iter_mut().filter(|transfer| transfer.peer == peer) {
            match (transfer.direction, transfer.state) {
                (FileDirection::Sending, FileState::Moving | FileState::Checking) => {
                    transfer.state = FileState::Waiting;
                    self.outputs.push_back(Output::StopReading(transfer.file));
                }
                // What is being compared needs no line; that it is the same is said when it is offered again.
                (FileDirection::Receiving, FileState::Moving) => transfer.state = FileState::Waiting,
                _ => continue,
            }
            transfer.pace.restart();
        }
    }

    fn gone(&mut self, peer: PeerId) {
        self.closed(peer);
        self.offers.remove(&peer);
        let of = |transfer: &&Transfer| transfer.peer == peer && !transfer.is_over();
        let files: Vec<_> = self.transfers.iter().filter(of).map(|transfer| transfer.file).collect();
        for file in files {
            self.end_because(file, peer_left);
        }
    }

    fn said(&mut self, now: Instant, at_ms: u64, peer: PeerId, peer_name: String, control: Control) {
        use FileDirection::{Receiving, Sending};
        match control {
            Control::Hello { live } => self.hello(peer, &live),
            Control::Offer { id, name, size } => {
                self.offered(now, id, NewOffer { peer, peer_name, name, size, at_ms })
            }
            Control::Accept { id, offset } => {
                let Some(transfer) = self.of_wire(peer, id, Sending) else { return };
                if !matches!(transfer.state, FileState::Offered | FileState::Waiting) {
                    return;
                }
                let file = transfer.file;
                if offset > transfer.size {
                    return self.end_because(file, garbled);
                }
                transfer.state = FileState::Moving;
                transfer.moved = offset;
                transfer.pace.restart();
                transfer.pace.note(now, offset);
                self.outputs.push_back(Output::Read { file, peer, wire: id, offset });
            }
            Control::Got { id, offset } => {
                let Some(transfer) = self.of_wire(peer, id, Sending) else { return };
                let moves = matches!(transfer.state, FileState::Moving | FileState::Checking);
                if moves && (transfer.moved..=transfer.size).contains(&offset) {
                    transfer.moved = offset;
                    transfer.pace.note(now, offset);
                    let file = transfer.file;
                    self.outputs.push_back(Output::Credit(file, offset));
                }
            }
            Control::Done { id, sha256 } => {
                let Some(sha256) = digest(&sha256) else { return };
                let Some(transfer) = self.of_wire(peer, id, Receiving) else { return };
                if transfer.state == FileState::Moving {
                    transfer.state = FileState::Checking;
                    let file = transfer.file;
                    self.outputs.push_back(Output::Finish { file, sha256 });
                }
            }
            Control::Received { id } => {
                let Some(transfer) = self.of_wire(peer, id, Sending) else { return };
                if matches!(transfer.state, FileState::Checking | FileState::Waiting) {
                    transfer.state = FileState::Done;
                    transfer.moved = transfer.size;
                    let file = transfer.file;
                    self.outputs.push_back(Output::StopReading(file));
                }
            }
            Control::Withdraw { id, reason } => {
                let Some(file) = self.of_wire(peer, id, Receiving).map(|transfer| transfer.file) else {
                    return;
                };
                match reason {
                    Withdrawal::Vanished => self.end_because(file, vanished_there),
                    Withdrawal::Cancelled | Withdrawal::Unknown => {
                        self.end(file, FileState::Cancelled, None, None)
                    }
                }
            }
            Control::Refuse { id, reason } => {
                let Some(file) = self.of_wire(peer, id, Sending).map(|transfer| transfer.file) else {
                    return;
                };
                match reason {
                    Refusal::Declined => self.end(file, FileState::Declined, None, None),
                    Refusal::Cancelled | Refusal::Unknown => self.end(file, FileState::Cancelled, None, None),
                    reason => self.end_because(file, |name| refused(reason, name)),
                }
            }
            Control::Unknown => {}
        }
    }

    /// What is not among these the peer knows nothing of any more.
    fn hello(&mut self, peer: PeerId, live: &[u32]) {
        let lost = |transfer: &&Transfer| {
            transfer.peer == peer
                && transfer.direction == FileDirection::Receiving
                && matches!(transfer.state, FileState::Offered | FileState::Waiting)
                && !live.contains(&transfer.wire)
        };
        let files: Vec<_> = self.transfers.iter().filter(lost).map(|transfer| transfer.file).collect();
        for file in files {
            self.end_because(file, peer_left);
        }
    }

    fn offered(&mut self, now: Instant, id: u32, offer: NewOffer) {
        let peer = offer.peer;
        let refuse = |reason| Output::Tell(peer, Control::Refuse { id, reason });
        if let Some(transfer) = self.of_wire(peer, id, FileDirection::Receiving) {
            let file = transfer.file;
            let same = transfer.size == offer.size;
            match transfer.state {
                _ if !same => self.garbled(file),
                FileState::Offered | FileState::Checking => {}
                FileState::Moving | FileState::Waiting => {
                    transfer.state = FileState::Moving;
                    transfer.pace.restart();
                    self.outputs.push_back(Output::Continue { peer, wire: id });
                }
                FileState::Done => self.outputs.push_back(Output::Tell(peer, Control::Received { id })),
                FileState::Declined | FileState::Cancelled | FileState::Failed => {
                    self.outputs.push_back(refuse(Refusal::Cancelled))
                }
            }
            return;
        }
        if offer.size > FILE_MAX_BYTES {
            self.outputs.push_back(refuse(Refusal::TooLarge));
        } else if self.unfinished(peer, FileDirection::Receiving) >= UNFINISHED_LIMIT
            || !self.admit(now, peer)
        {
            self.outputs.push_back(refuse(Refusal::TooMany));
        } else {
            let name = name::safe(&offer.name);
            self.add(NewOffer { name, ..offer }, id, FileDirection::Receiving);
        }
    }

    /// Whether the person may be asked about one more file of this peer's now.
    fn admit(&mut self, now: Instant, peer: PeerId) -> bool {
        let recent = self.offers.entry(peer).or_default();
        while recent.front().is_some_and(|at| now.saturating_duration_since(*at) >= OFFER_SPAN) {
            recent.pop_front();
        }
        let admitted = recent.len() < OFFERS_IN_SPAN;
        if admitted {
            recent.push_back(now);
        }
        admitted
    }

    fn accept(&mut self, now: Instant, file: FileId) {
        let Some(peer) = self.running(file).map(|transfer| transfer.peer) else { return };
        let state = if self.open.contains(&peer) { FileState::Moving } else { FileState::Waiting };
        let Some(transfer) = self.running(file) else { return };
        if transfer.direction == FileDirection::Receiving && transfer.state == FileState::Offered {
            transfer.state = state;
            transfer.pace.note(now, 0);
            let (wire, name, size) = (transfer.wire, transfer.name.clone(), transfer.size);
            self.outputs.push_back(Output::OpenPart { file, peer, wire, name, size });
        }
    }

    fn part_opened(&mut self, file: FileId) {
        let Some(transfer) = self.running(file) else { return };
        let (peer, wire) = (transfer.peer, transfer.wire);
        // Where the line is down it goes on when the file is offered again.
        if self.open.contains(&peer) {
            self.step(file, FileState::Waiting, FileState::Moving);
            self.outputs.push_back(Output::Continue { peer, wire });
        }
    }

    fn written(&mut self, now: Instant, file: FileId, offset: u64) {
        let Some(transfer) = self.running(file) else { return };
        transfer.moved = offset;
        transfer.pace.note(now, offset);
        if transfer.state == FileState::Moving {
            let (peer, id) = (transfer.peer, transfer.wire);
            self.outputs.push_back(Output::Tell(peer, Control::Got { id, offset }));
        }
    }

    fn saved(&mut self, file: FileId, saved_as: String) {
        let Some(transfer) = self.running(file) else { return };
        transfer.state = FileState::Done;
        transfer.moved = transfer.size;
        transfer.saved_as = Some(saved_as);
        let (peer, id) = (transfer.peer, transfer.wire);
        self.outputs.push_back(Output::Discard(file));
        self.tell(peer, Control::Received { id });
    }

    fn cancel(&mut self, file: FileId) {
        let Some(transfer) = self.running(file) else { return };
        let (state, reason) = match (transfer.direction, transfer.state) {
            (FileDirection::Sending, _) => (FileState::Cancelled, Reason::Withdraw(Withdrawal::Cancelled)),
            (FileDirection::Receiving, FileState::Offered) => {
                (FileState::Declined, Reason::Refuse(Refusal::Declined))
            }
            (FileDirection::Receiving, _) => (FileState::Cancelled, Reason::Refuse(Refusal::Cancelled)),
        };
        self.end(file, state, None, Some(reason));
    }

    /// The peer does not keep to what was agreed on.
    fn garbled(&mut self, file: FileId) {
        let Some(transfer) = self.running(file) else { return };
        let problem = garbled(&transfer.peer_name);
        self.end(file, FileState::Failed, Some(problem), Some(Reason::Refuse(Refusal::Garbled)));
    }

    /// It failed, for a reason that is about the peer by this name.
    fn end_because(&mut self, file: FileId, problem: impl FnOnce(&str) -> Problem) {
        let Some(transfer) = self.running(file) else { return };
        let problem = problem(&transfer.peer_name);
        self.end(file, FileState::Failed, Some(problem), None);
    }

    fn end(&mut self, file: FileId, state: FileState, problem: Option<Problem>, tell: Option<Reason>) {
        let Some(transfer) = self.running(file) else { return };
        transfer.state = state;
        transfer.problem = problem;
        let (peer, id) = (transfer.peer, transfer.wire);
        let stop = match transfer.direction {
            FileDirection::Sending => Output::StopReading(file),
            FileDirection::Receiving => Output::Discard(file),
        };
        self.outputs.push_back(stop);
        match tell {
            Some(Reason::Withdraw(reason)) => self.tell(peer, Control::Withdraw { id, reason }),
            Some(Reason::Refuse(reason)) => self.tell(peer, Control::Refuse { id, reason }),
            None => {}
        }
    }

    fn tell(&mut self, peer: PeerId, control: Control) {
        if self.open.contains(&peer) {
            self.outputs.push_back(Output::Tell(peer, control));
        }
    }

    /// All transfers as they are shown, the oldest first.
    pub fn views(&self, now: Instant) -> Vec<FileView> {
        self.transfers.iter().map(|transfer| view(transfer, now)).collect()
    }

    /// Whether nothing comes of this transfer any more.
    pub fn is_over(&self, file: FileId) -> bool {
        !self.transfers.iter().any(|transfer| transfer.file == file && !transfer.is_over())
    }

    /// Whether bytes are on their way, so that there is progress to show.
    pub fn is_moving(&self) -> bool {
        self.transfers.iter().any(|transfer| transfer.state == FileState::Moving)
    }
}

enum Reason {
    Withdraw(Withdrawal),
    Refuse(Refusal),
}

fn view(transfer: &Transfer, now: Instant) -> FileView {
    let moving = transfer.state == FileState::Moving;
    let speed = if moving { transfer.pace.speed(now, transfer.moved) } else { 0 };
    FileView {
        id: transfer.file,
        peer: transfer.peer,
        peer_name: transfer.peer_name.clone(),
        direction: transfer.direction,
        name: transfer.name.clone(),
        size: transfer.size,
        state: transfer.state,
        moved: transfer.moved,
        speed,
        seconds_left: seconds_left(transfer.size - transfer.moved.min(transfer.size), speed),
        problem: transfer.problem.clone(),
        saved_as: transfer.saved_as.clone(),
        at_ms: transfer.at_ms,
    }
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
