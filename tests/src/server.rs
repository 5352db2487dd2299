//! A signaling server that can be killed: it runs on a runtime of its own, which is taken away from
//! under it, so that its clients see what they see when a server's process dies.

use std::net::{Ipv4Addr, SocketAddr};

use maru_protocol::WEBSOCKET_PATH;
use maru_signaling::Config;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

/// A running server on the loopback interface.
pub struct LocalServer {
    address: SocketAddr,
    token: Option<String>,
    runtime: Option<Runtime>,
}

impl LocalServer {
    /// Starts a server on a free port.
    pub fn start() -> Self {
        Self::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), None)
    }

    /// Starts a server on a free port that lets in who has this access token.
    pub fn start_private(token: &str) -> Self {
        Self::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), Some(token.to_owned()))
    }

    fn start_at(address: SocketAddr, token: Option<String>) -> Self {
        let config = Config { token: token.clone(), ..Config::default() };
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let (bound, listener) = std::sync::mpsc::channel();
        runtime.spawn(async move {
            let socket = TcpListener::bind(address).await.expect("a port to listen on");
            let address = socket.local_addr().expect("a bound socket has an address");
            let _ = bound.send(address);
            maru_signaling::run_with(socket, config, std::future::pending()).await
        });
        let address = listener.recv().expect("the server listens");
        Self { address, token, runtime: Some(runtime) }
    }

    /// Where clients connect.
    pub fn url(&self) -> String {
        format!("ws://{}{WEBSOCKET_PATH}", self.address)
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
        *self = Self::start_at(self.address, self.token.take());
    }
}

impl Drop for LocalServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
