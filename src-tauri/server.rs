//! Which server to meet at: the one given for this run, else the one in the settings, else the
//! automatic one, which is found or started on this machine, and gives way to that of another machine on this
//! network where the room is already.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use maru_engine::{FixedServer, Problem, Sentence, ServerAddress, ServerLocator};
use maru_protocol::{DEFAULT_PORT, RoomName};
use maru_signaling::automatic::{self, AutomaticServer, MeetingPlace, Network};
use maru_signaling::{ServerError, TlsError};
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
    network: Network,
    /// Said on the command line: stay off the network.
    no_lan: bool,
    /// Where this machine's certificate is kept, if there is a place.
    certificates: Option<PathBuf>,
}

impl Server {
    /// Answers from these settings, and from `given` before them.
    pub fn new(
        settings: Arc<SettingsStore>,
        tokens: Arc<Tokens>,
        given: Option<String>,
        certificates: Option<PathBuf>,
        no_lan: bool,
    ) -> Self {
        let network = Network::new(settings.get().find_on_network && !no_lan);
        let (given, automatic) = (Mutex::new(given), AsyncMutex::new(None));
        Self { settings, tokens, given, automatic, network, no_lan, certificates }
    }

    /// Looks for rooms on this network and lets those of this machine be found there, or no more, as the
    /// settings want it. Off holds at once, on from the next joining.
    pub async fn apply_find_on_network(&self) {
        self.network.set_wanted(self.settings.get().find_on_network && !self.no_lan).await;
    }

    /// Lets browsers on this network join the app's own server, or lets them no more, as the settings
    /// want it. Links that show it come with the next joining.
    ///
    /// # Errors
    /// When the server cannot listen there.
    pub async fn apply_guests_on_network(&self) -> Result<(), Problem> {
        match &*self.automatic.lock().await {
            Some(server) => self.open_or_close(server).await,
            None => Ok(()),
        }
    }

    async fn open_or_close(&self, server: &AutomaticServer) -> Result<(), Problem> {
        let wanted = self.settings.get().guests_on_network;
        let done = match &self.certificates {
            Some(directory) => server.let_network_join(wanted, directory).await,
            None if wanted => Err(TlsError::NoHome.into()),
            None => Ok(()),
        };
        done.map_err(|error| {
            let problem = error.to_string();
            let text = format!("Browsers on this network cannot join: {problem}");
            Problem::new(Sentence::GuestsNotLetIn { problem }, text)
        })
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
        self.network.close().await;
    }
}

#[async_trait]
impl ServerLocator for Server {
    async fn locate(&self, room: &RoomName) -> Result<ServerAddress, Problem> {
        let configured = self.configured();
        if !configured.is_empty() {
            return match FixedServer::parse(&configured) {
                Ok(server) => server.locate(room).await,
                Err(error) => Err(error.into()),
            };
        }
        // Asked anew each time: another program's server may be gone since, and this one takes its
        // place. The answer is kept, since an embedded server runs for as long as it is.
        let mut automatic = self.automatic.lock().await;
        let found = automatic::find_or_start(DEFAULT_PORT).await.map_err(problem)?;
        if let Err(problem) = self.open_or_close(&found).await {
            // No reason not to call: whoever changes the setting is told.
            tracing::warn!("{}", problem.text);
        }
        let url = self.network.locate(&found, room).await;
        *automatic = Some(found);
        Ok(url.into())
    }

    fn expected(&self) -> Option<ServerAddress> {
        // The automatic one is on this machine; looking for it before somebody joins would start it.
        FixedServer::parse(&self.configured()).ok().map(Into::into)
    }

    async fn moved(&self, from: &ServerAddress) -> ServerAddress {
        if !self.configured().is_empty() {
            // The settings are about the next call; the room's own servers are about automatic ones.
            return std::future::pending().await;
        }
        let MeetingPlace { url, fingerprint } = self.network.moved(&from.url).await;
        ServerAddress { url, fingerprint }
    }

    async fn token(&self, url: &str) -> Option<String> {
        // Tokens are kept under the address as it was typed.
        let address = self.configured();
        match FixedServer::parse(&address) {
            Ok(server) if server.url() == url => self.tokens.get(&address).await,
            _ => None,
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
