//! A connection to the server that is open before anybody joins: while a person looks at the join screen, so that
//! joining does not wait for it. Nothing is said on it; whoever takes it finds out whether it still works. It
//! refuses to know rooms and calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use futures_util::StreamExt as _;
use maru_protocol::{SUBPROTOCOL, ServerMessage};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::connect::{Socket, connect};
use super::{MESSAGE_LIMIT, SILENCE_TIMEOUT, ServerAddress};

/// How long it is kept open, how soon it begins and comes back.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// So long after the last sign of the person.
    lasts: Duration,
    /// An address that is being typed, or a network that changed, gets so long to become what it will be.
    settle: Duration,
    /// Before the next attempt, doubling up to the second one.
    pause: (Duration, Duration),
}

const PATIENCE: Patience = Patience {
    lasts: Duration::from_secs(5 * 60),
    settle: Duration::from_millis(600),
    pause: (Duration::from_secs(10), Duration::from_secs(60)),
};

/// A server that was not heard for so long, which pings every four seconds, may be gone: by the time of day, as
/// the other clock may stand still while the machine sleeps.
const HEARD_LATELY: Duration = Duration::from_secs(6);
/// Handing an open connection over takes no time; on a machine that does much else, a little.
const HANDOVER: Duration = Duration::from_millis(100);

/// The connection that is kept open, if one is wanted.
#[derive(Default)]
pub(crate) struct Ahead {
    kept: Option<Kept>,
}

struct Kept {
    address: ServerAddress,
    until: watch::Sender<Instant>,
    taker: mpsc::Sender<oneshot::Sender<Ready>>,
    open: Arc<AtomicBool>,
    stop: DropGuard,
}

/// An open connection, and how long it took to open it.
struct Ready {
    socket: Socket,
    took: Duration,
}

/// The connection that was kept open, for whoever joins.
pub(crate) struct Taken {
    address: ServerAddress,
    open: bool,
    ready: oneshot::Receiver<Ready>,
    _stop: DropGuard,
}

impl Ahead {
    /// Somebody may join this server soon, or nobody any more. `typed`: the address may not be complete yet. To
    /// be said again at each sign of the person, since it ends by itself.
    pub fn expect(&mut self, address: Option<ServerAddress>, typed: bool) {
        self.expect_with(address, typed, PATIENCE);
    }

    fn expect_with(&mut self, address: Option<ServerAddress>, typed: bool, patience: Patience) {
        let Some(address) = address else { return self.kept = None };
        let until = Instant::now() + patience.lasts;
        if let Some(kept) = &self.kept
            && kept.address == address
            && !kept.taker.is_closed()
        {
            kept.until.send_replace(until);
            return;
        }
        self.kept =
            Some(Kept::start(address, until, if typed { patience.settle } else { Duration::ZERO }, patience));
    }

    /// The network is another one: what was open is not to be trusted.
    pub fn renew(&mut self) {
        if let Some(kept) = self.kept.take().filter(|kept| !kept.taker.is_closed()) {
            let until = *kept.until.borrow();
            self.kept = Some(Kept::start(kept.address, until, PATIENCE.settle, PATIENCE));
        }
    }

    /// The connection, for joining: open, or about to be.
    pub fn take(&mut self) -> Option<Taken> {
        let Kept { address, taker, open, stop, .. } = self.kept.take()?;
        let (reply, ready) = oneshot::channel();
        let open = open.load(Ordering::Acquire);
        taker.try_send(reply).ok()?;
        Some(Taken { address, open, ready, _stop: stop })
    }
}

impl Kept {
    fn start(address: ServerAddress, until: Instant, settle: Duration, patience: Patience) -> Self {
        let (until, mut over) = watch::channel(until);
        let (taker, mut takers) = mpsc::channel(1);
        let (open, stop) = (Arc::new(AtomicBool::new(false)), CancellationToken::new());
        let (server, opened, stopped) = (address.clone(), Arc::clone(&open), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = keep(&server, settle, patience, &mut takers, &opened) => {}
                () = passed(&mut over) => tracing::debug!("the connection ahead of a room is given up"),
                () = stopped.cancelled() => {}
            }
        });
        Self { address, until, taker, open, stop: stop.drop_guard() }
    }
}

