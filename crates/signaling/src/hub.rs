//! The rooms and the mailboxes of all connections behind one lock: what the tasks of connections share.
//!
//! One lock for all rooms: handling a message takes some ten microseconds and never waits for anything
//! while the lock is held, so one process serves tens of thousands of messages a second; a call makes
//! some hundred while it connects and then next to none. What comes out of the rooms goes into
//! mailboxes under the same lock, so that every client gets its messages in the order of events.

mod across;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use axum::extract::ws::Utf8Bytes;
use maru_protocol::{ClosingReason, RoomName, ServerMessage};
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};

use crate::Config;
use crate::bus::{BusCounts, Envelope, NodeId, Worker};
use crate::mailbox::{Mailbox, Outbox, mailbox};
use crate::metrics::Metrics;
use crate::refusal::Refusal;
use crate::rooms::{ConnectionId, Input, Output, Rooms};

/// How long clients should wait before they look for the server again after it stopped, in seconds.
const RETRY_AFTER_SECONDS: u32 = 1;

/// See the module.
#[derive(Debug)]
pub(crate) struct Hub {
    state: Mutex<State>,
    expiry_changed: Notify,
    occupancy_changed: Notify,
    metrics: Metrics,
    send_queue: usize,
    send_queue_bytes: usize,
    bus: Option<Bus>,
}

/// The way to other nodes; see [`across`].
#[derive(Debug)]
struct Bus {
    signals: mpsc::Sender<Envelope>,
    changed: Notify,
    counts: Mutex<BusCounts>,
}

#[derive(Debug)]
struct State {
    rooms: Rooms,
    /// Of the connections that the server still talks to, and since when.
    mailboxes: HashMap<ConnectionId, (Mailbox, Instant)>,
    connections: u64,
    stopping: bool,
    /// When [`Hub::keep_expiring`] wakes up by itself.
    wakes: Option<Instant>,
}

impl Hub {
    /// A hub without connections, and what keeps it together with other nodes, if it is to have any.
    pub(crate) fn new(config: &Config, metrics: Metrics) -> (Self, Option<Worker>) {
        let me = NodeId::random();
        let (signals, waiting) = mpsc::channel(across::SIGNALS_WAITING);
        let worker = Worker::new(config, me, waiting);
        let bus = worker.is_some().then(|| Bus { signals, changed: Notify::new(), counts: Mutex::default() });
        let rooms = match bus {
            None => Rooms::new(config),
            Some(_) => Rooms::spanning(config, me, Instant::now(), across::clock()),
        };
        let state = State { rooms, mailboxes: HashMap::new(), connections: 0, stopping: false, wakes: None };
        let hub = Self {
            state: Mutex::new(state),
            expiry_changed: Notify::new(),
            occupancy_changed: Notify::new(),
            metrics,
            send_queue: config.send_queue,
            send_queue_bytes: config.send_queue_bytes,
            bus,
        };
        (hub, worker)
    }

    /// A new connection. What is for it comes out of the outbox, until that ends.
    pub(crate) fn open(&self) -> (ConnectionId, Outbox) {
        let (mailbox, outbox) = mailbox(self.send_queue, self.send_queue_bytes);
        let mut state = self.state.lock();
        state.connections += 1;
        let connection = ConnectionId(state.connections);
        if state.stopping {
            // The last word of a server that stops; dropping the mailbox then ends the connection.
            let _ = mailbox.push(text_of(&shutdown()));
        } else {
            state.mailboxes.insert(connection, (mailbox, Instant::now()));
        }
        (connection, outbox)
    }

    /// Something happened on a connection.
    pub(crate) fn input(&self, now: Instant, connection: ConnectionId, input: Input) {
        let mut state = self.state.lock();
        if !state.mailboxes.contains_key(&connection) {
            return;
        }
        let moves_somebody = !matches!(input, Input::Signal { .. } | Input::Status(_));
        let outputs = state.rooms.handle(now, connection, input);
        self.dispatch(now, &mut state, outputs);
        if moves_somebody {
            self.occupancy_changed.notify_one();
        }
    }

    /// Tells a client something that concerns nobody else.
    pub(crate) fn tell(&self, now: Instant, connection: ConnectionId, message: ServerMessage) {
        self.say(now, connection, vec![message], false);
    }

    /// Tells a client that something is refused; a fatal refusal removes it.
    pub(crate) fn refuse(&self, now: Instant, connection: ConnectionId, refusal: Refusal) {
        let fatal = refusal.fatal;
        self.say(now, connection, vec![refusal.into()], fatal);
    }

    /// Tells a client to come back in so many seconds, and removes it.
    pub(crate) fn postpone(
        &self,
        now: Instant,
        connection: ConnectionId,
        refusal: Refusal,
        retry_after: u32,
    ) {
        self.say(now, connection, vec![refusal.into(), busy(retry_after)], true);
    }

