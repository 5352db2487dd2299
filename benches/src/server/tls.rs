//! A certificate that the server has and the load believes.

use std::sync::Arc;

use anyhow::{Context, Result};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio_rustls::TlsConnector;

use crate::clients::NAME;

/// A certificate and its key, in files that last as long as this.
pub struct Pair {
    directory: TempDir,
    certificate: CertificateDer<'static>,
}

impl Pair {
    /// A fresh one.
    pub fn new() -> Result<Self> {
        let pair = rcgen::generate_simple_self_signed([NAME.to_owned()])?;
        let directory = tempfile::tempdir()?;
        std::fs::write(directory.path().join("key.pem"), pair.signing_key.serialize_pem())?;
        std::fs::write(directory.path().join("cert.pem"), pair.cert.pem())?;
        Ok(Self { directory, certificate: pair.cert.der().clone() })
    }

    /// What makes the server use it.
    pub fn arguments(&self) -> [String; 2] {
        let path = |name| self.directory.path().join(name).display().to_string();
        [format!("--tls-cert={}", path("cert.pem")), format!("--tls-key={}", path("key.pem"))]
    }

    /// A client that believes it.
    pub fn connector(&self) -> Result<TlsConnector> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).context("the certificate is none")?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(TlsConnector::from(Arc::new(config)))
    }
}
