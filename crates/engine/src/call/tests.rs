//! The call in virtual time: what it says to the server and to its connections, and when.

use super::*;
use crate::notice::{NoticeCode, Problem, Sentence};
use maru_protocol::{Capabilities, LinkScope, SdpType};

const OFFER: &str = "v=0\r\na=fingerprint:sha-256 11\r\n";
const ANSWER: &str = "v=0\r\na=fingerprint:sha-256 22\r\n";
const OTHER_OFFER: &str = "v=0\r\na=fingerprint:sha-256 33\r\n";

struct Bench {
    call: Call,
    now: Instant,
    me: ResumeToken,
}

impl Bench {
    fn new() -> Self {
        let identity = Identity {
            client: ClientInfo { name: "test".into(), version: "1".into() },
            capabilities: Capabilities::default(),
            token: None,
        };
        let call = Call::new(identity, Status::default(), 1);
        Self { call, now: Instant::now(), me: ResumeToken::random() }
    }

    /// In the room, with these members there before.
    fn joined(members: &[&PeerInfo]) -> Self {
        let mut bench = Self::new();
        bench.join();
        bench.input(Input::SignalingOpen);
        bench.enter(members);
        bench.outputs();
        bench
    }

    fn join(&mut self) {
        let (room, name) = (RoomName::parse("room").unwrap(), DisplayName::parse("me").unwrap());
        self.input(Input::Join { room, name });
    }

    fn enter(&mut self, members: &[&PeerInfo]) {
        self.entered(false, members);
    }

    /// Back in the old place.
    fn resume(&mut self, members: &[&PeerInfo]) {
        self.entered(true, members);
    }

    fn entered(&mut self, resumed: bool, members: &[&PeerInfo]) {
        self.server(ServerMessage::Joined {
            you: self.me.peer_id(),
            resume: self.me.clone(),
            resumed,
            room: RoomName::parse("room").unwrap(),
            peers: members.iter().copied().cloned().collect(),
            ice_servers: Vec::new(),
            limits: Limits::default(),
            links: vec![link()],
        });
    }

    fn input(&mut self, input: Input) {
        self.call.handle(self.now, input);
    }

    fn server(&mut self, message: ServerMessage) {
        self.input(Input::Server(message));
    }

    fn signal(&mut self, from: &PeerInfo, signal: Signal) {
        self.server(ServerMessage::Signal { from: from.id, signal });
    }

    fn connection(&mut self, peer: &PeerInfo, generation: Generation, event: ConnectionEvent) {
        self.input(Input::Connection(peer.id, generation, event));
    }

    fn outputs(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.call.poll()).collect()
    }

    /// Lets time pass, deadline by deadline.
    fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(deadline) = self.call.next_deadline().filter(|deadline| *deadline <= end) {
            self.now = self.now.max(deadline);
            self.call.handle_timeout(self.now);
        }
        self.now = end;
    }

    fn state_of(&self, peer: &PeerInfo) -> Option<PeerState> {
        self.call.peers().iter().find(|known| known.id() == peer.id).map(Peer::state)
    }

    /// A peer that came after us and is connected; returns its connection's generation.
    fn connect_newcomer(&mut self, peer: &PeerInfo) -> Generation {
        self.server(ServerMessage::PeerJoined { peer: peer.clone() });
        let generation = opened(&self.outputs()).unwrap();
        self.connection(peer, generation, description(SdpType::Offer, OFFER));
        self.signal(peer, Signal::Description { sdp_type: SdpType::Answer, sdp: ANSWER.into(), offer: None });
        self.connection(peer, generation, ConnectionEvent::Connected);
        self.outputs();
        assert_eq!(self.state_of(peer), Some(PeerState::Connected));
        generation
    }
}

fn link() -> GuestLink {
    GuestLink { url: "https://call.example/room".into(), scope: LinkScope::Public, fingerprint: None }
}

