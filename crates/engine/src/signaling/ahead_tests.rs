//! Connections ahead of a room, to servers that do as a test wants.

use futures_util::SinkExt as _;
use maru_protocol::{
    Capabilities, ClientInfo, ClientMessage, ClosingReason, DisplayName, ResumeToken, RoomName, Status,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;

use super::*;
use crate::signaling::{FixedServer, SignalingClient, SignalingEvent};

/// No wait of a test is longer, however busy the machine.
const LIMIT: Duration = Duration::from_secs(20);
/// As for people, but sooner.
const SOON: Patience = Patience {
    lasts: LIMIT,
    settle: Duration::from_millis(50),
    pause: (Duration::from_millis(50), Duration::from_millis(200)),
};

type Connection = WebSocketStream<TcpStream>;

/// Takes connections one by one.
struct Server(TcpListener);

impl Server {
    async fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn fixed(&self) -> FixedServer {
        FixedServer::parse(&format!("ws://{}", self.0.local_addr().unwrap())).unwrap()
    }

    fn address(&self) -> ServerAddress {
        self.fixed().into()
    }

    /// The next connection.
    async fn accept(&self) -> Connection {
        let taken = async {
            let (stream, _) = self.0.accept().await.unwrap();
            tokio_tungstenite::accept_hdr_async(stream, agree).await.unwrap()
        };
        timeout(LIMIT, taken).await.unwrap()
    }

    /// Whether there is no other connection.
    async fn is_left_alone(&self) -> bool {
        timeout(Duration::from_millis(300), self.0.accept()).await.is_err()
    }
}

#[allow(clippy::result_large_err, reason = "the library's type of a refusal")]
fn agree(_: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    response.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static(SUBPROTOCOL));
    Ok(response)
}

