//! What goes over one open connection, both ways, until either end is done. What it means is not its business.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use maru_protocol::{ClientMessage, ErrorCode, ResumeToken, SUBPROTOCOL, ServerMessage};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::{OUTGOING_LIMIT, Opened, Outgoing, SILENCE_TIMEOUT, SignalingEvent};

/// Nothing comes for this long after a probe: a path between peers was lost, so the network is in doubt.
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);
/// A connection that was opened ahead answers in half of the time that it took to open it, or gets at least so much:
/// a busy server is not a dead connection.
const AHEAD_TIMEOUT: Duration = Duration::from_millis(500);
/// How long a message may take to leave this machine, and how long to say goodbye.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Either side closed it, or it broke.
    Lost,
    /// It was opened ahead, and nothing came over it any more.
    WasDead,
}

/// Messages both ways until either end is done. `moved`: what was queued for the server before waits until the call
/// has joined here. `join` is what was said over a connection that was opened ahead and is dead: it is said again
/// here, by the same identity, so that it takes the same place if it was heard after all.
pub(super) async fn exchange(
    number: u64,
    opened: Opened,
    moved: bool,
    join: &mut Option<Box<ClientMessage>>,
    outgoing: &mut mpsc::Receiver<Outgoing>,
    events: &mpsc::Sender<(u64, SignalingEvent)>,
) -> End {
    let Opened { token, socket, ahead, .. } = opened;
    let (mut sink, mut stream) = socket.split();
    // When an answer to a probe is due.
    let (probed, answer_due) = watch::channel(None);
    let doubted = AtomicBool::new(ahead.is_some());
    let is_doubted = || doubted.load(Ordering::Relaxed);
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
            if let Message::Ping(_) = message
                && is_doubted()
            {
                continue; // it may have been on its way, or here, for long
            }
            if probed.send_replace(None).is_some()
                && events.send((number, SignalingEvent::Alive)).await.is_err()
            {
                return;
            }
            if let Message::Pong(_) = message {
                doubted.store(false, Ordering::Relaxed);
            }
            let Message::Text(text) = message else { continue };
            match serde_json::from_str::<ServerMessage>(&text) {
                Ok(message) if is_doubted() && is_about_the_time_before(&message) => return,
                Ok(message) => {
                    doubted.store(false, Ordering::Relaxed);
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
        let mut again = join.take();
        let mut joined = !moved;
        let mut waiting = Vec::new();
        loop {
            let next = match again.take() {
                Some(join) => Some(Outgoing::Message(join)),
                None => outgoing.recv().await,
            };
            let mut message = match next {
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
            if let ClientMessage::Join { token: theirs, resume, .. } = &mut *message {
                joined = true;
                if theirs.is_none() {
                    theirs.clone_from(&token);
                }
                if let Some(took) = ahead {
                    resume.get_or_insert_with(ResumeToken::random);
                    *join = Some(message.clone());
                    // Before the room, whose answer may have to wait: this one has not.
                    probed.send_replace(Some(Instant::now() + took.max(AHEAD_TIMEOUT)));
                    match timeout(SEND_TIMEOUT, sink.feed(Message::Ping(Default::default()))).await {
                        Ok(Ok(())) => {}
                        Ok(Err(_)) | Err(_) => return,
                    }
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
        doubted.store(false, Ordering::Relaxed);
    };
    tokio::select! {
        () = receive => {}
        () = send => {}
    }
    if doubted.load(Ordering::Relaxed) { End::WasDead } else { End::Lost }
}

/// Whether the server said this before it heard of anybody who joins: it is going, or did not want to wait any longer.
fn is_about_the_time_before(message: &ServerMessage) -> bool {
    matches!(
        message,
        ServerMessage::Closing { .. } | ServerMessage::Error { code: ErrorCode::JoinTimeout, .. }
    )
}
