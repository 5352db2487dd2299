//! The signaling client: one WebSocket to a Maru server. It turns messages into text and back and
//! failures into sentences; when to connect and what to say is the call's business.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::FuturesUnordered;
use futures_util::{SinkExt as _, StreamExt as _};
use maru_protocol::{ClientMessage, Invite, RoomName, SUBPROTOCOL, ServerMessage};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, interval_at, timeout, timeout_at};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::{Error as WsError, ProtocolError, SubProtocolError, UrlError};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::notice::Problem;
use crate::pinned;

/// For name resolution, TCP, TLS and the WebSocket handshake together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The next attempt begins this long after one that hangs, up to so many.
const NEXT_ATTEMPT: Duration = Duration::from_millis(600);
const ATTEMPTS: usize = 8;
/// Nothing at all from the server for this long, pings included: the connection is dead.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(10);
/// The same after a probe: a path between peers was lost, so the network is in doubt.
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a message may take to leave this machine, and how long to say goodbye.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);
/// Messages to the server that may wait; candidates of many peers at once are the most there is.
const OUTGOING_LIMIT: usize = 512;
/// A server's largest message: `joined` with every member of a full room.
const MESSAGE_LIMIT: usize = 1024 * 1024;

/// Says which server to use; asked anew before every connection, so that the answer may change
/// while a call goes on.
#[async_trait]
pub trait ServerLocator: Send + Sync + 'static {
    /// The server for this room.
    ///
    /// # Errors
    /// A sentence that tells the person what to do.
    async fn locate(&self, room: &RoomName) -> Result<ServerAddress, Problem>;

    /// Resolves when the room that was located last has another server than the one that is in use. The
    /// call goes there; whoever asks again about the old one did not get there. Never, for most.
    async fn moved(&self, _from: &ServerAddress) -> ServerAddress {
        std::future::pending().await
    }

    /// The access token for the server of this URL, where the configuration has none: a person may name
    /// a private server while the engine runs.
    async fn token(&self, _url: &str) -> Option<String> {
        None
    }
}

/// Where a server is, and how to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    /// Its `ws://` or `wss://` URL.
    pub url: String,
    /// SHA-256 of the certificate that it must show, instead of one that this computer trusts.
    pub fingerprint: Option<[u8; 32]>,
}

impl From<String> for ServerAddress {
    fn from(url: String) -> Self {
        Self { url, fingerprint: None }
    }
}

/// Always the same server.
#[derive(Clone, Debug)]
pub struct FixedServer(String);

impl FixedServer {
    /// Takes what a person typed: a `ws://` or `wss://` URL; the endpoint's path is added where it is missing.
    ///
    /// # Errors
    /// [`SignalingError::BadUrl`] or [`SignalingError::WrongScheme`].
    pub fn parse(text: &str) -> Result<Self, SignalingError> {
        let mut url =
            Url::parse(text.trim()).map_err(|_| SignalingError::BadUrl { url: text.trim().to_owned() })?;
        if !matches!(url.scheme(), "ws" | "wss") {
            return Err(SignalingError::WrongScheme { scheme: url.scheme().to_owned() });
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(SignalingError::BadUrl { url: text.trim().to_owned() });
        }
        if url.path() == "/" {
            url.set_path(maru_protocol::WEBSOCKET_PATH);
        }
        Ok(Self(url.into()))
    }

    /// The server that an invite names.
    ///
    /// # Errors
    /// [`SignalingError::BadUrl`] when its host can be none.
    pub fn of_invite(invite: &Invite) -> Result<Self, SignalingError> {
        Self::parse(&invite.server_url())
    }

    /// The endpoint's URL.
    pub fn url(&self) -> &str {
        &self.0
    }
}

#[async_trait]
impl ServerLocator for FixedServer {
    async fn locate(&self, _room: &RoomName) -> Result<ServerAddress, Problem> {
        Ok(self.0.clone().into())
    }
}

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

/// What the client reports, tagged with the number of its connection.
#[derive(Debug)]
pub(crate) enum SignalingEvent {
    /// With the address of this machine that the connection begins at.
    Open {
        url: String,
        local: Option<IpAddr>,
    },
    /// As `Open`, to another server, with the connection before it gone: join there.
    Moved {
        url: String,
        local: Option<IpAddr>,
    },
    Message(Box<ServerMessage>),
    /// It answered to a probe.
    Alive,
    Closed {
        problem: Problem,
    },
}

/// One connection, or the attempt at it. Dropping it ends it without a goodbye.
pub(crate) struct SignalingClient {
    number: u64,
    outgoing: mpsc::Sender<Outgoing>,
    cancel: CancellationToken,
}

enum Outgoing {
    Message(Box<ClientMessage>),
    Probe,
    Close,
}

