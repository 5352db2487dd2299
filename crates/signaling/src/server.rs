//! Accepts connections on sockets that the caller owns, until the caller says stop.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use maru_protocol::GuestLink;
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::addresses::Addresses;
use crate::bus::Worker;
use crate::discard::Discard;
use crate::http::{self, Http};
use crate::hub::Hub;
use crate::links::{Entrance, Entrances, bases_of_the_owner};
use crate::metrics::{self, Metrics, Report};
use crate::reach::is_trusted;
use crate::relay::OwnRelay;
use crate::tls::Tls;
use crate::visitors::Visitors;
use crate::web::{Caller, Door, Web};
use crate::{Config, ServerError};

/// How long clients have to take the server's goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// How long the server waits when the system has no more sockets to give.
const OUT_OF_SOCKETS: Duration = Duration::from_millis(100);

/// Sockets from one address for each WebSocket that it may have: a browser loads the page over six.
const SOCKETS_PER_CONNECTION: u32 = 6;

/// Sockets from one address above all these whose WebSockets are still told why they are turned away.
/// What comes above is dropped without a word.
const TOLD_ABOVE_LIMIT: u32 = 16;

/// Sockets above the limit for all whose clients are still told that the server is full.
const TOLD_WHEN_FULL: usize = 64;

/// Serves on a socket with the default [`Config`] until `shutdown` resolves.
///
/// # Errors
/// As [`run_with`].
pub async fn run(listener: TcpListener, shutdown: impl Future<Output = ()>) -> Result<(), ServerError> {
    run_with(listener, Config::default(), shutdown).await
}

