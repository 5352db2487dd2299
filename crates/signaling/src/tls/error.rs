//! What can be wrong with certificates: sentences that say what to do.

use std::path::{Path, PathBuf};

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read as what it should be.
    #[error("{path} cannot be read as {what}: {problem}. Give a PEM file that this user may read.")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What it should be.
        what: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// Key and certificate are not a pair.
    #[error(
        "The key in {key} does not belong to the certificate in {certificate} ({problem}). Give the two files of \
         one pair."
    )]
    NoPair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong.
        problem: rustls::Error,
    },
    /// A certificate cannot be made or kept.
    #[error(
        "A certificate of this machine cannot be kept in {directory}: {problem}. Name a directory that this \
         user may write."
    )]
    NotKept {
        /// The directory.
        directory: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The system's certificate authorities cannot be read, so no ACME server can be trusted.
    #[error(
        "This system has no certificate authorities to trust an ACME server by. Install the package \
         ca-certificates."
    )]
    NoAuthorities,
    /// The TLS library refuses.
    #[error("TLS cannot be set up: {0}. Report this as a fault of Maru.")]
    Setup(rustls::Error),
    /// The system has no place for data.
    #[error("This user has no home directory to keep certificates in. Name a directory.")]
    NoHome,
}

impl TlsError {
    pub(super) fn unreadable(path: &Path, what: &'static str, problem: impl ToString) -> Self {
        Self::Unreadable { path: path.to_owned(), what, problem: problem.to_string() }
    }

    pub(super) fn not_kept(directory: &Path, problem: impl ToString) -> Self {
        Self::NotKept { directory: directory.to_owned(), problem: problem.to_string() }
    }
}