impl SignalingClient {
    /// Starts to connect, to the server of an invite before all others; `events` gets `Open` or `Closed`, then messages, then `Closed`.
    pub fn connect(
        number: u64,
        locator: Arc<dyn ServerLocator>,
        room: RoomName,
        invited: Option<FixedServer>,
        events: mpsc::Sender<(u64, SignalingEvent)>,
    ) -> Self {
        let locator: Arc<dyn ServerLocator> = match invited {
            Some(server) => Arc::new(Invited { server, locator }),
            None => locator,
        };
        let (outgoing, outgoing_messages) = mpsc::channel(OUTGOING_LIMIT);
        let cancel = CancellationToken::new();
        let stop = cancel.clone();
        tokio::spawn(async move {
            let _ = stop.run_until_cancelled(run(number, locator, room, outgoing_messages, events)).await;
        });
        Self { number, outgoing, cancel }
    }

    pub fn number(&self) -> u64 {
        self.number
    }

    /// Queues a message. A full queue means that the connection is as good as dead: it is ended.
    pub fn send(&self, message: ClientMessage) {
        self.queue(Outgoing::Message(Box::new(message)));
    }

    /// Asks for a sign of life: `Alive` comes of it, or `Closed` in short time.
    pub fn probe(&self) {
        self.queue(Outgoing::Probe);
    }

    /// Closes after what was queued before.
    pub fn close(&self) {
        self.queue(Outgoing::Close);
    }

    fn queue(&self, outgoing: Outgoing) {
        if self.outgoing.try_send(outgoing).is_err() {
            self.cancel.cancel();
        }
    }
}

impl Drop for SignalingClient {
    fn drop(&mut self) {
        // A goodbye that was queued still goes out: it has its own bound.
        if self.outgoing.try_send(Outgoing::Close).is_err() {
            self.cancel.cancel();
        }
    }
}

async fn run(
    number: u64,
    locator: Arc<dyn ServerLocator>,
    room: RoomName,
    mut outgoing: mpsc::Receiver<Outgoing>,
    events: mpsc::Sender<(u64, SignalingEvent)>,
) {
    let problem = match locate(&*locator, &room).await {
        Ok(opened) => talk(number, &*locator, opened, &mut outgoing, &events).await.into(),
        Err(problem) => problem,
    };
    let _ = events.send((number, SignalingEvent::Closed { problem })).await;
}