/// Serves plain HTTP on one socket until `shutdown` resolves, as [`Server`] does.
///
/// # Errors
/// [`ServerError::Socket`] when the socket is none that listens.
pub async fn run_with(
    listener: TcpListener,
    config: Config,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServerError> {
    Server::new(config).run(listener, None, shutdown).await
}

/// A server: one set of rooms behind any number of sockets.
#[derive(Clone, Debug)]
pub struct Server {
    web: Arc<Web>,
    sockets: Arc<Addresses>,
    most_per_address: u32,
    /// Until the server runs.
    bus: Arc<Mutex<Option<Worker>>>,
    tracker: TaskTracker,
    kill: CancellationToken,
    stop: CancellationToken,
}

impl Server {
    /// A server that listens nowhere yet.
    pub fn new(config: Config) -> Self {
        let (tracker, kill, stop) = (TaskTracker::new(), CancellationToken::new(), CancellationToken::new());
        let config = Arc::new(config);
        let of_browsers = config.limits.connections_per_address.saturating_mul(SOCKETS_PER_CONNECTION);
        let most_per_address = of_browsers.saturating_add(TOLD_ABOVE_LIMIT);
        let relay = OwnRelay::new(&config);
        let metrics = Metrics::new();
        let (hub, worker) = Hub::new(&config, metrics.clone());
        let hub = Arc::new(hub);
        let web = Web {
            report: Arc::new(Report::new(&metrics, Arc::clone(&hub), tracker.clone())),
            metrics,
            hub,
            visitors: Visitors::new(config.per_address),
            no_sockets: AtomicBool::new(false),
            postponed: AtomicU32::new(0),
            page: crate::page::Page::new(&config.base_path, config.page_directory.clone()),
            entrances: Entrances::default(),
            connections: Arc::default(),
            early: Arc::default(),
            tracker: tracker.clone(),
            kill: kill.clone(),
            ice: OwnRelay::ice(&config, relay.as_ref()),
            relay,
            config,
        };
        if let Some(own) = &web.relay {
            web.report.add_relay(Arc::clone(own.relay().counters()));
        }
        let bus = Arc::new(Mutex::new(worker));
        Self { web: Arc::new(web), sockets: Arc::default(), most_per_address, bus, tracker, kill, stop }
    }

    /// Serves on a socket, with TLS or without, and on those of [`Server::open`], until `shutdown`
    /// resolves. Every client is then told `closing`, and this returns when all connections have ended,
    /// after two seconds at the latest. Dropping the future ends all connections at once.
    ///
    /// # Errors
    /// [`ServerError::Socket`] when the socket is none that listens; [`ServerError::Relay`] when the relay
    /// cannot have its sockets.
    pub async fn run(
        &self,
        listener: TcpListener,
        tls: Option<Tls>,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), ServerError> {
        let _kill_on_drop = self.kill.clone().drop_guard();
        let hub = &self.web.hub;
        let relaying = match &self.web.relay {
            Some(relay) => relay.open(tls.as_ref(), listener.local_addr()?.port())?,
            None => None,
        };
        let worker = self.bus.lock().take();
        if let Some(worker) = worker {
            let (working, kill) = (worker.run(Arc::clone(hub), self.stop.clone()), self.kill.clone());
            self.tracker.spawn(async move {
                tokio::select! {
                    () = working => {}
                    () = kill.cancelled() => {}
                }
            });
        }
        tokio::select! {
            biased;
            // First, so that the links know this socket from the start.
            ended = self.open(listener, tls) => ended?,
            () = shutdown => {}
            () = hub.keep_expiring() => {}
            () = async {
                match relaying {
                    Some(relaying) => relaying.await,
                    None => std::future::pending().await,
                }
            } => {}
        }
        self.stop.cancel();
        hub.stop();
        self.tracker.close();
        if tokio::time::timeout(GOODBYE, self.tracker.wait()).await.is_err() {
            self.kill.cancel();
            self.tracker.wait().await;
        }
        Ok(())
    }

    /// Serves on one more socket until the server stops; dropping the future closes the socket and
    /// leaves its connections alone.
    ///
    /// # Errors
    /// [`ServerError::Socket`] when the socket is none that listens.
    pub async fn open(&self, listener: TcpListener, tls: Option<Tls>) -> Result<(), ServerError> {
        self.open_door(listener, tls, false).await
    }

    /// As [`Server::open`], for apps alone: no page and no browser, and in no link.
    pub(crate) async fn open_for_apps(&self, listener: TcpListener, tls: Tls) -> Result<(), ServerError> {
        self.open_door(listener, Some(tls), true).await
    }

    /// The rooms.
    pub(crate) fn hub(&self) -> Arc<Hub> {
        Arc::clone(&self.web.hub)
    }

    async fn open_door(
        &self,
        listener: TcpListener,
        tls: Option<Tls>,
        apps_only: bool,
    ) -> Result<(), ServerError> {
        let address = listener.local_addr()?;
        let fingerprint = tls.as_ref().and_then(|tls| tls.fingerprint.clone());
        let entrance = Entrance { address, secure: tls.is_some(), fingerprint: fingerprint.clone() };
        let _opened = (!apps_only).then(|| self.web.entrances.add(entrance));
        let is_loopback = address.ip().is_loopback();
        let door = Door { is_loopback, secure: tls.is_some(), apps_only, fingerprint };
        let (acceptor, upkeep) = match tls {
            Some(tls) => (Some(TlsAcceptor::from(tls.config)), Some(tls.upkeep)),
            None => (None, None),
        };
        let upkeep = async {
            match upkeep {
                Some(upkeep) => upkeep.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.accept(&listener, Arc::new(door), acceptor) => {}
            () = upkeep => {}
            () = self.stop.cancelled() => {}
        }
        Ok(())
    }

    /// Serves the metrics for Prometheus at `/metrics` of a socket that is for nothing else, until the
    /// server stops.
    pub async fn serve_metrics(&self, listener: TcpListener) {
        tokio::select! {
            () = metrics::serve(listener, &self.web.report) => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// Where a browser finds the page, the best first, for whoever runs the server to pass on: links
    /// without a room.
    pub fn links(&self) -> Vec<GuestLink> {
        let bases = bases_of_the_owner(&self.web.config, &self.web.entrances).into_iter();
        bases
            .map(|base| GuestLink { url: base.url, scope: base.scope, fingerprint: base.fingerprint })
            .collect()
    }

    /// Accepts connections for ever.
    async fn accept(&self, listener: &TcpListener, door: Arc<Door>, acceptor: Option<TlsAcceptor>) {
        let mut failing = false;
        loop {
            match listener.accept().await {
                Ok((stream, address)) => {
                    if std::mem::take(&mut failing) {
                        self.web.no_sockets.store(false, Ordering::Relaxed);
                        tracing::info!("connections are accepted again");
                    }
                    self.admit(stream, address, &door, acceptor.clone());
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    self.web.metrics.accept_errors.inc();
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!(%error, "cannot accept connections just now");
                        self.web.no_sockets.store(true, Ordering::Relaxed);
                    }
                    tokio::time::sleep(OUT_OF_SOCKETS).await;
                }
            }
        }
    }

    fn admit(&self, stream: TcpStream, address: SocketAddr, door: &Arc<Door>, acceptor: Option<TlsAcceptor>) {
        let ip: IpAddr = address.ip();
        let (present, most) = (self.tracker.len(), self.web.config.max_connections);
        let surplus = present >= most;
        if surplus {
            self.web.metrics.turned_away();
            if present >= most.saturating_add(TOLD_WHEN_FULL) {
                return;
            }
        }
        // A proxy has the sockets of many.
        let visit = if is_trusted(ip, &self.web.config.trusted_proxies) {
            None
        } else {
            let visit = self.sockets.enter(ip);
            if visit.nth() > self.most_per_address {
                self.web.metrics.turned_away();
                return;
            }
            Some(Arc::new(visit))
        };
        // Signals are small and urgent.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot switch off delaying");
        }
        let local = stream.local_addr().ok().map(|address| address.ip());
        let discard = Discard::default();
        let caller = Caller { door: Arc::clone(door), peer: address, local, visit, discard, surplus };
        let connection = Http { web: Arc::clone(&self.web), caller };
        let (stop, kill) = (self.stop.clone(), self.kill.clone());
        self.tracker.spawn(async move {
            let serving = async {
                match acceptor {
                    Some(acceptor) => http::serve_tls(stream, &acceptor, connection, stop).await,
                    None => http::serve(stream, connection, stop).await,
                }
            };
            tokio::select! {
                () = serving => {}
                () = kill.cancelled() => {}
            }
        });
    }
}

/// Whether accepting failed for the sake of one connection that was gone before it was accepted.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
