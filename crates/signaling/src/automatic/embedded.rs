//! A server inside this program: on the loopback interface for as long as somebody holds it, and on
//! this machine's networks, for browsers, while the person wants that.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{STOPPING, lan};
use crate::{Config, Server, ServerError, Tls, listen};

/// See the module.
#[derive(Debug)]
pub(super) struct Embedded {
    pub(super) port: u16,
    server: Server,
    stop: CancellationToken,
    task: Mutex<Option<JoinHandle<()>>>,
    /// Ends what listens for the network when it is dropped.
    network: tokio::sync::Mutex<Option<DropGuard>>,
    /// The same for apps on the network.
    apps: tokio::sync::Mutex<Option<Apps>>,
}

/// What lets apps find this server, until it is dropped.
#[derive(Debug)]
struct Apps {
    wire: Weak<lan::Wire>,
    _close: DropGuard,
}

impl Embedded {
    /// Serves on a loopback socket from now on.
    pub(super) fn start(listener: TcpListener) -> Result<Self, ServerError> {
        let port = listener.local_addr()?.port();
        let (stop, server) = (CancellationToken::new(), Server::new(Config::default()));
        let (stopped, serving) = (stop.clone().cancelled_owned(), server.clone());
        let task = tokio::spawn(async move {
            if let Err(error) = serving.run(listener, None, stopped).await {
                tracing::error!(%error, "the embedded server failed");
            }
        });
        tracing::info!(port, "started the embedded server");
        Ok(Self {
            port,
            server,
            stop,
            task: Mutex::new(Some(task)),
            network: Default::default(),
            apps: Default::default(),
        })
    }

    pub(super) fn is_running(&self) -> bool {
        !self.stop.is_cancelled() && self.task.lock().as_ref().is_some_and(|task| !task.is_finished())
    }

    /// Tells all clients, and waits for their end as long as it may take.
    pub(super) async fn shutdown(&self) {
        // First, so that nobody looks for its rooms here any more.
        *self.apps.lock().await = None;
        self.stop.cancel();
        let task = self.task.lock().take();
        if let Some(task) = task {
            let _ = timeout(STOPPING, task).await;
        }
    }

    /// Listens on all networks, with the certificate kept in this directory, unless it does already.
    pub(super) async fn open_to_network(&self, directory: &Path) -> Result<(), ServerError> {
        let mut network = self.network.lock().await;
        if network.is_some() {
            return Ok(());
        }
        let directory = directory.to_owned();
        let tls = tokio::task::spawn_blocking(move || Tls::self_signed(&directory)).await;
        let tls = tls.map_err(std::io::Error::other)??;
        let all = Ipv4Addr::UNSPECIFIED;
        let usual = self.port.checked_add(1).unwrap_or(0);
        let listener = match listen(&format!("{all}:{usual}")).await {
            // A link says which port it is: any will do, the usual one spares people a new warning.
            Err(ServerError::PortInUse { .. }) => listen(&format!("{all}:0")).await?,
            listener => listener?,
        };
        tracing::info!(address = %listener.local_addr()?, "browsers on this network may join");
        let (close, server) = (CancellationToken::new(), self.server.clone());
        let closed = close.clone().cancelled_owned();
        tokio::spawn(async move {
            tokio::select! {
                ended = server.open(listener, Some(tls)) => if let Err(error) = ended {
                    tracing::error!(%error, "browsers on this network cannot join any more");
                },
                () = closed => {}
            }
        });
        *network = Some(close.drop_guard());
        Ok(())
    }

    /// Listens for apps on all networks and advertises its rooms there, unless it does already. The
    /// certificate is new in each run, so that nobody recognises the machine by it.
    pub(super) async fn let_apps_find(&self, wire: &Arc<lan::Wire>) -> Result<(), ServerError> {
        let mut apps = self.apps.lock().await;
        if apps.as_ref().is_some_and(|apps| apps.wire.ptr_eq(&Arc::downgrade(wire))) {
            return Ok(());
        }
        let tls = tokio::task::spawn_blocking(Tls::ephemeral).await;
        let (tls, fingerprint) = tls.map_err(std::io::Error::other)??;
        let listener = listen(&format!("{}:0", Ipv4Addr::UNSPECIFIED)).await?;
        let port = listener.local_addr()?.port();
        tracing::info!(port, "apps on this network may join");
        let (close, server) = (CancellationToken::new(), self.server.clone());
        let closed = close.clone().cancelled_owned();
        let (hub, announced) = (server.hub(), Arc::clone(wire));
        tokio::spawn(async move {
            tokio::select! {
                () = announced.closed() => {}
                () = lan::announce(Arc::clone(&announced), hub, fingerprint, port) => {}
                ended = server.open_for_apps(listener, tls) => if let Err(error) = ended {
                    tracing::error!(%error, "apps on this network cannot join any more");
                },
                () = closed => {}
            }
        });
        *apps = Some(Apps { wire: Arc::downgrade(wire), _close: close.drop_guard() });
        Ok(())
    }

    /// Lets nobody else in from the network; who is in stays.
    pub(super) async fn close_to_network(&self) {
        if self.network.lock().await.take().is_some() {
            tracing::info!("browsers on this network may join no more");
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
