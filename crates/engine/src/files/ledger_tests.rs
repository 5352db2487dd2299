//! Transfers in virtual time: two ledgers that hear each other, and one that hears nonsense.

use super::*;
use crate::notice::Sentence;

const MB: u64 = 1 << 20;

fn peer(number: u8) -> PeerId {
    serde_json::from_str(&format!("\"00000000-0000-4000-8000-0000000000{number:02}\"")).unwrap()
}

/// Somebody, and what its ledger wants done that is not for the peer.
struct Side {
    ledger: Ledger,
    other: PeerId,
    doing: Vec<Output>,
}

/// Two people, each the other's only peer.
struct Pair {
    now: Instant,
    sides: [Side; 2],
}

impl Pair {
    fn new() -> Self {
        let side = |seed, number| Side { ledger: Ledger::new(seed), other: peer(number), doing: Vec::new() };
        Self { now: Instant::now(), sides: [side(u32::MAX, 2), side(5, 1)] }
    }

    fn open() -> Self {
        let mut pair = Self::new();
        pair.connect();
        pair
    }

    fn connect(&mut self) {
        for number in 0..2 {
            let other = self.sides[number].other;
            self.input(number, Input::Opened(other));
        }
        self.settle();
    }

    fn cut(&mut self) {
        for number in 0..2 {
            let other = self.sides[number].other;
            self.input(number, Input::Closed(other));
        }
        self.settle();
    }

    fn input(&mut self, number: usize, input: Input) {
        self.sides[number].ledger.handle(self.now, 0, input);
    }

    /// Tells each what the other says, until both are silent.
    fn settle(&mut self) {
        while let Some((number, output)) =
            (0..2).find_map(|number| Some((number, self.sides[number].ledger.poll()?)))
        {
            match output {
                Output::Tell(_, control) => {
                    let from = self.sides[1 - number].other;
                    self.input(1 - number, Input::Said(from, "Ada".into(), control));
                }
                output => self.sides[number].doing.push(output),
            }
        }
    }

    fn after(&mut self, number: usize, input: Input) -> Vec<Output> {
        self.input(number, input);
        self.settle();
        std::mem::take(&mut self.sides[number].doing)
    }

    fn offer(&mut self, size: u64) -> FileId {
        let peer = self.sides[0].other;
        let offer = NewOffer { peer, peer_name: "Bob".into(), name: "a/b.txt".into(), size, at_ms: 1 };
        let file = self.sides[0].ledger.offer(offer).unwrap();
        self.settle();
        file
    }

    fn view(&self, number: usize, file: FileId) -> FileView {
        let views = self.sides[number].ledger.views(self.now);
        views.into_iter().find(|view| view.id == file).unwrap()
    }

    fn states(&self, file: FileId) -> [FileState; 2] {
        [self.view(0, file).state, self.view(1, file).state]
    }

    /// Offered, accepted, and under way.
    fn moving(&mut self, size: u64) -> FileId {
        let file = self.offer(size);
        self.after(1, Input::Accept(file));
        self.after(1, Input::PartOpened(file));
        self.agree(1, file, 0);
        file
    }

    /// What the desk says when its ledger wants the file to go on: the part's offset.
    fn agree(&mut self, number: usize, file: FileId, offset: u64) {
        let wire = self.sides[1 - number].ledger.transfers.iter().find(|t| t.file == file).unwrap().wire;
        let from = self.sides[1 - number].other;
        self.input(1 - number, Input::Said(from, "Bob".into(), Control::Accept { id: wire, offset }));
        self.settle();
    }
}

#[test]
fn a_file_is_offered_accepted_sent_compared_and_done() {
    let mut pair = Pair::open();
    let file = pair.offer(2 * MB);
    assert_eq!(pair.states(file), [FileState::Offered; 2]);
    assert_eq!(pair.view(1, file).name, "b.txt", "the name is made safe");
    assert!(pair.sides[1].doing.is_empty(), "nothing is written that nobody accepted");

    assert!(
        matches!(pair.after(1, Input::Accept(file))[..], [Output::OpenPart { size, .. }] if size == 2 * MB)
    );
    assert!(matches!(pair.after(1, Input::PartOpened(file))[..], [Output::Continue { .. }]));
    pair.agree(1, file, 0);
    assert!(matches!(pair.sides[0].doing[..], [Output::Read { offset: 0, .. }]));
    pair.sides[0].doing.clear();

    pair.now += Duration::from_secs(1);
    pair.after(1, Input::Written(file, MB));
    assert_eq!(pair.sides[0].doing, [Output::Credit(file, MB)]);
    let view = pair.view(0, file);
    assert_eq!((view.moved, view.speed, view.seconds_left), (MB, MB, Some(1)));

    pair.after(1, Input::Written(file, 2 * MB));
    pair.after(0, Input::Sent(file));
    let wire = pair.sides[0].ledger.transfers[0].wire;
    let done = Control::Done { id: wire, sha256: "ab".repeat(32) };
    let finish = pair.after(1, Input::Said(peer(1), "Ada".into(), done));
    assert_eq!(finish, [Output::Finish { file, sha256: [0xab; 32] }]);
    assert_eq!(pair.states(file), [FileState::Checking; 2]);
    pair.after(1, Input::Saved(file, "b (1).txt".into()));
    assert_eq!(pair.states(file), [FileState::Done; 2]);
    assert_eq!(pair.view(1, file).saved_as.as_deref(), Some("b (1).txt"));
}

