//! A stream to a relay that carries whole TURN messages: TCP, TLS, or a WebSocket with one message in each
//! of its own. It refuses to know when one is needed.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use maru_protocol::TUNNEL_SUBPROTOCOL;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::Message;

use super::framing;
use super::way::Way;
use crate::signaling::{self, Socket};

/// For name resolution, TCP, TLS and the WebSocket handshake together.
const OPEN: Duration = Duration::from_secs(5);
/// A stream that takes nothing for this long is broken.
const WRITE: Duration = Duration::from_secs(5);
/// Larger than any TURN message that carries one datagram.
const READ_BYTES: usize = 4 * 1024;
/// A WebSocket message above this is no TURN message.
const MESSAGE_BYTES: usize = 128 * 1024;

pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The sending half.
pub(super) enum Outgoing {
    Stream { write: WriteHalf<Box<dyn Stream>>, buffer: Vec<u8> },
    WebSocket(Box<SplitSink<Socket, Message>>),
}

/// The receiving half.
pub(super) enum Incoming {
    Stream { read: ReadHalf<Box<dyn Stream>>, buffer: BytesMut },
    WebSocket(SplitStream<Socket>),
}

/// Opens a stream by this way.
///
/// # Errors
/// What the system, TLS or the server said, and `InvalidInput` for a way that is none of streams.
pub(super) async fn open(way: &Way) -> io::Result<(Outgoing, Incoming)> {
    let opening = async {
        match way {
            Way::Udp(_) => Err(io::Error::new(io::ErrorKind::InvalidInput, "datagrams need no stream")),
            Way::Tcp(address) => Ok(of_stream(Box::new(connect(address).await?))),
            Way::Tls { address, name } => {
                let name = ServerName::try_from(name.clone()).map_err(io::Error::other)?;
                let connector = TlsConnector::from(signaling::tls_config().map_err(io::Error::other)?);
                Ok(of_stream(Box::new(connector.connect(name, connect(address).await?).await?)))
            }
            Way::WebSocket(url) => {
                let socket = signaling::connect(&url.clone().into(), TUNNEL_SUBPROTOCOL, MESSAGE_BYTES).await;
                let (sink, stream) = socket.map_err(io::Error::other)?.split();
                Ok((Outgoing::WebSocket(Box::new(sink)), Incoming::WebSocket(stream)))
            }
        }
    };
    timeout(OPEN, opening).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

async fn connect(address: &str) -> io::Result<TcpStream> {
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host(address).await?.collect();
    let stream = TcpStream::connect(&addresses[..]).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn of_stream(stream: Box<dyn Stream>) -> (Outgoing, Incoming) {
    let (read, write) = tokio::io::split(stream);
    (Outgoing::Stream { write, buffer: Vec::new() }, Incoming::Stream { read, buffer: BytesMut::new() })
}

impl Outgoing {
    /// Sends these messages, together where that saves packets.
    ///
    /// # Errors
    /// When the stream is broken.
    pub async fn send(&mut self, messages: &[Bytes]) -> io::Result<()> {
        let sending = async {
            match self {
                Self::Stream { write, buffer } => {
                    buffer.clear();
                    for message in messages {
                        framing::put(buffer, message);
                    }
                    write.write_all(buffer).await?;
                    write.flush().await
                }
                Self::WebSocket(sink) => {
                    for message in messages {
                        sink.feed(Message::Binary(message.clone())).await.map_err(io::Error::other)?;
                    }
                    sink.flush().await.map_err(io::Error::other)
                }
            }
        };
        timeout(WRITE, sending).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }
}

impl Incoming {
    /// The next message. Nothing is lost when the future is dropped before it is there.
    ///
    /// # Errors
    /// When the stream has ended, is broken, or brought what is not TURN.
    pub async fn next(&mut self) -> io::Result<Bytes> {
        match self {
            Self::Stream { read, buffer } => loop {
                if let Some(message) = framing::take(buffer)? {
                    return Ok(message);
                }
                buffer.reserve(READ_BYTES);
                if read.read_buf(buffer).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            },
            Self::WebSocket(stream) => loop {
                match stream.next().await {
                    Some(Ok(Message::Binary(message))) => return Ok(message),
                    Some(Ok(Message::Close(_))) | None => return Err(io::ErrorKind::UnexpectedEof.into()),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(io::Error::other(error)),
                }
            },
        }
    }
}
