//! One room: its members in the order in which they came, and what is kept for those who are away.

use std::collections::VecDeque;
use std::time::Instant;

use maru_protocol::{Limits, PeerId, PeerInfo, RoomName, ServerMessage, Signal};

use super::{ConnectionId, Join, Output, tell};
use crate::bus::NodeId;

/// Signals of one sender that are kept for a member who is away: an ICE restart with its candidates.
pub(super) const KEPT_PER_SENDER: usize = 64;

/// Bytes of all signals that are kept for a member who is away.
pub(super) const KEPT_BYTES: usize = 1024 * 1024;

/// A room with its members.
#[derive(Debug)]
pub(super) struct Room {
    name: RoomName,
    members: Vec<Member>,
}

/// Somebody with a place in the room.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) info: PeerInfo,
    /// Its number among all who ever entered a room, on all nodes: whoever has the lower one makes the offer.
    pub(super) arrived: u64,
    /// Its number among all of whom this server ever heard.
    pub(super) heard: u64,
    pub(super) presence: Presence,
}

/// Whether a member can be reached.
#[derive(Debug)]
pub(super) enum Presence {
    /// Over this connection.
    Here(ConnectionId),
    /// Its connection broke.
    Away(Box<Absence>),
    /// Over another node.
    Elsewhere(Box<Remote>),
}

/// A member whose place is at another node.
#[derive(Debug)]
pub(super) struct Remote {
    pub(super) node: NodeId,
    /// It cannot be reached: its connection broke, or its node did, or the way there.
    pub(super) away: bool,
    /// The store forgot it; it is given up when its node does not name it again until then.
    pub(super) unconfirmed: Option<Instant>,
    /// Signals of members of this node, until it can be reached again.
    pub(super) kept: Kept,
}

/// A broken connection's kept place.
#[derive(Debug)]
pub(super) struct Absence {
    /// When the place is given up.
    pub(super) until: Instant,
    /// Who was heard of with this number or a later one came during the absence.
    pub(super) since: u64,
    pub(super) kept: Kept,
}

/// Signals that wait for somebody's return.
#[derive(Debug, Default)]
pub(super) struct Kept {
    signals: VecDeque<(PeerId, Signal)>,
    bytes: usize,
}

/// Nothing more is kept.
#[derive(Debug)]
pub(super) struct NothingMoreKept;

impl Room {
    /// A room with nobody in it yet, in the spelling of whoever opens it.
    pub(super) fn new(name: RoomName) -> Self {
        Self { name, members: Vec::new() }
    }

    pub(super) fn name(&self) -> &RoomName {
        &self.name
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    pub(super) fn add(&mut self, member: Member) {
        // Most rooms stay small: no space for more than are there.
        self.members.reserve_exact(1);
        self.members.push(member);
    }

    pub(super) fn member_mut(&mut self, id: PeerId) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.info.id == id)
    }

    /// Takes a member out, and with it what is kept from it for others.
    pub(super) fn remove(&mut self, id: PeerId) -> Option<Member> {
        let index = self.members.iter().position(|member| member.info.id == id)?;
        let member = self.members.remove(index);
        for other in &mut self.members {
            match &mut other.presence {
                Presence::Here(_) => {}
                Presence::Away(absence) => absence.kept.forget(id),
                Presence::Elsewhere(remote) => remote.kept.forget(id),
            }
        }
        Some(member)
    }

    pub(super) fn members(&self) -> &[Member] {
        &self.members
    }

    pub(super) fn members_mut(&mut self) -> &mut [Member] {
        &mut self.members
    }

    /// Those whose place is at another node.
    pub(super) fn remotes(&self) -> impl Iterator<Item = (PeerId, &Remote)> {
        self.members.iter().filter_map(|member| match &member.presence {
            Presence::Elsewhere(remote) => Some((member.info.id, &**remote)),
            _ => None,
        })
    }

    /// Whether a member has its place at this node.
    pub(super) fn has_own(&self) -> bool {
        self.members.iter().any(Member::is_own)
    }

    /// Tells somebody on this connection who is there; of those who are `later`, as if they came just now.
    pub(super) fn welcome(
        &self,
        connection: ConnectionId,
        join: Join,
        resumed: bool,
        limits: &Limits,
        later: impl Fn(&Member) -> bool,
        outputs: &mut Vec<Output>,
    ) {
        let you = join.identity.peer_id();
        let (peers, later) = self.others(you, later);
        let joined = ServerMessage::Joined {
            you,
            resume: join.identity,
            resumed,
            room: self.name.clone(),
            peers,
            ice_servers: join.ice_servers,
            limits: limits.clone(),
            links: join.bases.iter().map(|base| base.room(&self.name)).collect(),
        };
        outputs.push(tell(connection, joined));
        outputs.extend(later.into_iter().map(|peer| tell(connection, ServerMessage::PeerJoined { peer })));
        outputs.extend(self.away().map(|peer| tell(connection, ServerMessage::PeerAway { peer })));
    }

    /// What everybody may know of all members but one: those whom `later` does not name, and those whom it does.
    pub(super) fn others(
        &self,
        id: PeerId,
        later: impl Fn(&Member) -> bool,
    ) -> (Vec<PeerInfo>, Vec<PeerInfo>) {
        let (later, before): (Vec<&Member>, Vec<&Member>) =
            self.members.iter().filter(|member| member.info.id != id).partition(|member| later(member));
        let infos = |members: Vec<&Member>| members.into_iter().map(|member| member.info.clone()).collect();
        (infos(before), infos(later))
    }

    /// Who is connected now.
    pub(super) fn here(&self) -> impl Iterator<Item = &PeerInfo> {
        let here = self.members.iter().filter(|member| matches!(member.presence, Presence::Here(_)));
        here.map(|member| &member.info)
    }

    /// Who is away now.
    pub(super) fn away(&self) -> impl Iterator<Item = PeerId> {
        self.members.iter().filter(|member| member.is_away()).map(|member| member.info.id)
    }

    /// Tells those who are here of somebody new, if they were there before; gives back those who were not:
    /// they should have been told at their own arrival, and cannot be told now.
    pub(super) fn introduce(&self, new: &Member, outputs: &mut Vec<Output>) -> Vec<ConnectionId> {
        let (mut to, mut unaware) = (Vec::new(), Vec::new());
        for member in &self.members {
            if let Presence::Here(connection) = member.presence {
                if member.rank() < new.rank() { to.push(connection) } else { unaware.push(connection) }
            }
        }
        if !to.is_empty() {
            outputs.push(Output::Send { to, message: ServerMessage::PeerJoined { peer: new.info.clone() } });
        }
        unaware
    }

    /// A message to everybody who is here, but one; `None` when that is nobody.
    pub(super) fn broadcast(&self, except: PeerId, message: ServerMessage) -> Option<Output> {
        let here = self.members.iter().filter_map(|member| match member.presence {
            Presence::Here(connection) if member.info.id != except => Some(connection),
            _ => None,
        });
        let to: Vec<ConnectionId> = here.collect();
        (!to.is_empty()).then_some(Output::Send { to, message })
    }
}

