//! Clients over UDP: one socket serves all who come to its address. Batches of packets are read with one
//! system call where the system can, and answers leave from the address that was spoken to.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::link::Link;
use super::relay::{From, Relay};
use super::table::Key;

/// Bytes that the system may keep while this program is busy: 100 ms of 40,000 small packets a second.
const SOCKET_BYTES: usize = 4 * 1024 * 1024;

/// Batches in a row before others get a turn.
const BATCHES: usize = 4;

/// One listening socket.
#[derive(Debug)]
pub(super) struct UdpLink {
    number: u64,
    socket: UdpSocket,
    state: UdpSocketState,
}

impl UdpLink {
    pub(super) fn bind(number: u64, address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        // The system may give less.
        let _ = socket.set_recv_buffer_size(SOCKET_BYTES);
        let _ = socket.set_send_buffer_size(SOCKET_BYTES);
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        let socket = UdpSocket::from_std(socket.into())?;
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        Ok(Self { number, socket, state })
    }

    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// `false` when the system takes no more.
    pub(super) fn send(&self, to: &Key, packet: &[u8]) -> bool {
        let transmit = Transmit {
            destination: to.remote,
            ecn: None,
            contents: packet,
            segment_size: None,
            src_ip: to.local,
        };
        let send = || self.state.try_send(UdpSockRef::from(&self.socket), &transmit);
        self.socket.try_io(Interest::WRITABLE, send).is_ok()
    }
}

/// Serves one socket for ever.
pub(super) async fn serve(relay: Arc<Relay>, udp: Arc<UdpLink>) {
    let link = Link::Udp(Arc::clone(&udp));
    let local = udp.local_addr().ok().map(|address| address.ip()).filter(|ip| !ip.is_unspecified());
    // Packets of one sender may come joined (GRO): each buffer takes as many as the system joins.
    let size = 2048_usize.max(if udp.state.gro_segments() > 1 { 65_536 } else { 2048 });
    let mut memory = vec![0; size * BATCH_SIZE];
    let mut metas = [RecvMeta::default(); BATCH_SIZE];
    loop {
        if let Err(error) = udp.socket.readable().await {
            tracing::warn!(%error, "cannot wait for packets");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            continue;
        }
        for _ in 0..BATCHES {
            let received = udp.socket.try_io(Interest::READABLE, || {
                let mut slices = memory.chunks_exact_mut(size).map(IoSliceMut::new);
                let mut slices: [IoSliceMut<'_>; BATCH_SIZE] =
                    std::array::from_fn(|_| slices.next().unwrap_or_else(|| IoSliceMut::new(&mut [])));
                udp.state.recv(UdpSockRef::from(&udp.socket), &mut slices, &mut metas)
            });
            // Errors are of packets sent before, or say that there is nothing.
            let Ok(received) = received else { break };
            let now = Instant::now();
            for (meta, buffer) in metas[..received].iter().zip(memory.chunks_exact_mut(size)) {
                let from = From {
                    key: Key { link: udp.number, remote: meta.addr, local: meta.dst_ip },
                    local: meta.dst_ip.or(local),
                    link: &link,
                };
                for packet in buffer[..meta.len].chunks_mut(meta.stride.max(1)) {
                    if let Some(answer) = relay.receive(now, &from, packet) {
                        udp.send(&from.key, &answer);
                    }
                }
            }
        }
        tokio::task::yield_now().await;
    }
}