fn member(name: &str) -> PeerInfo {
    PeerInfo {
        id: ResumeToken::random().peer_id(),
        name: DisplayName::parse(name).unwrap(),
        client: ClientInfo { name: "test".into(), version: "1".into() },
        capabilities: Capabilities::default(),
        status: Status::default(),
    }
}

fn description(sdp_type: SdpType, sdp: &str) -> ConnectionEvent {
    ConnectionEvent::Description { sdp_type, sdp: sdp.into(), offer: None }
}

fn number_of(output: &Output) -> Option<u32> {
    match output {
        Output::Order { order: ConnectionOrder::Offer { number, .. }, .. } => Some(*number),
        _ => None,
    }
}

fn probed(outputs: &[Output]) -> bool {
    outputs.iter().any(|output| matches!(output, Output::ProbeSignaling))
}

fn opened(outputs: &[Output]) -> Option<Generation> {
    outputs.iter().rev().find_map(|output| match output {
        Output::OpenConnection { generation, .. } => Some(*generation),
        _ => None,
    })
}

fn offers(outputs: &[Output]) -> Vec<bool> {
    let restart = |output: &Output| match output {
        Output::Order { order: ConnectionOrder::Offer { restart, .. }, .. } => Some(*restart),
        _ => None,
    };
    outputs.iter().filter_map(restart).collect()
}

fn signals(outputs: &[Output]) -> Vec<&Signal> {
    let signal = |output| match output {
        &Output::Send(ClientMessage::Signal { ref signal, .. }) => Some(signal),
        _ => None,
    };
    outputs.iter().filter_map(signal).collect()
}

/// The connection to the server broke.
fn lost() -> Problem {
    Problem::new(Sentence::ServerLost {}, "lost")
}

fn notices(outputs: &[Output]) -> Vec<NoticeCode> {
    let code = |output: &Output| match output {
        Output::Notice(notice) => Some(notice.code),
        _ => None,
    };
    outputs.iter().filter_map(code).collect()
}

fn closed(outputs: &[Output]) -> bool {
    outputs.iter().any(|output| matches!(output, Output::CloseConnection { .. }))
}

#[test]
fn who_was_there_first_offers_to_the_newcomer_and_the_newcomer_waits() {
    let peer = member("a");
    let mut first = Bench::joined(&[]);
    first.server(ServerMessage::PeerJoined { peer: peer.clone() });
    assert_eq!(offers(&first.outputs()), [false]);

    let mut newcomer = Bench::joined(&[&peer]);
    assert!(opened(&newcomer.outputs()).is_none());
    newcomer.signal(&peer, Signal::Description { sdp_type: SdpType::Offer, sdp: OFFER.into(), offer: None });
    let outputs = newcomer.outputs();
    assert!(opened(&outputs).is_some());
    assert!(offers(&outputs).is_empty());
}

#[test]
fn an_offer_while_ours_is_pending_is_ignored_by_the_one_who_offers() {
    let peer = member("a");
    let mut bench = Bench::joined(&[]);
    bench.server(ServerMessage::PeerJoined { peer: peer.clone() });
    bench.outputs();
    bench.signal(&peer, Signal::Description { sdp_type: SdpType::Offer, sdp: OFFER.into(), offer: None });
    assert!(bench.outputs().is_empty());
}

#[test]
fn a_newcomer_whose_offer_does_not_come_asks_for_it_and_gives_up_in_the_end() {
    let peer = member("a");
    let mut bench = Bench::joined(&[&peer]);
    bench.pass(Duration::from_secs(13));
    assert!(matches!(signals(&bench.outputs())[..], [Signal::Restart]));
    bench.pass(Duration::from_secs(120));
    let outputs = bench.outputs();
    assert_eq!(notices(&outputs), [NoticeCode::Peer]);
    assert_eq!(bench.state_of(&peer), Some(PeerState::Closed));
}

