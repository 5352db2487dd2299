//! The sockets of a peer connection: UDP as it is, but for what goes to a relay's placeholder.

use std::fmt;
use std::future::Future;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use socket2::SockRef;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};
use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, RecvMeta, Runtime,
    TokioRuntime, Transmit,
};

use super::Tunnels;
use super::link::{Carried, Link, Links, Routes, Task};
use super::passes::Passes;
use super::placeholder::Placeholder;
use super::plain::Plain;

/// What may have arrived on a socket while the connection does something else: a burst of a file, or a large picture.
const RECEIVE_BUFFER_BYTES: usize = 2 * 1024 * 1024;
/// Messages from a carrier that may wait for the connection.
const INCOMING: usize = 256;

/// The tokio runtime with sockets that know the relays' placeholders; one for each peer connection.
#[derive(Debug)]
pub(crate) struct SocketRuntime {
    tokio: TokioRuntime,
    tunnels: Arc<Tunnels>,
    carried: Arc<Carried>,
    passes: Arc<Passes>,
}

impl SocketRuntime {
    /// For one connection.
    pub fn new(tunnels: Arc<Tunnels>) -> Self {
        Self { tokio: TokioRuntime, tunnels, carried: Arc::default(), passes: Arc::default() }
    }

    /// The fast socket, or the plain one where the system refuses what the fast one asks for (Wine does).
    fn udp_socket(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let spare = socket.try_clone()?;
        self.tokio.wrap_udp_socket(socket).or_else(|error| {
            tracing::debug!("sending and receiving one datagram at a time: {error}");
            Ok(Arc::new(Plain::new(spare)?) as Arc<dyn AsyncUdpSocket>)
        })
    }
}

impl Runtime for SocketRuntime {
    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) -> Box<dyn JoinHandle> {
        self.tokio.spawn(future)
    }

    fn wrap_udp_socket(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        // As much as the system lets us have: what does not fit is lost, and a file slows down for that.
        if let Err(error) = SockRef::from(&socket).set_recv_buffer_size(RECEIVE_BUFFER_BYTES) {
            tracing::debug!(%error, "a socket keeps its small buffer");
        }
        let inner = self.udp_socket(socket)?;
        let (tunnels, carried) = (Arc::clone(&self.tunnels), Arc::clone(&self.carried));
        Ok(Arc::new(Socket::new(inner, tunnels, carried, Arc::clone(&self.passes))?))
    }

    fn wrap_tcp_listener(&self, listener: std::net::TcpListener) -> io::Result<Arc<dyn AsyncTcpListener>> {
        self.tokio.wrap_tcp_listener(listener)
    }

    fn connect_tcp<'a>(
        &'a self,
        remote_addr: SocketAddr,
    ) -> Pin<Box<dyn Future<Output = io::Result<Arc<dyn AsyncTcpStream>>> + Send + 'a>> {
        self.tokio.connect_tcp(remote_addr)
    }

    fn resolve_host<'a>(
        &'a self,
        host: &'a str,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>> {
        match Placeholder::of_host(host) {
            Some(relay) => Box::pin(async move { Ok(vec![relay.address(true), relay.address(false)]) }),
            None => self.tokio.resolve_host(host),
        }
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'static>> {
        // With this the driver ends each of its passes; whoever else asks for it makes for one in vain.
        self.passes.ended();
        self.tokio.sleep(duration)
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        self.tokio.interval(period)
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        self.tokio.block_on(future);
    }

    fn yield_now(&self) -> Pin<Box<dyn Future<Output = ()> + Send + 'static>> {
        self.tokio.yield_now()
    }
}

struct Socket {
    tunnels: Arc<Tunnels>,
    links: Arc<Links>,
    /// Only the connection's own task takes from it, so the lock is never waited for.
    arrived: Mutex<mpsc::Receiver<(Bytes, SocketAddr)>>,
    passes: Arc<Passes>,
    /// Nothing was there when it was last asked: whoever asks again is in another pass.
    rested: AtomicBool,
    /// A relay's message was given last: it is alone in its pass.
    alone: AtomicBool,
    stop: CancellationToken,
    _stop_on_drop: DropGuard,
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").field("ipv4", &self.links.ipv4).finish_non_exhaustive()
    }
}

