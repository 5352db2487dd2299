//! Rooms that span nodes: what this node says about its members, and what follows from what the store
//! and other nodes say. Told the time; it refuses to know Redis and the wire.
//!
//! A newcomer waits (bounded) for the store's word on its place in the order of arrival: whoever has the
//! lower number makes the offer, on whichever nodes the two are. While the store is away everybody is
//! served by the own node alone: members elsewhere are away and keep their places, newcomers get a
//! number by the clock. When it is back, nodes name their members with their numbers, and two who did not
//! know of each other are introduced: the one with the lower number by `peer_joined`; the other, who should
//! have found it in `joined`, is sent round once more and finds it there then.
//!
//! Signals to somebody who is away are kept at the sender's node, so that they stay in order, and follow
//! to whichever node it comes back at.

mod answers;
#[cfg(test)]
mod model;
mod requests;
#[cfg(test)]
mod tests;
mod traffic;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use maru_protocol::{ClosingReason, LeftReason, PeerId, ServerMessage};

use super::room::{Kept, Room};
use super::{ConnectionId, Input, Join, Output, Rooms, tell};
use crate::Config;
use crate::bus::{NodeId, RoomId};
use crate::refusal::Refusal;

/// What there is to other nodes.
#[derive(Debug)]
pub(super) struct Span {
    me: NodeId,
    way: Way,
    /// An instant and what it is on the clock, in µs since 1970: for the order of arrival without the store.
    clock: (Instant, u64),
    rooms: HashMap<RoomId, Shared>,
    /// Of `rooms`, those with something to say or to ask.
    waiting: VecDeque<RoomId>,
    entering: HashMap<ConnectionId, RoomId>,
}

/// The way to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// It is being looked for: newcomers wait for it.
    Sought,
    /// It can be reached.
    Open,
    /// It cannot be reached.
    Cut,
}

/// A room as it is shared with other nodes.
#[derive(Debug)]
struct Shared {
    key: Arc<str>,
    epoch: Option<String>,
    waits: bool,
    full: bool,
    /// Own members about whom there is something to say.
    changed: HashSet<PeerId>,
    left: Vec<(PeerId, LeftReason)>,
    entering: Vec<Entering>,
    seats: HashMap<PeerId, Seat>,
    /// Why members elsewhere left, until the store shows that they did.
    reasons: HashMap<PeerId, LeftReason>,
    synced: Instant,
}

/// An own member's place.
#[derive(Debug)]
struct Seat {
    since: Instant,
    /// The store knows it.
    known: bool,
}

/// Somebody who waits for the store's word.
#[derive(Debug)]
struct Entering {
    connection: ConnectionId,
    join: Join,
    asked: bool,
    /// What came before.
    kept: Kept,
}

impl Span {
    fn shared(&mut self, key: &Arc<str>, now: Instant) -> (RoomId, &mut Shared) {
        let id = RoomId::of(key);
        let new = || Shared {
            key: Arc::clone(key),
            epoch: None,
            waits: false,
            full: false,
            changed: HashSet::new(),
            left: Vec::new(),
            entering: Vec::new(),
            seats: HashMap::new(),
            reasons: HashMap::new(),
            synced: now,
        };
        (id, self.rooms.entry(id).or_insert_with(new))
    }

    fn queue(&mut self, id: RoomId) {
        if let Some(shared) = self.rooms.get_mut(&id).filter(|shared| !shared.waits) {
            shared.waits = true;
            self.waiting.push_back(id);
        }
    }

    fn clock(&self, now: Instant) -> u64 {
        self.clock.1 + now.saturating_duration_since(self.clock.0).as_micros() as u64
    }
}

// What happens on connections.
impl Rooms {
    /// Rooms that span nodes, of which this is one; `clock` is the time now, in µs since 1970.
    pub(crate) fn spanning(config: &Config, me: NodeId, now: Instant, clock: u64) -> Self {
        let span = Span {
            me,
            way: Way::Sought,
            clock: (now, clock),
            rooms: HashMap::new(),
            waiting: VecDeque::new(),
            entering: HashMap::new(),
        };
        Self { span: Some(Box::new(span)), ..Self::new(config) }
    }

    /// Whether there is something to say to the store, and it can be reached.
    pub(crate) fn has_requests(&self) -> bool {
        self.span.as_ref().is_some_and(|span| span.way == Way::Open && !span.waiting.is_empty())
    }

