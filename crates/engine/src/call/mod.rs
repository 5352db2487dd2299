//! The room as one participant sees it: a state machine that is told what happened and when, and
//! says what to do. It knows the protocol and the order of things; it refuses to know sockets,
//! clocks, WebRTC objects and devices.
//!
//! ```text
//!          Join             joined
//! Idle ─────────▶ Joining ─────────▶ InCall ◀───── joined ──────┐
//!   ▲               │                  │  └─ signaling lost ─▶ Reconnecting
//!   │  error        │           Leave  ▼                         │ Leave
//!   ├───────────────┘               Leaving ◀────────────────────┘
//!   └── closed, or 1 s ────────────────┘
//! ```
//!
//! Media does not depend on the server: in `Reconnecting` every peer connection stays as it is.

mod backoff;
mod peer;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use maru_protocol::{
    ClientInfo, ClientMessage, ClosingReason, DisplayName, ErrorCode, GuestLink, IceServer, Limits, PeerId,
    PeerInfo, ResumeToken, RoomName, ServerMessage, Signal, Status,
};

pub(crate) use self::peer::{ConnectionEvent, ConnectionOrder, Failure, Generation, Peer, ServerLink};

use self::backoff::Backoff;
use crate::api::{CallState, PeerState};
use crate::notice::{Notice, NoticeCode, Problem, Sentence};

/// How long a connection to the server may take, and the server's answer after that.
const JOIN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long `leave` may take to reach the server.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(1);

/// What happened.
#[derive(Debug)]
pub(crate) enum Input {
    /// The person wants to enter a room.
    Join { room: RoomName, name: DisplayName },
    /// The person wants to leave.
    Leave,
    /// The person muted, unmuted, switched the camera off or on.
    Status(Status),
    /// The connection to the server is open.
    SignalingOpen,
    /// It is open to another server now, which the room moved to.
    SignalingMoved,
    /// It could not be opened, or broke; with a sentence for the person.
    SignalingClosed(Problem),
    /// The server said something.
    Server(ServerMessage),
    /// The server answered to a probe.
    ServerAlive,
    /// This machine's addresses changed.
    NetworkChanged {
        /// The connection to the server began at an address that is gone.
        signaling_gone: bool,
        /// There is a new one.
        came: bool,
    },
    /// A peer connection reported something.
    Connection(PeerId, Generation, ConnectionEvent),
}

/// What to do.
#[derive(Debug)]
pub(crate) enum Output {
    /// Connect to the server.
    OpenSignaling,
    /// Close the connection to the server, after what was sent before.
    CloseSignaling,
    /// Make sure that the connection to the server works; it is closed if not.
    ProbeSignaling,
    /// Give the newest [`Call::ice_servers`] to every peer connection.
    RenewIceServers,
    /// Say this to the server.
    Send(ClientMessage),
    /// Make a peer connection.
    OpenConnection { peer: PeerId, generation: Generation },
    /// Tell a peer connection something.
    Order { peer: PeerId, generation: Generation, order: ConnectionOrder },
    /// Close a peer connection.
    CloseConnection { peer: PeerId, generation: Generation },
    /// Tell the person.
    Notice(Notice),
}

/// Who joins, the same for the whole life of an engine.
pub(crate) struct Identity {
    pub client: ClientInfo,
    pub capabilities: maru_protocol::Capabilities,
    pub token: Option<String>,
}

/// The state machine.
pub(crate) struct Call {
    identity: Identity,
    state: CallState,
    status: Status,
    room: Option<RoomName>,
    name: Option<DisplayName>,
    me: Option<PeerId>,
    resume: Option<ResumeToken>,
    ice_servers: Vec<IceServer>,
    links: Vec<GuestLink>,
    limits: Limits,
    peers: Vec<Peer>,
    /// Gone by our own judgement, while the server still keeps their place; and whether we waited for an
    /// offer.
    gone: HashMap<PeerId, (PeerInfo, bool)>,
    generations: u64,
    join_requested: Option<Instant>,
    joined_after: Option<Duration>,
    backoff: Backoff,
    deadline: Option<Instant>,
    signaling_open: bool,
    heard: Option<Instant>,
    /// The room moved to another server, which has not answered yet.
    rejoining: bool,
    outputs: VecDeque<Output>,
}

