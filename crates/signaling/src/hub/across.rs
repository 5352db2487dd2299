//! The side of the hub that other nodes are on: what the bus asks of the rooms and brings to them.

use std::time::{Duration, Instant, SystemTime};

use super::Hub;
use crate::bus::{Answer, BusCounts, Envelope, News, NodeId, Request};
use crate::rooms::Output;

/// Signals that may wait for the way to other nodes.
pub(super) const SIGNALS_WAITING: usize = 4096;

/// The time, in µs since 1970.
pub(super) fn clock() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or_default()
}

impl Hub {
    /// What there is to say to the store and to ask it, for up to so many rooms.
    pub(crate) fn requests(&self, now: Instant, most: usize) -> Vec<Request> {
        self.state.lock().rooms.requests(now, most)
    }

    /// What the store answered to each, and how much of it makes no sense.
    pub(crate) fn answered(&self, now: Instant, requests: Vec<Request>, answers: Vec<(Answer, u64)>) {
        let mut state = self.state.lock();
        let mut garbled = 0;
        for (request, (answer, nonsense)) in requests.iter().zip(&answers) {
            garbled += nonsense;
            let outputs = state.rooms.answered(now, request, answer);
            self.dispatch(now, &mut state, outputs);
        }
        self.garbled(garbled);
    }

    /// The store can be reached.
    pub(crate) fn bus_up(&self, now: Instant) {
        self.state.lock().rooms.bus_up(now);
        self.wake_bus();
    }

    /// The store cannot be reached any more, and did not answer these.
    pub(crate) fn bus_down(&self, now: Instant, unanswered: Vec<Request>) {
        let mut state = self.state.lock();
        for request in unanswered {
            state.rooms.unanswered(request);
        }
        let outputs = state.rooms.bus_down(now);
        self.dispatch(now, &mut state, outputs);
        drop(state);
        self.count(|counts| counts.nodes = 0);
    }

    /// Some time has passed, and these nodes gave a sign of life so long ago.
    pub(crate) fn bus_tick(&self, now: Instant, nodes: &[(NodeId, Duration)]) {
        let mut state = self.state.lock();
        let outputs = state.rooms.tick(now, nodes);
        self.dispatch(now, &mut state, outputs);
        drop(state);
        self.count(|counts| {
            counts.nodes = nodes.iter().filter(|(_, ago)| *ago <= crate::bus::DEAD_AFTER).count();
        });
    }

    /// A room changed at another node.
    pub(crate) fn news(&self, news: News) {
        let mut state = self.state.lock();
        state.rooms.heard(news);
        if state.rooms.has_requests() {
            self.wake_bus();
        }
    }

    /// A signal came from another node.
    pub(crate) fn signal_of_node(&self, now: Instant, envelope: Envelope) {
        let mut state = self.state.lock();
        let mut outputs = Vec::new();
        let concerns_us = state.rooms.deliver(envelope, &mut outputs);
        self.dispatch(now, &mut state, outputs);
        drop(state);
        if !concerns_us {
            self.count(|counts| counts.dropped += 1);
        }
    }

    /// No node took these.
    pub(crate) fn undelivered(&self, now: Instant, envelopes: Vec<Envelope>) {
        if envelopes.is_empty() {
            return;
        }
        let mut state = self.state.lock();
        let mut outputs: Vec<Output> = Vec::new();
        for envelope in envelopes {
            state.rooms.undelivered(envelope, &mut outputs);
        }
        self.dispatch(now, &mut state, outputs);
    }

    /// Something came that makes no sense.
    pub(crate) fn garbled(&self, number: u64) {
        if number > 0 {
            self.count(|counts| counts.garbled += number);
        }
    }

    /// Resolves when there is something for [`Hub::requests`] again. For one who waits.
    pub(crate) async fn bus_changed(&self) {
        match &self.bus {
            Some(bus) => bus.changed.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Whether other nodes can be reached, and the bus's figures; `None` for a server without any.
    pub(crate) fn bus_report(&self) -> Option<(bool, BusCounts)> {
        let counts = *self.bus.as_ref()?.counts.lock();
        Some((!self.state.lock().rooms.is_cut_off(), counts))
    }

    pub(super) fn wake_bus(&self) {
        if let Some(bus) = &self.bus {
            bus.changed.notify_one();
        }
    }

    pub(super) fn pass(&self, envelope: Envelope) {
        if let Some(bus) = &self.bus
            && bus.signals.try_send(envelope).is_err()
        {
            self.count(|counts| counts.dropped += 1);
        }
    }

    fn count(&self, change: impl FnOnce(&mut BusCounts)) {
        if let Some(bus) = &self.bus {
            change(&mut bus.counts.lock());
        }
    }
}