#[test]
fn the_server_can_go_and_come_back_without_touching_a_connected_peer() {
    let peer = member("a");
    let mut bench = Bench::joined(&[]);
    bench.connect_newcomer(&peer);
    bench.input(Input::SignalingClosed(lost()));
    assert_eq!(bench.call.state(), CallState::Reconnecting);
    bench.pass(Duration::from_secs(1));
    assert!(bench.outputs().iter().any(|output| matches!(output, Output::OpenSignaling)));
    bench.input(Input::SignalingOpen);
    let outputs = bench.outputs();
    assert!(
        matches!(&outputs[..], [Output::Send(ClientMessage::Join { resume: Some(token), .. })] if *token == bench.me)
    );
    // The server was restarted and the peer is not back yet; then it is.
    bench.enter(&[]);
    bench.server(ServerMessage::PeerJoined { peer: peer.clone() });
    assert!(bench.outputs().is_empty(), "nothing to negotiate, nothing to close");
    assert_eq!(bench.state_of(&peer), Some(PeerState::Connected));
    assert_eq!(bench.call.state(), CallState::InCall);
}

#[test]
fn reconnecting_goes_on_with_growing_waits_until_the_server_is_back() {
    let mut bench = Bench::joined(&[]);
    bench.input(Input::SignalingClosed(lost()));
    let mut waits = Vec::new();
    for _ in 0..20 {
        let deadline = bench.call.next_deadline().unwrap();
        waits.push(deadline - bench.now);
        bench.now = deadline;
        bench.call.handle_timeout(bench.now);
        bench.input(Input::SignalingClosed(lost()));
    }
    assert!(waits[0] < Duration::from_millis(300));
    assert!(waits.iter().all(|wait| *wait <= Duration::from_secs(10)));
    assert!(waits[19] > Duration::from_secs(4));
    assert!(notices(&bench.outputs()).is_empty(), "the state tells it all");
}

#[test]
fn the_first_attempt_to_join_fails_with_the_reason() {
    let mut bench = Bench::new();
    bench.join();
    let problem = Problem::new(Sentence::ServerUnknownHost { host: "nowhere".into() }, "no such host");
    bench.input(Input::SignalingClosed(problem.clone()));
    assert_eq!(bench.call.state(), CallState::Idle);
    let said = problem.notice(NoticeCode::Server);
    assert!(bench.outputs().iter().any(|output| matches!(output, Output::Notice(notice) if *notice == said)));
}

#[test]
fn a_server_that_says_nothing_is_given_up_in_time() {
    let mut bench = Bench::new();
    bench.join();
    bench.input(Input::SignalingOpen);
    bench.pass(JOIN_TIMEOUT);
    assert_eq!(bench.call.state(), CallState::Idle);
    assert_eq!(notices(&bench.outputs()), [NoticeCode::Server]);
}

#[test]
fn a_full_room_ends_the_attempt_with_the_servers_words() {
    let mut bench = Bench::new();
    bench.join();
    bench.input(Input::SignalingOpen);
    bench.outputs();
    let message = "The room is full.".to_owned();
    bench.server(ServerMessage::Error { code: ErrorCode::RoomFull, message, fatal: true });
    assert_eq!(bench.call.state(), CallState::Idle);
    assert_eq!(notices(&bench.outputs()), [NoticeCode::RoomFull]);
}

#[test]
fn a_vanished_peer_is_gone_when_both_the_server_and_the_path_have_lost_it() {
    let peer = member("a");
    let mut bench = Bench::joined(&[]);
    let generation = bench.connect_newcomer(&peer);
    bench.server(ServerMessage::PeerAway { peer: peer.id });
    assert_eq!(bench.state_of(&peer), Some(PeerState::Connected), "media may well go on");
    bench.connection(&peer, generation, ConnectionEvent::Disconnected);
    assert_eq!(bench.state_of(&peer), Some(PeerState::Restarting), "both may come back");
    bench.pass(Duration::from_secs(14));
    assert!(offers(&bench.outputs()).is_empty(), "nobody is there to take an offer");
    bench.pass(Duration::from_secs(2));
    assert_eq!(bench.state_of(&peer), None);
    assert!(closed(&bench.outputs()));
    // It comes back within the server's patience: as a newcomer, for us.
    bench.server(ServerMessage::PeerBack { peer: peer.id });
    assert_eq!(offers(&bench.outputs()), [false]);
}

