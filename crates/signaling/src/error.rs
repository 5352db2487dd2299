//! What can go wrong with a server as a whole. What is refused to one client is in `refusal`.

use std::io;
use std::path::PathBuf;

/// Why a server does not start: a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address to listen on is not one.
    #[error(
        "\"{address}\" is not an address to listen on. Give an IP address and a port, such as 127.0.0.1:6278, \
         or 0.0.0.0:6278 for all networks."
    )]
    BadAddress {
        /// What was given.
        address: String,
    },
    /// Another program listens there.
    #[error(
        "Port {port} is in use by another program. Stop that program, or choose another port, such as {}.",
        .port.checked_add(1).unwrap_or(6278)
    )]
    PortInUse {
        /// The port.
        port: u16,
    },
    /// The system does not let this user listen there.
    #[error("This user may not listen on port {port}. Choose a port above 1023, such as 6278.")]
    NotPermitted {
        /// The port.
        port: u16,
    },
    /// This machine does not have the address.
    #[error(
        "This machine does not have the address {address}. Listen on 127.0.0.1 for this machine only, on 0.0.0.0 \
         for all networks."
    )]
    NoSuchAddress {
        /// The address.
        address: String,
    },
    /// The system refuses for another reason.
    #[error("Cannot listen on {address}: {source}. Choose another address or port.")]
    Listen {
        /// The address.
        address: String,
        /// The system's reason.
        source: io::Error,
    },
    /// The socket that the caller gave does not work.
    #[error("The server's socket does not work: {0}. Start the server again.")]
    Socket(#[from] io::Error),
    /// The relay cannot listen.
    #[error(
        "The relay (STUN and TURN) cannot listen on {address}: {source}. Stop what listens there, choose other \
         addresses with --relay-listen and --relay-listen-tls, or do without it with --no-relay."
    )]
    Relay {
        /// The address.
        address: String,
        /// The system's reason.
        source: io::Error,
    },
    /// The secret of TURN credentials is none.
    #[error(
        "{path} does not hold the secret of TURN credentials: {problem}. Write 16 characters or more into it."
    )]
    RelaySecret {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// There is no certificate.
    #[error(transparent)]
    Tls(#[from] crate::TlsError),
    /// The loopback port of the automatic server is held by something that is not Maru.
    #[error(
        "Port {port} of this machine is in use by a program that is not Maru, so calls without a server of their \
         own cannot start. Stop that program, or enter the address of a Maru server."
    )]
    PortTaken {
        /// The port.
        port: u16,
    },
    /// A Maru server listens on the loopback port, but of another protocol.
    #[error(
        "Another version of Maru ({version}) is running on this machine and speaks another protocol. Close it, or \
         install the same version of both."
    )]
    OtherVersion {
        /// The other's version.
        version: String,
    },
}