#[test]
fn after_a_reconnect_it_goes_on_from_what_the_receiver_has() {
    let mut pair = Pair::open();
    let file = pair.moving(2 * MB);
    pair.after(1, Input::Written(file, MB));
    pair.sides[0].doing.clear();
    pair.cut();
    assert_eq!(pair.states(file), [FileState::Waiting; 2]);
    assert_eq!(pair.sides[0].doing, [Output::StopReading(file)]);
    pair.connect();
    assert!(matches!(pair.sides[1].doing[..], [Output::Continue { .. }]), "{:?}", pair.sides[1].doing);
    pair.sides[0].doing.clear();
    pair.agree(1, file, MB + 7);
    assert!(matches!(pair.sides[0].doing[..], [Output::Read { offset, .. }] if offset == MB + 7));
    assert_eq!(pair.states(file), [FileState::Moving; 2]);
}

#[test]
fn what_was_saved_while_the_line_was_down_is_done_on_both_sides_after_it() {
    let mut pair = Pair::open();
    let file = pair.moving(MB);
    pair.after(1, Input::Written(file, MB));
    pair.after(0, Input::Sent(file));
    let id = pair.sides[0].ledger.transfers[0].wire;
    pair.after(1, Input::Said(peer(1), "Ada".into(), Control::Done { id, sha256: "0".repeat(64) }));
    pair.cut();
    pair.after(1, Input::Saved(file, "b.txt".into()));
    pair.connect();
    assert_eq!(pair.states(file), [FileState::Done; 2]);
}

#[test]
fn an_accepted_file_whose_line_broke_before_there_was_a_place_for_it_comes_all_the_same() {
    let mut pair = Pair::open();
    let file = pair.offer(MB);
    pair.after(1, Input::Accept(file));
    pair.cut();
    pair.connect();
    let opened = pair.after(1, Input::PartOpened(file));
    assert!(matches!(opened[..], [.., Output::Continue { .. }]), "{opened:?}");
}

#[test]
fn each_side_can_end_it_at_any_time_and_the_other_hears_of_it() {
    for (who, steps, states) in [
        (1, 0, [FileState::Declined; 2]),
        (0, 0, [FileState::Cancelled; 2]),
        (1, 1, [FileState::Cancelled; 2]),
        (0, 1, [FileState::Cancelled; 2]),
    ] {
        let mut pair = Pair::open();
        let file = if steps == 0 { pair.offer(MB) } else { pair.moving(MB) };
        pair.sides.iter_mut().for_each(|side| side.doing.clear());
        pair.after(who, Input::Cancel(file));
        assert_eq!(pair.states(file), states);
        // What is over stays so, whatever comes late.
        pair.after(1, Input::Written(file, MB));
        pair.after(1, Input::Accept(file));
        pair.after(0, Input::Sent(file));
        assert_eq!(pair.states(file), states);
    }
    let mut pair = Pair::open();
    let file = pair.moving(MB);
    pair.sides[1].doing.clear();
    pair.after(0, Input::Cancel(file));
    assert_eq!(pair.sides[1].doing, [Output::Discard(file)]);
}

#[test]
fn trouble_of_one_side_is_said_on_both() {
    let problem = || Problem::new(Sentence::FileDiskFull {}, "");
    let mut pair = Pair::open();
    let file = pair.moving(MB);
    pair.after(1, Input::WriteFailed(file, problem(), Refusal::DiskFull));
    let sentence = |pair: &Pair, number| pair.view(number, file).problem.unwrap().sentence;
    assert_eq!(sentence(&pair, 1), Sentence::FileDiskFull {});
    assert_eq!(sentence(&pair, 0), Sentence::FilePeerDiskFull { name: "Bob".into() });

    let mut pair = Pair::open();
    let file = pair.moving(MB);
    pair.after(0, Input::Unreadable(file, problem()));
    assert_eq!(pair.states(file), [FileState::Failed; 2]);
    assert_eq!(
        pair.view(1, file).problem.unwrap().sentence,
        Sentence::FilePeerVanished { name: "Ada".into() }
    );
}

#[test]
fn who_leaves_takes_what_was_under_way_along() {
    let mut pair = Pair::open();
    let file = pair.moving(MB);
    pair.sides[1].doing.clear();
    assert_eq!(pair.after(1, Input::Gone(peer(1))), [Output::Discard(file)]);
    assert_eq!(pair.view(1, file).problem.unwrap().sentence, Sentence::FilePeerLeft { name: "Ada".into() });
}

#[test]
fn a_peer_that_forgot_everything_does_not_leave_files_waiting_for_ever() {
    let mut pair = Pair::open();
    let file = pair.moving(MB);
    pair.cut();
    pair.sides[0].ledger = Ledger::new(77);
    pair.connect();
    assert_eq!(pair.view(1, file).state, FileState::Failed);
}

