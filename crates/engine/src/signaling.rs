//! The signaling client: one WebSocket to a Maru server. It turns messages into text and back and
//! failures into sentences; when to connect and what to say is the call's business.

mod connect;
mod error;
mod locator;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use maru_protocol::{ClientMessage, RoomName, SUBPROTOCOL, ServerMessage};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_util::sync::CancellationToken;

pub(crate) use self::connect::{Socket, connect, tls_config};
pub use self::error::SignalingError;
pub use self::locator::{FixedServer, ServerAddress, ServerLocator};

use self::connect::{connect_soon, local_address};
use self::locator::Invited;
use crate::notice::Problem;

/// Nothing at all from the server for this long, pings included: the connection is dead.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(10);
/// The same after a probe: a path between peers was lost, so the network is in doubt.
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a message may take to leave this machine, and how long to say goodbye.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);
/// Messages to the server that may wait; candidates of many peers at once are the most there is.
const OUTGOING_LIMIT: usize = 512;
/// A server's largest message: `joined` with every member of a full room.
const MESSAGE_LIMIT: usize = 1024 * 1024;

/// What the client reports, tagged with the number of its connection.
#[derive(Debug)]
pub(crate) enum SignalingEvent {
    /// With the address of this machine that the connection begins at.
    Open {
        url: String,
        local: Option<IpAddr>,
    },
    /// As `Open`, to another server, with the connection before it gone: join there.
    Moved {
        url: String,
        local: Option<IpAddr>,
    },
    Message(Box<ServerMessage>),
    /// It answered to a probe.
    Alive,
    Closed {
        problem: Problem,
    },
}

/// One connection, or the attempt at it. Dropping it ends it without a goodbye.
pub(crate) struct SignalingClient {
    number: u64,
    outgoing: mpsc::Sender<Outgoing>,
    cancel: CancellationToken,
}

enum Outgoing {
    Message(Box<ClientMessage>),
    Probe,
    Close,
}

impl SignalingClient {
    /// Starts to connect, to the server of an invite before all others; `events` gets `Open` or `Closed`, then messages, then `Closed`.
    pub fn connect(
        number: u64,
        locator: Arc<dyn ServerLocator>,
        room: RoomName,
        invited: Option<FixedServer>,
        events: mpsc::Sender<(u64, SignalingEvent)>,
    ) -> Self {
        let locator: Arc<dyn ServerLocator> = match invited {
            Some(server) => Arc::new(Invited { server, locator }),
            None => locator,
        };
        let (outgoing, outgoing_messages) = mpsc::channel(OUTGOING_LIMIT);
        let cancel = CancellationToken::new();
        let stop = cancel.clone();
        tokio::spawn(async move {
            let _ = stop.run_until_cancelled(run(number, locator, room, outgoing_messages, events)).await;
        });
        Self { number, outgoing, cancel }
    }

    pub fn number(&self) -> u64 {
        self.number
    }

    /// Queues a message. A full queue means that the connection is as good as dead: it is ended.
    pub fn send(&self, message: ClientMessage) {
        self.queue(Outgoing::Message(Box::new(message)));
    }

    /// Asks for a sign of life: `Alive` comes of it, or `Closed` in short time.
    pub fn probe(&self) {
        self.queue(Outgoing::Probe);
    }

    /// Closes after what was queued before.
    pub fn close(&self) {
        self.queue(Outgoing::Close);
    }

    fn queue(&self, outgoing: Outgoing) {
        if self.outgoing.try_send(outgoing).is_err() {
            self.cancel.cancel();
        }
    }
}

impl Drop for SignalingClient {
    fn drop(&mut self) {
        // A goodbye that was queued still goes out: it has its own bound.
        if self.outgoing.try_send(Outgoing::Close).is_err() {
            self.cancel.cancel();
        }
    }
}

async fn run(
    number: u64,
    locator: Arc<dyn ServerLocator>,
    room: RoomName,
    mut outgoing: mpsc::Receiver<Outgoing>,
    events: mpsc::Sender<(u64, SignalingEvent)>,
) {
    let problem = match locate(&*locator, &room).await {
        Ok(opened) => talk(number, &*locator, opened, &mut outgoing, &events).await.into(),
        Err(problem) => problem,
    };
    let _ = events.send((number, SignalingEvent::Closed { problem })).await;
}

