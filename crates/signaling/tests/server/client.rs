//! A server on a free port and a client that says exactly what a test wants, right or wrong.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use maru_protocol::{
    ErrorCode, GuestLink, PeerId, PeerInfo, ResumeToken, SUBPROTOCOL, ServerMessage, Signal,
};
use maru_signaling::{Config, ServerError, run_with};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};
use tokio_util::sync::CancellationToken;

/// No wait of a test is longer, however busy the machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A running server.
pub struct Server {
    pub address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<Result<(), ServerError>>,
}

impl Server {
    pub async fn start() -> Self {
        Self::with(Config::default()).await
    }

    pub async fn with(config: Config) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn(run_with(listener, config, stop.clone().cancelled_owned()));
        Self { address, stop, task }
    }

    pub fn url(&self) -> String {
        format!("ws://{}/ws", self.address)
    }

    pub async fn connect(&self) -> Client {
        Client::connect(&self.url()).await
    }

    /// A client that is in the room, and who it found there.
    pub async fn join(&self, room: &str, name: &str) -> (Client, Joined) {
        let mut client = self.connect().await;
        client.send(join(room, name)).await;
        let joined = client.joined().await;
        (client, joined)
    }

    /// Comes back with a token.
    pub async fn resume(&self, room: &str, name: &str, token: &ResumeToken) -> (Client, Joined) {
        let mut client = self.connect().await;
        let mut request = join(room, name);
        request["resume"] = json!(token);
        client.send(request).await;
        let joined = client.joined().await;
        (client, joined)
    }

    /// Rooms and peers by the health report.
    pub async fn counts(&self) -> (u64, u64) {
        let (_, body) = http_get(self.address, "/health", "").await;
        let report: Value = serde_json::from_str(&body).unwrap();
        (report["rooms"].as_u64().unwrap(), report["peers"].as_u64().unwrap())
    }

    /// Asks the server to stop, without waiting for it.
    pub fn request_stop(&self) {
        self.stop.cancel();
    }

    /// Waits until the server has stopped.
    pub async fn stopped(self) {
        timeout(PATIENCE, self.task).await.unwrap().unwrap().unwrap();
    }
}

/// What `joined` said.
pub struct Joined {
    pub you: PeerId,
    pub resume: ResumeToken,
    pub resumed: bool,
    pub room: String,
    pub peers: Vec<PeerInfo>,
    pub links: Vec<GuestLink>,
}

impl Joined {
    pub fn peer_ids(&self) -> Vec<PeerId> {
        self.peers.iter().map(|peer| peer.id).collect()
    }
}

/// What a WebSocket runs over.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// One WebSocket.
pub struct Client {
    socket: WebSocketStream<Box<dyn Stream>>,
}

impl Client {
    pub async fn connect(url: &str) -> Self {
        Self::offering(url, Some(SUBPROTOCOL)).await
    }

    /// Connects with a subprotocol of the test's choice.
    pub async fn offering(url: &str, protocol: Option<&str>) -> Self {
        let protocol = protocol.map(|protocol| ("Sec-WebSocket-Protocol", protocol));
        Self::with_headers(url, &Vec::from_iter(protocol)).await
    }

    /// Connects with these headers.
    pub async fn with_headers(url: &str, headers: &[(&'static str, &str)]) -> Self {
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let authority = request.uri().authority().unwrap().as_str().to_owned();
        let stream = TcpStream::connect(authority).await.unwrap();
        Self::over(request, stream).await
    }

    /// Opens a WebSocket over a stream.
    pub async fn over(request: Request, stream: impl Stream + 'static) -> Self {
        let stream: Box<dyn Stream> = Box::new(stream);
        let (socket, _) = timeout(PATIENCE, client_async(request, stream)).await.unwrap().unwrap();
        Self { socket }
    }

    /// Connects with a socket that takes next to nothing unless it is read.
    pub async fn with_small_buffers(url: &str) -> Self {
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("Sec-WebSocket-Protocol", SUBPROTOCOL.parse().unwrap());
        let address = request.uri().authority().unwrap().as_str().parse().unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        Self::over(request, socket.connect(address).await.unwrap()).await
    }

    pub async fn send(&mut self, message: Value) {
        self.send_raw(Message::text(message.to_string())).await.unwrap();
    }

    /// Sends anything. The server may have hung up already.
    pub async fn send_raw(&mut self, message: Message) -> Result<(), Error> {
        timeout(PATIENCE, self.socket.send(message)).await.unwrap()
    }

    pub async fn signal(&mut self, to: PeerId, candidate: &str) {
        let signal = json!({ "kind": "candidate", "candidate": candidate });
        self.send(json!({ "type": "signal", "to": to, "signal": signal })).await;
    }

    /// The next message of the server; `None` when it has closed the connection in an orderly way.
    pub async fn next(&mut self) -> Option<ServerMessage> {
        loop {
            match timeout(PATIENCE, self.socket.next()).await.expect("the server says nothing") {
                Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(frame))) => {
                    assert_eq!(u16::from(frame.unwrap().code), 1000);
                    return None;
                }
                other => panic!("not a message: {other:?}"),
            }
        }
    }

