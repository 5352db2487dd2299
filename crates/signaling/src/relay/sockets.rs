//! The relay's listening sockets, and what clients are told of them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ServerConfig;
use socket2::Socket;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::config::RelayConfig;
use super::listen::{self, Kind};
use super::relay::Relay;
use super::udp::UdpLink;
use super::{stream, udp};
use crate::ServerError;

/// How TURN calls itself when protocols are negotiated (RFC 7443).
const PROTOCOLS: [&[u8]; 2] = [b"stun.turn", b"stun.nat-discovery"];

/// How many free ports of UDP are looked at for one that is free for TCP, too.
const FREE_PORTS: usize = 64;

/// Sockets that listen.
pub(crate) struct Sockets {
    /// For each thread.
    threads: Vec<Vec<(Kind, Socket)>>,
    acceptor: Option<TlsAcceptor>,
}

/// The ports under which clients find the relay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Urls {
    pub(super) udp: Option<u16>,
    pub(super) tcp: Option<u16>,
    pub(super) tls: Option<u16>,
}

impl Urls {
    /// STUN at a host: a name or an address, in brackets if it is of IPv6.
    pub(crate) fn stun(&self, host: &str) -> Vec<String> {
        self.udp.iter().map(|port| format!("stun:{host}:{port}")).collect()
    }

    /// TURN at a host, the fastest first.
    pub(crate) fn turn(&self, host: &str) -> Vec<String> {
        let url = |scheme, port: u16, transport| format!("{scheme}:{host}:{port}?transport={transport}");
        let udp = self.udp.map(|port| url("turn", port, "udp"));
        let tcp = self.tcp.map(|port| url("turn", port, "tcp"));
        let tls = self.tls.map(|port| url("turns", port, "tcp"));
        [udp, tcp, tls].into_iter().flatten().collect()
    }
}

impl Sockets {
    /// Opens all that the settings name; TLS only with a certificate.
    pub(crate) fn open(config: &RelayConfig, tls: Option<Arc<ServerConfig>>) -> Result<Self, ServerError> {
        let failed = |address: SocketAddr| {
            move |source: io::Error| ServerError::Relay { address: address.to_string(), source }
        };
        let mut sockets = Self { threads: Vec::new(), acceptor: None };
        sockets.threads.resize_with(listen::threads(), Vec::new);
        let mut keep = |kind, opened: Vec<Socket>| {
            for (thread, socket) in sockets.threads.iter_mut().zip(opened) {
                thread.push((kind, socket));
            }
        };
        for address in &config.listen {
            let (udp, tcp) = open_both(*address).map_err(failed(*address))?;
            keep(Kind::Udp, udp);
            keep(Kind::Tcp, tcp);
        }
        if let Some(tls) = tls {
            for address in &config.listen_tls {
                keep(Kind::Tls, listen::open(Kind::Tls, *address).map_err(failed(*address))?);
            }
            let mut tls = ServerConfig::clone(&tls);
            tls.alpn_protocols = PROTOCOLS.iter().map(|name| name.to_vec()).collect();
            sockets.acceptor = Some(TlsAcceptor::from(Arc::new(tls)));
        }
        Ok(sockets)
    }

    /// Where they listen.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        let all = self.threads.iter().take(1).flatten().filter(|(kind, _)| *kind != Kind::Udp);
        all.filter_map(|(_, socket)| socket.local_addr().ok()?.as_socket()).collect()
    }

    /// What clients are told; `vouched` when they believe the certificate.
    pub(crate) fn urls(&self, vouched: bool) -> Urls {
        let port = |wanted| {
            let mut first = self.threads.first()?.iter();
            port_of(&first.find(|(kind, _)| *kind == wanted)?.1)
        };
        Urls { udp: port(Kind::Udp), tcp: port(Kind::Tcp), tls: port(Kind::Tls).filter(|_| vouched) }
    }

    /// Serves on all of them until the relay stops. `listening` are more ports of this server's.
    pub(crate) async fn serve(self, relay: Arc<Relay>, listening: &[u16]) {
        let own = self.addresses().iter().map(SocketAddr::port).chain(listening.iter().copied()).collect();
        for sockets in self.threads {
            if let Err(error) = spawn(Arc::clone(&relay), sockets, self.acceptor.clone()) {
                tracing::error!(%error, "the relay cannot have a thread");
            }
        }
        let _stop_on_drop = relay.stop.clone().drop_guard();
        relay.keep_up(own).await;
    }
}

/// UDP and TCP on the same port; with port 0 on one that is free for both.
fn open_both(address: SocketAddr) -> io::Result<(Vec<Socket>, Vec<Socket>)> {
    for _ in 1..FREE_PORTS {
        let udp = listen::open(Kind::Udp, address)?;
        let port = udp.first().and_then(port_of).unwrap_or(address.port());
        match listen::open(Kind::Tcp, SocketAddr::new(address.ip(), port)) {
            Ok(tcp) => return Ok((udp, tcp)),
            // The system chose it for UDP alone.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && address.port() == 0 => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AddrInUse.into())
}

/// Serves on these sockets in a thread of their own until the relay stops.
fn spawn(relay: Arc<Relay>, sockets: Vec<(Kind, Socket)>, tls: Option<TlsAcceptor>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let serving = move || {
        runtime.block_on(async {
            for (kind, socket) in sockets {
                if let Err(error) = start(&relay, kind, socket, tls.clone()) {
                    tracing::error!(%error, "a socket of the relay does not work");
                }
            }
            relay.stop.cancelled().await;
        });
    };
    std::thread::Builder::new().name("relay".into()).spawn(serving).map(drop)
}

/// Serves on one of them in the runtime that this is called in.
fn start(relay: &Arc<Relay>, kind: Kind, socket: Socket, tls: Option<TlsAcceptor>) -> io::Result<()> {
    let serving = Arc::clone(relay);
    if kind == Kind::Udp {
        let link = Arc::new(UdpLink::new(relay.next_link(), socket)?);
        tokio::spawn(udp::serve(serving, link));
    } else {
        let listener = TcpListener::from_std(socket.into())?;
        tokio::spawn(stream::serve(serving, listener, tls.filter(|_| kind == Kind::Tls)));
    }
    Ok(())
}

fn port_of(socket: &Socket) -> Option<u16> {
    Some(socket.local_addr().ok()?.as_socket()?.port())
}
