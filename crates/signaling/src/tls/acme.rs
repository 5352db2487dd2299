//! Certificates from an authority that speaks ACME, such as Let's Encrypt, proven by an answer on the
//! TLS port itself (TLS-ALPN-01): nothing else has to be open or set up.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::StreamExt as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_acme::caches::DirCache;
use rustls_acme::{AcmeConfig, EventOk};

use super::{HTTP, Tls, TlsError, provider};

/// The protocol in which the authority asks for its proof.
const CHALLENGE: &[u8] = b"acme-tls/1";

/// The library writes keys into it as files that all may read.
fn private_directory(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// Whom to ask for which certificate.
#[derive(Clone, Debug)]
pub struct Acme {
    /// The names that the certificate is for.
    pub domains: Vec<String>,
    /// Where the authority may write to; it warns there.
    pub email: Option<String>,
    /// Where account and certificate are kept.
    pub cache: PathBuf,
    /// The authority's directory; `None` for Let's Encrypt.
    pub directory: Option<String>,
}

impl Tls {
    /// TLS with a certificate that is asked for, kept and renewed in time. Until it is there, which
    /// takes some seconds the first time, connections fail.
    ///
    /// # Errors
    /// [`TlsError::NoAuthorities`] when no ACME server could be trusted, [`TlsError::NotKept`] when there is
    /// no place for the certificate.
    pub fn acme(acme: Acme) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(TlsError::NoAuthorities);
        }
        let client = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Setup)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        private_directory(&acme.cache).map_err(|error| TlsError::not_kept(&acme.cache, error))?;
        let mut config = AcmeConfig::new_with_client_config(&acme.domains, Arc::new(client))
            .cache(DirCache::new(acme.cache))
            .contact(acme.email.iter().map(|email| format!("mailto:{email}")));
        config = match acme.directory {
            Some(directory) => config.directory(directory),
            None => config.directory_lets_encrypt(true),
        };
        let mut state = config.state();
        let resolver = state.resolver();
        let domains = acme.domains.join(", ");
        let upkeep = async move {
            while let Some(event) = state.next().await {
                match event {
                    Ok(EventOk::DeployedCachedCert) => {
                        tracing::info!("using the kept certificate for {domains}")
                    }
                    Ok(EventOk::DeployedNewCert) => tracing::info!("using a new certificate for {domains}"),
                    Ok(EventOk::CertCacheStore | EventOk::AccountCacheStore) => {}
                    Err(error) => {
                        tracing::warn!("no new certificate for {domains} yet, trying again: {error}")
                    }
                }
            }
            std::future::pending().await
        };
        Tls::new(resolver, &[HTTP, CHALLENGE], Box::pin(upkeep))
    }
}
