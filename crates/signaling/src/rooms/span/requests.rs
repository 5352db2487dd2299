//! What this node says to the store and asks it, while the store can be reached and when it cannot.

use std::sync::Arc;
use std::time::{Duration, Instant};

use maru_protocol::ServerMessage;

use super::Way;
use crate::bus::{Claim, Request};
use crate::rooms::room::{Presence, Room};
use crate::rooms::{Output, Rooms};

impl Rooms {
    /// What there is to say and to ask, for up to so many rooms. Each is answered by [`Rooms::answered`] or
    /// [`Rooms::unanswered`], in this order.
    pub(crate) fn requests(&mut self, now: Instant, most: usize) -> Vec<Request> {
        let Some(span) = &mut self.span else { return Vec::new() };
        let mut requests = Vec::new();
        while requests.len() < most
            && let Some(id) = span.waiting.pop_front()
        {
            let Some(shared) = span.rooms.get_mut(&id) else { continue };
            shared.waits = false;
            let room = self.rooms.get(&shared.key);
            let full = std::mem::take(&mut shared.full);
            let changed = std::mem::take(&mut shared.changed);
            let own = room.map(Room::members).unwrap_or_default().iter().filter(|member| member.is_own());
            let own = own.filter(|member| full || changed.contains(&member.info.id));
            let window = self.resume_window;
            let mut members: Vec<Claim> = own
                .map(|member| Claim {
                    info: member.info.clone(),
                    enters: false,
                    order: member.arrived,
                    seated: shared
                        .seats
                        .get(&member.info.id)
                        .map_or(Duration::ZERO, |seat| now.saturating_duration_since(seat.since)),
                    away: match &member.presence {
                        Presence::Away(absence) => {
                            Some(window.saturating_sub(absence.until.saturating_duration_since(now)))
                        }
                        _ => None,
                    },
                })
                .collect();
            for one in &mut shared.entering {
                one.asked = true;
                let id = one.join.identity.peer_id();
                let known = room.and_then(|room| room.members().iter().find(|member| member.info.id == id));
                members.push(Claim {
                    info: one.join.info(),
                    enters: true,
                    order: known.map_or(0, |member| member.arrived),
                    seated: Duration::ZERO,
                    away: None,
                });
            }
            let left = std::mem::take(&mut shared.left);
            requests.push(Request { room: id, members, left, full });
        }
        requests
    }

    /// The store did not answer: it is asked again when it is back.
    pub(crate) fn unanswered(&mut self, request: Request) {
        let Some(span) = &mut self.span else { return };
        if let Some(shared) = span.rooms.get_mut(&request.room) {
            shared.left.splice(0..0, request.left);
            shared.full = true;
            for one in &mut shared.entering {
                one.asked = false;
            }
            span.queue(request.room);
        }
    }

    /// The store can be reached, perhaps again: everything is said anew.
    pub(crate) fn bus_up(&mut self, now: Instant) {
        let Some(span) = &mut self.span else { return };
        span.way = Way::Open;
        for (id, shared) in &mut span.rooms {
            shared.full = true;
            if !std::mem::replace(&mut shared.waits, true) {
                span.waiting.push_back(*id);
            }
            for member in self.rooms.get_mut(&shared.key).map(Room::members_mut).unwrap_or_default() {
                if let Presence::Elsewhere(remote) = &mut member.presence {
                    remote.unconfirmed = remote.unconfirmed.map(|_| now + self.resume_window);
                }
            }
        }
    }

    /// The store cannot be reached: members elsewhere are away, and who waits is let in without it.
    pub(crate) fn bus_down(&mut self, now: Instant) -> Vec<Output> {
        let mut outputs = Vec::new();
        let Some(span) = &mut self.span else { return outputs };
        span.way = Way::Cut;
        span.entering.clear();
        let mut entering = Vec::new();
        for shared in span.rooms.values_mut() {
            entering.extend(shared.entering.drain(..).map(|one| (Arc::clone(&shared.key), one)));
            if let Some(room) = self.rooms.get_mut(&shared.key) {
                for index in 0..room.len() {
                    if let Presence::Elsewhere(remote) = &mut room.members_mut()[index].presence
                        && !std::mem::replace(&mut remote.away, true)
                    {
                        let peer = room.members()[index].info.id;
                        outputs.extend(room.broadcast(peer, ServerMessage::PeerAway { peer }));
                    }
                }
            }
        }
        for (key, one) in entering {
            self.enter_alone(now, one.connection, Arc::clone(&key), one.join, &mut outputs);
            self.hand_over(&key, one.connection, one.kept, &mut outputs);
        }
        outputs
    }
}