#[test]
fn whoever_was_away_when_we_came_offers_when_it_is_back() {
    let peer = member("a");
    let mut bench = Bench::joined(&[&peer]);
    bench.server(ServerMessage::PeerAway { peer: peer.id });
    assert_eq!(bench.state_of(&peer), None);
    bench.outputs();
    // The server tells it of us then, and both would offer for ever.
    bench.server(ServerMessage::PeerBack { peer: peer.id });
    assert_eq!(bench.state_of(&peer), Some(PeerState::New));
    assert!(offers(&bench.outputs()).is_empty());
    bench.signal(&peer, Signal::Description { sdp_type: SdpType::Offer, sdp: OFFER.into(), offer: None });
    assert_eq!(bench.state_of(&peer), Some(PeerState::Negotiating));
}

#[test]
fn a_lost_path_is_restarted_by_who_offers_when_it_is_asked_to() {
    let peer = member("a");
    let mut bench = Bench::joined(&[]);
    let generation = bench.connect_newcomer(&peer);
    bench.connection(&peer, generation, ConnectionEvent::Disconnected);
    assert_eq!(bench.state_of(&peer), Some(PeerState::Restarting));
    bench.pass(Duration::from_secs(2));
    assert!(offers(&bench.outputs()).is_empty(), "the peer may have lost its network");
    bench.signal(&peer, Signal::Restart);
    assert_eq!(offers(&bench.outputs()), [true]);
    bench.connection(&peer, generation, ConnectionEvent::Connected);
    assert_eq!(bench.state_of(&peer), Some(PeerState::Connected));
}

#[test]
fn a_lost_path_is_reported_by_who_answers() {
    let peer = member("a");
    let mut bench = Bench::joined(&[&peer]);
    bench.signal(&peer, Signal::Description { sdp_type: SdpType::Offer, sdp: OFFER.into(), offer: None });
    let generation = opened(&bench.outputs()).unwrap();
    bench.connection(&peer, generation, description(SdpType::Answer, ANSWER));
    bench.connection(&peer, generation, ConnectionEvent::Connected);
    bench.outputs();
    bench.connection(&peer, generation, ConnectionEvent::Disconnected);
    assert!(probed(&bench.outputs()));
    bench.pass(Duration::from_secs(5));
    assert!(signals(&bench.outputs()).is_empty(), "where the server is silent too, it is our own network");
    bench.input(Input::ServerAlive);
    bench.pass(Duration::from_secs(1));
    assert!(matches!(signals(&bench.outputs())[..], [Signal::Restart]));
    // The same certificate with other credentials is a restart; another one is another connection.
    bench.signal(&peer, Signal::Description { sdp_type: SdpType::Offer, sdp: OFFER.into(), offer: None });
    assert!(opened(&bench.outputs()).is_none());
    bench.signal(
        &peer,
        Signal::Description { sdp_type: SdpType::Offer, sdp: OTHER_OFFER.into(), offer: None },
    );
    let outputs = bench.outputs();
    assert!(opened(&outputs).is_some() && closed(&outputs));
}

#[test]
fn who_offers_and_is_not_asked_restarts_a_lost_path_after_a_while() {
    let peer = member("a");
    let mut bench = Bench::joined(&[]);
    let generation = bench.connect_newcomer(&peer);
    bench.connection(&peer, generation, ConnectionEvent::Disconnected);
    bench.pass(Duration::from_millis(50));
    bench.input(Input::ServerAlive);
    bench.pass(Duration::from_secs(7));
    assert!(offers(&bench.outputs()).is_empty());
    bench.pass(Duration::from_secs(1));
    assert_eq!(offers(&bench.outputs()), [true]);
}

