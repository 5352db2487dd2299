//! Clients over TCP and TLS: a stream of frames each way (RFC 8656, sections 3.1 and 12.5). A connection
//! without an allocation ends soon, and an allocation with its connection.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::frame::{self, LONGEST};
use super::link::{Link, Queue};
use super::relay::{From, Relay};
use super::table::Key;

/// How long a connection may be without an allocation; and how long agreeing on TLS may take.
pub(super) const WITHOUT_ALLOCATION: Duration = Duration::from_secs(20);

/// How long a client may take none of what waits for it.
pub(super) const STUCK: Duration = Duration::from_secs(10);

/// Connections from one address.
const PER_ADDRESS: u32 = 256;

/// Bytes that are read at once.
const READ: usize = 16 * 1024;

/// Accepts connections of one socket for ever.
pub(super) async fn serve(relay: Arc<Relay>, listener: TcpListener, tls: Option<TlsAcceptor>) {
    loop {
        let (stream, remote) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::debug!(%error, "cannot accept a relay connection");
                // Out of sockets, perhaps.
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        let visit = relay.connections.enter(remote.ip());
        if visit.nth() > PER_ADDRESS {
            continue;
        }
        let (relay, tls) = (Arc::clone(&relay), tls.clone());
        let tracker = relay.tasks.clone();
        tracker.spawn(async move {
            let stop = relay.stop.clone();
            tokio::select! {
                () = accepted(&relay, stream, remote, tls) => {}
                () = stop.cancelled() => {}
            }
            drop(visit);
        });
    }
}

async fn accepted(relay: &Arc<Relay>, stream: TcpStream, remote: SocketAddr, tls: Option<TlsAcceptor>) {
    // Media are urgent.
    let _ = stream.set_nodelay(true);
    let local = stream.local_addr().ok().map(|address| address.ip());
    match tls {
        None => connection(relay, stream, remote, local).await,
        Some(tls) => match timeout(WITHOUT_ALLOCATION, tls.accept(stream)).await {
            Ok(Ok(stream)) => connection(relay, stream, remote, local).await,
            Ok(Err(error)) => tracing::debug!(%error, "no agreement on TLS"),
            Err(_) => {}
        },
    }
}

async fn connection(
    relay: &Arc<Relay>,
    stream: impl AsyncRead + AsyncWrite,
    remote: SocketAddr,
    local: Option<IpAddr>,
) {
    let (reader, writer) = tokio::io::split(stream);
    let queue = Arc::new(Queue::default());
    let link = Link::Queue(Arc::clone(&queue));
    let from = From { key: Key { link: relay.next_link(), remote, local }, local, link: &link };
    relay.counters().streams.add(1);
    tokio::select! {
        () = read(relay, reader, &from) => {}
        _ = write(writer, &queue) => {}
    }
    relay.gone(&from.key);
    relay.counters().streams.sub(1);
}

/// Reads frames until the client ends the connection or sends what is none.
async fn read(relay: &Arc<Relay>, reader: impl AsyncRead, from: &From<'_>) {
    let mut reader = std::pin::pin!(reader);
    let (mut buffer, mut end) = (vec![0; READ], 0);
    let mut useful = Useful::new();
    loop {
        let Ok(read) = timeout(WITHOUT_ALLOCATION, reader.read(&mut buffer[end..])).await else {
            if useful.is_over(relay, &from.key) {
                return;
            }
            continue;
        };
        match read {
            Ok(read) if read > 0 => end += read,
            _ => return,
        }
        let now = Instant::now();
        let mut start = 0;
        let needed = loop {
            match frame::length(&buffer[start..end]) {
                Ok(Some((length, padded))) if start + padded <= end => {
                    if let Some(answer) = relay.receive(now, from, &mut buffer[start..start + length])
                        && !from.link.send(&from.key, &answer)
                    {
                        relay.counters().dropped_full.add(1);
                    }
                    start += padded;
                }
                Ok(needed) => break needed.map_or(0, |(_, padded)| padded),
                Err(frame::NotTurn) => {
                    relay.counters().malformed.add(1);
                    return;
                }
            }
        };
        buffer.copy_within(start..end, 0);
        end -= start;
        let size = needed.clamp(READ, LONGEST);
        if buffer.len() < size {
            buffer.resize(size, 0);
        }
        if useful.is_over(relay, &from.key) {
            return;
        }
    }
}

/// Writes what waits until that fails.
async fn write(writer: impl AsyncWrite, queue: &Queue) -> io::Result<()> {
    let mut writer = std::pin::pin!(writer);
    let mut frames = Vec::new();
    loop {
        frames.clear();
        queue.take(&mut frames).await;
        timeout(STUCK, async {
            writer.write_all(&frames).await?;
            writer.flush().await
        })
        .await??;
    }
}

/// Since when a connection has been of use.
#[derive(Debug)]
pub(super) struct Useful(Instant);

impl Useful {
    pub(super) fn new() -> Self {
        Self(Instant::now())
    }

    /// Whether it has been without an allocation for too long.
    pub(super) fn is_over(&mut self, relay: &Relay, key: &Key) -> bool {
        if relay.has_allocation(key) {
            self.0 = Instant::now();
        }
        self.0.elapsed() >= WITHOUT_ALLOCATION
    }
}
