//! Which server to meet at: the one given for this run, else the one in the settings, else the
//! automatic one, which is found or started on this machine.

use std::sync::Arc;

use async_trait::async_trait;
use maru_engine::{FixedServer, Problem, Sentence, ServerLocator};
use maru_protocol::DEFAULT_PORT;
use maru_signaling::ServerError;
use maru_signaling::automatic::{self, AutomaticServer};
use parking_lot::Mutex;
use tokio::sync::Mutex as AsyncMutex;

use crate::secrets::Tokens;
use crate::settings::SettingsStore;

/// Answers the engine's question for a server, before every connection anew.
pub struct Server {
    settings: Arc<SettingsStore>,
    tokens: Arc<Tokens>,
    /// From the command line; goes when the person saves another server.
    given: Mutex<Option<String>>,
    automatic: AsyncMutex<Option<AutomaticServer>>,
}

impl Server {
    /// Answers from these settings, and from `given` before them.
    pub fn new(settings: Arc<SettingsStore>, tokens: Arc<Tokens>, given: Option<String>) -> Self {
        Self { settings, tokens, given: Mutex::new(given), automatic: AsyncMutex::new(None) }
    }

    /// The configured server's address as typed; empty for the automatic one.
    pub fn configured(&self) -> String {
        let given = self.given.lock().clone();
        given.unwrap_or_else(|| self.settings.get().server).trim().to_owned()
    }

    /// From now on the settings count, not the command line.
    pub fn forget_given(&self) {
        *self.given.lock() = None;
    }

    /// Stops the embedded server, if it runs in this process: its clients are told and go elsewhere.
    pub async fn shutdown(&self) {
        if let Some(server) = self.automatic.lock().await.take() {
            server.shutdown().await;
        }
    }
}

#[async_trait]
impl ServerLocator for Server {
    async fn locate(&self) -> Result<String, Problem> {
        let configured = self.configured();
        if !configured.is_empty() {
            return match FixedServer::parse(&configured) {
                Ok(server) => server.locate().await,
                Err(error) => Err(error.into()),
            };
        }
        // Asked anew each time: another program's server may be gone since, and this one takes its
        // place. The answer is kept, since an embedded server runs for as long as it is.
        let mut automatic = self.automatic.lock().await;
        let found = automatic::find_or_start(DEFAULT_PORT).await.map_err(problem)?;
        let url = found.url();
        *automatic = Some(found);
        Ok(url)
    }

    async fn token(&self) -> Option<String> {
        match self.configured() {
            automatic if automatic.is_empty() => None,
            address => self.tokens.get(&address).await,
        }
    }
}

/// Why there is no server on this machine, for the person.
fn problem(error: ServerError) -> Problem {
    let text = error.to_string();
    let sentence = match error {
        ServerError::PortTaken { port } => Sentence::AutomaticPortTaken { port },
        ServerError::OtherVersion { version } => Sentence::AutomaticOtherVersion { version },
        other => Sentence::AutomaticFailed { problem: other.to_string() },
    };
    Problem::new(sentence, text)
}
