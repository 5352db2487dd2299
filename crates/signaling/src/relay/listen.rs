//! Opening listening sockets, one per core for each address, where the system spreads clients over them.
//! A client, its allocation and its connection then stay on one thread: a packet that wakes it goes on
//! without waking another one.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, Socket, Type};

/// Bytes of UDP that the system may keep while this program is busy: 100 ms of 40,000 small packets a
/// second.
const UDP_BYTES: usize = 4 * 1024 * 1024;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// Threads, whatever the number of cores.
const MOST_THREADS: usize = 8;

/// What a socket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Udp,
    Tcp,
    Tls,
}

/// How many sockets there are for one address.
pub(super) fn threads() -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, |cores| cores.get().min(MOST_THREADS));
    if cfg!(target_os = "linux") { cores() } else { 1 }
}

/// Opens [`threads`] sockets for this address, all at the same port.
pub(super) fn open(kind: Kind, address: SocketAddr) -> io::Result<Vec<Socket>> {
    // Whether another program has the port, only a socket can tell that wants it for itself.
    let alone = bind(kind, address, false)?;
    if threads() == 1 {
        return listening(kind, alone).map(|alone| vec![alone]);
    }
    let address = alone.local_addr()?.as_socket().unwrap_or(address);
    drop(alone);
    (0..threads()).map(|_| listening(kind, bind(kind, address, true)?)).collect()
}

fn listening(kind: Kind, socket: Socket) -> io::Result<Socket> {
    if kind != Kind::Udp {
        socket.listen(BACKLOG)?;
    }
    Ok(socket)
}

fn bind(kind: Kind, address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let (kind, protocol) = match kind {
        Kind::Udp => (Type::DGRAM, Protocol::UDP),
        Kind::Tcp | Kind::Tls => (Type::STREAM, Protocol::TCP),
    };
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    #[cfg(target_os = "linux")]
    socket.set_reuse_port(shared)?;
    #[cfg(not(target_os = "linux"))]
    let _ = shared;
    if kind == Type::DGRAM {
        // The system may give less.
        let _ = socket.set_recv_buffer_size(UDP_BYTES);
        let _ = socket.set_send_buffer_size(UDP_BYTES);
    } else {
        // As tokio does: a server that restarts need not wait for what is left of its old connections.
        #[cfg(unix)]
        socket.set_reuse_address(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}