impl Taken {
    /// Whether it leads to this server, known by the same certificate.
    pub fn is_to(&self, address: &ServerAddress) -> bool {
        self.address == *address
    }

    /// The connection, with how long it took to open; or the `fresh` one, without, where that is there sooner.
    ///
    /// # Errors
    /// Those of the fresh one.
    pub async fn or<E>(
        self,
        fresh: impl Future<Output = Result<Socket, E>>,
    ) -> Result<(Socket, Option<Duration>), E> {
        let Self { open, mut ready, .. } = self;
        if open {
            return match timeout(HANDOVER, ready).await {
                Ok(Ok(Ready { socket, took })) => Ok((socket, Some(took))),
                Ok(Err(_)) | Err(_) => Ok((fresh.await?, None)),
            };
        }
        tokio::select! {
            Ok(Ready { socket, took }) = &mut ready => Ok((socket, Some(took))),
            socket = fresh => Ok((socket?, None)),
        }
    }
}

/// Resolves when the time is over, which may be put off.
async fn passed(until: &mut watch::Receiver<Instant>) {
    loop {
        let at = *until.borrow_and_update();
        tokio::select! {
            () = sleep_until(at) => return,
            changed = until.changed() => if changed.is_err() {
                return std::future::pending().await; // taken: it goes on for whoever has it
            },
        }
    }
}

/// Until somebody took it. Nobody is told that it cannot be opened: whoever joins finds out.
async fn keep(
    address: &ServerAddress,
    settle: Duration,
    patience: Patience,
    takers: &mut mpsc::Receiver<oneshot::Sender<Ready>>,
    open: &AtomicBool,
) {
    let (mut pause, longest) = patience.pause;
    let mut wait = settle;
    loop {
        tokio::select! {
            () = sleep(wait) => {}
            _ = takers.recv() => return, // who joins now is sooner there by itself
        }
        let began = Instant::now();
        wait = pause;
        match connect(address, SUBPROTOCOL, MESSAGE_LIMIT).await {
            Ok(socket) => {
                let ready = Ready { socket, took: began.elapsed() };
                open.store(true, Ordering::Release);
                let rested = rest(ready, takers).await;
                open.store(false, Ordering::Release);
                match rested {
                    Rested::Taken => return,
                    Rested::Ended(not_before) => wait = pause.max(not_before),
                }
            }
            Err(error) => tracing::debug!(%error, "no connection ahead of a room"),
        }
        pause = (pause * 2).min(longest);
    }
}

/// What became of an open connection.
enum Rested {
    /// Somebody took it, or it was too old to be given.
    Taken,
    /// It is gone, and the server wants no other one for so long.
    Ended(Duration),
}

async fn rest(mut ready: Ready, takers: &mut mpsc::Receiver<oneshot::Sender<Ready>>) -> Rested {
    let mut heard = SystemTime::now();
    loop {
        tokio::select! {
            biased;
            taker = takers.recv() => {
                if let Some(taker) = taker.filter(|_| is_lately(heard, SystemTime::now())) {
                    let _ = taker.send(ready); // gone: nobody joins any more
                }
                return Rested::Taken;
            }
            message = timeout(SILENCE_TIMEOUT, ready.socket.next()) => match message {
                Ok(Some(Ok(Message::Text(text)))) => if let Some(not_before) = farewell(&text) {
                    return Rested::Ended(not_before);
                },
                Ok(Some(Ok(_))) => {}
                Ok(Some(Err(_)) | None) | Err(_) => return Rested::Ended(Duration::ZERO),
            }
        }
        heard = SystemTime::now();
    }
}

fn is_lately(heard: SystemTime, now: SystemTime) -> bool {
    now.duration_since(heard).is_ok_and(|since| since <= HEARD_LATELY)
}

/// Whether the server ends the connection with this, and for how long it wants no other one.
fn farewell(text: &str) -> Option<Duration> {
    match serde_json::from_str(text) {
        Ok(ServerMessage::Closing { retry_after, .. }) => {
            Some(Duration::from_secs(retry_after.unwrap_or_default().into()))
        }
        Ok(ServerMessage::Error { fatal: true, .. }) => Some(Duration::ZERO),
        _ => None,
    }
}

#[cfg(test)]
#[path = "ahead_tests.rs"]
mod tests;
