//! Peers and servers that do not do what they should: the call goes on, and the person is told.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use maru_engine::{CallState, NoticeCode, PeerState};
use maru_protocol::{
    Capabilities, ClientInfo, ClientMessage, DisplayName, RoomName, SUBPROTOCOL, SdpType, ServerMessage,
    Signal, Status,
};
use maru_tests::participant::Participant;
use maru_tests::server::LocalServer;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

static MACHINE: Mutex<()> = Mutex::const_new(());
const LIMIT: Duration = Duration::from_secs(60);

/// A participant of whom only the signaling is there.
struct Impostor(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Impostor {
    async fn join(url: &str, room: &str) -> Self {
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("Sec-WebSocket-Protocol", SUBPROTOCOL.parse().unwrap());
        let (socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        let mut impostor = Self(socket);
        impostor
            .say(ClientMessage::Join {
                room: RoomName::parse(room).unwrap(),
                name: DisplayName::parse("Impostor").unwrap(),
                token: None,
                client: ClientInfo { name: "impostor".into(), version: "0".into() },
                capabilities: Capabilities::default(),
                status: Status::default(),
                resume: None,
            })
            .await;
        impostor
    }

    async fn say(&mut self, message: ClientMessage) {
        let text = serde_json::to_string(&message).unwrap();
        self.0.send(Message::Text(text.into())).await.unwrap();
    }

    /// Answers every offer with `sdp` and a candidate that is none, until the server hangs up.
    async fn answer_with(mut self, sdp: String) {
        while let Some(Ok(message)) = self.0.next().await {
            let Message::Text(text) = message else { continue };
            let Ok(ServerMessage::Signal { from, signal: Signal::Description { .. } }) =
                serde_json::from_str(&text)
            else {
                continue;
            };
            let candidate = Signal::Candidate {
                candidate: "candidate:what".into(),
                sdp_mid: None,
                sdp_m_line_index: Some(9),
            };
            self.say(ClientMessage::Signal { to: from, signal: candidate }).await;
            let answer = Signal::Description { sdp_type: SdpType::Answer, sdp: sdp.clone(), offer: None };
            self.say(ClientMessage::Signal { to: from, signal: answer }).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_answers_garbage_fails_alone() {
    let _machine = MACHINE.lock().await;
    let server = LocalServer::start();
    let first = Participant::join(&server.url(), "room", "First").await;
    let second = Participant::join(&server.url(), "room", "Second").await;
    first.picture_after("Second", 0).await;

    let garbage =
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 102\r\n\u{0}\u{ffff}";
    let impostor = Impostor::join(&server.url(), "room").await;
    let impostor = tokio::spawn(impostor.answer_with(garbage.repeat(3)));
    let closed = first.until_peer("given up", "Impostor", |peer| peer.state == PeerState::Closed);
    timeout(LIMIT, closed).await.unwrap();
    let notice = first.until("a notice", |view| view.notice.clone()).await;
    assert_eq!(notice.code, NoticeCode::Peer);
    assert!(notice.text.contains("Impostor"), "{}", notice.text);

    let seen = first.picture_after("Second", 0).await;
    first.picture_after("Second", seen + 300).await;
    second.until_peer("still connected", "First", |peer| peer.state == PeerState::Connected).await;
    impostor.abort();
    first.until("without the impostor", |view| (view.peers.len() <= 2).then_some(())).await;
    first.leave().await;
    second.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_none_is_named_in_the_notice() {
    use maru_devices::{Options, SystemDevices};
    use maru_engine::{Command, Engine, EngineConfig, FixedServer};
    use std::sync::Arc;

    let _machine = MACHINE.lock().await;
    // One that answers HTTP, but is no Maru; one that says nothing; one where nobody listens.
    let web = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let web_url = format!("ws://{}", web.local_addr().unwrap());
    let answering = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut socket, _) = web.accept().await.unwrap();
        let _ = socket.read(&mut [0; 4096]).await;
        let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await;
    });
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_url = format!("ws://{}", silent.local_addr().unwrap());
    let nobody_url = {
        let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("ws://{}", closed.local_addr().unwrap())
    };
    for (url, expected) in
        [(web_url, "not a Maru server"), (silent_url, "does not answer"), (nobody_url, "cannot be reached")]
    {
        let engine = Engine::start(EngineConfig {
            devices: Arc::new(SystemDevices::new(Options { synthetic: true })),
            server: Arc::new(FixedServer::parse(&url).unwrap()),
            client: ClientInfo { name: "maru-tests".into(), version: "0".into() },
            ice_servers: Vec::new(),
            addresses: Default::default(),
            token: None,
            video_codecs: maru_media::VideoCodec::BUILT_IN.to_vec(),
            camera: Default::default(),
            microphone: Default::default(),
            speaker: Default::default(),
            muted: true,
            camera_off: true,
            voice: Default::default(),
            decode: false,
        })
        .unwrap();
        engine.command(Command::Join { room: "room".into(), name: "me".into() }).await;
        let notice = maru_tests::wait::eventually("a notice", LIMIT, async || {
            let view = engine.view();
            (view.call == CallState::Idle).then(|| view.notice.clone()).flatten()
        })
        .await;
        assert_eq!(notice.code, NoticeCode::Server);
        assert!(notice.text.contains(expected), "{} for {url}", notice.text);
        engine.shutdown().await;
    }
    drop(silent);
    answering.abort();
}
