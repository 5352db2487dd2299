//! A signaling server that can be killed: it runs on a runtime of its own, which is taken away from
//! under it, so that its clients see what they see when a server's process dies.

use std::net::{Ipv4Addr, SocketAddr};

use ipnet::IpNet;
use maru_protocol::WEBSOCKET_PATH;
use maru_signaling::{Config, RelayConfig};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

#[cfg(unix)]
use crate::relay::Relay;

/// A running server on the loopback interface.
pub struct LocalServer {
    address: SocketAddr,
    config: Config,
    runtime: Option<Runtime>,
}

impl LocalServer {
    /// Starts a server on a free port.
    pub fn start() -> Self {
        Self::start_with(Config::default())
    }

    /// Starts a server on a free port that lets in who has this access token.
    pub fn start_private(token: &str) -> Self {
        Self::start_with(Config { token: Some(token.to_owned()), ..Config::default() })
    }

    /// Starts a server on a free port that tells its clients of this relay.
    #[cfg(unix)]
    pub fn start_with_relay(relay: &Relay) -> Self {
        Self::start_with(Config { ice_servers: vec![relay.ice_server()], ..Config::default() })
    }

    /// Starts a server on a free port that relays itself, also to this machine.
    pub fn start_relaying() -> Self {
        let relay = RelayConfig {
            listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))],
            allow: vec![IpNet::new_assert(Ipv4Addr::LOCALHOST.into(), 8)],
            ..RelayConfig::default()
        };
        Self::start_with(Config { relay: Some(relay), ..Config::default() })
    }

    fn start_with(config: Config) -> Self {
        Self::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), config)
    }

    fn start_at(address: SocketAddr, config: Config) -> Self {
        let served = config.clone();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let (bound, listener) = std::sync::mpsc::channel();
        runtime.spawn(async move {
            let socket = TcpListener::bind(address).await.expect("a port to listen on");
            let address = socket.local_addr().expect("a bound socket has an address");
            let _ = bound.send(address);
            maru_signaling::run_with(socket, served, std::future::pending()).await
        });
        let address = listener.recv().expect("the server listens");
        Self { address, config, runtime: Some(runtime) }
    }

    /// Where clients connect.
    pub fn url(&self) -> String {
        format!("ws://{}{WEBSOCKET_PATH}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a guest opens to enter a room.
    pub fn link(&self, room: &str) -> String {
        link(&self.address.to_string(), room)
    }

    /// Ends the server without a goodbye. Nobody listens on the port any more when this returns.
    pub async fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Dropping a runtime waits for its tasks to be dropped, sockets included: not on an async
            // thread.
            let _ = tokio::task::spawn_blocking(move || drop(runtime)).await;
        }
    }

    /// Starts a server that remembers nothing, at the same address.
    pub fn restart(&mut self) {
        *self = Self::start_at(self.address, self.config.clone());
    }
}

impl Drop for LocalServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// What a guest opens to enter a room of the server at this address.
pub fn link(address: &str, room: &str) -> String {
    let encoded: String = room.bytes().map(|byte| format!("%{byte:02X}")).collect();
    format!("http://{address}/{encoded}")
}
