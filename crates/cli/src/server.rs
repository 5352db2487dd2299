//! Which server a call uses.

use std::sync::Arc;

use async_trait::async_trait;
use maru_engine::{FixedServer, Problem, Sentence, ServerAddress, ServerLocator};
use maru_protocol::{DEFAULT_PORT, RoomName};
use maru_signaling::automatic::{AutomaticServer, MeetingPlace, Network, find_or_start};
use maru_signaling::{ServerError, Tls};
use parking_lot::Mutex;

/// The server on this machine: the one that runs already, else one of our own; or that of another machine
/// on this network, where the room is already.
pub struct Automatic {
    /// Kept, since a server of our own ends with its last owner.
    server: Mutex<Option<AutomaticServer>>,
    guests_on_network: bool,
    network: Network,
}

#[async_trait]
impl ServerLocator for Automatic {
    async fn locate(&self, room: &RoomName) -> Result<ServerAddress, Problem> {
        let problem = |error: ServerError| {
            let text = error.to_string();
            Problem::new(Sentence::AutomaticFailed { problem: text.clone() }, text)
        };
        let server = find_or_start(DEFAULT_PORT).await.map_err(problem)?;
        if self.guests_on_network {
            let directory = Tls::default_directory().map_err(|error| problem(error.into()))?;
            server.let_network_join(true, &directory).await.map_err(problem)?;
        }
        let url = self.network.locate(&server, room).await;
        *self.server.lock() = Some(server);
        Ok(url.into())
    }

    async fn moved(&self, from: &ServerAddress) -> ServerAddress {
        let MeetingPlace { url, fingerprint } = self.network.moved(&from.url).await;
        ServerAddress { url, fingerprint }
    }
}

/// The server of a call.
#[derive(Clone)]
pub enum Server {
    /// One that was named.
    Fixed(FixedServer),
    /// The one on this machine.
    Automatic(Arc<Automatic>),
}

impl Server {
    /// The given server, or the automatic one, which may let browsers on this network join and may look
    /// for the room there.
    pub fn choose(url: Option<&str>, guests_on_network: bool, find_on_network: bool) -> anyhow::Result<Self> {
        Ok(match url {
            Some(url) => Self::Fixed(FixedServer::parse(url)?),
            None => Self::Automatic(Arc::new(Automatic {
                server: Mutex::default(),
                guests_on_network,
                network: Network::new(find_on_network),
            })),
        })
    }

    pub fn locator(&self) -> Arc<dyn ServerLocator> {
        match self {
            Self::Fixed(server) => Arc::new(server.clone()),
            Self::Automatic(server) => Arc::clone(server) as Arc<dyn ServerLocator>,
        }
    }

    /// Stops a server of our own, telling its clients, so that one of them starts the next.
    pub async fn shutdown(&self) {
        if let Self::Automatic(automatic) = self {
            let server = automatic.server.lock().take();
            if let Some(server) = server {
                server.shutdown().await;
            }
            automatic.network.close().await;
        }
    }
}
