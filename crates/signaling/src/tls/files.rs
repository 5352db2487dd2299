//! A certificate and its key in PEM files that somebody else renews: read again when they change.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rustls::pki_types::pem::{Error as PemError, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::{HTTP, Tls, TlsError, certified};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Tls {
    /// TLS with a certificate chain and a key from PEM files, which may be one file. They are read again
    /// when they change; what cannot be used then is reported, and the old certificate stays.
    ///
    /// # Errors
    /// [`TlsError`] when the files cannot be read or are no pair.
    pub fn from_files(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let files = Files { certificate: certificate.to_owned(), key: key.to_owned() };
        // Looked at before they are read: a change meanwhile is noticed later.
        let stamp = files.stamp();
        let current = Arc::new(Current(ArcSwap::from_pointee(files.read()?)));
        let upkeep = keep_current(files, stamp, Arc::clone(&current));
        Tls::new(current, &[HTTP], Box::pin(upkeep))
    }
}

/// The certificate for new connections.
#[derive(Debug)]
struct Current(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

#[derive(Clone, Debug)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

/// When each file was last written, and how long it is.
type Stamp = [Option<(SystemTime, u64)>; 2];

impl Files {
    fn stamp(&self) -> Stamp {
        [&self.certificate, &self.key].map(|path| {
            let metadata = fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        })
    }

    fn read(&self) -> Result<CertifiedKey, TlsError> {
        let unreadable = |error: PemError| TlsError::unreadable(&self.certificate, "certificates", error);
        let chain = CertificateDer::pem_file_iter(&self.certificate).map_err(unreadable)?;
        let chain: Vec<_> = chain.collect::<Result<_, _>>().map_err(unreadable)?;
        if chain.is_empty() {
            return Err(TlsError::unreadable(&self.certificate, "certificates", "there is none in it"));
        }
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|error| TlsError::unreadable(&self.key, "a private key", error))?;
        certified(chain, key).map_err(|problem| TlsError::NoPair {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            problem,
        })
    }
}

/// Looks at the files for ever.
async fn keep_current(files: Files, mut stamp: Stamp, current: Arc<Current>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let (looked, before) = (files.clone(), stamp);
        let look = move || {
            let now = looked.stamp();
            (now, (now != before).then(|| looked.read()))
        };
        let Ok((now, read)) = tokio::task::spawn_blocking(look).await else { continue };
        stamp = now;
        match read {
            None => {}
            Some(Ok(key)) => {
                current.0.store(Arc::new(key));
                tracing::info!("using the new certificate in {}", files.certificate.display());
            }
            // Between the writing of the one file and the other this is what is seen for a moment.
            Some(Err(error)) => tracing::warn!("still using the old certificate: {error}"),
        }
    }
}