/// Connects within little of when the network is there. An attempt whose first packet was lost repeats it only
/// after a second, then after two more (RFC 6298); so another attempt begins beside one that hangs.
async fn connect_soon(address: &ServerAddress) -> Result<Socket, SignalingError> {
    let attempt = || connect(address, SUBPROTOCOL, MESSAGE_LIMIT);
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

/// Messages both ways, on one server after the other if the room moves.
async fn talk(
    number: u64,
    locator: &dyn ServerLocator,
    mut opened: Opened,
    outgoing: &mut mpsc::Receiver<Outgoing>,
    events: &mpsc::Sender<(u64, SignalingEvent)>,
) -> SignalingError {
    let mut moved = false;
    loop {
        let (url, local) = (opened.address.url.clone(), local_address(&opened.socket));
        let event =
            if moved { SignalingEvent::Moved { url, local } } else { SignalingEvent::Open { url, local } };
        if events.send((number, event)).await.is_err() {
            return SignalingError::Lost;
        }
        let address = opened.address.clone();
        tokio::select! {
            () = exchange(number, opened, moved, outgoing, events) => return SignalingError::Lost,
            next = next_server(locator, &address) => opened = next,
        }
        moved = true;
    }
}

/// Connects to where the room moved, before the connection there was is given up.
async fn next_server(locator: &dyn ServerLocator, from: &ServerAddress) -> Opened {
    loop {
        let address = locator.moved(from).await;
        match open(locator, address).await {
            Ok(opened) => return opened,
            Err(error) => tracing::debug!(%error, "the room's other server cannot be reached"),
        }
    }
}

/// The server that an invite names, with the tokens of the usual locator.
struct Invited {
    server: FixedServer,
    locator: Arc<dyn ServerLocator>,
}

#[async_trait]
impl ServerLocator for Invited {
    async fn locate(&self, room: &RoomName) -> Result<ServerAddress, Problem> {
        self.server.locate(room).await
    }

    async fn token(&self, url: &str) -> Option<String> {
        self.locator.token(url).await
    }
}

/// A connection to a server.
struct Opened {
    address: ServerAddress,
    token: Option<String>,
    socket: Socket,
}

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn locate(locator: &dyn ServerLocator, room: &RoomName) -> Result<Opened, Problem> {
    let address = locator.locate(room).await?;
    Ok(open(locator, address).await?)
}

async fn open(locator: &dyn ServerLocator, address: ServerAddress) -> Result<Opened, SignalingError> {
    let token = locator.token(&address.url).await;
    let socket = connect_soon(&address).await?;
    Ok(Opened { address, token, socket })
}

fn local_address(socket: &Socket) -> Option<IpAddr> {
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
    let FixedServer(url) = FixedServer::parse(&address.url)?;
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
        let config = address
            .fingerprint
            .map_or_else(tls_config, pinned::tls_config)
            .map_err(|error| SignalingError::NotTrusted { host: host.clone(), problem: error.to_string() })?;
        Some(Connector::Rustls(config))
    } else {
        None
    };
    match timeout(CONNECT_TIMEOUT, connect_async_tls_with_config(request, Some(config), true, tls)).await {
        Err(_) => Err(SignalingError::TimedOut { host }),
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(error)) => Err(explain(host, error)),
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

/// Messages both ways until either end is done. `moved`: what was queued for the server before waits until
/// the call has joined here.
async fn exchange(
    number: u64,
    opened: Opened,
    moved: bool,
    outgoing: &mut mpsc::Receiver<Outgoing>,
    events: &mpsc::Sender<(u64, SignalingEvent)>,
) {
    let Opened { token, socket, .. } = opened;
    let (mut sink, mut stream) = socket.split();
    // When an answer to a probe is due.
    let (probed, answer_due) = watch::channel(None);
    let receive = async {
        loop {
            let silent_at = Instant::now() + SILENCE_TIMEOUT;
            let next = async {
                let due = answer_due.borrow().map_or(silent_at, |due: Instant| due.min(silent_at));
                timeout_at(due, stream.next()).await
            };
            let mut asked = answer_due.clone();
            asked.mark_unchanged();
            let message = tokio::select! {
                message = next => message,
                // A probe was sent: the answer is due earlier than was thought.
                Ok(()) = asked.changed() => continue,
            };
            let message = match message {
                Ok(Some(Ok(message))) => message,
                Ok(Some(Err(error))) => {
                    tracing::debug!(%error, "signaling broke");
                    return;
                }
                Ok(None) | Err(_) => return,
            };
            if probed.send_replace(None).is_some()
                && events.send((number, SignalingEvent::Alive)).await.is_err()
            {
                return;
            }
            let Message::Text(text) = message else { continue };
            match serde_json::from_str::<ServerMessage>(&text) {
                Ok(message) => {
                    let event = SignalingEvent::Message(Box::new(message));
                    if events.send((number, event)).await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "the server sent a message that is not of {SUBPROTOCOL}")
                }
            }
        }
    };
    let send = async {
        let mut joined = !moved;
        let mut waiting = Vec::new();
        loop {
            let mut message = match outgoing.recv().await {
                Some(Outgoing::Message(message)) => message,
                Some(Outgoing::Probe) => {
                    probed.send_replace(Some(Instant::now() + PROBE_TIMEOUT));
                    match timeout(SEND_TIMEOUT, sink.send(Message::Ping(Default::default()))).await {
                        Ok(Ok(())) => continue,
                        Ok(Err(_)) | Err(_) => return,
                    }
                }
                Some(Outgoing::Close) | None => break,
            };
            if let ClientMessage::Join { token: theirs, .. } = &mut *message {
                joined = true;
                if theirs.is_none() {
                    theirs.clone_from(&token);
                }
            }
            if !joined {
                if waiting.len() < OUTGOING_LIMIT {
                    waiting.push(message);
                }
                continue;
            }
            for message in std::iter::once(message).chain(waiting.drain(..)) {
                let Ok(text) = serde_json::to_string(&message) else { continue };
                match timeout(SEND_TIMEOUT, sink.send(Message::Text(Utf8Bytes::from(text)))).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) | Err(_) => return,
                }
            }
        }
        let _ = timeout(CLOSE_TIMEOUT, sink.close()).await;
    };
    tokio::select! {
        () = receive => {}
        () = send => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gets_the_endpoint_path_unless_it_has_one() {
        assert_eq!(FixedServer::parse(" ws://localhost:1 ").unwrap().0, "ws://localhost:1/ws");
        assert_eq!(FixedServer::parse("wss://a.example/base/ws").unwrap().0, "wss://a.example/base/ws");
    }

    #[test]
    fn what_is_not_an_address_is_refused_with_an_example() {
        for text in ["", "localhost", "ws://", "not a url"] {
            let error = FixedServer::parse(text).unwrap_err();
            assert!(error.to_string().contains("wss://example.org"), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_wrong_scheme_is_named() {
        let error = FixedServer::parse("https://example.org").unwrap_err();
        assert_eq!(error, SignalingError::WrongScheme { scheme: "https".into() });
    }
}
