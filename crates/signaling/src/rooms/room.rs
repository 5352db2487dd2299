//! One room: its members in the order in which they came, and what is kept for those who are away.

use std::collections::VecDeque;
use std::time::Instant;

use maru_protocol::{PeerId, PeerInfo, RoomName, ServerMessage, Signal};

use super::{ConnectionId, Output};

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
    /// Its number among all who ever entered a room.
    pub(super) arrived: u64,
    pub(super) presence: Presence,
}

/// Whether a member can be reached.
#[derive(Debug)]
pub(super) enum Presence {
    /// Over this connection.
    Here(ConnectionId),
    /// Its connection broke.
    Away(Box<Absence>),
}

/// A broken connection's kept place.
#[derive(Debug)]
pub(super) struct Absence {
    /// When the place is given up.
    pub(super) until: Instant,
    /// Who arrived with this number or a later one came during the absence.
    pub(super) since: u64,
    kept: VecDeque<(PeerId, Signal)>,
    kept_bytes: usize,
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
            if let Presence::Away(absence) = &mut other.presence {
                absence.forget(id);
            }
        }
        Some(member)
    }

    /// What everybody may know of all members.
    pub(super) fn infos(&self) -> Vec<PeerInfo> {
        self.members.iter().map(|member| member.info.clone()).collect()
    }

    /// All members but one: those who arrived before the given number, and those from it on.
    pub(super) fn others(&self, id: PeerId, since: u64) -> (Vec<PeerInfo>, Vec<PeerInfo>) {
        let (before, later): (Vec<&Member>, Vec<&Member>) = self
            .members
            .iter()
            .filter(|member| member.info.id != id)
            .partition(|member| member.arrived < since);
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
        let away = self.members.iter().filter(|member| matches!(member.presence, Presence::Away(_)));
        away.map(|member| member.info.id)
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

impl Absence {
    pub(super) fn new(until: Instant, since: u64) -> Self {
        Self { until, since, kept: VecDeque::new(), kept_bytes: 0 }
    }

    /// Keeps a signal for the return.
    ///
    /// # Errors
    /// [`NothingMoreKept`] when the sender's share or the space for all is used up: the signal is
    /// dropped, the older ones stay, since candidates are of no use without the offer before them.
    pub(super) fn keep(&mut self, from: PeerId, signal: Signal) -> Result<(), NothingMoreKept> {
        let bytes = self.kept_bytes + weight(&signal);
        let of_sender = self.kept.iter().filter(|(sender, _)| *sender == from).count();
        if of_sender >= KEPT_PER_SENDER || bytes > KEPT_BYTES {
            return Err(NothingMoreKept);
        }
        self.kept_bytes = bytes;
        self.kept.push_back((from, signal));
        Ok(())
    }

    /// Drops what is kept from a sender who is gone.
    fn forget(&mut self, sender: PeerId) {
        self.kept.retain(|(from, _)| *from != sender);
        self.kept_bytes = self.kept.iter().map(|(_, signal)| weight(signal)).sum();
    }

    /// What was kept, in the order in which it came.
    pub(super) fn into_kept(self) -> impl Iterator<Item = (PeerId, Signal)> {
        self.kept.into_iter()
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