    /// Whether other nodes are out of reach; `false` for a server without any.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.span.as_ref().is_some_and(|span| span.way != Way::Open)
    }

    pub(super) fn is_entering(&self, connection: ConnectionId) -> bool {
        self.span.as_ref().is_some_and(|span| span.entering.contains_key(&connection))
    }

    pub(super) fn while_entering(
        &mut self,
        connection: ConnectionId,
        input: Input,
        outputs: &mut Vec<Output>,
    ) {
        let Some(span) = &mut self.span else { return };
        let Some(id) = span.entering.get(&connection).copied() else { return };
        let Some(shared) = span.rooms.get_mut(&id) else { return };
        match input {
            Input::Status(status) => {
                let mut waiting = shared.entering.iter_mut().filter(|one| one.connection == connection);
                if let Some(one) = waiting.next() {
                    one.join.status = status;
                }
            }
            Input::Leave | Input::Broken | Input::Removed => {
                shared.entering.retain(|one| one.connection != connection);
                span.entering.remove(&connection);
                if input == Input::Leave {
                    outputs.push(Output::Close(connection));
                }
            }
            // There is nobody yet whom it could know.
            Input::Signal { .. } | Input::Join(_) => {}
        }
    }

    pub(super) fn ask_to_enter(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        key: Arc<str>,
        join: Join,
        outputs: &mut Vec<Output>,
    ) {
        let Some(span) = &mut self.span else { return };
        if span.entering.contains_key(&connection) {
            return outputs.push(tell(connection, Refusal::already_joined()));
        }
        if span.way == Way::Cut {
            return self.enter_alone(now, connection, key, join, outputs);
        }
        let (id, shared) = span.shared(&key, now);
        shared.entering.push(Entering { connection, join, asked: false, kept: Kept::default() });
        span.entering.insert(connection, id);
        span.queue(id);
    }

    /// Lets somebody in without the store's word.
    pub(in crate::rooms) fn enter_alone(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        key: Arc<str>,
        join: Join,
        outputs: &mut Vec<Output>,
    ) {
        let Some(span) = &self.span else { return };
        let id = join.identity.peer_id();
        let members = self.rooms.get(&key).map(Room::members).unwrap_or_default();
        if members.iter().any(|member| member.info.id == id) {
            // Nobody can say of whom its node told it.
            let unheard = members.iter().map(|member| member.info.id).collect();
            self.take_back(now, connection, &key, join, Some(&unheard), outputs);
        } else if self.is_full(&key) {
            return self.refuse_entry(connection, outputs);
        } else {
            let last = members.iter().map(|member| member.arrived).max().unwrap_or(0);
            let order = span.clock(now).max(last + 1);
            self.enter(now, connection, key, join, Some(order), outputs);
        }
        outputs.push(tell(connection, Refusal::alone()));
    }

    /// An own member took its place, or took it anew.
    pub(super) fn seat(&mut self, now: Instant, key: &Arc<str>, peer: PeerId) {
        let Some(span) = &mut self.span else { return };
        let (id, shared) = span.shared(key, now);
        shared.seats.entry(peer).or_insert(Seat { since: now, known: false }).since = now;
        shared.changed.insert(peer);
        span.queue(id);
    }

    /// There is something to say about an own member.
    pub(super) fn note(&mut self, peer: PeerId) {
        let Some(span) = &mut self.span else { return };
        let Some(key) = self.places.get(&peer) else { return };
        let id = RoomId::of(key);
        if let Some(shared) = span.rooms.get_mut(&id) {
            shared.changed.insert(peer);
            span.queue(id);
        }
    }

    /// An own member left.
    pub(super) fn note_left(&mut self, key: &str, peer: PeerId, reason: LeftReason) {
        let Some(span) = &mut self.span else { return };
        let id = RoomId::of(key);
        if let Some(shared) = span.rooms.get_mut(&id)
            && shared.seats.remove(&peer).is_some()
        {
            shared.changed.remove(&peer);
            shared.left.push((peer, reason));
            span.queue(id);
        }
    }

    /// Ends connections so that their clients come back at once, to their kept places, and find in `joined`
    /// whom they could not be told of.
    pub(super) fn send_round(
        &mut self,
        now: Instant,
        connections: Vec<ConnectionId>,
        outputs: &mut Vec<Output>,
    ) {
        for connection in connections {
            let closing = ServerMessage::Closing { reason: ClosingReason::Shutdown, retry_after: Some(0) };
            outputs.push(tell(connection, closing));
            outputs.push(Output::Close(connection));
            self.broken(now, connection, outputs);
        }
    }
}
