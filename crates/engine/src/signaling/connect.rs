//! A WebSocket to a Maru server: opened, or the reason why not. What is said on it is not its business.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use maru_protocol::SUBPROTOCOL;
use tokio::net::TcpStream;
use tokio::time::{Instant, interval_at, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::{Error as WsError, ProtocolError, SubProtocolError, UrlError};
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};
use url::Url;

use super::{FixedServer, ServerAddress, SignalingError};
use crate::pinned;

/// For name resolution, TCP, TLS and the WebSocket handshake together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The next attempt begins this long after one that hangs, up to so many.
const NEXT_ATTEMPT: Duration = Duration::from_millis(600);
const ATTEMPTS: usize = 8;

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Connects within little of when the network is there. An attempt whose first packet was lost repeats it only
/// after a second, then after two more (RFC 6298); so another attempt begins beside one that hangs.
pub(super) async fn connect_soon(
    address: &ServerAddress,
    message_limit: usize,
) -> Result<Socket, SignalingError> {
    let opening = Opening::new(address, SUBPROTOCOL, message_limit)?;
    let attempt = || opening.attempt();
    let mut attempts = FuturesUnordered::from_iter([attempt()]);
    let mut more = interval_at(Instant::now() + NEXT_ATTEMPT, NEXT_ATTEMPT);
    loop {
        tokio::select! {
            Some(outcome) = attempts.next() => match outcome {
                // One that hung for too long: those that began later still may get through.
                Err(SignalingError::TimedOut { .. }) if !attempts.is_empty() => {}
                outcome => return outcome,
            },
            _ = more.tick(), if attempts.len() < ATTEMPTS => attempts.push(attempt()),
        }
    }
}

/// The address of this machine that a connection begins at.
pub(super) fn local_address(socket: &Socket) -> Option<IpAddr> {
    let stream = match socket.get_ref() {
        MaybeTlsStream::Plain(stream) => stream,
        MaybeTlsStream::Rustls(stream) => stream.get_ref().0,
        _ => return None,
    };
    stream.local_addr().ok().map(|address| address.ip())
}

/// Opens a WebSocket to a Maru server that must speak this subprotocol.
///
/// # Errors
/// Why there is none.
pub(crate) async fn connect(
    address: &ServerAddress,
    subprotocol: &'static str,
    message_limit: usize,
) -> Result<Socket, SignalingError> {
    Opening::new(address, subprotocol, message_limit)?.attempt().await
}

/// A WebSocket that is to be opened, as often as it takes.
struct Opening {
    request: Request,
    config: WebSocketConfig,
    tls: Option<Connector>,
    host: String,
}

impl Opening {
    /// Reads the system's certificates where the address asks for them.
    fn new(
        address: &ServerAddress,
        subprotocol: &'static str,
        message_limit: usize,
    ) -> Result<Self, SignalingError> {
        let url = FixedServer::parse(&address.url)?.url().to_owned();
        let host = host_of(&url);
        let mut request =
            url.as_str().into_client_request().map_err(|_| SignalingError::BadUrl { url: url.clone() })?;
        request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static(subprotocol));
        // Small buffers: signaling messages are small and few.
        let config = WebSocketConfig::default()
            .read_buffer_size(4 * 1024)
            .write_buffer_size(0)
            .max_message_size(Some(message_limit))
            .max_frame_size(Some(message_limit));
        let tls = if url.starts_with("wss:") {
            let config =
                address.fingerprint.map_or_else(tls_config, pinned::tls_config).map_err(|error| {
                    SignalingError::NotTrusted { host: host.clone(), problem: error.to_string() }
                })?;
            Some(Connector::Rustls(config))
        } else {
            None
        };
        Ok(Self { request, config, tls, host })
    }

    async fn attempt(&self) -> Result<Socket, SignalingError> {
        let (request, tls) = (self.request.clone(), self.tls.clone());
        let connect = connect_async_tls_with_config(request, Some(self.config), true, tls);
        match timeout(CONNECT_TIMEOUT, connect).await {
            Err(_) => Err(SignalingError::TimedOut { host: self.host.clone() }),
            Ok(Ok((socket, _))) => Ok(socket),
            Ok(Err(error)) => Err(explain(self.host.clone(), error)),
        }
    }
}

fn host_of(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return url.to_owned() };
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        _ => url.to_string(),
    }
}

/// The system's certificates, ring's cryptography.
pub(crate) fn tls_config() -> Result<Arc<rustls::ClientConfig>, rustls::Error> {
    let mut roots = rustls::RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    for error in &native.errors {
        tracing::warn!(%error, "a certificate of the system could not be read");
    }
    let (added, ignored) = roots.add_parsable_certificates(native.certs);
    tracing::debug!(added, ignored, "certificates of the system");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

fn explain(host: String, error: WsError) -> SignalingError {
    match error {
        WsError::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            SignalingError::NotTrusted { host, problem: error.to_string() }
        }
        WsError::Io(error) => unreachable(host, &error),
        WsError::Tls(error) => SignalingError::NotTrusted { host, problem: error.to_string() },
        WsError::Url(UrlError::UnableToConnect(_)) => SignalingError::UnknownHost { host },
        WsError::Url(_) | WsError::HttpFormat(_) => SignalingError::BadUrl { url: host },
        WsError::Http(response) => SignalingError::NotMaru {
            host,
            problem: format!("it answers HTTP {}", response.status().as_u16()),
        },
        WsError::Protocol(ProtocolError::SecWebSocketSubProtocolError(
            SubProtocolError::NoSubProtocol | SubProtocolError::InvalidSubProtocol,
        )) => SignalingError::OtherVersion { host },
        WsError::Protocol(_) | WsError::Capacity(_) | WsError::Utf8(_) | WsError::AttackAttempt => {
            SignalingError::NotMaru { host, problem: "it does not answer as a WebSocket does".into() }
        }
        WsError::ConnectionClosed | WsError::AlreadyClosed | WsError::WriteBufferFull(_) => {
            SignalingError::HungUp { host }
        }
    }
}

fn unreachable(host: String, error: &std::io::Error) -> SignalingError {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::ConnectionRefused => SignalingError::NothingListens { host },
        ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof => SignalingError::HungUp { host },
        _ => SignalingError::Unreachable { host, problem: error.to_string() },
    }
}
