//! What comes from other nodes, and the passing of time.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use maru_protocol::{LeftReason, ServerMessage};

use crate::bus::{DEAD_AFTER, Envelope, MAX_HOPS, News, NodeId};
use crate::rooms::room::{Presence, Room};
use crate::rooms::{Output, Rooms, tell};

/// How often a room is read again although nobody said that it changed.
const REFRESH: Duration = Duration::from_secs(10);

/// The same while somebody elsewhere is away.
const REFRESH_AWAY: Duration = Duration::from_secs(1);

/// Reasons for leaving that are remembered until the room is read.
const MOST_REASONS: usize = 1024;

impl Rooms {
    /// A room that this node shares has changed.
    pub(crate) fn heard(&mut self, news: News) {
        let Some(span) = &mut self.span else { return };
        let Some(shared) = span.rooms.get_mut(&news.room) else { return };
        if shared.reasons.len() + news.left.len() <= MOST_REASONS {
            shared.reasons.extend(news.left);
        }
        span.queue(news.room);
    }

    /// A signal from another node; `false` when there is nobody here whom it could concern.
    pub(crate) fn deliver(&mut self, envelope: Envelope, outputs: &mut Vec<Output>) -> bool {
        let Envelope { room: id, from, to, signal, hops, .. } = envelope;
        let Some(shared) = self.span.as_mut().and_then(|span| span.rooms.get_mut(&id)) else { return false };
        if let Some(one) = shared.entering.iter_mut().find(|one| one.join.identity.peer_id() == to) {
            // Its own arrival is known to the others already.
            return one.kept.keep(from, signal).is_ok();
        }
        let Some(room) = self.rooms.get_mut(&shared.key) else { return false };
        if from == to || room.member_mut(from).is_none() {
            return false;
        }
        match room.member_mut(to).map(|member| &mut member.presence) {
            None => return false,
            Some(Presence::Here(connection)) => {
                outputs.push(tell(*connection, ServerMessage::Signal { from, signal }));
            }
            Some(Presence::Away(absence)) => return absence.kept.keep(from, signal).is_ok(),
            Some(Presence::Elsewhere(remote)) if remote.away => {
                return remote.kept.keep(from, signal).is_ok();
            }
            Some(Presence::Elsewhere(remote)) => {
                let node = remote.node;
                if hops >= MAX_HOPS {
                    return false;
                }
                let hops = hops + 1;
                outputs.push(Output::Pass(Box::new(Envelope { node, room: id, from, to, signal, hops })));
            }
        }
        true
    }

    /// A signal that no node took: its receiver's node is dead or just not listening.
    pub(crate) fn undelivered(&mut self, envelope: Envelope, outputs: &mut Vec<Output>) {
        let Some(shared) = self.span.as_ref().and_then(|span| span.rooms.get(&envelope.room)) else { return };
        let Some(room) = self.rooms.get_mut(&shared.key) else { return };
        match room.member_mut(envelope.to).map(|member| &mut member.presence) {
            Some(Presence::Elsewhere(remote)) if remote.away || remote.node == envelope.node => {
                // More than is kept is no news to the sender: it hears of the absence itself.
                let _ = remote.kept.keep(envelope.from, envelope.signal);
            }
            Some(_) => {
                self.deliver(envelope, outputs);
            }
            None => {}
        }
    }

    /// Some time has passed; `nodes` are those that gave a sign of life, and how long ago.
    pub(crate) fn tick(&mut self, now: Instant, nodes: &[(NodeId, Duration)]) -> Vec<Output> {
        let mut outputs = Vec::new();
        let Some(span) = &mut self.span else { return outputs };
        let alive: HashSet<NodeId> =
            nodes.iter().filter(|(_, ago)| *ago <= DEAD_AFTER).map(|(node, _)| *node).collect();
        let mut due = Vec::new();
        let mut given_up = Vec::new();
        for (id, shared) in &span.rooms {
            let age = now.saturating_duration_since(shared.synced);
            let mut is_due = age >= REFRESH;
            for (peer, remote) in self.rooms.get(&shared.key).into_iter().flat_map(Room::remotes) {
                // Away is what the store says: it is asked whenever it may have changed its mind.
                let changes = remote.away == alive.contains(&remote.node);
                is_due |= changes && (age >= REFRESH_AWAY || !remote.away);
                is_due |= remote.away && age >= REFRESH_AWAY;
                if remote.unconfirmed.is_some_and(|until| until <= now) {
                    given_up.push((Arc::clone(&shared.key), peer));
                }
            }
            if is_due {
                due.push(*id);
            }
        }
        due.into_iter().for_each(|id| span.queue(id));
        for (key, peer) in given_up {
            self.forget_remotes(&key, |id, _| id == peer, |_| LeftReason::Lost, &mut outputs);
        }
        outputs
    }
}
