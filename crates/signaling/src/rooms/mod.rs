//! Who is in which room, as plain state that is told the time: inputs of connections go in, messages
//! for connections come out. It refuses to know sockets, JSON, queues and clocks.
//!
//! A participant's place in a room, by what happens to its connection:
//!
//! ```text
//! (none) ─ join → here ─ broken → away ─ join with the same identity → here
//!                  ├─ leave, removed → (none)  └─ window over → (none)
//!                  └─ join on another connection → here (the first one is told: replaced)
//! ```
//!
//! Where rooms span nodes, a member may have its place at another node: see `span`.

mod room;
mod span;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use maru_protocol::{
    Capabilities, ClientInfo, ClosingReason, DisplayName, IceServer, LeftReason, Limits, PeerId, PeerInfo,
    ResumeToken, RoomName, ServerMessage, Signal, Status,
};

use crate::Config;
use crate::bus::{Envelope, RoomId};
use crate::links::Base;
use crate::refusal::Refusal;
use room::{Absence, Member, Presence, Room};
use span::Span;

/// What the guest's page calls itself (`ui/backend/guest/session.js`).
const GUEST: &str = "maru-guest";

/// One connection of a client. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ConnectionId(pub(crate) u64);

/// Enter a room.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Join {
    /// Who: the client's own token, or a fresh one.
    pub(crate) identity: ResumeToken,
    pub(crate) room: RoomName,
    pub(crate) name: DisplayName,
    pub(crate) client: ClientInfo,
    pub(crate) capabilities: Capabilities,
    pub(crate) status: Status,
    /// Where browsers find the page, from where this client is.
    pub(crate) bases: Vec<Base>,
    /// STUN and TURN servers, with credentials for this client.
    pub(crate) ice_servers: Vec<IceServer>,
}

impl Join {
    /// What the others may know.
    fn info(&self) -> PeerInfo {
        PeerInfo {
            id: self.identity.peer_id(),
            name: self.name.clone(),
            client: self.client.clone(),
            capabilities: self.capabilities.clone(),
            status: self.status,
        }
    }
}

/// What happened on a connection.
#[derive(Debug, PartialEq)]
pub(crate) enum Input {
    /// It joins.
    Join(Box<Join>),
    /// It has a signal for another member.
    Signal { to: PeerId, signal: Signal },
    /// Its status changed.
    Status(Status),
    /// It leaves in an orderly way.
    Leave,
    /// It broke: the place is kept for a while.
    Broken,
    /// The server ended it: the place is not kept.
    Removed,
}

/// What to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Output {
    /// Send a message.
    Send { to: Vec<ConnectionId>, message: ServerMessage },
    /// End a connection after what was sent to it.
    Close(ConnectionId),
    /// Pass a signal on to another node.
    Pass(Box<Envelope>),
}

/// All rooms of a server.
#[derive(Debug)]
pub(crate) struct Rooms {
    limits: Limits,
    resume_window: Duration,
    /// By [`RoomName::key`]. A room exists while somebody has a place in it.
    rooms: HashMap<Arc<str>, Room>,
    /// The room in which each participant has its place.
    places: HashMap<PeerId, Arc<str>>,
    /// The participant behind each connection that joined.
    connections: HashMap<ConnectionId, PeerId>,
    /// When each kept place is given up.
    expiries: BTreeSet<(Instant, PeerId)>,
    /// Counts participants as this server hears of them.
    arrivals: u64,
    /// What there is to other nodes; `None` for a server that is alone.
    span: Option<Box<Span>>,
}