#[test]
fn nothing_but_what_belongs_to_a_transfer_has_an_effect() {
    let mut pair = Pair::open();
    let file = pair.moving(MB);
    let id = pair.sides[0].ledger.transfers[0].wire;
    let before = pair.states(file);
    pair.sides.iter_mut().for_each(|side| side.doing.clear());
    for control in [
        Control::Accept { id: id.wrapping_add(1), offset: 0 },
        Control::Accept { id, offset: 0 },
        Control::Got { id, offset: MB + 1 },
        Control::Got { id: 99, offset: 1 },
        Control::Received { id },
        Control::Withdraw { id, reason: Withdrawal::Cancelled }, // only who offers can say that
        Control::Refuse { id: 99, reason: Refusal::Declined },
        Control::Done { id, sha256: "0".repeat(64) },
        Control::Unknown,
    ] {
        pair.input(0, Input::Said(peer(2), "Bob".into(), control.clone()));
        pair.settle();
        assert_eq!((pair.states(file), pair.sides[0].doing.len()), (before, 0), "{control:?}");
    }
    // Another peer names the same id.
    pair.input(0, Input::Said(peer(3), "Eve".into(), Control::Refuse { id, reason: Refusal::Declined }));
    pair.settle();
    assert_eq!(pair.states(file), before);
}

#[test]
fn an_offset_beyond_the_file_and_another_size_end_it() {
    let mut pair = Pair::open();
    let file = pair.offer(MB);
    pair.agree(1, file, MB + 1);
    assert_eq!(pair.view(0, file).state, FileState::Failed);

    let mut pair = Pair::open();
    let file = pair.moving(MB);
    let id = pair.sides[0].ledger.transfers[0].wire;
    let other = Control::Offer { id, name: "b.txt".into(), size: MB - 1 };
    pair.input(1, Input::Said(peer(1), "Ada".into(), other));
    pair.settle();
    assert_eq!(pair.states(file), [FileState::Failed; 2]);
}

#[test]
fn thousands_of_offers_ask_the_person_a_few_times_only() {
    let mut ledger = Ledger::new(0);
    let now = Instant::now();
    ledger.handle(now, 0, Input::Opened(peer(1)));
    let mut offer = |id: u32, size| {
        let offer = Control::Offer { id, name: "x".into(), size };
        ledger.handle(now, 0, Input::Said(peer(1), "Eve".into(), offer));
        // Taken back at once, so that the unfinished ones are never too many.
        if id % 2 == 1 {
            let withdraw = Control::Withdraw { id, reason: Withdrawal::Cancelled };
            ledger.handle(now, 0, Input::Said(peer(1), "Eve".into(), withdraw));
        }
        std::iter::from_fn(|| ledger.poll()).collect::<Vec<_>>()
    };
    let too_large = Output::Tell(peer(1), Control::Refuse { id: 0, reason: Refusal::TooLarge });
    assert!(offer(0, FILE_MAX_BYTES + 1).contains(&too_large));
    let refused = (1..5000).filter(|id| !offer(*id, 1).is_empty()).count();
    assert!(refused > 4900);
    let views = ledger.views(now);
    assert!(views.len() <= OFFERS_IN_SPAN, "{}", views.len());
    let open = views.iter().filter(|view| view.state == FileState::Offered).count();
    assert!(open <= UNFINISHED_LIMIT);
    // Later there is room for one more.
    for _ in 0..UNFINISHED_LIMIT {
        let file = ledger.views(now).iter().find(|view| view.state == FileState::Offered).map(|view| view.id);
        file.into_iter().for_each(|file| ledger.handle(now, 0, Input::Cancel(file)));
    }
    let later = Control::Offer { id: 9999, name: "y".into(), size: 1 };
    ledger.handle(now + OFFER_SPAN, 0, Input::Said(peer(1), "Eve".into(), later));
    assert_eq!(ledger.views(now).last().map(|view| view.name.clone()).as_deref(), Some("y"));
}

#[test]
fn the_own_offers_to_one_peer_have_a_limit_that_is_said() {
    let mut pair = Pair::open();
    for _ in 0..UNFINISHED_LIMIT {
        pair.offer(1);
    }
    let offer =
        NewOffer { peer: peer(2), peer_name: "Bob".into(), name: "one more".into(), size: 1, at_ms: 0 };
    let problem = pair.sides[0].ledger.offer(offer).unwrap_err();
    assert_eq!(problem.sentence, Sentence::FileTooMany { name: "Bob".into(), limit: UNFINISHED_LIMIT });
}

#[test]
fn what_is_over_does_not_pile_up() {
    let mut pair = Pair::open();
    for _ in 0..HISTORY + 50 {
        let file = pair.offer(1);
        pair.after(0, Input::Cancel(file));
        pair.now += OFFER_SPAN;
    }
    assert_eq!(pair.sides[0].ledger.views(pair.now).len(), HISTORY);
    assert_eq!(pair.sides[1].ledger.views(pair.now).len(), HISTORY);
}
