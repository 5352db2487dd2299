//! Servers that do what the real one does only when it is ended, or of another time.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::{SinkExt as _, StreamExt as _};
use maru_protocol::{ClientMessage, ClosingReason, Limits, ResumeToken, SUBPROTOCOL, ServerMessage};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

/// A server that lets everybody in, and ends the call when it is told to.
pub struct Strict {
    address: SocketAddr,
    end: Arc<Notify>,
}

impl Strict {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let end = Arc::new(Notify::new());
        let told = end.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, told.clone()));
            }
        });
        Self { address, end }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends the call of whoever is in a room now.
    pub fn end(&self) {
        self.end.notify_one();
    }
}

async fn serve(socket: TcpStream, end: Arc<Notify>) -> Option<()> {
    #[allow(clippy::result_large_err, reason = "the library's type of a refusal")]
    let accept = |_: &Request, mut response: Response| {
        response.headers_mut().insert("Sec-WebSocket-Protocol", SUBPROTOCOL.parse().unwrap());
        Ok(response)
    };
    let mut socket = tokio_tungstenite::accept_hdr_async(socket, accept).await.ok()?;
    let Message::Text(text) = socket.next().await?.ok()? else { return None };
    let ClientMessage::Join { room, .. } = serde_json::from_str(&text).ok()? else { return None };
    let resume = ResumeToken::random();
    let joined = ServerMessage::Joined {
        you: resume.peer_id(),
        resume,
        resumed: false,
        room,
        peers: Vec::new(),
        ice_servers: Vec::new(),
        limits: Limits::default(),
        links: Vec::new(),
    };
    say(&mut socket, &joined).await?;
    end.notified().await;
    say(&mut socket, &ServerMessage::Closing { reason: ClosingReason::Shutdown, retry_after: None }).await?;
    // Whoever is sent away hangs up.
    while socket.next().await?.is_ok() {}
    None
}

async fn say(socket: &mut WebSocketStream<TcpStream>, message: &ServerMessage) -> Option<()> {
    socket.send(Message::Text(serde_json::to_string(message).ok()?.into())).await.ok()
}

/// A server that speaks no version that we do.
pub async fn of_another_time() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(tokio_tungstenite::accept_async(socket));
        }
    });
    address
}
