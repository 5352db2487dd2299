//! What `sync.lua` and `beat.lua` do, over plain state in virtual time: the store of the tests here. The scripts
//! themselves are tested with a real Redis.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use maru_protocol::{LeftReason, PeerId};

use crate::bus::{Answer, Claim, DEAD_AFTER, Entry, News, NodeId, Request, Verdict};

/// One participant's entry.
#[derive(Clone)]
struct Place {
    entry: Entry,
    seat: i64,
    away: Option<i64>,
}

/// A store with one room. Times are in ms.
#[derive(Default)]
pub(super) struct Store {
    pub(super) now: i64,
    epochs: u64,
    epoch: Option<(u64, i64)>,
    last: u64,
    places: BTreeMap<PeerId, Place>,
    beats: HashMap<NodeId, i64>,
    since: HashMap<NodeId, i64>,
    latest: Option<i64>,
    grace: i64,
    window: i64,
    capacity: usize,
}

impl Store {
    pub(super) fn new(now: i64, window: i64, capacity: usize) -> Self {
        Self { now, window, capacity, ..Self::default() }
    }

    /// It starts again with nothing.
    pub(super) fn wipe(&mut self) {
        self.epoch = None;
        self.last = 0;
        self.places.clear();
        self.beats.clear();
        self.since.clear();
        (self.latest, self.grace) = (None, 0);
    }

    pub(super) fn beat(&mut self, node: NodeId) -> Vec<(NodeId, Duration)> {
        let dead = DEAD_AFTER.as_millis() as i64;
        if self.latest.is_none_or(|latest| self.now - latest > dead) {
            self.grace = self.now + self.window;
        }
        self.latest = Some(self.now);
        if self.beats.get(&node).is_none_or(|at| self.now - at > dead) {
            self.since.insert(node, self.now);
        }
        self.beats.insert(node, self.now);
        let age = |at: &i64| Duration::from_millis((self.now - at) as u64);
        self.beats.iter().map(|(node, at)| (*node, age(at))).collect()
    }

    fn gone(&self, me: NodeId, place: &Place) -> Option<i64> {
        let beat = self.beats.get(&place.entry.node).copied().unwrap_or(0);
        let silent = place.entry.node != me && self.now - beat > DEAD_AFTER.as_millis() as i64;
        place.away.or(silent.then_some(beat))
    }

    /// Answers, and names the nodes that are told.
    pub(super) fn sync(&mut self, me: NodeId, request: &Request) -> (Answer, Vec<(NodeId, News)>) {
        let mut told: Vec<NodeId> = self.places.values().map(|place| place.entry.node).collect();
        let before: Vec<PeerId> = self.places.keys().copied().collect();
        let mut changed = false;
        if self.epoch.is_none() {
            self.epochs += 1;
            self.epoch = Some((self.epochs, self.now));
            self.last = 0;
        }
        for id in before {
            let place = &self.places[&id];
            let slack = if place.away.is_some() { 2000 } else { 0 };
            let over = self.gone(me, place).is_some_and(|since| self.now - since > self.window + slack);
            if over && place.entry.node != me && self.now > self.grace {
                self.places.remove(&id);
                changed = true;
            }
        }
        let mut left: HashMap<PeerId, LeftReason> = HashMap::new();
        for (id, why) in &request.left {
            if self.places.get(id).is_some_and(|place| place.entry.node == me) {
                self.places.remove(id);
                left.insert(*id, *why);
                changed = true;
            }
        }
        if request.full {
            let listed = |id: &PeerId| request.members.iter().any(|claim| claim.info.id == *id);
            let count = self.places.len();
            self.places.retain(|id, place| place.entry.node != me || listed(id));
            changed |= count != self.places.len();
        }
        let mut verdicts = Vec::new();
        for claim in &request.members {
            let verdict = self.claim(me, claim);
            changed |= !matches!(verdict, Verdict::Full | Verdict::Lost);
            verdicts.push((claim.info.id, verdict));
        }
        let (epoch, made) = self.epoch.unwrap();
        let entries: Vec<Entry> = self
            .places
            .values()
            .map(|place| Entry { away: self.gone(me, place).is_some(), ..place.entry.clone() })
            .collect();
        let age = Duration::from_millis((self.now - made) as u64);
        if entries.is_empty() {
            self.epoch = None;
        }
        told.extend(entries.iter().map(|entry| entry.node));
        told.sort_unstable();
        told.dedup();
        told.retain(|node| changed && *node != me);
        let news = told.into_iter().map(|node| (node, News { room: request.room, left: left.clone() }));
        (Answer { epoch: epoch.to_string(), age, verdicts, entries }, news.collect())
    }

    fn claim(&mut self, me: NodeId, claim: &Claim) -> Verdict {
        let id = claim.info.id;
        let old = self.places.get(&id).cloned();
        let mut entry = Entry {
            info: claim.info.clone(),
            node: me,
            order: claim.order,
            at: self.now as u64,
            away: false,
        };
        let seat = self.now - claim.seated.as_millis() as i64;
        let verdict = match (&old, claim.enters) {
            (Some(old), true) => {
                let beat = self.beats.get(&old.entry.node).copied().unwrap_or(0);
                let seen = self.gone(me, old).unwrap_or(if old.entry.node == me { self.now } else { beat });
                (entry.order, entry.at) = (old.entry.order, old.entry.at);
                let since = self.since.get(&old.entry.node).copied().unwrap_or(self.now);
                Verdict::Back(if seen < since + 20_000 { 0 } else { seen as u64 })
            }
            (None, true) if self.places.len() >= self.capacity => return Verdict::Full,
            (None, true) if claim.order > 0 => Verdict::Back(0),
            (None, true) => {
                entry.order = (self.last + 1).max(self.now as u64 * 1000);
                Verdict::New
            }
            (None, false) => Verdict::Missing,
            (Some(old), false) => {
                (entry.order, entry.at) = (old.entry.order, old.entry.at);
                if old.entry.node != me
                    && (claim.away.is_some() || self.gone(me, old).is_none() && old.seat > seat)
                {
                    return Verdict::Lost;
                }
                Verdict::Kept
            }
        };
        self.last = self.last.max(entry.order);
        let away = claim.away.map(|away| (self.now - away.as_millis() as i64).max(1));
        self.places.insert(id, Place { entry, seat, away });
        verdict
    }
}
