//! Opening the server's socket, with an answer for each way in which that fails.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::ServerError;

/// Listens on an address as a person gives it: `127.0.0.1:6278`, `[::1]:6278`, `localhost:6278`; port
/// 0 is any free port.
///
/// # Errors
/// [`ServerError::BadAddress`], [`ServerError::PortInUse`], [`ServerError::NotPermitted`],
/// [`ServerError::NoSuchAddress`], or [`ServerError::Listen`] for anything rarer.
pub async fn listen(address: &str) -> Result<TcpListener, ServerError> {
    let bad = || ServerError::BadAddress { address: address.to_owned() };
    let parsed: SocketAddr = match address.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}").parse().map_err(|_| bad())?,
        None => address.parse().map_err(|_| bad())?,
    };
    TcpListener::bind(parsed).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ServerError::PortInUse { port: parsed.port() },
        io::ErrorKind::PermissionDenied => ServerError::NotPermitted { port: parsed.port() },
        io::ErrorKind::AddrNotAvailable => ServerError::NoSuchAddress { address: parsed.ip().to_string() },
        _ => ServerError::Listen { address: address.to_owned(), source },
    })
}
