//! Why there is no connection to a server, in sentences.

use maru_protocol::SUBPROTOCOL;

/// Why there is no connection to the server: each a sentence that a person can act on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignalingError {
    /// Not a URL.
    #[error("“{url}” is not a server address. It looks like wss://example.org or ws://192.168.1.5:6278.")]
    BadUrl {
        /// What was given.
        url: String,
    },
    /// A URL, but not of a WebSocket.
    #[error("A server address starts with ws:// or wss://, not with {scheme}://.")]
    WrongScheme {
        /// What was given.
        scheme: String,
    },
    /// No such computer.
    #[error("The server {host} cannot be reached (no such host). Check the address and your network.")]
    UnknownHost {
        /// Host and port.
        host: String,
    },
    /// The computer is there, a server is not.
    #[error(
        "The server {host} cannot be reached (nothing listens there). Check the address and your network."
    )]
    NothingListens {
        /// Host and port.
        host: String,
    },
    /// It took the connection and closed it.
    #[error(
        "The server {host} cannot be reached (it closed the connection). Check the address and your network."
    )]
    HungUp {
        /// Host and port.
        host: String,
    },
    /// No connection for another reason.
    #[error("The server {host} cannot be reached ({problem}). Check the address and your network.")]
    Unreachable {
        /// Host and port.
        host: String,
        /// What the system said.
        problem: String,
    },
    /// No answer in time.
    #[error("The server {host} does not answer. Check the address and your network.")]
    TimedOut {
        /// Host and port.
        host: String,
    },
    /// A TLS failure, most often an unknown certificate.
    #[error(
        "The server {host} has no certificate that this computer trusts ({problem}). Use a server with a valid certificate."
    )]
    NotTrusted {
        /// Host and port.
        host: String,
        /// What TLS said.
        problem: String,
    },
    /// It answers, but is something else.
    #[error("{host} is not a Maru server ({problem}). Check the address.")]
    NotMaru {
        /// Host and port.
        host: String,
        /// What it answered.
        problem: String,
    },
    /// It is a Maru server of another time.
    #[error("The server {host} does not speak {SUBPROTOCOL}. Update the server, or this app.")]
    OtherVersion {
        /// Host and port.
        host: String,
    },
    /// It worked and then broke.
    #[error("The connection to the server was lost.")]
    Lost,
}
