//! The relay as a part of the server: made with its settings, opened when the server runs.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::config::{CredentialsConfig, RelayConfig};
use super::counters::RelayCounters;
use super::credentials::RelaySecret;
use super::offer::Ice;
use super::relay::Relay;
use super::sockets::{Sockets, Urls};
use crate::{Config, ServerError, Tls};

/// How long credentials hold that nobody set otherwise.
const LIFETIME: Duration = Duration::from_secs(3600);

/// See the module.
#[derive(Debug)]
pub(crate) struct OwnRelay {
    relay: Arc<Relay>,
    credentials: CredentialsConfig,
    /// When it listens.
    urls: OnceLock<Urls>,
}

impl OwnRelay {
    /// The relay that the settings ask for.
    pub(crate) fn new(config: &Config) -> Option<Self> {
        let relay = config.relay.clone()?;
        let credentials = config.credentials.clone().unwrap_or_else(|| CredentialsConfig {
            secret: RelaySecret::random(),
            lifetime: LIFETIME,
            servers: Vec::new(),
        });
        Some(Self { relay: Arc::new(Relay::new(relay, &credentials)), credentials, urls: OnceLock::new() })
    }

    /// What clients are told: of this relay, if there is one, and of all others.
    pub(crate) fn ice(config: &Config, own: Option<&Self>) -> Ice {
        let credentials = own.map(|own| &own.credentials).or(config.credentials.as_ref());
        let public_host = config.relay.as_ref().and_then(|relay| relay.public_host.clone());
        Ice::new(config.ice_servers.clone(), credentials, public_host)
    }

    pub(crate) fn relay(&self) -> &Arc<Relay> {
        &self.relay
    }

    /// Where it listens; `None` when it does not.
    pub(crate) fn urls(&self) -> Option<Urls> {
        self.urls.get().copied()
    }

    /// Opens the sockets. What is given back serves on them until it is dropped; `None` when the relay is
    /// optional and cannot have them. `http_port` is the server's own.
    ///
    /// # Errors
    /// [`ServerError::Relay`] when the relay cannot listen.
    pub(crate) fn open(
        &self,
        tls: Option<&Tls>,
        http_port: u16,
    ) -> Result<Option<impl Future<Output = ()> + use<>>, ServerError> {
        let config: &RelayConfig = &self.relay.config;
        let opened = Sockets::open(config, tls.map(|tls| Arc::clone(&tls.config)));
        let sockets = match opened {
            Ok(sockets) => sockets,
            Err(error) if config.optional => {
                tracing::warn!("going on without the relay: {error}");
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        // Browsers and apps ask nobody about a certificate that they do not know.
        let vouched = tls.is_some_and(|tls| tls.fingerprint.is_none());
        let _ = self.urls.set(sockets.urls(vouched));
        let addresses: Vec<String> = sockets.addresses().iter().map(SocketAddr::to_string).collect();
        tracing::info!("STUN and TURN on {}", addresses.join(", "));
        let relay = Arc::clone(&self.relay);
        Ok(Some(async move {
            let _summed_up = SumUp(Arc::clone(relay.counters()));
            sockets.serve(relay, &[http_port]).await;
        }))
    }
}

/// Says what the relay did when it ends.
struct SumUp(Arc<RelayCounters>);

impl Drop for SumUp {
    fn drop(&mut self) {
        let counters = &self.0;
        if counters.allocations_made.get() == 0 {
            return;
        }
        tracing::info!(
            allocations = counters.allocations_made.get(),
            packets = counters.packets_out.get() + counters.packets_in.get(),
            bytes = counters.bytes_out.get() + counters.bytes_in.get(),
            refused = counters.refused.all().iter().map(|(_, refused)| refused).sum::<u64>(),
            "the relay stops"
        );
    }
}
