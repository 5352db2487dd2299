//! Clients that cost next to nothing: a WebSocket that joined a room and answers pings.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::SinkExt as _;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use maru_protocol::{PeerId, SUBPROTOCOL, ServerMessage, WEBSOCKET_PATH};
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpSocket;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// No answer takes longer, or the measurement has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// Connections that are opened at the same time.
const AT_ONCE: usize = 64;

/// Addresses of the loopback network that the load comes from: each has some 28,000 ports.
const ADDRESSES: usize = 8;

/// The name in a server's certificate.
pub const NAME: &str = "localhost";

/// Files that are not connections.
const OTHER_FILES: usize = 200;

/// Lets this process (and the server, which inherits it) open as many files as the system allows;
/// gives back how many that are.
pub fn raise_file_limit() -> Result<usize> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
        Ok(maximum.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX))
    }
    #[cfg(not(unix))]
    Ok(usize::MAX)
}

/// How many connections a process with so many files can have.
pub fn most(files: usize) -> usize {
    files.saturating_sub(OTHER_FILES)
}

/// Where the clients connect.
#[derive(Clone)]
pub struct Target {
    pub address: SocketAddr,
    /// How, where it is over TLS.
    pub tls: Option<TlsConnector>,
}

/// What a WebSocket runs over.
trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// One client.
pub struct Client {
    socket: WebSocketStream<Box<dyn Transport>>,
    pub id: PeerId,
}

impl Client {
    /// Connects from the nth address and joins.
    pub async fn join(server: &Target, nth: usize, room: &str) -> Result<Self> {
        timeout(PATIENCE, Self::try_join(server, nth, room)).await.context("nobody answers")?
    }

    async fn try_join(server: &Target, nth: usize, room: &str) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        let last = u8::try_from(nth % ADDRESSES + 1)?;
        socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 1, last), 0)))?;
        let stream = socket.connect(server.address).await?;
        stream.set_nodelay(true)?;
        let stream: Box<dyn Transport> = match &server.tls {
            Some(tls) => Box::new(tls.connect(ServerName::try_from(NAME)?, stream).await?),
            None => Box::new(stream),
        };
        let mut request = format!("ws://{}{WEBSOCKET_PATH}", server.address).into_client_request()?;
        request.headers_mut().insert("Sec-WebSocket-Protocol", SUBPROTOCOL.parse()?);
        let config = WebSocketConfig::default().read_buffer_size(1024).write_buffer_size(0);
        let (socket, _) = client_async_with_config(request, stream, Some(config)).await?;
        let mut client = Self { socket, id: maru_protocol::ResumeToken::random().peer_id() };
        let join = json!({
            "type": "join", "room": room, "name": "Ada Lovelace",
            "client": { "name": "maru", "version": "0.1.0" },
            "capabilities": { "video_codecs": ["h264", "vp8"], "chat": true },
        });
        client.send(&join).await?;
        loop {
            match client.next().await? {
                ServerMessage::Joined { you, .. } => client.id = you,
                ServerMessage::Error { message, .. } => bail!("the server refuses: {message}"),
                _ => continue,
            }
            return Ok(client);
        }
    }

    pub async fn send(&mut self, message: &Value) -> Result<()> {
        Ok(self.socket.send(Message::text(message.to_string())).await?)
    }

    /// The next message of the server, pings answered.
    pub async fn next(&mut self) -> Result<ServerMessage> {
        loop {
            match self.socket.next().await.context("the server hung up")?? {
                Message::Text(text) => return Ok(serde_json::from_str(&text)?),
                Message::Ping(_) => self.socket.flush().await?,
                Message::Close(_) => bail!("the server closed the connection"),
                _ => {}
            }
        }
    }
}

/// Clients that are connected, in rooms of two, and do nothing but answer pings.
pub struct Crowd {
    idle: JoinSet<Result<()>>,
}

impl Crowd {
    /// Connects so many.
    pub async fn gather(server: &Target, count: usize) -> Result<Self> {
        let mut idle = JoinSet::new();
        let mut joining = stream::iter(0..count)
            .map(|nth| async move { Client::join(server, nth, &format!("room number {}", nth / 2)).await })
            .buffer_unordered(AT_ONCE);
        while let Some(mut client) = joining.try_next().await? {
            idle.spawn(async move {
                loop {
                    client.next().await?;
                }
            });
        }
        Ok(Self { idle })
    }

    /// Fails if any of them has lost its connection.
    pub fn check(&mut self) -> Result<()> {
        match self.idle.try_join_next() {
            None => Ok(()),
            Some(ended) => ended?.context("an idle connection ended"),
        }
    }
}