impl Call {
    /// An idle call. `seed` spreads the reconnects of many clients.
    pub fn new(identity: Identity, status: Status, seed: u64) -> Self {
        Self {
            identity,
            state: CallState::Idle,
            status,
            room: None,
            name: None,
            me: None,
            resume: None,
            ice_servers: Vec::new(),
            links: Vec::new(),
            limits: Limits::default(),
            peers: Vec::new(),
            gone: HashMap::new(),
            generations: 0,
            join_requested: None,
            joined_after: None,
            backoff: Backoff::new(seed),
            deadline: None,
            signaling_open: false,
            heard: None,
            rejoining: false,
            outputs: VecDeque::new(),
        }
    }

    pub fn state(&self) -> CallState {
        self.state
    }

    pub fn room(&self) -> Option<&RoomName> {
        self.room.as_ref()
    }

    pub fn me(&self) -> Option<PeerId> {
        self.me
    }

    pub fn peers(&self) -> &[Peer] {
        &self.peers
    }

    pub fn ice_servers(&self) -> &[IceServer] {
        &self.ice_servers
    }

    /// Links that bring a browser into this room.
    pub fn links(&self) -> &[GuestLink] {
        &self.links
    }

    /// From the person's wish to the server's `joined`.
    pub fn joined_after(&self) -> Option<Duration> {
        self.joined_after
    }