#[test]
fn a_path_whose_address_is_gone_is_restarted_at_once() {
    let peer = member("a");
    let mut bench = Bench::joined(&[]);
    let generation = bench.connect_newcomer(&peer);
    bench.connection(&peer, generation, ConnectionEvent::AddressGone);
    assert_eq!(offers(&bench.outputs()), [true]);
    assert_eq!(bench.state_of(&peer), Some(PeerState::Restarting));
}

#[test]
fn when_the_network_changes_the_server_is_reached_anew_at_once_and_then_every_lost_path_is() {
    let peer = member("a");
    let mut bench = Bench::joined(&[]);
    let generation = bench.connect_newcomer(&peer);
    bench.input(Input::NetworkChanged { signaling_gone: true, came: true });
    bench.connection(&peer, generation, ConnectionEvent::AddressGone);
    assert_eq!(bench.call.state(), CallState::Reconnecting);
    bench.pass(Duration::ZERO);
    let outputs = bench.outputs();
    assert!(outputs.iter().any(|output| matches!(output, Output::OpenSignaling)), "{outputs:?}");
    assert!(offers(&outputs).is_empty(), "nobody would get it");
    bench.pass(Duration::from_millis(50));
    bench.input(Input::SignalingOpen);
    bench.resume(&[&peer]);
    bench.pass(Duration::ZERO);
    assert_eq!(offers(&bench.outputs()), [true]);
    assert_eq!(bench.state_of(&peer), Some(PeerState::Restarting));
}

#[test]
fn a_new_network_serves_who_looks_for_a_path_and_leaves_who_has_one_alone() {
    let (lost, fine) = (member("lost"), member("fine"));
    let mut bench = Bench::joined(&[]);
    let generation = bench.connect_newcomer(&lost);
    bench.connect_newcomer(&fine);
    bench.connection(&lost, generation, ConnectionEvent::Disconnected);
    bench.outputs();
    bench.input(Input::NetworkChanged { signaling_gone: false, came: true });
    assert_eq!(offers(&bench.outputs()), [true]);
    assert_eq!(bench.state_of(&fine), Some(PeerState::Connected));
}

#[test]
fn an_offer_that_was_lost_is_made_anew_and_a_late_answer_to_the_first_is_not_taken_for_one_to_the_second() {
    let peer = member("a");
    let mut bench = Bench::joined(&[]);
    let generation = bench.connect_newcomer(&peer);
    bench.connection(&peer, generation, ConnectionEvent::AddressGone);
    bench.signal(&peer, Signal::Restart);
    let numbers: Vec<u32> = bench.outputs().iter().filter_map(number_of).collect();
    let [first, second] = numbers[..] else { panic!("{numbers:?}") };
    let answer =
        |offer| Signal::Description { sdp_type: SdpType::Answer, sdp: ANSWER.into(), offer: Some(offer) };
    bench.signal(&peer, answer(first));
    assert!(bench.outputs().is_empty());
    bench.signal(&peer, answer(second));
    assert!(matches!(bench.outputs()[..], [Output::Order { .. }]));
}

#[test]
fn a_peer_that_was_connected_is_never_given_up_while_it_is_in_the_room() {
    let peer = member("a");
    let mut bench = Bench::joined(&[]);
    let generation = bench.connect_newcomer(&peer);
    bench.connection(&peer, generation, ConnectionEvent::Disconnected);
    for _ in 0..600 {
        bench.input(Input::ServerAlive);
        bench.pass(Duration::from_secs(1));
        assert!(notices(&bench.outputs()).is_empty());
    }
    assert!(bench.state_of(&peer).is_some_and(|state| state != PeerState::Closed));
}