impl Socket {
    fn new(
        socket: Arc<dyn AsyncUdpSocket>,
        tunnels: Arc<Tunnels>,
        carried: Arc<Carried>,
        passes: Arc<Passes>,
    ) -> io::Result<Self> {
        let (incoming, arrived) = mpsc::channel(INCOMING);
        let stop = CancellationToken::new();
        let links = Links {
            ipv4: socket.local_addr()?.is_ipv4(),
            socket,
            relays: Mutex::default(),
            routes: Routes::default(),
            carried,
            incoming,
        };
        Ok(Self {
            tunnels,
            links: Arc::new(links),
            arrived: Mutex::new(arrived),
            passes,
            rested: AtomicBool::new(false),
            alone: AtomicBool::new(false),
            _stop_on_drop: stop.clone().drop_guard(),
            stop,
        })
    }

    /// Leaves the first of a relay's messages that came joined (GRO), and keeps the rest for the next passes.
    fn keep_rest(&self, joined: &[u8], meta: &mut RecvMeta) {
        let each = meta.stride.clamp(1, meta.len.max(1));
        for message in joined[..meta.len].chunks(each).skip(1) {
            // Full: the connection is behind, as when a socket's buffer is full.
            let _ = self.links.incoming.try_send((Bytes::copy_from_slice(message), meta.addr));
        }
        meta.len = meta.len.min(each);
    }

    /// The driver was given messages, which may be of a relay.
    fn given(&self, of_relay: bool) {
        self.rested.store(false, Ordering::Relaxed);
        self.alone.store(of_relay, Ordering::Relaxed);
        if of_relay {
            self.passes.came();
        }
    }

    /// An empty datagram, where the driver has another pass to make. Within a pass it asks until nothing is there.
    fn poll_pass(&self, cx: &Context<'_>, meta: &mut [RecvMeta]) -> Poll<io::Result<usize>> {
        self.passes.wait(cx);
        let rested = self.rested.swap(true, Ordering::Relaxed);
        if !self.passes.is_owed() {
            return Poll::Pending;
        }
        if !rested {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        match meta.first_mut() {
            Some(meta) if self.passes.make() => {
                self.rested.store(false, Ordering::Relaxed);
                *meta = RecvMeta::default();
                Poll::Ready(Ok(1))
            }
            _ => Poll::Pending,
        }
    }

    /// How to send to this relay; begins to find out where nobody has yet.
    fn link(&self, placeholder: Placeholder) -> Link {
        let mut links = self.links.relays.lock();
        let Some(link) = links.get_mut(placeholder.index()) else { return Link::Nowhere };
        if matches!(link, Link::None)
            && let Some(relay) = self.tunnels.behind(placeholder)
        {
            let task = Task { relay, links: Arc::clone(&self.links) };
            *link = task.start(self.stop.clone());
        }
        link.clone()
    }
}

impl AsyncUdpSocket for Socket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.links.socket.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        let Some(placeholder) = Placeholder::of_address(transmit.destination) else {
            return self.links.socket.poll_send(cx, transmit);
        };
        match self.link(placeholder) {
            Link::Udp(address) => {
                self.links.socket.poll_send(cx, &Transmit { destination: address, ..transmit.clone() })
            }
            Link::Task(queue) => {
                let each = transmit.segment_size.unwrap_or(transmit.contents.len()).max(1);
                for message in transmit.contents.chunks(each) {
                    // Full: dropped, as by a full network.
                    let _ = queue.try_send(Bytes::copy_from_slice(message));
                }
                Poll::Ready(Ok(transmit.contents.len()))
            }
            Link::None | Link::Nowhere => Poll::Ready(Ok(transmit.contents.len())),
        }
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        if self.alone.swap(false, Ordering::Relaxed) {
            self.rested.store(true, Ordering::Relaxed);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Poll::Ready(Some((message, from))) = self.arrived.lock().poll_recv(cx)
            && let (Some(buffer), Some(meta)) = (bufs.first_mut(), meta.first_mut())
        {
            let length = message.len().min(buffer.len());
            buffer[..length].copy_from_slice(&message[..length]);
            *meta = RecvMeta::default();
            (meta.addr, meta.len, meta.stride) = (from, length, length.max(1));
            self.given(true);
            return Poll::Ready(Ok(1));
        }
        match self.links.socket.poll_recv(cx, bufs, meta) {
            Poll::Ready(Ok(received)) => {
                let meta = &mut meta[..received];
                let of_relay = self.links.routes.disguise(meta.iter_mut().map(|meta| &mut meta.addr));
                if of_relay {
                    bufs.iter().zip(meta).for_each(|(buffer, meta)| self.keep_rest(buffer, meta));
                }
                self.given(of_relay);
                Poll::Ready(Ok(received))
            }
            Poll::Pending => self.poll_pass(cx, meta),
            error => error,
        }
    }

    fn max_gso_segments(&self) -> usize {
        self.links.socket.max_gso_segments()
    }

    fn max_gro_segments(&self) -> usize {
        self.links.socket.max_gro_segments()
    }
}
