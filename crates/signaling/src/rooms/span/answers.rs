//! What follows from what the store says about a room.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use maru_protocol::{LeftReason, PeerId, ServerMessage};

use super::Entering;
use crate::bus::{Answer, Entry, Envelope, Request, RoomId, Verdict};
use crate::rooms::room::{Kept, Member, Presence, Remote, Room};
use crate::rooms::{ConnectionId, Output, Rooms, replace, tell};

/// What the store heard of this long before somebody was last seen, in ms, its node had told it.
const TOLD_WITHIN_MS: u64 = 10_000;

impl Rooms {
    /// What the store says about a room.
    pub(crate) fn answered(&mut self, now: Instant, request: &Request, answer: &Answer) -> Vec<Output> {
        let mut outputs = Vec::new();
        let window = self.resume_window;
        let Some(span) = &mut self.span else { return outputs };
        let me = span.me;
        let Some(shared) = span.rooms.get_mut(&request.room) else { return outputs };
        shared.synced = now;
        let same = shared.epoch.replace(answer.epoch.clone()).is_none_or(|old| old == answer.epoch);
        let key = Arc::clone(&shared.key);
        let reasons = std::mem::take(&mut shared.reasons);
        let (mut entering, waiting): (Vec<Entering>, Vec<Entering>) =
            std::mem::take(&mut shared.entering).into_iter().partition(|one| one.asked);
        shared.entering = waiting;
        let verdict = |id: PeerId| answer.verdicts.iter().find(|(of, _)| *of == id).map(|(_, is)| *is);

        // Places that the store gave up while this node could not reach it: the others saw their members leave.
        let mut given_up = false;
        for claim in request.members.iter().filter(|claim| !claim.enters) {
            if let Some(seat) = shared.seats.get_mut(&claim.info.id) {
                let missing = verdict(claim.info.id) == Some(Verdict::Missing);
                given_up |= missing && seat.known && (same || answer.age > window);
                seat.known = true;
            }
        }
        for one in &entering {
            span.entering.remove(&one.connection);
        }
        if given_up {
            self.forget_remotes(&key, |_, _| true, |_| LeftReason::Lost, &mut outputs);
        }

        let there: HashSet<PeerId> = answer.entries.iter().map(|entry| entry.info.id).collect();
        if same {
            let reason = |id| reasons.get(&id).copied().unwrap_or(LeftReason::Lost);
            // Whom nobody has named yet since the store forgot them may still be named.
            let gone = |id, remote: &Remote| remote.unconfirmed.is_none() && !there.contains(&id);
            self.forget_remotes(&key, gone, reason, &mut outputs);
        } else {
            self.doubt_remotes(now, &key, &there, &mut outputs);
        }
        if let Some(first) = entering
            .iter()
            .find(|one| matches!(verdict(one.join.identity.peer_id()), Some(Verdict::New | Verdict::Back(_))))
        {
            let name = first.join.room.clone();
            self.rooms.entry(Arc::clone(&key)).or_insert_with(|| Room::new(name));
        }
        // Own ones first: by their numbers the others are introduced.
        let (own, remote): (Vec<&Entry>, Vec<&Entry>) =
            answer.entries.iter().partition(|entry| entry.node == me);
        own.into_iter().for_each(|entry| self.own(&request.room, &key, entry, &entering));
        remote.into_iter().for_each(|entry| self.remote(now, &key, entry, &mut outputs));

        let entry_of = |one: &Entering| {
            let id = one.join.identity.peer_id();
            answer.entries.iter().find(|entry| entry.info.id == id && entry.node == me)
        };
        entering.sort_by_key(|one| entry_of(one).map(|entry| entry.order));
        for one in entering {
            let word = verdict(one.join.identity.peer_id());
            self.let_in(now, &key, word, entry_of(&one), answer, one, &mut outputs);
        }
        self.flush(&key, request.room, &mut outputs);
        self.tidy(request.room, &key);
        outputs
    }