#[test]
fn who_comes_back_too_late_waits_for_offers_as_a_newcomer_does() {
    let peer = member("a");
    let mut bench = Bench::joined(&[]);
    let generation = bench.connect_newcomer(&peer);
    bench.connection(&peer, generation, ConnectionEvent::Disconnected);
    bench.input(Input::SignalingClosed(lost()));
    bench.pass(Duration::from_secs(40));
    bench.outputs();
    bench.input(Input::SignalingOpen);
    bench.enter(&[&peer]);
    assert!(offers(&bench.outputs()).is_empty());
    bench.signal(&peer, Signal::Description { sdp_type: SdpType::Offer, sdp: OFFER.into(), offer: None });
    assert!(opened(&bench.outputs()).is_some());
}

#[test]
fn who_asks_to_go_on_with_a_connection_that_the_peer_has_no_more_takes_the_peers_new_one() {
    let peer = member("a");
    let mut bench = Bench::joined(&[]);
    let generation = bench.connect_newcomer(&peer);
    bench.connection(&peer, generation, ConnectionEvent::AddressGone);
    assert_eq!(offers(&bench.outputs()), [true]);
    bench.signal(
        &peer,
        Signal::Description { sdp_type: SdpType::Offer, sdp: OTHER_OFFER.into(), offer: None },
    );
    let outputs = bench.outputs();
    assert!(closed(&outputs) && opened(&outputs).is_some());
}

#[test]
fn a_peer_that_sends_garbage_fails_alone_and_is_given_up_after_a_few_tries() {
    let (bad, good) = (member("bad"), member("good"));
    let mut bench = Bench::joined(&[]);
    bench.connect_newcomer(&good);
    bench.server(ServerMessage::PeerJoined { peer: bad.clone() });
    let mut given_up = false;
    for _ in 0..10 {
        let outputs = bench.outputs();
        given_up |= notices(&outputs) == [NoticeCode::Peer];
        if let Some(generation) = opened(&outputs) {
            bench.signal(
                &bad,
                Signal::Description { sdp_type: SdpType::Answer, sdp: "garbage".into(), offer: None },
            );
            bench.connection(&bad, generation, ConnectionEvent::Failed(Failure::Other("bad SDP".into())));
        }
        bench.pass(Duration::from_secs(2));
    }
    assert!(given_up);
    assert_eq!(bench.state_of(&bad), Some(PeerState::Closed));
    assert_eq!(bench.state_of(&good), Some(PeerState::Connected));
}

#[test]
fn news_of_a_replaced_connection_counts_for_nothing() {
    let peer = member("a");
    let mut bench = Bench::joined(&[]);
    let generation = bench.connect_newcomer(&peer);
    bench.connection(&peer, generation + 7, ConnectionEvent::Failed(Failure::Other("old".into())));
    assert_eq!(bench.state_of(&peer), Some(PeerState::Connected));
}

#[test]
fn leaving_says_so_closes_everything_and_is_over_in_a_second_at_most() {
    let peer = member("a");
    let mut bench = Bench::joined(&[]);
    bench.connect_newcomer(&peer);
    bench.input(Input::Leave);
    let outputs = bench.outputs();
    assert!(closed(&outputs));
    assert!(outputs.iter().any(|output| matches!(output, Output::Send(ClientMessage::Leave))));
    assert_eq!(bench.call.state(), CallState::Leaving);
    bench.pass(LEAVE_TIMEOUT);
    assert_eq!(bench.call.state(), CallState::Idle);
}

#[test]
fn a_server_that_asks_for_patience_gets_it() {
    let mut bench = Bench::joined(&[]);
    bench.server(ServerMessage::Closing { reason: ClosingReason::Shutdown, retry_after: Some(5) });
    bench.input(Input::SignalingClosed(lost()));
    let wait = bench.call.next_deadline().unwrap() - bench.now;
    assert!(wait >= Duration::from_secs(5), "{wait:?}");
}