    pub async fn message(&mut self) -> ServerMessage {
        self.next().await.expect("the server closed the connection")
    }

    pub async fn joined(&mut self) -> Joined {
        match self.message().await {
            ServerMessage::Joined { you, resume, resumed, room, peers, links, .. } => {
                Joined { you, resume, resumed, room: room.as_str().to_owned(), peers, links }
            }
            other => panic!("not joined: {other:?}"),
        }
    }

    pub async fn peer_joined(&mut self) -> PeerInfo {
        match self.message().await {
            ServerMessage::PeerJoined { peer } => peer,
            other => panic!("nobody joined: {other:?}"),
        }
    }

    /// The sender and the text of a candidate. On a busy machine the nodes may lose sight of each other for a moment
    /// before it.
    pub async fn candidate(&mut self) -> (PeerId, String) {
        loop {
            match self.message().await {
                ServerMessage::PeerAway { .. } | ServerMessage::PeerBack { .. } => {}
                ServerMessage::Signal { from, signal: Signal::Candidate { candidate, .. } } => {
                    return (from, candidate);
                }
                other => panic!("not a candidate: {other:?}"),
            }
        }
    }

    /// An error that does not end the connection.
    pub async fn refused(&mut self) -> (ErrorCode, String) {
        match self.message().await {
            ServerMessage::Error { code, message, fatal: false } => (code, message),
            other => panic!("not refused: {other:?}"),
        }
    }

    /// An error that ends the connection, and its end.
    pub async fn turned_away(&mut self) -> (ErrorCode, String) {
        let refusal = match self.message().await {
            ServerMessage::Error { code, message, fatal: true } => (code, message),
            other => panic!("not turned away: {other:?}"),
        };
        assert_eq!(self.next().await, None);
        refusal
    }

    /// Proves that nothing waits for this client: its own question is answered first.
    pub async fn hears_nothing(&mut self) {
        self.send(json!({ "type": "signal", "to": ResumeToken::random().peer_id(),
                          "signal": { "kind": "restart" } }))
            .await;
        assert_eq!(self.refused().await.0, ErrorCode::NoSuchPeer);
    }

    /// Breaks the connection without a word, as a killed process does.
    pub fn vanish(self) {
        drop(self.socket);
    }
}

/// A well-formed `join`.
pub fn join(room: &str, name: &str) -> Value {
    json!({
        "type": "join", "room": room, "name": name, "client": { "name": "test", "version": "1" },
        "capabilities": { "video_codecs": ["h264"], "chat": true },
    })
}

/// An answer over HTTP.
pub struct Answer {
    pub status: u16,
    /// With names in small letters.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| &value[..])
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// Asks over a stream, with some more header lines, and reads until the server closes.
pub async fn ask(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    request_line: &str,
    host: &str,
    headers: &str,
) -> Answer {
    try_ask(stream, request_line, host, headers).await.expect("no answer")
}

/// As [`ask`]; `None` when the server hangs up without an answer.
pub async fn try_ask(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request_line: &str,
    host: &str,
    headers: &str,
) -> Option<Answer> {
    let request = format!("{request_line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n");
    let mut bytes = Vec::new();
    let asking = async {
        stream.write_all(request.as_bytes()).await?;
        stream.read_to_end(&mut bytes).await
    };
    // Some servers end TLS without a word.
    let _ = timeout(PATIENCE, asking).await.unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let pair = |line: &str| {
        let (name, value) = line.split_once(':').unwrap();
        (name.to_ascii_lowercase(), value.trim().to_owned())
    };
    Some(Answer { status, headers: lines.map(pair).collect(), body: bytes[end + 4..].to_vec() })
}

/// Asks for a path, with some more header lines.
pub async fn get(address: SocketAddr, path: &str, headers: &str) -> Answer {
    let stream = TcpStream::connect(address).await.unwrap();
    ask(stream, &format!("GET {path}"), &address.to_string(), headers).await
}

/// The status and the body of an answer of text.
pub async fn http_get(address: SocketAddr, path: &str, headers: &str) -> (u16, String) {
    let answer = get(address, path, headers).await;
    (answer.status, answer.text().to_owned())
}
