//! The relay's listening sockets, and what clients are told of them.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use rustls::ServerConfig;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::config::RelayConfig;
use super::relay::Relay;
use super::udp::UdpLink;
use super::{stream, udp};
use crate::ServerError;

/// How TURN calls itself when protocols are negotiated (RFC 7443).
const PROTOCOLS: [&[u8]; 2] = [b"stun.turn", b"stun.nat-discovery"];

/// Sockets that listen.
pub(crate) struct Sockets {
    udp: Vec<Arc<UdpLink>>,
    tcp: Vec<TcpListener>,
    tls: Vec<TcpListener>,
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
    pub(crate) fn open(
        relay: &Relay,
        config: &RelayConfig,
        tls: Option<Arc<ServerConfig>>,
    ) -> Result<Self, ServerError> {
        let failed = |address: SocketAddr| {
            move |source: io::Error| ServerError::Relay { address: address.to_string(), source }
        };
        let mut sockets = Self { udp: Vec::new(), tcp: Vec::new(), tls: Vec::new(), acceptor: None };
        for address in &config.listen {
            let link = UdpLink::bind(relay.next_link(), *address).map_err(failed(*address))?;
            // Port 0 is one port for both.
            let both = link.local_addr().map_err(failed(*address))?;
            sockets.udp.push(Arc::new(link));
            sockets.tcp.push(listen(both).map_err(failed(both))?);
        }
        if let Some(tls) = tls {
            let mut tls = ServerConfig::clone(&tls);
            tls.alpn_protocols = PROTOCOLS.iter().map(|name| name.to_vec()).collect();
            sockets.acceptor = Some(TlsAcceptor::from(Arc::new(tls)));
            for address in &config.listen_tls {
                sockets.tls.push(listen(*address).map_err(failed(*address))?);
            }
        }
        Ok(sockets)
    }

    /// Where they listen.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        let tls = self.tls.iter().map(TcpListener::local_addr);
        self.udp.iter().map(|socket| socket.local_addr()).chain(tls).flatten().collect()
    }

    /// What clients are told; `vouched` when they believe the certificate.
    pub(crate) fn urls(&self, vouched: bool) -> Urls {
        let tcp = |sockets: &[TcpListener]| Some(sockets.first()?.local_addr().ok()?.port());
        let udp = self.udp.first().and_then(|socket| socket.local_addr().ok()).map(|address| address.port());
        Urls { udp, tcp: tcp(&self.tcp), tls: tcp(&self.tls).filter(|_| vouched) }
    }

    /// Serves on all of them until the relay stops. `listening` are more ports of this server's.
    pub(crate) async fn serve(self, relay: Arc<Relay>, listening: &[u16]) {
        let tcp_ports = self.tcp.iter().chain(&self.tls).filter_map(|socket| socket.local_addr().ok());
        let own: Vec<u16> =
            tcp_ports.map(|address| address.port()).chain(listening.iter().copied()).collect();
        // In tasks of their own: on another core than the rest of the server, where there is one.
        let spawn = |serving: Pin<Box<dyn Future<Output = ()> + Send>>| {
            let stop = relay.stop.clone();
            relay.tasks.spawn(async move {
                tokio::select! {
                    () = serving => {}
                    () = stop.cancelled() => {}
                }
            });
        };
        for link in self.udp {
            spawn(Box::pin(udp::serve(Arc::clone(&relay), link)));
        }
        for tcp in self.tcp {
            spawn(Box::pin(stream::serve(Arc::clone(&relay), tcp, None)));
        }
        for tcp in self.tls {
            spawn(Box::pin(stream::serve(Arc::clone(&relay), tcp, self.acceptor.clone())));
        }
        let _stop_on_drop = relay.stop.clone().drop_guard();
        relay.keep_up(own).await;
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // As tokio does: a server that restarts need not wait for what is left of its old connections.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(1024)?;
    TcpListener::from_std(socket.into())
}
