//! Certificates: from files, by ACME, or signed by the server itself. What comes out of each is the
//! same [`Tls`]: how to greet clients, and a task that keeps the certificate current.
//!
//! This module refuses to know HTTP and rooms.

mod acme;
mod error;
mod files;
mod self_signed;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ResolvesServerCert;
use rustls::sign::CertifiedKey;

pub use acme::Acme;
pub use error::TlsError;

/// What a TLS listener needs.
pub struct Tls {
    pub(crate) config: Arc<ServerConfig>,
    /// SHA-256 of a certificate that the server signed itself, for people to compare.
    pub(crate) fingerprint: Option<String>,
    /// Keeps the certificate current, for as long as it is polled.
    pub(crate) upkeep: Upkeep,
}

/// See [`Tls`]. Never resolves.
type Upkeep = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Tls {
    /// SHA-256 of the certificate as browsers show it, when the server signed it itself.
    pub fn fingerprint(&self) -> Option<&str> {
        self.fingerprint.as_deref()
    }

    fn new(
        certificate: Arc<dyn ResolvesServerCert>,
        protocols: &[&[u8]],
        upkeep: Upkeep,
    ) -> Result<Self, TlsError> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Setup)?
            .with_no_client_auth()
            .with_cert_resolver(certificate);
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Ok(Self { config: Arc::new(config), fingerprint: None, upkeep })
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

/// The only one: WebSockets begin as HTTP/1.1.
const HTTP: &[u8] = b"http/1.1";

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A key with its certificates; an error when they do not belong together.
fn certified(
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<CertifiedKey, rustls::Error> {
    CertifiedKey::from_der(certificates, key, &provider())
}
