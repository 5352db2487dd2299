//! The life of one WebSocket: reads into its session, writes from its mailbox, and ends in bounded
//! time whatever the client does.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use maru_protocol::{ClosingReason, ResumeToken, RoomName, ServerMessage};
use tokio::time::{MissedTickBehavior, interval_at, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tungstenite::Error as WebSocketError;

use crate::Config;
use crate::addresses::Visit;
use crate::discard::Discard;
use crate::hub::text_of;
use crate::links::Base;
use crate::mailbox::Outbox;
use crate::refusal::Refusal;
use crate::relay::IceOffer;
use crate::rooms::{ConnectionId, Input};
use crate::session::{Session, Step};
use crate::visitors::Visitor;
use crate::web::Web;

/// How long the last words to a client may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// How long the server waits for the client to close its end, so that the last words are not lost with
/// a connection that is reset.
const LINGER: Duration = Duration::from_secs(1);

/// Early connections of one address, which may be an office.
const EARLY_PER_ADDRESS: u32 = 16;

/// One in so many of the connections that there may be can be early.
const EARLY_SHARE: usize = 4;

/// How a connection's reading ended.
enum End {
    /// The connection is gone.
    Gone,
    /// What comes cannot be read, but what is said can still go out.
    Unreadable,
}

/// What depends on how a client came.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    /// From which address.
    pub(crate) address: IpAddr,
    /// For its links.
    pub(crate) bases: Vec<Base>,
    /// STUN and TURN for it.
    pub(crate) ice: IceOffer,
}

/// Serves one client until its connection ends. `unread` makes the socket throw away what comes; `held` is
/// dropped at the end.
///
/// Not an `async fn`, which would keep space for its arguments as long as it runs: this future is there
/// once for every client, and most do nothing most of the time.
pub(crate) fn serve(
    socket: WebSocket,
    web: Arc<Web>,
    visitor: Arc<Visitor>,
    arrival: Arrival,
    unread: Discard,
    held: impl Send + 'static,
) -> impl Future<Output = ()> + Send + 'static {
    let (connection, outbox) = web.hub.open();
    tracing::debug!(connection = connection.0, "connected");
    let (sink, mut stream) = socket.split();
    let address = arrival.address;
    let mut session = Session::new(Instant::now(), &web.config, arrival, ResumeToken::random(), visitor);
    async move {
        let (hub, config) = (&*web.hub, &*web.config);
        let mut writing = std::pin::pin!(write(sink, outbox, config));
        let mut talking = std::pin::pin!(async {
            let end = {
                let mut reading = std::pin::pin!(read(&mut stream, &mut session, &web, address, connection));
                tokio::select! {
                    () = &mut writing => {
                        hub.close(Instant::now(), connection);
                        // The server has said its last word. Until the client has heard it, it may go on.
                        timeout(LINGER, reading).await.unwrap_or(End::Gone)
                    }
                    end = &mut reading => {
                        hub.close(Instant::now(), connection);
                        if matches!(end, End::Unreadable) {
                            writing.await;
                        }
                        end
                    }
                }
            };
            if matches!(end, End::Unreadable) {
                unread.start();
                let _ = timeout(LINGER, stream.next()).await;
            }
        });
        tokio::select! {
            () = &mut talking => {}
            () = web.kill.cancelled() => {}
        }
        tracing::debug!(connection = connection.0, "disconnected");
        drop(held);
    }
}

/// Says the last words to a client that is not let in, and ends the connection. `held` is dropped at the end.
pub(crate) async fn turn_away(
    mut socket: WebSocket,
    words: Vec<ServerMessage>,
    kill: CancellationToken,
    held: impl Send + 'static,
) {
    let farewell = async {
        let said = async {
            for word in &words {
                socket.send(Message::Text(text_of(word))).await?;
            }
            socket.send(close_frame()).await
        };
        if matches!(timeout(FAREWELL, said).await, Ok(Ok(()))) {
            let drained = async { while let Some(Ok(_)) = socket.recv().await {} };
            let _ = timeout(LINGER, drained).await;
        }
    };
    kill.run_until_cancelled(farewell).await;
    drop(held);
}

