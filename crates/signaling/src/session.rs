//! The rules of one connection, told the time: what comes first, how much, how often, and how long
//! silence may last. It refuses to know sockets and who else is in the room.

use std::sync::Arc;
use std::time::{Duration, Instant};

use maru_protocol::{Limits, PeerId, ResumeToken, ServerMessage};

use crate::Config;
use crate::access::token_matches;
use crate::addresses::Visit;
use crate::connection::Arrival;
use crate::incoming::{Incoming, JoinRequest, parse};
use crate::links::Base;
use crate::rate::Bucket;
use crate::refusal::Refusal;
use crate::relay::IceOffer;
use crate::rooms::{Input, Join};
use crate::visitors::Visitor;

/// The faulty message that ends a connection: the third.
const STRIKES: u32 = 3;

/// The rate limit's average is taken over this many seconds: a newcomer in a full room sends an offer and
/// a handful of candidates to everybody at once.
const AVERAGED_SECONDS: f64 = 5.0;

/// After one complaint about too many messages, the next one waits this long.
const BETWEEN_COMPLAINTS: Duration = Duration::from_secs(1);

/// What follows from a message, or from none.
#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    /// Nothing.
    Nothing,
    /// Tell the rooms.
    Room(Input),
    /// Tell the client; a fatal one ends the connection.
    Refuse(Refusal),
    /// Tell the client something else.
    Tell(Box<ServerMessage>),
    /// Tell the client, which may come back in so many seconds.
    Postpone(Refusal, u32),
    /// The client gives no sign of life: the connection is broken.
    Silent,
}

/// One connection's rules.
///
/// ```text
/// waiting for join → joined            (anything else first: refused; no join in time: refused, or early)
///          └→ early ──┘                (no join in a longer time: refused)
/// ```
#[derive(Debug)]
pub(crate) struct Session {
    limits: Limits,
    access: Option<String>,
    bases: Vec<Base>,
    ice: IceOffer,
    /// When who needs fresh credentials.
    rotation: Option<(Instant, PeerId)>,
    /// The identity of a client that brings none.
    fresh: ResumeToken,
    joined: bool,
    join_by: Instant,
    began: Instant,
    early_timeout: Duration,
    /// Counts it while it is early.
    early: Option<Visit>,
    idle_timeout: Duration,
    heard: Instant,
    allowed: Bucket,
    forgiven: Bucket,
    complained: Option<Instant>,
    visitor: Arc<Visitor>,
    faults: u32,
}

impl Session {
    /// The rules of a connection that begins now; `fresh` is the identity for a client that brings none, `visitor`
    /// the address that it comes from.
    pub(crate) fn new(
        now: Instant,
        config: &Config,
        arrival: Arrival,
        fresh: ResumeToken,
        visitor: Arc<Visitor>,
    ) -> Self {
        let rate = f64::from(config.limits.messages_per_second.max(1));
        Self {
            limits: config.limits.clone(),
            access: config.token.clone(),
            bases: arrival.bases,
            ice: arrival.ice,
            rotation: None,
            fresh,
            joined: false,
            join_by: now + config.join_timeout,
            began: now,
            early_timeout: config.early_timeout,
            early: None,
            idle_timeout: config.idle_timeout,
            heard: now,
            allowed: Bucket::new(now, rate, rate * AVERAGED_SECONDS),
            forgiven: Bucket::new(now, rate / 10.0, rate * 2.0),
            complained: None,
            visitor,
            faults: 0,
        }
    }

    /// What the connection must keep to.
    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// A text message.
    pub(crate) fn text(&mut self, now: Instant, text: &str) -> Step {
        if let Some(step) = self.count(now, false) {
            return step;
        }
        if text.len() > self.limits.message_bytes as usize {
            return self.fault(Refusal::message_too_large(&self.limits));
        }
        match parse(text) {
            Err(refusal) => self.fault(refusal),
            Ok(Incoming::Unknown) => Step::Nothing,
            Ok(Incoming::Join(_)) if self.joined => Step::Refuse(Refusal::already_joined()),
            Ok(Incoming::Join(request)) => self.join(now, *request),
            Ok(Incoming::Leave) => Step::Room(Input::Leave),
            Ok(_) if !self.joined => Step::Refuse(Refusal::not_joined()),
            Ok(Incoming::Signal { to, signal }) => Step::Room(Input::Signal { to, signal }),
            Ok(Incoming::Status(status)) => Step::Room(Input::Status(status)),
        }
    }