    /// Somebody who waited has the store's word.
    #[allow(clippy::too_many_arguments)]
    fn let_in(
        &mut self,
        now: Instant,
        key: &Arc<str>,
        verdict: Option<Verdict>,
        entry: Option<&Entry>,
        answer: &Answer,
        one: Entering,
        outputs: &mut Vec<Output>,
    ) {
        let Entering { connection, join, kept, .. } = one;
        let id = join.identity.peer_id();
        match (verdict, entry) {
            (Some(Verdict::Full), _) => return self.refuse_entry(connection, outputs),
            // It connected twice while it waited.
            _ if self.places.get(&id) == Some(key) => {
                self.take_back(now, connection, key, join, None, outputs);
            }
            (Some(Verdict::Back(seen)), Some(entry)) => {
                if let Some(old) = self.remove(id, LeftReason::Left, outputs) {
                    replace(old, outputs);
                }
                self.forget_if_anew(key, entry, outputs);
                let Some(room) = self.rooms.get_mut(key) else { return };
                if room.member_mut(id).is_none() {
                    self.add_remote(now, key, entry, false, outputs);
                }
                let told = seen.saturating_sub(TOLD_WITHIN_MS);
                let unheard = answer.entries.iter().filter(|entry| entry.at >= told);
                let unheard = unheard.map(|entry| entry.info.id).collect();
                self.take_back(now, connection, key, join, Some(&unheard), outputs);
            }
            (Some(_), Some(entry)) => {
                self.enter(now, connection, Arc::clone(key), join, Some(entry.order), outputs)
            }
            _ => self.enter_alone(now, connection, Arc::clone(key), join, outputs),
        }
        if let Some(entry) = entry {
            self.is_known(key, entry);
        }
        self.hand_over(key, connection, kept, outputs);
    }

    /// The store has heard of an own member already.
    fn is_known(&mut self, key: &Arc<str>, entry: &Entry) {
        let id = entry.info.id;
        let member = self.rooms.get_mut(key).and_then(|room| room.member_mut(id));
        let Some(status) = member.map(|member| member.info.status) else { return };
        let shared = self.span.as_mut().and_then(|span| span.rooms.get_mut(&RoomId::of(key)));
        let Some(shared) = shared else { return };
        if let Some(seat) = shared.seats.get_mut(&id) {
            seat.known = true;
        }
        if status == entry.info.status {
            shared.changed.remove(&id);
        }
    }

    /// What came for somebody who waited.
    pub(in crate::rooms) fn hand_over(
        &self,
        key: &str,
        connection: ConnectionId,
        kept: Kept,
        outputs: &mut Vec<Output>,
    ) {
        let Some(room) = self.rooms.get(key) else { return };
        let member = |id| room.members().iter().any(|member| member.info.id == id);
        let kept = kept.into_signals().filter(|(from, _)| member(*from));
        outputs.extend(kept.map(|(from, signal)| tell(connection, ServerMessage::Signal { from, signal })));
    }

    /// The store has somebody at this node.
    fn own(&mut self, id: &RoomId, key: &Arc<str>, entry: &Entry, entering: &[Entering]) {
        let Some(span) = &mut self.span else { return };
        let peer = entry.info.id;
        let Some(shared) = span.rooms.get_mut(id) else { return };
        let waits = |one: &Entering| one.join.identity.peer_id() == peer;
        if let Some(seat) = shared.seats.get_mut(&peer) {
            seat.known = true;
            let member = self.rooms.get_mut(key).and_then(|room| room.member_mut(peer));
            // The store's word on the order is the one that the others have.
            if let Some(member) = member.filter(|_| !shared.changed.contains(&peer)) {
                member.arrived = entry.order;
            }
        } else if !entering.iter().chain(&shared.entering).any(waits) {
            // It went while it was asked for.
            shared.left.push((peer, LeftReason::Left));
            span.queue(*id);
        }
    }

    /// The store has somebody at another node.
    fn remote(&mut self, now: Instant, key: &Arc<str>, entry: &Entry, outputs: &mut Vec<Output>) {
        let id = entry.info.id;
        if !self.release(now, key, entry, outputs) {
            return;
        }
        self.forget_if_anew(key, entry, outputs);
        let Some(room) = self.rooms.get_mut(key) else { return };
        let Some(member) = room.member_mut(id) else {
            return self.add_remote(now, key, entry, entry.away, outputs);
        };
        let status_changed =
            std::mem::replace(&mut member.info.status, entry.info.status) != entry.info.status;
        let Presence::Elsewhere(remote) = &mut member.presence else { return };
        remote.node = entry.node;
        remote.unconfirmed = None;
        let was_away = std::mem::replace(&mut remote.away, entry.away);
        match (was_away, entry.away) {
            (false, true) => outputs.extend(room.broadcast(id, ServerMessage::PeerAway { peer: id })),
            (true, false) => outputs.extend(room.broadcast(id, ServerMessage::PeerBack { peer: id })),
            _ => {}
        }
        if status_changed {
            let status = entry.info.status;
            outputs.extend(room.broadcast(id, ServerMessage::Status { from: id, status }));
        }
    }

    /// With another number than before a member left in between, and came again.
    fn forget_if_anew(&mut self, key: &str, entry: &Entry, outputs: &mut Vec<Output>) {
        let id = entry.info.id;
        let member = self.rooms.get_mut(key).and_then(|room| room.member_mut(id));
        if member.is_some_and(|member| member.arrived != entry.order) {
            self.forget_remotes(key, |of, _| of == id, |_| LeftReason::Left, outputs);
        }
    }