    /// Says this to one client, which is removed if these are its `last` words.
    fn say(&self, now: Instant, connection: ConnectionId, words: Vec<ServerMessage>, last: bool) {
        let mut state = self.state.lock();
        let send = |message| Output::Send { to: vec![connection], message };
        let mut outputs: Vec<Output> = words.into_iter().map(send).collect();
        if last {
            outputs.extend(state.rooms.handle(now, connection, Input::Removed));
            outputs.push(Output::Close(connection));
        }
        self.dispatch(now, &mut state, outputs);
    }

    /// Whether nobody has a place in a room, and whether there are `most` rooms already.
    pub(crate) fn vacancy(&self, room: &RoomName, most: usize) -> (bool, bool) {
        let state = self.state.lock();
        (!state.rooms.is_open(room), state.rooms.room_count() >= most)
    }

    /// A connection is at its end, however that came: if its participant has not left, it is away.
    pub(crate) fn close(&self, now: Instant, connection: ConnectionId) {
        let mut state = self.state.lock();
        state.mailboxes.remove(&connection);
        let outputs = state.rooms.handle(now, connection, Input::Broken);
        self.dispatch(now, &mut state, outputs);
        self.occupancy_changed.notify_one();
    }

    /// Tells every client that the server stops, and ends all connections.
    pub(crate) fn stop(&self) {
        let mut state = self.state.lock();
        state.stopping = true;
        let last = text_of(&shutdown());
        for (_, (mailbox, _)) in state.mailboxes.drain() {
            // A client that is too slow even for this is told so by its writer.
            let _ = mailbox.push(last.clone());
        }
    }

    /// Rooms and participants.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let state = self.state.lock();
        (state.rooms.room_count(), state.rooms.peer_count())
    }

    /// The rooms with somebody in them who is connected, and whether there is a browser among these.
    pub(crate) fn occupied(&self) -> Vec<(Arc<str>, bool)> {
        self.state.lock().rooms.occupied()
    }

    /// Resolves when somebody came or went since it last did. For one who waits.
    pub(crate) async fn occupancy_changed(&self) {
        self.occupancy_changed.notified().await;
    }

    /// Gives up kept places when their time is over, for ever.
    pub(crate) async fn keep_expiring(&self) {
        loop {
            let now = Instant::now();
            let next = {
                let mut state = self.state.lock();
                let outputs = state.rooms.expire(now);
                self.dispatch(now, &mut state, outputs);
                state.wakes = state.rooms.next_expiry();
                state.wakes
            };
            let changed = self.expiry_changed.notified();
            match next {
                None => changed.await,
                Some(at) => tokio::select! {
                    () = changed => {}
                    () = tokio::time::sleep_until(at.into()) => {}
                },
            }
        }
    }

    /// Puts messages into mailboxes. A client whose mailbox is full counts as broken, which makes
    /// more messages for others.
    fn dispatch(&self, now: Instant, state: &mut State, outputs: Vec<Output>) {
        let mut outputs = VecDeque::from(outputs);
        while let Some(output) = outputs.pop_front() {
            match output {
                Output::Close(connection) => {
                    state.mailboxes.remove(&connection);
                }
                Output::Pass(envelope) => self.pass(*envelope),
                Output::Send { to, message } => {
                    let text = text_of(&message);
                    self.metrics.sent(&message, to.len());
                    for connection in to {
                        let Some((mailbox, opened)) = state.mailboxes.get(&connection) else { continue };
                        if mailbox.push(text.clone()).is_err() {
                            tracing::debug!(connection = connection.0, "too slow");
                            self.metrics.too_slow();
                            state.mailboxes.remove(&connection);
                            outputs.extend(state.rooms.handle(now, connection, Input::Broken));
                        } else if matches!(message, ServerMessage::Joined { .. }) {
                            self.metrics.joined(now.saturating_duration_since(*opened));
                        }
                    }
                }
            }
        }
        let next = state.rooms.next_expiry();
        if next.is_some_and(|next| state.wakes.is_none_or(|wakes| next < wakes)) {
            self.expiry_changed.notify_one();
        }
        if state.rooms.has_requests() {
            self.wake_bus();
        }
    }
}

fn shutdown() -> ServerMessage {
    ServerMessage::Closing { reason: ClosingReason::Shutdown, retry_after: Some(RETRY_AFTER_SECONDS) }
}

/// What is said to a client that is to come back later.
pub(crate) fn busy(retry_after: u32) -> ServerMessage {
    ServerMessage::Closing { reason: ClosingReason::Busy, retry_after: Some(retry_after) }
}

/// A message as it goes over the wire.
pub(crate) fn text_of(message: &ServerMessage) -> Utf8Bytes {
    // Strings, numbers and lists only: there is nothing in a message that JSON cannot say.
    serde_json::to_string(message).unwrap_or_default().into()
}
