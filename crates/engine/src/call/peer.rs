//! One other participant: who offers, when to restart, when it is gone. Told the time, like the
//! call it belongs to.
//!
//! ```text
//!       offer made or came       answer          path found         path lost
//! New ───────────────▶ Negotiating ───▶ Connecting ──────▶ Connected ───────▶ Restarting
//!                          │                │                 ▲                  │
//!                          └── too long, failed: once more, from the start ◀─────┘ found again
//!                                           │
//!                                  too often ▼
//!                                         Closed
//! ```
//!
//! The participant that was in the room first makes every offer, so offers never collide between
//! two of us; the newcomer asks for one with `restart`. So whoever asks, answers: a page that was
//! reloaded has its old place and no memory of who was first, and asks everybody. A foreign peer that
//! offers all the same is handled by the rules of perfect negotiation (W3C WebRTC 1.0, section 10.7):
//! we are impolite where we offer, and where we answer we have no offer out that could collide.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use maru_protocol::{ClientMessage, PeerId, PeerInfo, SdpType, Signal, Status};

use super::Output;
use crate::api::PeerState;
use crate::notice::{NoticeCode, Problem, Sentence};

/// From the first signal to a connected path.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(12);
/// How long a member that was there first may take to offer; then it is asked to, for it may have
/// missed our coming while its own line to the server was broken.
const OFFER_TIMEOUT: Duration = Duration::from_secs(3);
/// How long who answers waits for a silent path before it asks for another.
const ASK_AFTER: Duration = Duration::from_millis(1500);
/// How long who offers waits to be asked. A restart gives the old path up, so the peer has to be there for it:
/// whoever cannot ask has no network, and then the old path is the first to work again. By the end of this
/// the server has noticed that, too, and says that the peer is away.
const RESTART_AFTER: Duration = Duration::from_millis(7500);
/// How long a path may be silent until the peer, which the server lost as well, is gone.
const GONE_AFTER: Duration = Duration::from_secs(15);
/// How long a restart may take before the next try. Until then its paths are tried over and over.
const RESTART_TIMEOUT: Duration = Duration::from_secs(10);
/// Where a restart has to wait for the server or the peer, how often to look.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// Tries without a connection in between, after which a peer that never was connected is given up, and one
/// that was gets a new connection.
const MAX_ATTEMPTS: u32 = 4;

/// The way to the server, as far as it matters for a peer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServerLink {
    /// Signals can be sent.
    pub usable: bool,
    /// When something last came from it.
    pub heard: Option<Instant>,
}

impl ServerLink {
    /// Whether it surely is there: it was heard after this. A line that broke looks usable for long.
    fn is_alive_since(self, at: Instant) -> bool {
        self.usable && self.heard.is_some_and(|heard| heard > at)
    }
}

/// Which of several successive connections to one peer.
pub(crate) type Generation = u64;

/// What a peer connection is told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ConnectionOrder {
    /// Make an offer; with new ICE credentials where `restart`.
    Offer { restart: bool, number: u32 },
    /// Apply a description; answer it when it is an offer, whose number it may have.
    Remote { sdp_type: SdpType, sdp: String, offer: Option<u32> },
    /// Try this candidate too.
    Candidate { candidate: String, sdp_mid: Option<String>, sdp_m_line_index: Option<u16> },
}

/// What a peer connection reports.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ConnectionEvent {
    /// A description of our own, to be sent, and the number of the offer that it is or answers.
    Description { sdp_type: SdpType, sdp: String, offer: Option<u32> },
    /// A candidate of our own, to be sent.
    Candidate { candidate: String, sdp_mid: Option<String>, sdp_m_line_index: Option<u16> },
    /// No more candidates of our own.
    EndOfCandidates,
    /// There is a path, and keys.
    Connected,
    /// There will be no pictures: no video codec is on both sides.
    NoCommonCodec,
    /// Nothing came over the path for some seconds.
    Disconnected,
    /// The path began at an address that this machine has no more.
    AddressGone,
    /// The chat's channel was closed over there: the first sign of a connection that was closed.
    ChannelClosed,
    /// It cannot be used any more, for this reason.
    Failed(Failure),
}

