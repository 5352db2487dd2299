//! Which server a call uses.

use std::sync::Arc;

use async_trait::async_trait;
use maru_engine::{FixedServer, ServerLocator};
use maru_protocol::DEFAULT_PORT;
use maru_signaling::automatic::{AutomaticServer, find_or_start};
use parking_lot::Mutex;

/// The server on this machine: the one that runs already, else one of our own.
#[derive(Default)]
struct Automatic {
    /// Kept, since a server of our own ends with its last owner.
    server: Mutex<Option<AutomaticServer>>,
}

#[async_trait]
impl ServerLocator for Automatic {
    async fn locate(&self) -> Result<String, String> {
        let server = find_or_start(DEFAULT_PORT).await.map_err(|error| error.to_string())?;
        let url = server.url();
        *self.server.lock() = Some(server);
        Ok(url)
    }
}

/// The given server, or the automatic one.
pub fn locator(server: Option<&str>) -> anyhow::Result<Arc<dyn ServerLocator>> {
    Ok(match server {
        Some(url) => Arc::new(FixedServer::parse(url)?),
        None => Arc::new(Automatic::default()),
    })
}