    /// Gives up the place of a member that has it at another node now; `false` when it does not, since there is
    /// something newer about it that the store has yet to hear.
    fn release(&mut self, now: Instant, key: &Arc<str>, entry: &Entry, outputs: &mut Vec<Output>) -> bool {
        let id = entry.info.id;
        let Some(room) = self.rooms.get_mut(key) else { return true };
        let Some(member) = room.member_mut(id).filter(|member| member.is_own()) else { return true };
        let Some(span) = &mut self.span else { return true };
        let (_, shared) = span.shared(key, now);
        if shared.changed.contains(&id) {
            return false;
        }
        shared.seats.remove(&id);
        self.places.remove(&id);
        let there = |away| Presence::Elsewhere(Box::new(Remote::new(entry.node, away)));
        match std::mem::replace(&mut member.presence, there(false)) {
            Presence::Here(connection) => {
                self.connections.remove(&connection);
                replace(connection, outputs);
            }
            Presence::Away(absence) => {
                self.expiries.remove(&(absence.until, id));
                member.presence = there(true);
                if let Presence::Elsewhere(remote) = &mut member.presence {
                    remote.kept = absence.kept;
                }
            }
            elsewhere => member.presence = elsewhere,
        }
        true
    }

    /// Somebody elsewhere of whom this node had not heard.
    fn add_remote(
        &mut self,
        now: Instant,
        key: &Arc<str>,
        entry: &Entry,
        away: bool,
        outputs: &mut Vec<Output>,
    ) {
        let Some(room) = self.rooms.get_mut(key) else { return };
        self.arrivals += 1;
        let presence = Presence::Elsewhere(Box::new(Remote::new(entry.node, away)));
        let (info, arrived, heard) = (entry.info.clone(), entry.order, self.arrivals);
        let id = info.id;
        let member = Member { info, arrived, heard, presence };
        let unaware = room.introduce(&member, outputs);
        room.add(member);
        self.send_round(now, unaware, outputs);
        if away && let Some(room) = self.rooms.get(key) {
            outputs.extend(room.broadcast(id, ServerMessage::PeerAway { peer: id }));
        }
    }

    /// Members elsewhere who are gone.
    pub(in crate::rooms) fn forget_remotes(
        &mut self,
        key: &str,
        gone: impl Fn(PeerId, &Remote) -> bool,
        reason: impl Fn(PeerId) -> LeftReason,
        outputs: &mut Vec<Output>,
    ) {
        let Some(room) = self.rooms.get_mut(key) else { return };
        let gone: Vec<PeerId> =
            room.remotes().filter(|(id, remote)| gone(*id, remote)).map(|(id, _)| id).collect();
        for peer in gone {
            room.remove(peer);
            outputs.extend(room.broadcast(peer, ServerMessage::PeerLeft { peer, reason: reason(peer) }));
        }
    }

    /// The store has forgotten the room: members elsewhere whom nobody has named yet may still be there.
    fn doubt_remotes(&mut self, now: Instant, key: &str, there: &HashSet<PeerId>, outputs: &mut Vec<Output>) {
        let until = now + self.resume_window;
        let Some(room) = self.rooms.get_mut(key) else { return };
        for index in 0..room.len() {
            let member = &mut room.members_mut()[index];
            let peer = member.info.id;
            if let Presence::Elsewhere(remote) = &mut member.presence
                && !there.contains(&peer)
            {
                remote.unconfirmed.get_or_insert(until);
                if !std::mem::replace(&mut remote.away, true) {
                    outputs.extend(room.broadcast(peer, ServerMessage::PeerAway { peer }));
                }
            }
        }
    }

    /// Sends what was kept to members elsewhere who can be reached again.
    fn flush(&mut self, key: &str, id: RoomId, outputs: &mut Vec<Output>) {
        let Some(room) = self.rooms.get_mut(key) else { return };
        for member in room.members_mut() {
            let to = member.info.id;
            if let Presence::Elsewhere(remote) = &mut member.presence
                && !remote.away
            {
                let node = remote.node;
                outputs.extend(std::mem::take(&mut remote.kept).into_signals().map(|(from, signal)| {
                    Output::Pass(Box::new(Envelope { node, room: id, from, to, signal, hops: 0 }))
                }));
            }
        }
    }

    /// Forgets a room in which this node has nobody any more.
    fn tidy(&mut self, id: RoomId, key: &str) {
        if self.rooms.get(key).is_some_and(|room| !room.has_own()) {
            self.rooms.remove(key);
        }
        let Some(span) = &mut self.span else { return };
        if !self.rooms.contains_key(key)
            && let Some(shared) = span.rooms.get(&id)
            && shared.entering.is_empty()
            && shared.left.is_empty()
        {
            span.rooms.remove(&id);
        }
    }
}