#[test]
fn a_full_server_ends_a_joining_with_its_sentence_and_no_call_that_goes_on() {
    let full = || ServerMessage::Error {
        code: ErrorCode::Overloaded,
        message: "The server is full just now.".to_owned(),
        fatal: false,
    };
    let busy = || ServerMessage::Closing { reason: ClosingReason::Busy, retry_after: Some(5) };
    let mut joining = Bench::new();
    joining.join();
    joining.input(Input::SignalingOpen);
    joining.server(full());
    joining.server(busy());
    joining.input(Input::SignalingClosed(lost()));
    assert_eq!(joining.call.state(), CallState::Idle);
    assert_eq!(
        notices(&joining.outputs()),
        [NoticeCode::Server],
        "the reason, and not that the line was cut"
    );

    let mut going_on = Bench::joined(&[]);
    going_on.outputs();
    going_on.server(full());
    going_on.server(busy());
    going_on.input(Input::SignalingClosed(lost()));
    assert_eq!(going_on.call.state(), CallState::Reconnecting);
    assert!(going_on.call.next_deadline().unwrap() - going_on.now >= Duration::from_secs(5));
}

#[test]
fn joining_again_elsewhere_ends_this_call() {
    let mut bench = Bench::joined(&[]);
    bench.server(ServerMessage::Closing { reason: ClosingReason::Replaced, retry_after: None });
    assert_eq!(bench.call.state(), CallState::Idle);
    assert_eq!(notices(&bench.outputs()), [NoticeCode::Server]);
}

#[test]
fn the_times_of_a_peer_count_from_its_arrival_or_from_our_wish_to_join() {
    let (there, later) = (member("there"), member("later"));
    let mut bench = Bench::new();
    bench.join();
    bench.now += Duration::from_millis(40);
    bench.input(Input::SignalingOpen);
    bench.enter(&[&there]);
    assert_eq!(bench.call.joined_after(), Some(Duration::from_millis(40)));
    bench.signal(&there, Signal::Description { sdp_type: SdpType::Offer, sdp: OFFER.into(), offer: None });
    let generation = opened(&bench.outputs()).unwrap();
    bench.now += Duration::from_millis(60);
    bench.connection(&there, generation, ConnectionEvent::Connected);
    bench.server(ServerMessage::PeerJoined { peer: later.clone() });
    let generation = opened(&bench.outputs()).unwrap();
    bench.now += Duration::from_millis(30);
    bench.connection(&later, generation, ConnectionEvent::Connected);
    let after = |peer: &PeerInfo| {
        bench.call.peers().iter().find(|known| known.id() == peer.id).and_then(Peer::connected_after)
    };
    assert_eq!(after(&there), Some(Duration::from_millis(100)));
    assert_eq!(after(&later), Some(Duration::from_millis(30)));
}

#[test]
fn the_links_that_the_server_gave_are_shown_until_the_call_ends() {
    let mut bench = Bench::joined(&[]);
    assert_eq!(bench.call.links(), [link()]);
    bench.input(Input::Leave);
    bench.input(Input::SignalingClosed(lost()));
    assert_eq!(bench.call.links(), []);
}

#[test]
fn a_peer_that_lost_its_memory_asks_and_gets_an_offer_whoever_was_there_first() {
    let peer = member("a");
    let mut bench = Bench::joined(&[&peer]);
    bench.signal(&peer, Signal::Description { sdp_type: SdpType::Offer, sdp: OFFER.into(), offer: None });
    let old = opened(&bench.outputs()).unwrap();
    bench.connection(&peer, old, ConnectionEvent::Connected);
    bench.signal(&peer, Signal::Restart);
    let outputs = bench.outputs();
    assert!(closed(&outputs), "its keys are forgotten over there");
    assert!(opened(&outputs).unwrap() > old);
    assert_eq!(offers(&outputs), [false]);
}

#[test]
fn when_both_ask_for_an_offer_one_of_them_makes_it() {
    let peer = member("a");
    let mut bench = Bench::joined(&[&peer]);
    bench.pass(Duration::from_secs(3));
    assert_eq!(signals(&bench.outputs()), [&Signal::Restart]);
    bench.signal(&peer, Signal::Restart);
    let expected = if bench.me.peer_id() < peer.id { 0 } else { 1 };
    assert_eq!(offers(&bench.outputs()).len(), expected);
}