impl Rooms {
    /// No rooms yet.
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            limits: config.limits.clone(),
            resume_window: config.resume_window,
            rooms: HashMap::new(),
            places: HashMap::new(),
            connections: HashMap::new(),
            expiries: BTreeSet::new(),
            arrivals: 0,
            span: None,
        }
    }

    /// Takes what happened on a connection and says what to do, in that order.
    pub(crate) fn handle(&mut self, now: Instant, connection: ConnectionId, input: Input) -> Vec<Output> {
        let mut outputs = Vec::new();
        match input {
            Input::Join(join) => self.join(now, connection, *join, &mut outputs),
            _ if self.is_entering(connection) => self.while_entering(connection, input, &mut outputs),
            Input::Signal { to, signal } => self.signal(connection, to, signal, &mut outputs),
            Input::Status(status) => self.status(connection, status, &mut outputs),
            Input::Leave => {
                self.end(connection, LeftReason::Left, &mut outputs);
                outputs.push(Output::Close(connection));
            }
            Input::Broken => self.broken(now, connection, &mut outputs),
            Input::Removed => self.end(connection, LeftReason::Removed, &mut outputs),
        }
        outputs
    }

    /// Gives up the places whose time is over.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<Output> {
        let mut outputs = Vec::new();
        while let Some((_, peer)) = self.expiries.first().filter(|(at, _)| *at <= now).copied() {
            self.remove(peer, LeftReason::Lost, &mut outputs);
        }
        outputs
    }

    /// When to call [`Rooms::expire`] next.
    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        self.expiries.first().map(|(at, _)| *at)
    }

    /// How many rooms there are.
    pub(crate) fn room_count(&self) -> usize {
        self.rooms.len()
    }

    /// Whether somebody has a place in a room.
    pub(crate) fn is_open(&self, room: &RoomName) -> bool {
        self.rooms.contains_key(&*room.key())
    }

    /// How many participants have a place.
    pub(crate) fn peer_count(&self) -> usize {
        self.places.len()
    }

    /// The rooms with somebody in them who is connected, by [`RoomName::key`], and whether there is a
    /// browser among these.
    pub(crate) fn occupied(&self) -> Vec<(Arc<str>, bool)> {
        let guests_of = |room: &Room| room.here().map(|info| info.client.name == GUEST).reduce(|a, b| a || b);
        self.rooms.iter().filter_map(|(key, room)| Some((Arc::clone(key), guests_of(room)?))).collect()
    }

    fn join(&mut self, now: Instant, connection: ConnectionId, join: Join, outputs: &mut Vec<Output>) {
        if self.connections.contains_key(&connection) {
            return outputs.push(tell(connection, Refusal::already_joined()));
        }
        let id = join.identity.peer_id();
        let key: Arc<str> = join.room.key().into();
        if self.places.get(&id) == Some(&key) {
            return self.take_back(now, connection, &key, join, None, outputs);
        }
        if self.span.is_some() {
            return self.ask_to_enter(now, connection, key, join, outputs);
        }
        if self.is_full(&key) {
            return self.refuse_entry(connection, outputs);
        }
        self.enter(now, connection, key, join, None, outputs);
    }

    fn is_full(&self, key: &str) -> bool {
        self.rooms.get(key).is_some_and(|room| room.len() >= self.limits.peers_per_room.max(1) as usize)
    }

    fn refuse_entry(&self, connection: ConnectionId, outputs: &mut Vec<Output>) {
        outputs.push(tell(connection, Refusal::room_full(&self.limits)));
        outputs.push(Output::Close(connection));
    }

    /// A newcomer takes a place; `order` is its number in the order of arrival on all nodes.
    fn enter(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        key: Arc<str>,
        join: Join,
        order: Option<u64>,
        outputs: &mut Vec<Output>,
    ) {
        // The same participant in another room: it cannot be in two.
        if let Some(old) = self.remove(join.identity.peer_id(), LeftReason::Left, outputs) {
            replace(old, outputs);
        }
        let id = join.identity.peer_id();
        self.arrivals += 1;
        let (heard, arrived) = (self.arrivals, order.unwrap_or(self.arrivals));
        let room = self.rooms.entry(Arc::clone(&key)).or_insert_with(|| Room::new(join.room.clone()));
        let member = Member { info: join.info(), arrived, heard, presence: Presence::Here(connection) };
        let rank = member.rank();
        room.welcome(connection, join, false, &self.limits, |other| other.rank() > rank, outputs);
        let unaware = room.introduce(&member, outputs);
        room.add(member);
        self.seat(now, &key, id);
        self.places.insert(id, key);
        self.connections.insert(connection, id);
        self.send_round(now, unaware, outputs);
    }

    /// The participant comes back to its place, or moves it to another connection, or from another node to
    /// this one: it may then not have heard of some, who are `unheard`. Name, program and capabilities stay
    /// what the others know.
    fn take_back(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        key: &Arc<str>,
        join: Join,
        unheard: Option<&HashSet<PeerId>>,
        outputs: &mut Vec<Output>,
    ) {
        let id = join.identity.peer_id();
        let Some(room) = self.rooms.get_mut(key) else { return };
        let Some(member) = room.member_mut(id) else { return };
        let rank = member.rank();
        let mut missed = u64::MAX;
        let (kept, was_away) = match std::mem::replace(&mut member.presence, Presence::Here(connection)) {
            Presence::Away(absence) => {
                self.expiries.remove(&(absence.until, id));
                missed = absence.since;
                (Some(absence.kept), true)
            }
            Presence::Here(old) => {
                self.connections.remove(&old);
                replace(old, outputs);
                (None, false)
            }
            Presence::Elsewhere(remote) => (Some(remote.kept), remote.away),
        };
        self.connections.insert(connection, id);
        self.places.insert(id, Arc::clone(key));
        let status = join.status;
        let status_changed = std::mem::replace(&mut member.info.status, status) != status;

        // Who came while it was away waits for an offer from it: `peer_joined` asks for that.
        let newcomer = |other: &Member| {
            let missed = other.heard >= missed || unheard.is_some_and(|ids| ids.contains(&other.info.id));
            missed && other.rank() > rank
        };
        room.welcome(connection, join, true, &self.limits, newcomer, outputs);
        let kept = kept.into_iter().flat_map(room::Kept::into_signals);
        outputs.extend(kept.map(|(from, signal)| tell(connection, ServerMessage::Signal { from, signal })));
        if was_away {
            outputs.extend(room.broadcast(id, ServerMessage::PeerBack { peer: id }));
        }
        if status_changed {
            outputs.extend(room.broadcast(id, ServerMessage::Status { from: id, status }));
        }
        self.seat(now, key, id);
    }

    fn signal(&mut self, connection: ConnectionId, to: PeerId, signal: Signal, outputs: &mut Vec<Output>) {
        let Some((from, room)) = self.place_of(connection) else { return };
        match room.member_mut(to).filter(|_| to != from).map(|member| &mut member.presence) {
            None => outputs.push(tell(connection, Refusal::no_such_peer())),
            Some(Presence::Here(receiver)) => {
                outputs.push(tell(*receiver, ServerMessage::Signal { from, signal }));
            }
            Some(Presence::Away(absence)) => {
                if absence.kept.keep(from, signal).is_err() {
                    outputs.push(tell(connection, Refusal::no_more_is_kept()));
                }
            }
            Some(Presence::Elsewhere(remote)) if remote.away => {
                if remote.kept.keep(from, signal).is_err() {
                    outputs.push(tell(connection, Refusal::no_more_is_kept()));
                }
            }
            Some(Presence::Elsewhere(remote)) => {
                let (node, room) = (remote.node, RoomId::of(&room.name().key()));
                outputs.push(Output::Pass(Box::new(Envelope { node, room, from, to, signal, hops: 0 })));
            }
        }
    }

    fn status(&mut self, connection: ConnectionId, status: Status, outputs: &mut Vec<Output>) {
        let Some((from, room)) = self.place_of(connection) else { return };
        let Some(member) = room.member_mut(from) else { return };
        if std::mem::replace(&mut member.info.status, status) != status {
            outputs.extend(room.broadcast(from, ServerMessage::Status { from, status }));
            self.note(from);
        }
    }

    fn broken(&mut self, now: Instant, connection: ConnectionId, outputs: &mut Vec<Output>) {
        let (until, since) = (now + self.resume_window, self.arrivals + 1);
        if self.resume_window.is_zero() {
            return self.end(connection, LeftReason::Lost, outputs);
        }
        let Some((peer, room)) = self.place_of(connection) else { return };
        let Some(member) = room.member_mut(peer) else { return };
        member.presence = Presence::Away(Box::new(Absence::new(until, since)));
        outputs.extend(room.broadcast(peer, ServerMessage::PeerAway { peer }));
        self.connections.remove(&connection);
        self.expiries.insert((until, peer));
        self.note(peer);
    }

    fn end(&mut self, connection: ConnectionId, reason: LeftReason, outputs: &mut Vec<Output>) {
        if let Some(peer) = self.connections.get(&connection).copied() {
            self.remove(peer, reason, outputs);
        }
    }

    /// Takes a participant's place away and tells the others; gives back the connection it had.
    fn remove(
        &mut self,
        peer: PeerId,
        reason: LeftReason,
        outputs: &mut Vec<Output>,
    ) -> Option<ConnectionId> {
        let key = self.places.remove(&peer)?;
        let room = self.rooms.get_mut(&key)?;
        let presence = room.remove(peer)?.presence;
        outputs.extend(room.broadcast(peer, ServerMessage::PeerLeft { peer, reason }));
        if !room.has_own() {
            self.rooms.remove(&key);
        }
        self.note_left(&key, peer, reason);
        match presence {
            Presence::Here(connection) => {
                self.connections.remove(&connection);
                Some(connection)
            }
            Presence::Away(absence) => {
                self.expiries.remove(&(absence.until, peer));
                None
            }
            Presence::Elsewhere(_) => None,
        }
    }

    /// The participant behind a connection, and its room.
    fn place_of(&mut self, connection: ConnectionId) -> Option<(PeerId, &mut Room)> {
        let peer = *self.connections.get(&connection)?;
        let room = self.rooms.get_mut(self.places.get(&peer)?)?;
        Some((peer, room))
    }
}

fn tell(to: ConnectionId, message: impl Into<ServerMessage>) -> Output {
    Output::Send { to: vec![to], message: message.into() }
}

fn replace(old: ConnectionId, outputs: &mut Vec<Output>) {
    outputs.push(tell(old, ServerMessage::Closing { reason: ClosingReason::Replaced, retry_after: None }));
    outputs.push(Output::Close(old));
}
