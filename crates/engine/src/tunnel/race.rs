//! Which way to a relay gets through: all are tried, each a little after the one that is better, and the first
//! over which the relay answers a STUN request is taken (after the idea of RFC 8305). UDP comes first by
//! so much that it wins wherever it works.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use rtc::stun::message::{BINDING_REQUEST, BINDING_SUCCESS, Message, TransactionId};
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::carrier;
use super::way::Way;
use crate::stats::RelayProtocol;

/// The start that each way has over the next.
const HEAD_START: Duration = Duration::from_millis(200);
/// How long all of it may take; a network that answers later carries no call.
const LIMIT: Duration = Duration::from_secs(6);
/// After a race that nobody won, when the next may begin.
const AGAIN_AFTER: Duration = Duration::from_secs(3);
/// When the request over UDP is repeated, doubling.
const REPEAT: Duration = Duration::from_millis(100);

/// How to reach a relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// By datagrams to these addresses.
    Udp { ipv4: Option<SocketAddr>, ipv6: Option<SocketAddr> },
    /// By a stream.
    Stream(Way),
}

/// ```text
/// Open ──begin──▶ Running ──▶ Won
///  ▲  ▲              └──────▶ Lost ──begin, later──▶ Running
///  │  └ forget: from anywhere
/// ```
#[derive(Clone, Debug, PartialEq)]
enum State {
    Open,
    /// The number tells a race that was forgotten from the one that counts.
    Running(u64),
    Won(Found),
    Lost(Instant),
}

/// The race to one relay, and its outcome.
#[derive(Debug)]
pub(super) struct Race {
    state: watch::Sender<State>,
    count: std::sync::atomic::AtomicU64,
}

impl Default for Race {
    fn default() -> Self {
        Self { state: watch::Sender::new(State::Open), count: Default::default() }
    }
}

impl Race {
    /// Begins, unless it is running, was won, or was lost just now.
    pub fn begin(&self, ways: &[Way]) {
        let number = self.count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let begun = self.state.send_if_modified(|state| {
            let begins = match state {
                State::Open => true,
                State::Lost(at) => at.elapsed() >= AGAIN_AFTER,
                State::Running(_) | State::Won(_) => false,
            };
            if begins {
                *state = State::Running(number);
            }
            begins
        });
        if !begun {
            return;
        }
        let (state, ways) = (self.state.clone(), ways.to_vec());
        tokio::spawn(async move {
            let found = timeout(LIMIT, run(&ways)).await.ok().flatten();
            let name = match &found {
                Some(Found::Udp { .. }) => "udp",
                Some(Found::Stream(way)) => way.name(),
                None => "none",
            };
            tracing::info!(way = name, "the way to the relay");
            state.send_if_modified(|state| {
                let counts = *state == State::Running(number);
                if counts {
                    *state = found.map_or_else(|| State::Lost(Instant::now()), State::Won);
                }
                counts
            });
        });
    }

    /// The kind of the way that won, if one has.
    pub fn won(&self) -> Option<RelayProtocol> {
        match &*self.state.borrow() {
            State::Won(Found::Udp { .. }) => Some(RelayProtocol::Udp),
            State::Won(Found::Stream(way)) => Some(way.protocol()),
            State::Open | State::Running(_) | State::Lost(_) => None,
        }
    }

    /// The outcome holds no more.
    pub fn forget(&self) {
        self.state.send_replace(State::Open);
    }

    /// The way to the relay, once there is one; `None` when no way gets through.
    pub async fn winner(&self, ways: &[Way]) -> Option<Found> {
        let mut state = self.state.subscribe();
        loop {
            self.begin(ways);
            let now = state.borrow_and_update().clone();
            match now {
                State::Won(found) => return Some(found),
                State::Lost(_) => return None,
                State::Open | State::Running(_) => state.changed().await.ok()?,
            }
        }
    }
}

async fn run(ways: &[Way]) -> Option<Found> {
    let mut tries: FuturesUnordered<_> = ways
        .iter()
        .scan((Duration::ZERO, None), |(start, before), way| {
            // Two names for the same kind of way start together.
            let kind = std::mem::discriminant(way);
            if before.is_some_and(|before| before != kind) {
                *start += HEAD_START;
            }
            *before = Some(kind);
            Some((*start, way))
        })
        .map(|(start, way)| async move {
            sleep(start).await;
            attempt(way).await
        })
        .collect();
    while let Some(attempt) = tries.next().await {
        match attempt {
            Ok(found) => return Some(found),
            Err(error) => tracing::debug!(%error, "a way to the relay does not get through"),
        }
    }
    None
}

async fn attempt(way: &Way) -> std::io::Result<Found> {
    match way {
        Way::Udp(address) => by_udp(address).await,
        way => {
            let (mut outgoing, mut incoming) = carrier::open(way).await?;
            let (id, request) = request();
            outgoing.send(&[request]).await?;
            while !is_answer(&incoming.next().await?, id) {}
            Ok(Found::Stream(way.clone()))
        }
    }
}

/// Until the relay at this `host:port` has answered.
pub(super) async fn by_udp(address: &str) -> std::io::Result<Found> {
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host(address).await?.collect();
    let first = |ipv4: bool| addresses.iter().copied().find(|address| address.is_ipv4() == ipv4);
    let (ipv4, ipv6) = (first(true), first(false));
    let mut tries: FuturesUnordered<_> = [ipv4, ipv6].into_iter().flatten().map(answers).collect();
    let mut problem = std::io::Error::other("the relay's name leads nowhere");
    // One that fails at once, as where there is no IPv6, must not end the other's try.
    while let Some(outcome) = tries.next().await {
        match outcome {
            Ok(()) => return Ok(Found::Udp { ipv4, ipv6 }),
            Err(error) => problem = error,
        }
    }
    Err(problem)
}

/// Until the relay has answered at this address.
async fn answers(address: SocketAddr) -> std::io::Result<()> {
    let local: SocketAddr =
        if address.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    let socket = UdpSocket::bind(local).await?;
    socket.connect(address).await?;
    let (id, request) = request();
    let (mut buffer, mut pause) = ([0; 1500], REPEAT);
    loop {
        socket.send(&request).await?;
        let heard = async {
            loop {
                let length = socket.recv(&mut buffer).await?;
                if is_answer(&buffer[..length], id) {
                    return Ok(());
                }
            }
        };
        match timeout(pause, heard).await {
            Ok(heard) => return heard,
            Err(_) => pause *= 2,
        }
    }
}

fn request() -> (TransactionId, Bytes) {
    let mut message = Message::new();
    let id = TransactionId::new();
    // Setters that cannot fail: a kind and a number.
    let _ = message.build(&[Box::new(BINDING_REQUEST), Box::new(id)]);
    (id, Bytes::from(message.raw))
}

fn is_answer(bytes: &[u8], to: TransactionId) -> bool {
    let mut message = Message { raw: bytes.to_vec(), ..Message::default() };
    message.decode().is_ok() && message.typ == BINDING_SUCCESS && message.transaction_id == to
}
