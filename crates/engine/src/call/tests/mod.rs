//! The call in virtual time: what it says to the server and to its connections, and when.

use super::*;
use crate::notice::{NoticeCode, Problem, Sentence};
use maru_protocol::{Capabilities, LinkScope, SdpType};

mod peer;
mod room;

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