impl Member {
    /// Its place in the order of arrival, which is the same on all nodes.
    pub(super) fn rank(&self) -> (u64, PeerId) {
        (self.arrived, self.info.id)
    }

    /// Whether its place is at this node.
    pub(super) fn is_own(&self) -> bool {
        !matches!(self.presence, Presence::Elsewhere(_))
    }

    fn is_away(&self) -> bool {
        match &self.presence {
            Presence::Here(_) => false,
            Presence::Away(_) => true,
            Presence::Elsewhere(remote) => remote.away,
        }
    }
}

impl Absence {
    pub(super) fn new(until: Instant, since: u64) -> Self {
        Self { until, since, kept: Kept::default() }
    }
}

impl Remote {
    pub(super) fn new(node: NodeId, away: bool) -> Self {
        Self { node, away, unconfirmed: None, kept: Kept::default() }
    }
}

impl Kept {
    /// Keeps a signal for the return.
    ///
    /// # Errors
    /// [`NothingMoreKept`] when the sender's share or the space for all is used up: the signal is
    /// dropped, the older ones stay, since candidates are of no use without the offer before them.
    pub(super) fn keep(&mut self, from: PeerId, signal: Signal) -> Result<(), NothingMoreKept> {
        let bytes = self.bytes + weight(&signal);
        let of_sender = self.signals.iter().filter(|(sender, _)| *sender == from).count();
        if of_sender >= KEPT_PER_SENDER || bytes > KEPT_BYTES {
            return Err(NothingMoreKept);
        }
        self.bytes = bytes;
        self.signals.push_back((from, signal));
        Ok(())
    }

    /// Drops what is kept from a sender who is gone.
    fn forget(&mut self, sender: PeerId) {
        self.signals.retain(|(from, _)| *from != sender);
        self.bytes = self.signals.iter().map(|(_, signal)| weight(signal)).sum();
    }

    /// What was kept, in the order in which it came.
    pub(super) fn into_signals(self) -> impl Iterator<Item = (PeerId, Signal)> {
        self.signals.into_iter()
    }
}

/// A signal's share of the space, in bytes: its strings and something for the rest.
fn weight(signal: &Signal) -> usize {
    let strings = match signal {
        Signal::Description { sdp, .. } => sdp.len(),
        Signal::Candidate { candidate, sdp_mid, .. } => {
            candidate.len() + sdp_mid.as_ref().map_or(0, String::len)
        }
        Signal::EndOfCandidates | Signal::Restart | Signal::Unknown => 0,
    };
    strings + 64
}