/// Messages both ways, on one server after the other if the room moves.
async fn talk(
    number: u64,
    locator: &dyn ServerLocator,
    mut opened: Opened,
    outgoing: &mut mpsc::Receiver<Outgoing>,
    events: &mpsc::Sender<(u64, SignalingEvent)>,
) -> SignalingError {
    let mut moved = false;
    loop {
        let (url, local) = (opened.address.url.clone(), local_address(&opened.socket));
        let event =
            if moved { SignalingEvent::Moved { url, local } } else { SignalingEvent::Open { url, local } };
        if events.send((number, event)).await.is_err() {
            return SignalingError::Lost;
        }
        let address = opened.address.clone();
        tokio::select! {
            () = exchange(number, opened, moved, outgoing, events) => return SignalingError::Lost,
            next = next_server(locator, &address) => opened = next,
        }
        moved = true;
    }
}

/// Connects to where the room moved, before the connection there was is given up.
async fn next_server(locator: &dyn ServerLocator, from: &ServerAddress) -> Opened {
    loop {
        let address = locator.moved(from).await;
        match open(locator, address).await {
            Ok(opened) => return opened,
            Err(error) => tracing::debug!(%error, "the room's other server cannot be reached"),
        }
    }
}

/// A connection to a server.
struct Opened {
    address: ServerAddress,
    token: Option<String>,
    socket: Socket,
}

async fn locate(locator: &dyn ServerLocator, room: &RoomName) -> Result<Opened, Problem> {
    let address = locator.locate(room).await?;
    Ok(open(locator, address).await?)
}

async fn open(locator: &dyn ServerLocator, address: ServerAddress) -> Result<Opened, SignalingError> {
    let token = locator.token(&address.url).await;
    let socket = connect_soon(&address, MESSAGE_LIMIT).await?;
    Ok(Opened { address, token, socket })
}

/// Messages both ways until either end is done. `moved`: what was queued for the server before waits until
/// the call has joined here.
async fn exchange(
    number: u64,
    opened: Opened,
    moved: bool,
    outgoing: &mut mpsc::Receiver<Outgoing>,
    events: &mpsc::Sender<(u64, SignalingEvent)>,
) {
    let Opened { token, socket, .. } = opened;
    let (mut sink, mut stream) = socket.split();
    // When an answer to a probe is due.
    let (probed, answer_due) = watch::channel(None);
    let receive = async {
        loop {
            let silent_at = Instant::now() + SILENCE_TIMEOUT;
            let next = async {
                let due = answer_due.borrow().map_or(silent_at, |due: Instant| due.min(silent_at));
                timeout_at(due, stream.next()).await
            };
            let mut asked = answer_due.clone();
            asked.mark_unchanged();
            let message = tokio::select! {
                message = next => message,
                // A probe was sent: the answer is due earlier than was thought.
                Ok(()) = asked.changed() => continue,
            };
            let message = match message {
                Ok(Some(Ok(message))) => message,
                Ok(Some(Err(error))) => {
                    tracing::debug!(%error, "signaling broke");
                    return;
                }
                Ok(None) | Err(_) => return,
            };
            if probed.send_replace(None).is_some()
                && events.send((number, SignalingEvent::Alive)).await.is_err()
            {
                return;
            }
            let Message::Text(text) = message else { continue };
            match serde_json::from_str::<ServerMessage>(&text) {
                Ok(message) => {
                    let event = SignalingEvent::Message(Box::new(message));
                    if events.send((number, event)).await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "the server sent a message that is not of {SUBPROTOCOL}")
                }
            }
        }
    };
    let send = async {
        let mut joined = !moved;
        let mut waiting = Vec::new();
        loop {
            let mut message = match outgoing.recv().await {
                Some(Outgoing::Message(message)) => message,
                Some(Outgoing::Probe) => {
                    probed.send_replace(Some(Instant::now() + PROBE_TIMEOUT));
                    match timeout(SEND_TIMEOUT, sink.send(Message::Ping(Default::default()))).await {
                        Ok(Ok(())) => continue,
                        Ok(Err(_)) | Err(_) => return,
                    }
                }
                Some(Outgoing::Close) | None => break,
            };
            if let ClientMessage::Join { token: theirs, .. } = &mut *message {
                joined = true;
                if theirs.is_none() {
                    theirs.clone_from(&token);
                }
            }
            if !joined {
                if waiting.len() < OUTGOING_LIMIT {
                    waiting.push(message);
                }
                continue;
            }
            for message in std::iter::once(message).chain(waiting.drain(..)) {
                let Ok(text) = serde_json::to_string(&message) else { continue };
                match timeout(SEND_TIMEOUT, sink.send(Message::Text(Utf8Bytes::from(text)))).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) | Err(_) => return,
                }
            }
        }
        let _ = timeout(CLOSE_TIMEOUT, sink.close()).await;
    };
    tokio::select! {
        () = receive => {}
        () = send => {}
    }
}
