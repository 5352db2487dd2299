//! The signaling client: one WebSocket to a Maru server. It turns messages into text and back and
//! failures into sentences; when to connect and what to say is the call's business.

mod ahead;
mod connect;
mod error;
mod exchange;
mod locator;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use maru_protocol::{ClientMessage, RoomName, ServerMessage};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub(crate) use self::ahead::{Ahead, Taken};
pub(crate) use self::connect::{Socket, connect, tls_config};
pub use self::error::SignalingError;
pub use self::locator::{FixedServer, ServerAddress, ServerLocator};

use self::connect::{connect_soon, local_address};
use self::exchange::{End, exchange};
use self::locator::Invited;
use crate::notice::Problem;

/// Nothing at all from the server for this long, pings included: the connection is dead.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(10);
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
    /// Starts to connect, to the server of an invite before all others, over the connection that was opened `ahead`
    /// where it leads there; `events` gets `Open` or `Closed`, then messages, then `Closed`.
    pub fn connect(
        number: u64,
        locator: Arc<dyn ServerLocator>,
        room: RoomName,
        invited: Option<FixedServer>,
        ahead: Option<Taken>,
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
            let _ =
                stop.run_until_cancelled(run(number, locator, room, ahead, outgoing_messages, events)).await;
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
    ahead: Option<Taken>,
    mut outgoing: mpsc::Receiver<Outgoing>,
    events: mpsc::Sender<(u64, SignalingEvent)>,
) {
    let problem = match locate(&*locator, &room, ahead).await {
        Ok(opened) => talk(number, &*locator, opened, &mut outgoing, &events).await.into(),
        Err(problem) => problem,
    };
    let _ = events.send((number, SignalingEvent::Closed { problem })).await;
}

/// Messages both ways, on one server after the other if the room moves. A connection that was opened ahead and turns
/// out to be dead is replaced by a fresh one, of which the call hears nothing.
async fn talk(
    number: u64,
    locator: &dyn ServerLocator,
    mut opened: Opened,
    outgoing: &mut mpsc::Receiver<Outgoing>,
    events: &mpsc::Sender<(u64, SignalingEvent)>,
) -> SignalingError {
    let (mut begins, mut moved, mut join) = (true, false, None);
    loop {
        let (url, local) = (opened.address.url.clone(), local_address(&opened.socket));
        if begins {
            let event = if moved {
                SignalingEvent::Moved { url, local }
            } else {
                SignalingEvent::Open { url, local }
            };
            if events.send((number, event)).await.is_err() {
                return SignalingError::Lost;
            }
        }
        let address = opened.address.clone();
        tokio::select! {
            end = exchange(number, opened, moved, &mut join, outgoing, events) => match end {
                End::Lost => return SignalingError::Lost,
                End::WasDead => match open(locator, address, None).await {
                    Ok(fresh) => (opened, begins) = (fresh, false),
                    Err(error) => return error,
                },
            },
            next = next_server(locator, &address) => (opened, begins, moved, join) = (next, true, true, None),
        }
    }
}

/// Connects to where the room moved, before the connection there was is given up.
async fn next_server(locator: &dyn ServerLocator, from: &ServerAddress) -> Opened {
    loop {
        let address = locator.moved(from).await;
        match open(locator, address, None).await {
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
    /// It was opened ahead, which took so long, and may be dead.
    ahead: Option<Duration>,
}

async fn locate(
    locator: &dyn ServerLocator,
    room: &RoomName,
    ahead: Option<Taken>,
) -> Result<Opened, Problem> {
    let address = locator.locate(room).await?;
    Ok(open(locator, address, ahead).await?)
}

async fn open(
    locator: &dyn ServerLocator,
    address: ServerAddress,
    ahead: Option<Taken>,
) -> Result<Opened, SignalingError> {
    let token = locator.token(&address.url).await;
    let fresh = connect_soon(&address, MESSAGE_LIMIT);
    let (socket, ahead) = match ahead.filter(|ahead| ahead.is_to(&address)) {
        Some(ahead) => ahead.or(fresh).await?,
        None => (fresh.await?, None),
    };
    Ok(Opened { address, token, socket, ahead })
}