/// Why a connection cannot be used any more.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Failure {
    #[error("the path was lost")]
    PathLost,
    #[error("the other side closed the connection")]
    ClosedThere,
    #[error("it was overrun")]
    Overrun,
    /// As a library says it.
    #[error("{0}")]
    Other(String),
}

impl Failure {
    /// By the name that dictionaries know.
    fn name(self) -> String {
        match self {
            Self::PathLost => "path_lost".into(),
            Self::ClosedThere => "closed_there".into(),
            Self::Overrun => "overrun".into(),
            Self::Other(problem) => problem,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// We were there first: we offer, and are impolite.
    Offering,
    /// The peer was there first: we answer, and never offer.
    Answering,
}

/// One other participant.
pub(crate) struct Peer {
    info: PeerInfo,
    role: Role,
    state: PeerState,
    /// The connection that counts; events of older ones are ignored.
    generation: Option<Generation>,
    /// An offer of ours is out and not answered.
    offer_pending: bool,
    /// The number of our newest offer.
    offers: u32,
    /// The certificate of the last remote description: another one means another connection.
    remote_certificate: Option<String>,
    /// The server lost it.
    away: bool,
    /// It closed the chat's channel.
    channel_closed: bool,
    attempts: u32,
    /// When the path was lost, or a new one last asked for.
    asked: Instant,
    /// Since when the path is silent.
    lost: Option<Instant>,
    deadline: Option<Instant>,
    since: Instant,
    connected_after: Option<Duration>,
    negotiations: u32,
}

impl Peer {
    /// A member that was there before us: it will offer.
    pub fn answering(now: Instant, since: Instant, info: PeerInfo) -> Self {
        Self { deadline: Some(now + OFFER_TIMEOUT), ..Self::new(Role::Answering, now, since, info) }
    }

    /// A newcomer: we offer.
    pub fn offering(
        now: Instant,
        info: PeerInfo,
        generations: &mut Generation,
        outputs: &mut VecDeque<Output>,
    ) -> Self {
        let mut peer = Self::new(Role::Offering, now, now, info);
        peer.start(now, generations, outputs);
        peer
    }

    fn new(role: Role, now: Instant, since: Instant, info: PeerInfo) -> Self {
        Self {
            info,
            role,
            state: PeerState::New,
            generation: None,
            offer_pending: false,
            offers: 0,
            remote_certificate: None,
            away: false,
            channel_closed: false,
            attempts: 0,
            asked: now,
            lost: None,
            deadline: Some(now + CONNECT_TIMEOUT),
            since,
            connected_after: None,
            negotiations: 0,
        }
    }

    pub fn id(&self) -> PeerId {
        self.info.id
    }

    pub fn info(&self) -> &PeerInfo {
        &self.info
    }

    pub fn state(&self) -> PeerState {
        self.state
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// From when this peer's times are counted: our join request, or its `peer_joined`.
    pub fn since(&self) -> Instant {
        self.since
    }

    /// From [`Peer::since`] to the first connected path.
    pub fn connected_after(&self) -> Option<Duration> {
        self.connected_after
    }

    /// Offers made to it and taken from it so far.
    pub fn negotiations(&self) -> u32 {
        self.negotiations
    }

    pub fn set_status(&mut self, status: Status) {
        self.info.status = status;
    }

    pub fn update(&mut self, info: PeerInfo) {
        self.info = info;
    }

    pub fn set_away(&mut self, now: Instant, away: bool) {
        self.away = away;
        if !away && self.state == PeerState::Restarting {
            // What was tried while it was away went nowhere.
            self.deadline = Some(now);
        }
    }

    /// Whether there is a connection that works or may work again by itself.
    pub fn is_alive(&self) -> bool {
        matches!(self.state, PeerState::Connected)
    }

    /// Whether both the server and the path have lost it. Who closes the channel and the line to the server
    /// has left, seconds before the silence on the path says so.
    pub fn is_gone(&self, now: Instant) -> bool {
        let silent = match self.state {
            PeerState::Connected => false,
            _ => self.lost.is_none_or(|lost| now.saturating_duration_since(lost) >= GONE_AFTER),
        };
        self.away && (silent || self.channel_closed)
    }

    /// Whether it was there before us, and there has been no connection yet.
    pub fn is_waited_for(&self) -> bool {
        self.role == Role::Answering && self.connected_after.is_none()
    }

    pub fn close(&mut self, outputs: &mut VecDeque<Output>) {
        self.state = PeerState::Closed;
        self.deadline = None;
        self.drop_connection(outputs);
    }

    fn drop_connection(&mut self, outputs: &mut VecDeque<Output>) {
        if let Some(generation) = self.generation.take() {
            outputs.push_back(Output::CloseConnection { peer: self.id(), generation });
        }
        self.offer_pending = false;
        self.channel_closed = false;
        self.remote_certificate = None;
    }

    fn open(&mut self, generations: &mut Generation, outputs: &mut VecDeque<Output>) {
        self.drop_connection(outputs);
        *generations += 1;
        self.generation = Some(*generations);
        outputs.push_back(Output::OpenConnection { peer: self.id(), generation: *generations });
    }

    fn order(&self, order: ConnectionOrder, outputs: &mut VecDeque<Output>) {
        if let Some(generation) = self.generation {
            outputs.push_back(Output::Order { peer: self.id(), generation, order });
        }
    }

    fn send(&self, signal: Signal, outputs: &mut VecDeque<Output>) {
        outputs.push_back(Output::Send(ClientMessage::Signal { to: self.id(), signal }));
    }

    /// From the start, by whoever offers.
    fn start(&mut self, now: Instant, generations: &mut Generation, outputs: &mut VecDeque<Output>) {
        self.attempts += 1;
        self.deadline = Some(now + CONNECT_TIMEOUT);
        match self.role {
            Role::Offering => {
                self.open(generations, outputs);
                self.offer(false, outputs);
                self.state = PeerState::Negotiating;
            }
            Role::Answering => {
                self.drop_connection(outputs);
                self.send(Signal::Restart, outputs);
                self.state = PeerState::New;
            }
        }
    }

    fn offer(&mut self, restart: bool, outputs: &mut VecDeque<Output>) {
        self.offer_pending = true;
        self.offers += 1;
        self.negotiations += 1;
        self.order(ConnectionOrder::Offer { restart, number: self.offers }, outputs);
    }

    /// Looks for a new path within the same connection.
    fn restart(&mut self, now: Instant, outputs: &mut VecDeque<Output>) {
        self.attempts += 1;
        self.asked = now;
        // Whether to try once more depends on it.
        outputs.push_back(Output::ProbeSignaling);
        self.deadline = Some(now + RESTART_TIMEOUT);
        match self.role {
            Role::Offering => self.offer(true, outputs),
            Role::Answering => self.send(Signal::Restart, outputs),
        }
    }

    fn is_hopeless(&self) -> bool {
        self.attempts >= MAX_ATTEMPTS && self.connected_after.is_none()
    }

    /// This machine has an address that it had not: a path that is looked for may begin there.
    pub fn network_came(&mut self, now: Instant, server: ServerLink, outputs: &mut VecDeque<Output>) {
        if self.state == PeerState::Restarting && server.usable && !self.away {
            self.restart(now, outputs);
        }
    }

    /// `None` when no path was found.
    fn give_up(&mut self, failure: Option<Failure>, outputs: &mut VecDeque<Output>) {
        self.close(outputs);
        let name = self.info.name.to_string();
        let text = format!(
            "No connection to {name} could be made ({}). Ask them to join again.",
            failure.as_ref().map_or("no path was found".to_owned(), Failure::to_string)
        );
        let sentence = match failure {
            None => Sentence::PeerNoPath { name },
            Some(failure) => Sentence::PeerFailed { name, problem: failure.name() },
        };
        let problem = Problem::new(sentence, text);
        outputs.push_back(Output::Notice(problem.notice(NoticeCode::Peer)));
    }

    pub fn handle_timeout(
        &mut self,
        now: Instant,
        server: ServerLink,
        generations: &mut Generation,
        outputs: &mut VecDeque<Output>,
    ) {
        if self.deadline.is_none_or(|deadline| now < deadline) {
            return;
        }
        self.deadline = None;
        match self.state {
            PeerState::Connected | PeerState::Closed => {}
            _ if !server.usable => self.deadline = Some(now + LOOK_AGAIN),
            // Where the server is silent too, our own network is: the old path will be the first to work.
            PeerState::Restarting if self.away || !server.is_alive_since(self.asked) => {
                self.deadline = Some(now + LOOK_AGAIN);
            }
            PeerState::Restarting if self.attempts < MAX_ATTEMPTS => self.restart(now, outputs),
            _ if self.is_hopeless() => self.give_up(None, outputs),
            PeerState::New | PeerState::Negotiating | PeerState::Connecting | PeerState::Restarting => {
                self.start(now, generations, outputs)
            }
        }
    }

    pub fn signal(
        &mut self,
        now: Instant,
        me: Option<PeerId>,
        signal: Signal,
        server: ServerLink,
        generations: &mut Generation,
        outputs: &mut VecDeque<Output>,
    ) {
        match signal {
            Signal::Description { sdp_type: SdpType::Offer, sdp, offer } => {
                let certificate = certificate_of(&sdp);
                let other = self.remote_certificate.as_deref() != certificate.as_deref();
                if self.offer_pending && self.role == Role::Offering {
                    if self.remote_certificate.is_none() || !other {
                        return; // A collision, and we are the impolite one: ours stands.
                    }
                    // It gave us up while we were away, and now takes us for a newcomer: what we offered
                    // was to go on with a connection that it has no more.
                    self.role = Role::Answering;
                }
                let new = self.generation.is_none() || other;
                if new {
                    // The first offer, or the peer began anew: its old connection is no more.
                    self.open(generations, outputs);
                    self.deadline = Some(now + CONNECT_TIMEOUT);
                    self.state = PeerState::Negotiating;
                }
                self.remote_certificate = certificate;
                self.negotiations += 1;
                self.order(ConnectionOrder::Remote { sdp_type: SdpType::Offer, sdp, offer }, outputs);
            }
            Signal::Description { sdp_type: SdpType::Answer, sdp, offer } => {
                if !self.offer_pending || offer.is_some_and(|offer| offer != self.offers) {
                    return; // To an offer that was given up.
                }
                self.offer_pending = false;
                let certificate = certificate_of(&sdp);
                if self.remote_certificate.as_ref().is_some_and(|known| certificate.as_ref() != Some(known)) {
                    // It began anew, with other keys: our old connection fits nothing there.
                    return self.start(now, generations, outputs);
                }
                self.remote_certificate = certificate;
                if self.state == PeerState::Negotiating {
                    self.state = PeerState::Connecting;
                }
                self.order(ConnectionOrder::Remote { sdp_type: SdpType::Answer, sdp, offer }, outputs);
            }
            Signal::Candidate { candidate, sdp_mid, sdp_m_line_index } => {
                self.order(ConnectionOrder::Candidate { candidate, sdp_mid, sdp_m_line_index }, outputs)
            }
            Signal::Restart => match (self.role, self.state) {
                _ if !server.usable => {}
                // Both of us wait for an offer: one makes it, and both know who.
                (Role::Answering, PeerState::New) if me < Some(self.id()) => {}
                // It forgot that it was there first.
                (Role::Answering, _) => {
                    self.role = Role::Offering;
                    self.start(now, generations, outputs);
                }
                // It lost the path, or waits for an offer that was lost with its old line to the server.
                (Role::Offering, PeerState::Connected | PeerState::Restarting) => {
                    self.state = PeerState::Restarting;
                    self.lost.get_or_insert(now);
                    self.restart(now, outputs);
                }
                (Role::Offering, PeerState::Negotiating) if self.offer_pending => {}
                (Role::Offering, _) => {
                    self.attempts = self.attempts.min(MAX_ATTEMPTS - 1);
                    self.start(now, generations, outputs)
                }
            },
            Signal::EndOfCandidates | Signal::Unknown => {}
        }
    }

    pub fn connection_event(
        &mut self,
        now: Instant,
        generation: Generation,
        event: ConnectionEvent,
        server: ServerLink,
        outputs: &mut VecDeque<Output>,
    ) {
        if self.generation != Some(generation) {
            return;
        }
        match event {
            ConnectionEvent::Description { sdp_type, sdp, offer } => {
                if sdp_type == SdpType::Answer && self.state == PeerState::Negotiating {
                    self.state = PeerState::Connecting;
                }
                self.send(Signal::Description { sdp_type, sdp, offer }, outputs);
            }
            ConnectionEvent::Candidate { candidate, sdp_mid, sdp_m_line_index } => {
                self.send(Signal::Candidate { candidate, sdp_mid, sdp_m_line_index }, outputs)
            }
            ConnectionEvent::EndOfCandidates => self.send(Signal::EndOfCandidates, outputs),
            ConnectionEvent::Connected => {
                self.state = PeerState::Connected;
                self.attempts = 0;
                self.lost = None;
                self.deadline = None;
                self.connected_after.get_or_insert(now.saturating_duration_since(self.since));
            }
            ConnectionEvent::NoCommonCodec => {
                let name = self.info.name.to_string();
                let text = format!(
                    "You and {name} have no video format in common, so there is no picture between you. \
                     Sound and chat work. Another browser may help."
                );
                let problem = Problem::new(Sentence::NoCommonCodec { name }, text);
                outputs.push_back(Output::Notice(problem.notice(NoticeCode::Peer)));
            }
            ConnectionEvent::Disconnected => {
                if self.state == PeerState::Connected {
                    self.state = PeerState::Restarting;
                    (self.asked, self.lost) = (now, Some(now));
                    let patience = match self.role {
                        Role::Offering => RESTART_AFTER,
                        Role::Answering => ASK_AFTER,
                    };
                    self.deadline = Some(now + patience);
                    outputs.push_back(Output::ProbeSignaling);
                }
            }
            // Nothing can come over it any more: no reason to wait.
            ConnectionEvent::AddressGone => {
                if matches!(self.state, PeerState::Connected | PeerState::Restarting) {
                    self.state = PeerState::Restarting;
                    self.lost.get_or_insert(now);
                    if server.usable && !self.away {
                        self.restart(now, outputs);
                    } else {
                        self.asked = now;
                        self.deadline = Some(now + LOOK_AGAIN);
                    }
                }
            }
            ConnectionEvent::ChannelClosed => self.channel_closed = true,
            ConnectionEvent::Failed(failure) => {
                if self.is_hopeless() {
                    return self.give_up(Some(failure), outputs);
                }
                // Not at once: what failed for bad input would fail again just as fast.
                self.drop_connection(outputs);
                self.state = PeerState::New;
                self.deadline = Some(now + Duration::from_secs(1));
            }
        }
    }
}

/// The fingerprint of the certificate in a description: each connection of a peer has its own, and keeps
/// it. The session id in `o=` should do the same (RFC 8829, section 5.2.1), but not everybody keeps that.
fn certificate_of(sdp: &str) -> Option<String> {
    sdp.lines().find_map(|line| line.strip_prefix("a=fingerprint:")).map(|line| line.trim().to_owned())
}
