//! Clients over UDP: one socket serves all who come to its address. Batches of packets are read with one
//! system call where the system can, and answers leave from the address that was spoken to.

use std::io::{self, IoSliceMut};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use socket2::Socket;
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::link::Link;
use super::relay::{From, Relay};
use super::table::Key;

/// Batches in a row before others get a turn.
const BATCHES: usize = 4;

/// One listening socket.
#[derive(Debug)]
pub(super) struct UdpLink {
    number: u64,
    socket: UdpSocket,
    state: UdpSocketState,
    /// The address it is bound to, if that is a single one.
    local: Option<IpAddr>,
}

impl UdpLink {
    /// Of a socket that listens, for the runtime that this is called in.
    pub(super) fn new(number: u64, socket: Socket) -> io::Result<Self> {
        let socket = UdpSocket::from_std(socket.into())?;
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        let local = Some(socket.local_addr()?.ip()).filter(|ip| !ip.is_unspecified());
        Ok(Self { number, socket, state, local })
    }

    /// `false` when the system takes no more.
    pub(super) fn send(&self, to: &Key, packet: &[u8]) -> bool {
        let Some(local) = to.local else { return self.socket.try_send_to(packet, to.remote).is_ok() };
        let transmit = Transmit {
            destination: to.remote,
            ecn: None,
            contents: packet,
            segment_size: None,
            src_ip: Some(local),
        };
        let send = || self.state.try_send(UdpSockRef::from(&self.socket), &transmit);
        self.socket.try_io(Interest::WRITABLE, send).is_ok()
    }
}

/// Serves one socket for ever.
pub(super) async fn serve(relay: Arc<Relay>, udp: Arc<UdpLink>) {
    let link = Link::Udp(Arc::clone(&udp));
    // Packets of one sender may come joined (GRO): each buffer takes as many as the system joins.
    let size = if udp.state.gro_segments() > 1 { 65_536 } else { 2048 };
    let mut memory = vec![0; size * BATCH_SIZE];
    let mut metas = [RecvMeta::default(); BATCH_SIZE];
    loop {
        if let Err(error) = udp.socket.readable().await {
            tracing::warn!(%error, "cannot wait for packets");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            continue;
        }
        for _ in 0..BATCHES {
            let mut received = 0;
            let more = udp.socket.try_io(Interest::READABLE, || {
                let mut slices = memory.chunks_exact_mut(size).map(IoSliceMut::new);
                let mut slices: [IoSliceMut<'_>; BATCH_SIZE] =
                    std::array::from_fn(|_| slices.next().unwrap_or_else(|| IoSliceMut::new(&mut [])));
                received = udp.state.recv(UdpSockRef::from(&udp.socket), &mut slices, &mut metas)?;
                // A batch that is not full was all there is: there is no need to ask for nothing.
                if received < BATCH_SIZE { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
            });
            let now = Instant::now();
            for (meta, buffer) in metas[..received].iter().zip(memory.chunks_exact_mut(size)) {
                let local = meta.dst_ip.filter(|_| udp.local.is_none());
                let from = From {
                    key: Key { link: udp.number, remote: meta.addr, local },
                    local: udp.local.or(local),
                    link: &link,
                };
                for packet in buffer[..meta.len].chunks_mut(meta.stride.max(1)) {
                    if let Some(answer) = relay.receive(now, &from, packet) {
                        udp.send(&from.key, &answer);
                    }
                }
            }
            if more.is_err() {
                break;
            }
        }
        tokio::task::yield_now().await;
    }
}