    /// A binary message, which the protocol does not have.
    pub(crate) fn binary(&mut self, now: Instant, length: usize) -> Step {
        if let Some(step) = self.count(now, false) {
            return step;
        }
        self.fault(if length > self.limits.message_bytes as usize {
            Refusal::message_too_large(&self.limits)
        } else {
            Refusal::malformed("it is binary, messages are JSON text")
        })
    }

    /// A ping or a pong.
    pub(crate) fn control(&mut self, now: Instant) -> Step {
        // Every connection answers pings: of an address with many, that alone would be too much.
        self.count(now, true).unwrap_or(Step::Nothing)
    }

    /// When to call [`Session::timeout`] if nothing comes before.
    pub(crate) fn deadline(&self) -> Instant {
        let silent = self.heard + self.idle_timeout;
        let rotation = self.rotation.map_or(silent, |(at, _)| at.min(silent));
        if self.joined { rotation } else { silent.min(self.join_by) }
    }

    /// Whether there was no join in time, and it may be early all the same: the other end is there, by its answers
    /// to pings.
    pub(crate) fn may_be_early(&self, now: Instant) -> bool {
        let late = !self.joined && self.early.is_none() && now >= self.join_by;
        let there = self.heard > self.began && now < self.heard + self.idle_timeout;
        late && there && now < self.began + self.early_timeout
    }

    /// There is a place for it among those that are early.
    pub(crate) fn be_early(&mut self, place: Visit) {
        self.early = Some(place);
        self.join_by = self.began + self.early_timeout;
    }

    /// The deadline has passed.
    pub(crate) fn timeout(&mut self, now: Instant) -> Step {
        if !self.joined && now >= self.join_by {
            Step::Refuse(Refusal::join_timeout())
        } else if now >= self.heard + self.idle_timeout {
            Step::Silent
        } else if let Some((_, peer)) = self.rotation.filter(|(at, _)| now >= *at) {
            self.rotation = self.ice.rotation().map(|after| (now + after, peer));
            Step::Tell(Box::new(ServerMessage::IceServers { ice_servers: self.ice.servers(now, peer) }))
        } else {
            Step::Nothing
        }
    }

    /// The join that was let through is into a room that nobody is in: after which pause it goes on.
    ///
    /// # Errors
    /// Why not, and in how many seconds it may be tried again.
    pub(crate) fn open_room(&self, now: Instant) -> Result<Duration, (Refusal, u32)> {
        self.visitor.new_room(now).map_err(|seconds| (Refusal::too_many_joins(seconds), seconds))
    }

    fn join(&mut self, now: Instant, request: JoinRequest) -> Step {
        // Also before a wrong token: nobody tries many.
        if let Err(seconds) = self.visitor.join(now) {
            return Step::Postpone(Refusal::too_many_joins(seconds), seconds);
        }
        if let Some(wanted) = &self.access
            && !request.token.as_deref().is_some_and(|given| token_matches(wanted, given))
        {
            return Step::Refuse(Refusal::unauthorized(request.token.is_some()));
        }
        self.joined = true;
        self.early = None;
        let identity = request.resume.unwrap_or_else(|| self.fresh.clone());
        let peer = identity.peer_id();
        self.rotation = self.ice.rotation().map(|after| (now + after, peer));
        Step::Room(Input::Join(Box::new(Join {
            identity,
            ice_servers: self.ice.servers(now, peer),
            room: request.room,
            name: request.name,
            client: request.client,
            capabilities: request.capabilities,
            status: request.status,
            bases: std::mem::take(&mut self.bases),
        })))
    }

    /// Counts anything that came, `answered` when the server may have asked for it; `Some` when it is one too many, and then it is dropped.
    fn count(&mut self, now: Instant, answered: bool) -> Option<Step> {
        self.heard = self.heard.max(now);
        let refusal = if !self.allowed.take(now) {
            Refusal::too_many_messages(&self.limits)
        } else if !answered && !self.visitor.message(now) {
            Refusal::too_many_messages_of_address(self.visitor.messages_per_second())
        } else {
            return None;
        };
        if !self.forgiven.take(now) {
            return Some(Step::Refuse(refusal.fatal()));
        }
        let quiet = |at: Instant| now.saturating_duration_since(at) < BETWEEN_COMPLAINTS;
        if self.complained.is_some_and(quiet) {
            return Some(Step::Nothing);
        }
        self.complained = Some(now);
        Some(Step::Refuse(refusal))
    }

    /// A faulty message; the third ends the connection.
    fn fault(&mut self, refusal: Refusal) -> Step {
        self.faults += 1;
        Step::Refuse(if self.faults >= STRIKES { refusal.fatal() } else { refusal })
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
