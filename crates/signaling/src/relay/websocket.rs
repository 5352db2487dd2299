//! Clients over a WebSocket, for networks that let nothing through but HTTPS: each binary message is
//! exactly one STUN message or one channel's data.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::time::{interval, timeout};

use super::frame;
use super::link::{Link, Queue};
use super::relay::{From, Relay};
use super::stream::{STUCK, Useful, WITHOUT_ALLOCATION};
use super::table::Key;

/// How often a client is asked for a sign of life: proxies end connections that say nothing.
const PING: Duration = Duration::from_secs(20);

impl Relay {
    /// Serves one client until its connection ends. `remote` is the client, as far as that is known, and
    /// `local` the own address that it reached, `None` through a proxy.
    pub(crate) async fn serve_websocket(
        self: &Arc<Self>,
        socket: WebSocket,
        remote: SocketAddr,
        local: Option<IpAddr>,
    ) {
        let (sink, stream) = socket.split();
        let queue = Arc::new(Queue::default());
        let link = Link::Queue(Arc::clone(&queue));
        let from = From { key: Key { link: self.next_link(), remote, local }, local, link: &link };
        self.counters().streams.add(1);
        tokio::select! {
            () = read(self, stream, &from) => {}
            _ = write(sink, &queue) => {}
            () = self.stop.cancelled() => {}
        }
        self.gone(&from.key);
        self.counters().streams.sub(1);
    }
}

async fn read(relay: &Arc<Relay>, mut stream: SplitStream<WebSocket>, from: &From<'_>) {
    let mut useful = Useful::new();
    loop {
        match timeout(WITHOUT_ALLOCATION, stream.next()).await {
            Err(_) => {}
            Ok(Some(Ok(Message::Binary(bytes)))) => {
                let mut bytes = Vec::from(bytes);
                let answer = relay.receive(Instant::now(), from, &mut bytes);
                if answer.is_some_and(|answer| !from.link.send(&from.key, &answer)) {
                    relay.counters().dropped_full.add(1);
                }
            }
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => {}
            Ok(_) => return,
        }
        if useful.is_over(relay, &from.key) {
            return;
        }
    }
}

async fn write(mut sink: SplitSink<WebSocket, Message>, queue: &Queue) -> Result<(), axum::Error> {
    let mut pings = interval(PING);
    let mut frames = Vec::new();
    loop {
        frames.clear();
        tokio::select! {
            () = queue.take(&mut frames) => {}
            _ = pings.tick() => {
                send(sink.send(Message::Ping(Bytes::new()))).await?;
                continue;
            }
        }
        let mut rest = Bytes::from(std::mem::take(&mut frames));
        while let Ok(Some((length, padded))) = frame::length(&rest) {
            if padded > rest.len() {
                break;
            }
            let message = rest.split_to(padded).slice(..length);
            send(sink.feed(Message::Binary(message))).await?;
        }
        send(sink.flush()).await?;
    }
}

/// A client that takes nothing for too long is gone.
async fn send(sending: impl Future<Output = Result<(), axum::Error>>) -> Result<(), axum::Error> {
    timeout(STUCK, sending).await.map_err(axum::Error::new)?
}