    /// What to do next; `None` when all is said.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Call::handle_timeout`] wants to be called at the latest.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.peers.iter().filter_map(Peer::deadline).chain(self.deadline).min()
    }

    pub fn handle_timeout(&mut self, now: Instant) {
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            self.deadline = None;
            match self.state {
                CallState::Idle | CallState::InCall => {}
                CallState::Joining => self.fail(
                    NoticeCode::Server,
                    Problem::new(
                        Sentence::ServerSilent {},
                        "The server does not answer. Try again, or use another server.",
                    ),
                ),
                // Either a connection is due, or the one under way takes too long: the shell replaces it.
                CallState::Reconnecting => {
                    self.deadline = Some(now + JOIN_TIMEOUT);
                    self.outputs.push_back(Output::OpenSignaling);
                }
                CallState::Leaving => self.end(),
            }
        }
        let server = self.server_link();
        for peer in &mut self.peers {
            peer.handle_timeout(now, server, &mut self.generations, &mut self.outputs);
        }
        self.sweep(now);
    }

    pub fn handle(&mut self, now: Instant, input: Input) {
        match input {
            Input::Join { room, name } => self.join(now, room, name),
            Input::Leave => self.leave(now),
            Input::Status(status) => self.set_status(status),
            Input::SignalingOpen => self.signaling_open(),
            Input::SignalingMoved => self.signaling_moved(),
            Input::SignalingClosed(problem) => self.signaling_closed(now, problem),
            Input::Server(message) => {
                self.heard = Some(now);
                self.server(now, message);
            }
            Input::ServerAlive => self.heard = Some(now),
            Input::NetworkChanged { signaling_gone, came } => self.network_changed(now, signaling_gone, came),
            Input::Connection(id, generation, event) => {
                let server = self.server_link();
                if let Some(peer) = self.peers.iter_mut().find(|peer| peer.id() == id) {
                    peer.connection_event(now, generation, event, server, &mut self.outputs);
                }
                self.sweep(now);
            }
        }
    }

    fn signaling_usable(&self) -> bool {
        self.signaling_open && self.state == CallState::InCall
    }

    fn server_link(&self) -> ServerLink {
        ServerLink { usable: self.signaling_usable(), heard: self.heard }
    }

    /// The connection to the server is replaced at once, and who waits for a path looks for one at once.
    fn network_changed(&mut self, now: Instant, signaling_gone: bool, came: bool) {
        match self.state {
            CallState::Idle | CallState::Leaving => {}
            CallState::Joining if signaling_gone => self.outputs.push_back(Output::OpenSignaling),
            CallState::InCall if signaling_gone => {
                self.signaling_open = false;
                self.state = CallState::Reconnecting;
                self.backoff.reset();
                self.deadline = Some(now);
            }
            CallState::Reconnecting if signaling_gone || came => {
                self.signaling_open = false;
                self.backoff.reset();
                self.deadline = Some(now);
            }
            CallState::Joining | CallState::InCall | CallState::Reconnecting => {}
        }
        if came {
            let server = self.server_link();
            for peer in &mut self.peers {
                peer.network_came(now, server, &mut self.outputs);
            }
        }
    }

    fn join(&mut self, now: Instant, room: RoomName, name: DisplayName) {
        match self.state {
            CallState::Idle => {}
            CallState::Joining | CallState::InCall | CallState::Reconnecting => {
                return self.notice(
                    NoticeCode::Server,
                    Problem::new(Sentence::InARoomAlready {}, "You are in a room already. Leave it first."),
                );
            }
            // The old room has been left for all that matters: do not make the person wait.
            CallState::Leaving => self.end(),
        }
        self.room = Some(room);
        self.name = Some(name);
        self.resume = None;
        self.joined_after = None;
        self.join_requested = Some(now);
        self.state = CallState::Joining;
        self.deadline = Some(now + JOIN_TIMEOUT);
        self.outputs.push_back(Output::OpenSignaling);
    }

    fn leave(&mut self, now: Instant) {
        match self.state {
            CallState::Idle | CallState::Leaving => {}
            CallState::Joining | CallState::Reconnecting => self.end(),
            CallState::InCall => {
                self.close_all();
                self.outputs.push_back(Output::Send(ClientMessage::Leave));
                self.outputs.push_back(Output::CloseSignaling);
                self.state = CallState::Leaving;
                self.deadline = Some(now + LEAVE_TIMEOUT);
            }
        }
    }

    fn set_status(&mut self, status: Status) {
        if self.status != status {
            self.status = status;
            if self.signaling_usable() {
                self.outputs.push_back(Output::Send(ClientMessage::Status(status)));
            }
        }
    }

    fn signaling_open(&mut self) {
        match self.state {
            CallState::Joining | CallState::Reconnecting => self.enter(),
            _ => self.outputs.push_back(Output::CloseSignaling),
        }
    }

    /// The call goes on as it is; the other server is told who comes.
    fn signaling_moved(&mut self) {
        match self.state {
            CallState::Joining | CallState::Reconnecting => self.enter(),
            CallState::InCall => {
                self.rejoining = true;
                self.enter();
            }
            _ => self.outputs.push_back(Output::CloseSignaling),
        }
    }

    fn enter(&mut self) {
        let (Some(room), Some(name)) = (&self.room, &self.name) else {
            return self.outputs.push_back(Output::CloseSignaling);
        };
        self.signaling_open = true;
        self.outputs.push_back(Output::Send(ClientMessage::Join {
            room: room.clone(),
            name: name.clone(),
            token: self.identity.token.clone(),
            client: self.identity.client.clone(),
            capabilities: self.identity.capabilities.clone(),
            status: self.status,
            resume: self.resume.clone(),
        }));
    }

    fn signaling_closed(&mut self, now: Instant, problem: Problem) {
        self.signaling_open = false;
        self.rejoining = false;
        match self.state {
            CallState::Idle => {}
            CallState::Joining => self.fail(NoticeCode::Server, problem),
            CallState::InCall => {
                self.state = CallState::Reconnecting;
                self.deadline = Some(now + self.backoff.next());
            }
            CallState::Reconnecting => self.deadline = Some(now + self.backoff.next()),
            CallState::Leaving => self.end(),
        }
    }

    fn server(&mut self, now: Instant, message: ServerMessage) {
        match message {
            ServerMessage::Joined { you, resume, resumed, room, peers, ice_servers, limits, links } => {
                let rejoined = std::mem::take(&mut self.rejoining) && self.state == CallState::InCall;
                if rejoined || matches!(self.state, CallState::Joining | CallState::Reconnecting) {
                    self.me = Some(you);
                    self.resume = Some(resume);
                    self.room = Some(room);
                    self.ice_servers = ice_servers;
                    self.limits = limits;
                    self.links = links;
                    self.joined(now, resumed, peers);
                }
            }
            ServerMessage::IceServers { ice_servers } => {
                self.ice_servers = ice_servers;
                self.outputs.push_back(Output::RenewIceServers);
            }
            ServerMessage::PeerJoined { peer } => self.peer_joined(now, peer),
            ServerMessage::PeerLeft { peer, .. } => {
                self.gone.remove(&peer);
                self.remove(peer);
            }
            ServerMessage::PeerAway { peer } => {
                if let Some(peer) = self.peers.iter_mut().find(|known| known.id() == peer) {
                    peer.set_away(now, true);
                }
                self.sweep(now);
            }
            ServerMessage::PeerBack { peer } => match self.gone.remove(&peer) {
                // For it we are the newcomer: it offers, and two offers would collide.
                Some((info, true)) => self.peers.push(Peer::answering(now, now, info)),
                Some((info, false)) => self.peer_joined(now, info),
                None => {
                    if let Some(peer) = self.peers.iter_mut().find(|known| known.id() == peer) {
                        peer.set_away(now, false);
                    }
                }
            },
            ServerMessage::Signal { from, signal } => self.signal(now, from, signal),
            ServerMessage::Status { from, status } => {
                if let Some(peer) = self.peers.iter_mut().find(|known| known.id() == from) {
                    peer.set_status(status);
                }
            }
            ServerMessage::Error { code, message, fatal } => self.refused(code, message, fatal),
            ServerMessage::Closing { reason, retry_after } => match (reason, retry_after) {
                (ClosingReason::Replaced, _) => self.fail(
                    NoticeCode::Server,
                    Problem::new(
                        Sentence::JoinedElsewhere {},
                        "You joined this room again elsewhere, so this call ended.",
                    ),
                ),
                (_, None) => self.fail(
                    NoticeCode::Server,
                    Problem::new(Sentence::ServerEnded {}, "The server ended the call. Join again later."),
                ),
                (_, Some(seconds)) => self.backoff.at_least(Duration::from_secs(u64::from(seconds.min(60)))),
            },
            ServerMessage::Unknown => {}
        }
    }

    fn joined(&mut self, now: Instant, resumed: bool, members: Vec<PeerInfo>) {
        let first = self.state == CallState::Joining;
        if first && let Some(requested) = self.join_requested {
            self.joined_after = Some(now.saturating_duration_since(requested));
        }
        self.state = CallState::InCall;
        self.deadline = None;
        self.backoff.reset();
        self.gone.clear();
        // A server that was restarted knows only who came back so far: who is missing is away, and
        // gone for good only when the connection to it dies too.
        for peer in &mut self.peers {
            let there = members.iter().any(|member| member.id == peer.id());
            peer.set_away(now, !there);
        }
        let since = if first { self.join_requested.unwrap_or(now) } else { now };
        for member in members {
            match self.peers.iter_mut().find(|peer| peer.id() == member.id) {
                Some(peer) if resumed || peer.is_alive() => peer.update(member),
                // It gave us up while we were away, as we would it: for it we are a newcomer, so it offers.
                Some(peer) => {
                    peer.close(&mut self.outputs);
                    *peer = Peer::answering(now, now, member);
                }
                // It was there before us, so it makes the offer.
                None => self.peers.push(Peer::answering(now, since, member)),
            }
        }
        self.sweep(now);
    }

    fn peer_joined(&mut self, now: Instant, info: PeerInfo) {
        if self.state != CallState::InCall || Some(info.id) == self.me {
            return;
        }
        self.gone.remove(&info.id);
        if let Some(peer) = self.peers.iter_mut().find(|peer| peer.id() == info.id) {
            if peer.is_alive() {
                // Both of us came back to a server that had forgotten us: nothing to negotiate.
                peer.set_away(now, false);
                return peer.update(info);
            }
            peer.close(&mut self.outputs);
            self.peers.retain(|peer| peer.id() != info.id);
        }
        let peer = Peer::offering(now, info, &mut self.generations, &mut self.outputs);
        self.peers.push(peer);
    }

    fn signal(&mut self, now: Instant, from: PeerId, signal: Signal) {
        let server = self.server_link();
        // A signal from somebody unknown comes from who left in the meantime: of no use.
        if let Some(peer) = self.peers.iter_mut().find(|peer| peer.id() == from) {
            peer.signal(now, self.me, signal, server, &mut self.generations, &mut self.outputs);
        }
        self.sweep(now);
    }

    fn refused(&mut self, code: ErrorCode, message: String, fatal: bool) {
        let notice = match code {
            // It left while our signal was on its way: its `peer_left` tells all there is to tell.
            ErrorCode::NoSuchPeer if !fatal => return,
            ErrorCode::RoomFull => NoticeCode::RoomFull,
            ErrorCode::BadRoomName | ErrorCode::BadDisplayName => NoticeCode::BadName,
            _ => NoticeCode::Server,
        };
        let problem = Problem::new(Sentence::Refused { code }, message);
        // A call that goes on waits as long as `closing` says; whoever is only joining is told to.
        let later = matches!(code, ErrorCode::TooManyJoins | ErrorCode::Overloaded);
        if (fatal && code != ErrorCode::Internal) || (later && self.state == CallState::Joining) {
            self.fail(notice, problem);
        } else {
            self.notice(notice, problem);
        }
    }

    /// Takes out the peers whose connection died while they were away.
    fn sweep(&mut self, now: Instant) {
        let Self { peers, gone, outputs, .. } = self;
        peers.retain_mut(|peer| {
            if !peer.is_gone(now) {
                return true;
            }
            let waited_for = peer.is_waited_for();
            peer.close(outputs);
            gone.insert(peer.id(), (peer.info().clone(), waited_for));
            false
        });
    }

    fn remove(&mut self, id: PeerId) {
        if let Some(index) = self.peers.iter().position(|peer| peer.id() == id) {
            self.peers.remove(index).close(&mut self.outputs);
        }
    }

    fn close_all(&mut self) {
        for mut peer in self.peers.drain(..) {
            peer.close(&mut self.outputs);
        }
        self.gone.clear();
    }

    fn end(&mut self) {
        self.close_all();
        if self.state != CallState::Idle {
            self.outputs.push_back(Output::CloseSignaling);
        }
        self.state = CallState::Idle;
        self.deadline = None;
        self.signaling_open = false;
        self.rejoining = false;
        self.me = None;
        self.resume = None;
        self.links.clear();
        self.backoff.reset();
    }

    fn fail(&mut self, code: NoticeCode, problem: Problem) {
        self.end();
        self.notice(code, problem);
    }

    fn notice(&mut self, code: NoticeCode, problem: Problem) {
        self.outputs.push_back(Output::Notice(problem.notice(code)));
    }
}

/// Whether media can flow in this state.
pub(crate) fn is_connected(state: PeerState) -> bool {
    matches!(state, PeerState::Connected | PeerState::Restarting)
}
