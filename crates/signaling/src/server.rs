//! Accepts connections on a socket that the caller owns, until the caller says stop.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service as _;

use crate::addresses::{Addresses, Visit};
use crate::discard::{Discard, DiscardingStream};
use crate::hub::Hub;
use crate::web::{Caller, Web, router};
use crate::{Config, ServerError};

/// How long a connection may take to send a request, and may rest between two.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest head of a request, in bytes.
const REQUEST_BYTES: usize = 16 * 1024;

/// How long clients have to take the server's goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// How long the server waits when the system has no more sockets to give.
const OUT_OF_SOCKETS: Duration = Duration::from_millis(100);

/// Connections from one address above the limit that are still told why they are turned away. What
/// comes above these is dropped without a word.
const TOLD_ABOVE_LIMIT: u32 = 16;

/// Serves on a socket with the default [`Config`] until `shutdown` resolves.
///
/// # Errors
/// As [`run_with`].
pub async fn run(listener: TcpListener, shutdown: impl Future<Output = ()>) -> Result<(), ServerError> {
    run_with(listener, Config::default(), shutdown).await
}

/// Serves on a socket until `shutdown` resolves. Every client is then told `closing`, and this returns
/// when all connections have ended, after two seconds at the latest. Dropping the future ends all
/// connections at once.
///
/// # Errors
/// [`ServerError::Socket`] when the socket is none that listens.
pub async fn run_with(
    listener: TcpListener,
    config: Config,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServerError> {
    let listens_on_loopback = listener.local_addr()?.ip().is_loopback();
    let (tracker, kill, stop) = (TaskTracker::new(), CancellationToken::new(), CancellationToken::new());
    let _kill_on_drop = kill.clone().drop_guard();
    let config = Arc::new(config);
    let web = Web {
        hub: Arc::new(Hub::new(&config)),
        config: Arc::clone(&config),
        listens_on_loopback,
        tracker: tracker.clone(),
        kill: kill.clone(),
    };
    let hub = Arc::clone(&web.hub);
    let server = Server {
        router: router(Arc::new(web)),
        addresses: Arc::default(),
        most_per_address: config.limits.connections_per_address.saturating_add(TOLD_ABOVE_LIMIT),
        tracker: tracker.clone(),
        kill: kill.clone(),
        stop: stop.clone(),
    };
    tokio::select! {
        () = shutdown => {}
        () = server.accept(&listener) => {}
        () = hub.keep_expiring() => {}
    }

    drop(listener);
    stop.cancel();
    hub.stop();
    tracker.close();
    if tokio::time::timeout(GOODBYE, tracker.wait()).await.is_err() {
        kill.cancel();
        tracker.wait().await;
    }
    Ok(())
}

struct Server {
    router: Router,
    addresses: Arc<Addresses>,
    most_per_address: u32,
    tracker: TaskTracker,
    kill: CancellationToken,
    stop: CancellationToken,
}

impl Server {
    /// Accepts connections for ever.
    async fn accept(&self, listener: &TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, address)) => self.admit(stream, address),
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot accept connections just now");
                    tokio::time::sleep(OUT_OF_SOCKETS).await;
                }
            }
        }
    }

    fn admit(&self, stream: TcpStream, address: SocketAddr) {
        let ip: IpAddr = address.ip();
        let visit = self.addresses.enter(ip);
        if visit.nth() > self.most_per_address {
            return;
        }
        // Signals are small and urgent.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot switch off delaying");
        }
        let serving = serve(stream, visit, self.router.clone(), self.stop.clone());
        let kill = self.kill.clone();
        self.tracker.spawn(async move {
            tokio::select! {
                () = serving => {}
                () = kill.cancelled() => {}
            }
        });
    }
}

/// Serves HTTP on one connection until it ends or becomes a WebSocket.
async fn serve(stream: TcpStream, visit: Visit, router: Router, stop: CancellationToken) {
    let caller = Caller { visit: Arc::new(visit), discard: Discard::default() };
    let stream = DiscardingStream::new(stream, caller.discard.clone());
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(caller.clone());
        router.clone().call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_TIMEOUT)
        .max_buf_size(REQUEST_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let result = tokio::select! {
        result = &mut connection => result,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Whether accepting failed for the sake of one connection that was gone before it was accepted.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
