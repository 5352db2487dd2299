//! The part of the command line that is about certificates.

use std::path::PathBuf;

use clap::Args;
use maru_signaling::{Acme, Tls, TlsError};

/// Certificates: one of three ways, or none.
#[derive(Debug, Args)]
#[command(next_help_heading = "TLS")]
pub(crate) struct TlsArgs {
    /// Certificate chain, as a PEM file; read again when it changes
    #[arg(long, value_name = "FILE", requires = "tls_key", conflicts_with_all = ["acme_domain", "tls_self_signed"])]
    tls_cert: Option<PathBuf>,

    /// The certificate's private key, as a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// Use a certificate that this machine signs itself and keeps; browsers warn once, and people
    /// compare the fingerprint
    #[arg(long, conflicts_with = "acme_domain")]
    tls_self_signed: bool,

    /// Get a certificate for this name by ACME and renew it; the server must listen where the name's
    /// port 443 leads; may be repeated
    #[arg(long, value_name = "NAME")]
    acme_domain: Vec<String>,

    /// Where the certificate authority may write to
    #[arg(long, value_name = "ADDRESS", requires = "acme_domain")]
    acme_email: Option<String>,

    /// The authority's ACME directory; Let's Encrypt without it
    #[arg(long, value_name = "URL", requires = "acme_domain", value_parser = https)]
    acme_directory: Option<String>,

    /// Where the account and the certificate of ACME are kept; below --data-dir without it
    #[arg(long, value_name = "DIR", requires = "acme_domain")]
    acme_cache: Option<PathBuf>,

    /// Where the server keeps certificates; the system's place for this user's data without it
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

impl TlsArgs {
    /// What these arguments ask for; `None` for plain HTTP.
    ///
    /// # Errors
    /// When there is no certificate, or no place for one.
    pub(crate) fn tls(&self) -> Result<Option<Tls>, TlsError> {
        let directory = || self.data_dir.clone().map_or_else(Tls::default_directory, Ok);
        Ok(match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => Some(Tls::from_files(certificate, key)?),
            _ if !self.acme_domain.is_empty() => {
                let cache = match &self.acme_cache {
                    Some(cache) => cache.clone(),
                    None => directory()?.join("acme"),
                };
                Some(Tls::acme(Acme {
                    domains: self.acme_domain.clone(),
                    email: self.acme_email.clone(),
                    cache,
                    directory: self.acme_directory.clone(),
                })?)
            }
            _ if self.tls_self_signed => Some(Tls::self_signed(&directory()?)?),
            _ => None,
        })
    }

    /// The name under which guests find the server, when ACME vouches for it.
    pub(crate) fn domain(&self) -> Option<&str> {
        self.acme_domain.first().map(String::as_str)
    }
}

fn https(text: &str) -> Result<String, String> {
    super::with_scheme(text, &["https://"], "https://acme-staging-v02.api.letsencrypt.org/directory")
}