#[test]
fn an_answer_with_another_certificate_makes_a_new_connection() {
    let peer = member("a");
    let mut bench = Bench::joined(&[]);
    let old = bench.connect_newcomer(&peer);
    bench.signal(&peer, Signal::Restart);
    assert_eq!(offers(&bench.outputs()), [true]);
    bench.connection(&peer, old, description(SdpType::Offer, OFFER));
    bench.outputs();
    let sdp = ANSWER.replace("22", "44");
    bench.signal(&peer, Signal::Description { sdp_type: SdpType::Answer, sdp, offer: None });
    let outputs = bench.outputs();
    assert!(closed(&outputs));
    assert_eq!(offers(&outputs), [false]);
}

#[test]
fn who_closes_the_channel_and_the_line_to_the_server_is_gone_at_once() {
    let peer = member("a");
    for channel_first in [true, false] {
        let mut bench = Bench::joined(&[]);
        let generation = bench.connect_newcomer(&peer);
        let away = ServerMessage::PeerAway { peer: peer.id };
        if channel_first {
            bench.connection(&peer, generation, ConnectionEvent::ChannelClosed);
            assert_eq!(bench.state_of(&peer), Some(PeerState::Connected), "the channel alone says little");
            bench.server(away);
        } else {
            bench.server(away);
            bench.connection(&peer, generation, ConnectionEvent::ChannelClosed);
        }
        assert_eq!(bench.state_of(&peer), None);
        assert!(closed(&bench.outputs()));
    }
}

#[test]
fn a_room_that_moves_to_another_server_is_entered_there_and_the_call_goes_on_as_it_is() {
    let (anna, bo) = (member("Anna"), member("Bo"));
    let mut bench = Bench::joined(&[]);
    for peer in [&anna, &bo] {
        bench.connect_newcomer(peer);
    }
    bench.input(Input::SignalingMoved);
    let outputs = bench.outputs();
    let [Output::Send(ClientMessage::Join { resume: Some(resume), .. })] = &outputs[..] else {
        panic!("{outputs:?}")
    };
    assert_eq!(*resume, bench.me);
    assert_eq!(bench.call.state(), CallState::InCall);

    // Anna moved before, Bo comes after, and Cy was there.
    let cy = member("Cy");
    bench.enter(&[&anna, &cy]);
    bench.server(ServerMessage::PeerJoined { peer: bo.clone() });
    let outputs = bench.outputs();
    assert!(!outputs.iter().any(|output| matches!(
        output,
        Output::OpenConnection { .. } | Output::CloseConnection { .. } | Output::Notice(_)
    )));
    assert_eq!(bench.call.state(), CallState::InCall);
    for peer in [&anna, &bo] {
        assert_eq!(bench.state_of(peer), Some(PeerState::Connected));
    }
    assert!(bench.state_of(&cy).is_some());
}

#[test]
fn a_second_joined_without_a_move_changes_nothing() {
    let anna = member("Anna");
    let mut bench = Bench::joined(&[]);
    bench.connect_newcomer(&anna);
    bench.enter(&[&member("Mallory")]);
    assert_eq!(bench.call.peers().len(), 1);
}

#[test]
fn a_room_that_moves_while_it_is_entered_is_entered_at_the_other_server() {
    let mut bench = Bench::new();
    bench.join();
    bench.input(Input::SignalingOpen);
    bench.outputs();
    bench.input(Input::SignalingMoved);
    assert!(matches!(bench.outputs()[..], [Output::Send(ClientMessage::Join { .. })]));
    bench.enter(&[]);
    assert_eq!(bench.call.state(), CallState::InCall);
}

#[test]
fn whoever_left_meanwhile_is_not_taken_along() {
    let mut bench = Bench::joined(&[]);
    bench.input(Input::Leave);
    bench.outputs();
    bench.input(Input::SignalingMoved);
    assert!(matches!(bench.outputs()[..], [Output::CloseSignaling]));
}