/// What comes next that is no ping; pings are answered. `None` for the end.
async fn heard(connection: &mut Connection) -> Option<ClientMessage> {
    let next = async {
        loop {
            match connection.next().await {
                Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    };
    timeout(LIMIT, next).await.unwrap()
}

async fn say(connection: &mut Connection, message: &ServerMessage) {
    connection.send(Message::text(serde_json::to_string(message).unwrap())).await.unwrap();
}

fn is_open(ahead: &Ahead) -> bool {
    ahead.kept.as_ref().is_some_and(|kept| kept.open.load(Ordering::Acquire))
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let holds = async {
        while !holds() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LIMIT, holds).await.unwrap_or_else(|_| panic!("not in time: {what}"));
}

/// A connection that is open ahead, both ends of it.
async fn opened(server: &Server) -> (Ahead, Connection) {
    let mut ahead = Ahead::default();
    ahead.expect_with(Some(server.address()), false, SOON);
    let connection = server.accept().await;
    until("an open connection", || is_open(&ahead)).await;
    (ahead, connection)
}

/// Somebody who joins, and what it hears.
struct Joining {
    client: SignalingClient,
    events: mpsc::Receiver<(u64, SignalingEvent)>,
}

impl Joining {
    fn new(server: &Server, ahead: Option<Taken>) -> Self {
        let (sender, events) = mpsc::channel(16);
        let room = RoomName::parse("standup").unwrap();
        let client = SignalingClient::connect(1, Arc::new(server.fixed()), room, None, ahead, sender);
        Self { client, events }
    }

    async fn event(&mut self) -> SignalingEvent {
        timeout(LIMIT, self.events.recv()).await.unwrap().unwrap().1
    }

    /// Says who comes once the connection is open.
    async fn join(&mut self) {
        let event = self.event().await;
        assert!(matches!(event, SignalingEvent::Open { .. }), "{event:?}");
        self.client.send(ClientMessage::Join {
            room: RoomName::parse("standup").unwrap(),
            name: DisplayName::parse("Ben").unwrap(),
            token: None,
            client: ClientInfo { name: "test".into(), version: "1".into() },
            capabilities: Capabilities::default(),
            status: Status::default(),
            resume: None,
        });
    }

    /// The next message of the server.
    async fn message(&mut self) -> ServerMessage {
        loop {
            match self.event().await {
                SignalingEvent::Message(message) => return *message,
                SignalingEvent::Alive => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

/// Who wants to join.
async fn joining(connection: &mut Connection) -> Option<ResumeToken> {
    match heard(connection).await {
        Some(ClientMessage::Join { resume, .. }) => resume,
        other => panic!("{other:?}"),
    }
}

fn any_message() -> ServerMessage {
    ServerMessage::PeerBack { peer: ResumeToken::random().peer_id() }
}

#[tokio::test]
async fn whoever_joins_does_so_over_the_connection_that_is_open_already() {
    let server = Server::start().await;
    let (mut ahead, mut connection) = opened(&server).await;
    let mut ben = Joining::new(&server, ahead.take());
    ben.join().await;
    joining(&mut connection).await;
    say(&mut connection, &any_message()).await;
    ben.message().await;
    assert!(server.is_left_alone().await);
}

#[tokio::test]
async fn a_connection_that_is_being_opened_is_not_opened_twice() {
    let server = Server::start().await;
    let mut ahead = Ahead::default();
    ahead.expect_with(Some(server.address()), false, SOON);
    let connection = server.accept().await;
    for _ in 0..10 {
        ahead.expect_with(Some(server.address()), false, SOON);
    }
    assert!(server.is_left_alone().await);
    drop(connection);
}

#[tokio::test]
async fn a_dead_connection_is_replaced_and_whoever_joins_stays_the_same() {
    let server = Server::start().await;
    let (mut ahead, mut dead) = opened(&server).await;
    let mut ben = Joining::new(&server, ahead.take());
    ben.join().await;
    // Nothing is read there, so nothing comes back.
    let mut fresh = server.accept().await;
    let second = joining(&mut fresh).await;
    let first = joining(&mut dead).await;
    assert!(first.is_some());
    assert_eq!(first, second);
    say(&mut fresh, &any_message()).await;
    ben.message().await;
}

#[tokio::test]
async fn a_server_that_began_anew_is_joined_over_a_fresh_connection() {
    let server = Server::start().await;
    let (mut ahead, connection) = opened(&server).await;
    let taken = ahead.take();
    drop(connection);
    let mut ben = Joining::new(&server, taken);
    ben.join().await;
    let mut fresh = server.accept().await;
    joining(&mut fresh).await;
    say(&mut fresh, &any_message()).await;
    ben.message().await;
}

#[tokio::test]
async fn what_the_server_said_before_anybody_joined_is_not_about_who_joins() {
    let server = Server::start().await;
    let (mut ahead, mut connection) = opened(&server).await;
    let taken = ahead.take();
    let closing = ServerMessage::Closing { reason: ClosingReason::Shutdown, retry_after: Some(1) };
    say(&mut connection, &closing).await;
    let mut ben = Joining::new(&server, taken);
    ben.join().await;
    let mut fresh = server.accept().await;
    joining(&mut fresh).await;
    say(&mut fresh, &any_message()).await;
    assert!(matches!(ben.message().await, ServerMessage::PeerBack { .. }));
}

#[tokio::test]
async fn a_connection_to_another_server_is_closed_and_not_used() {
    let (expected, other) = (Server::start().await, Server::start().await);
    let (mut ahead, mut connection) = opened(&expected).await;
    let mut ben = Joining::new(&other, ahead.take());
    let mut fresh = other.accept().await;
    ben.join().await;
    joining(&mut fresh).await;
    assert!(heard(&mut connection).await.is_none());
}

#[tokio::test]
async fn another_server_takes_the_place_of_the_one_before_once_its_name_is_complete() {
    let (first, typing, typed) = (Server::start().await, Server::start().await, Server::start().await);
    let (mut ahead, mut connection) = opened(&first).await;
    ahead.expect_with(Some(typing.address()), true, Patience { settle: LIMIT, ..SOON });
    ahead.expect_with(Some(typed.address()), true, SOON);
    let _other = typed.accept().await;
    assert!(heard(&mut connection).await.is_none());
    assert!(typing.is_left_alone().await);
}

#[tokio::test]
async fn a_lost_connection_comes_back_as_late_as_the_server_wants_it() {
    let server = Server::start().await;
    let (ahead, connection) = opened(&server).await;
    drop(connection);
    let mut connection = server.accept().await;
    until("an open connection", || is_open(&ahead)).await;
    let closing = ServerMessage::Closing { reason: ClosingReason::Busy, retry_after: Some(3600) };
    say(&mut connection, &closing).await;
    until("a closed connection", || !is_open(&ahead)).await;
    assert!(server.is_left_alone().await);
}

#[tokio::test]
async fn nobody_joins_and_the_connection_ends() {
    let server = Server::start().await;
    let (mut ahead, mut connection) = opened(&server).await;
    let address = server.address();
    ahead.expect_with(Some(address.clone()), false, Patience { lasts: Duration::ZERO, ..SOON });
    assert!(heard(&mut connection).await.is_none());
    until("that it is over", || ahead.kept.as_ref().is_some_and(|kept| kept.taker.is_closed())).await;
    ahead.expect_with(Some(address), false, SOON);
    let mut connection = server.accept().await;
    ahead.expect_with(None, false, SOON);
    assert!(heard(&mut connection).await.is_none(), "the join screen is not shown any more");
}

#[tokio::test]
async fn on_another_network_it_is_opened_anew() {
    let server = Server::start().await;
    let (mut ahead, mut connection) = opened(&server).await;
    ahead.renew();
    let _other = server.accept().await;
    assert!(heard(&mut connection).await.is_none());
}

#[test]
fn a_server_that_was_silent_for_long_by_the_time_of_day_is_not_trusted() {
    let heard = SystemTime::now();
    assert!(is_lately(heard, heard + Duration::from_secs(5)));
    assert!(!is_lately(heard, heard + Duration::from_secs(7)));
    assert!(!is_lately(heard, heard - Duration::from_secs(1)), "the clock was set");
}