/// Reads until the connection ends. Once the server has ended it, what still comes is thrown away.
async fn read(
    stream: &mut SplitStream<WebSocket>,
    session: &mut Session,
    web: &Web,
    address: IpAddr,
    connection: ConnectionId,
) -> End {
    let hub = &*web.hub;
    let mut ended = false;
    loop {
        let message = if ended {
            Ok(stream.next().await)
        } else {
            timeout_at(session.deadline().into(), stream.next()).await
        };
        let now = Instant::now();
        if let Ok(Some(Ok(_))) = message {
            web.metrics.messages_received.inc();
        }
        let step = match message {
            Err(_) => match session.may_be_early(now).then(|| place_for_early(web, address)).flatten() {
                Some(place) => {
                    session.be_early(place);
                    Step::Nothing
                }
                None => session.timeout(now),
            },
            Ok(None) => return End::Gone,
            Ok(Some(_)) if ended => continue,
            Ok(Some(Ok(Message::Text(text)))) => session.text(now, &text),
            Ok(Some(Ok(Message::Binary(bytes)))) => session.binary(now, bytes.len()),
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => session.control(now),
            // The next read sends the answer to it and then ends.
            Ok(Some(Ok(Message::Close(_)))) => Step::Nothing,
            Ok(Some(Err(error))) => match unreadable(error, session) {
                Some(refusal) => {
                    hub.refuse(now, connection, refusal.fatal());
                    return End::Unreadable;
                }
                None => return End::Gone,
            },
        };
        match step {
            Step::Nothing => {}
            Step::Room(Input::Join(join)) => match admit(web, session, now, &join.room) {
                Ok(pause) => {
                    if !pause.is_zero() {
                        // In a box: it is rare, and space for it would be kept for every client.
                        Box::pin(tokio::time::sleep(pause)).await;
                    }
                    hub.input(Instant::now(), connection, Input::Join(join));
                }
                Err((refusal, retry_after)) => {
                    ended = true;
                    hub.postpone(now, connection, refusal, retry_after);
                }
            },
            Step::Room(input) => hub.input(now, connection, input),
            Step::Postpone(refusal, retry_after) => {
                ended = true;
                hub.postpone(now, connection, refusal, retry_after);
            }
            Step::Refuse(refusal) => {
                ended = refusal.fatal;
                hub.refuse(now, connection, refusal);
            }
            Step::Tell(message) => hub.tell(now, connection, *message),
            Step::Silent => return End::Gone,
        }
    }
}

/// After which pause a client enters a room, or why it does not and after how many seconds it may come
/// back.
fn admit(web: &Web, session: &Session, now: Instant, room: &RoomName) -> Result<Duration, (Refusal, u32)> {
    let (is_new, most_reached) = web.hub.vacancy(room, web.config.max_rooms);
    if is_new && most_reached {
        let retry_after = web.retry_after();
        return Err((Refusal::overloaded(retry_after), retry_after));
    }
    if is_new { session.open_room(now) } else { Ok(Duration::ZERO) }
}

/// A place among the connections that are early, if one is free: they are few of those that there may be, and of
/// one address fewer still.
fn place_for_early(web: &Web, address: IpAddr) -> Option<Visit> {
    let place = web.early.enter(address);
    let free = web.early.total() <= web.config.max_connections / EARLY_SHARE;
    (free && place.nth() <= EARLY_PER_ADDRESS).then_some(place)
}

/// What to say about a frame that cannot be read; `None` when the connection itself is gone.
fn unreadable(error: axum::Error, session: &Session) -> Option<Refusal> {
    match error.into_inner().downcast::<WebSocketError>().map(|error| *error) {
        Ok(WebSocketError::Capacity(_)) => Some(Refusal::message_too_large(session.limits())),
        Ok(WebSocketError::Utf8(_)) => Some(Refusal::malformed("it is not UTF-8")),
        Ok(WebSocketError::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake)) => None,
        Ok(WebSocketError::Protocol(error)) => Some(Refusal::malformed(error)),
        _ => None,
    }
}

/// Writes what comes out of the mailbox, and pings, until the mailbox ends; then closes.
async fn write(mut sink: SplitSink<WebSocket, Message>, outbox: Outbox, config: &Config) {
    let too_late = async {
        outbox.closed().await;
        tokio::time::sleep(FAREWELL).await;
    };
    let flowing = write_all(&mut sink, &outbox, config);
    let broken = tokio::select! {
        biased;
        () = outbox.overflown() => {
            let closing = ServerMessage::Closing { reason: ClosingReason::TooSlow, retry_after: Some(0) };
            !matches!(timeout(FAREWELL, sink.send(Message::Text(text_of(&closing)))).await, Ok(Ok(())))
        }
        result = flowing => result.is_err(),
        () = too_late => true,
    };
    if !broken {
        let _ = timeout(FAREWELL, sink.send(close_frame())).await;
    }
}

/// The connection takes no more.
struct Broken;

async fn write_all(
    sink: &mut SplitSink<WebSocket, Message>,
    outbox: &Outbox,
    config: &Config,
) -> Result<(), Broken> {
    // An interval of zero is not one.
    let every = config.ping_interval.max(Duration::from_millis(1));
    let mut pings = interval_at(tokio::time::Instant::now() + every, every);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let message = tokio::select! {
            text = outbox.next() => match text {
                Some(text) => Message::Text(text),
                None => return Ok(()),
            },
            _ = pings.tick() => Message::Ping(Default::default()),
        };
        // A connection that takes nothing for this long gives no sign of life either.
        match timeout(config.idle_timeout, sink.send(message)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return Err(Broken),
        }
    }
}

fn close_frame() -> Message {
    Message::Close(Some(CloseFrame { code: close_code::NORMAL, reason: "".into() }))
}
