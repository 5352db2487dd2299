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
            downloads: None,
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

/// The UDP ports of IPv4 that this process listens at: those of the calls in it.
#[cfg(target_os = "linux")]
fn udp_sockets() -> Vec<std::net::SocketAddrV4> {
    let ours: Vec<String> = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .flatten()
        .filter_map(|entry| std::fs::read_link(entry.path()).ok())
        .filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.trim_end_matches(']').to_owned()))
        .collect();
    let table = std::fs::read_to_string("/proc/self/net/udp").unwrap();
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (address, inode) = (fields.get(1)?, fields.get(9)?);
            let (ip, port) = address.split_once(':')?;
            let ip = u32::from_str_radix(ip, 16).ok()?.to_ne_bytes();
            let port = u16::from_str_radix(port, 16).ok()?;
            ours.iter().any(|our| our == inode).then(|| std::net::SocketAddrV4::new(ip.into(), port))
        })
        .collect()
}

/// What somebody sends who saw the ports and has no keys.
#[cfg(target_os = "linux")]
fn from_a_stranger() -> Vec<Vec<u8>> {
    // DTLS 1.2: handshake, epoch 0, a ClientHello with a random and nothing offered (RFC 6347, section 4.2).
    let mut hello = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 54];
    hello.extend([1, 0, 0, 42, 0, 0, 0, 0, 0, 0, 0, 42, 0xfe, 0xfd]);
    hello.extend([7; 32]);
    hello.extend([0, 0, 0, 2, 0xc0, 0x2b, 1, 0]);
    // STUN: a Binding request without credentials, and one that claims a user and to nominate (RFC 8445).
    let request = |attributes: &[u8]| {
        let mut request = vec![0, 1, 0, attributes.len() as u8, 0x21, 0x12, 0xa4, 0x42];
        request.extend([9; 12]);
        request.extend(attributes);
        request
    };
    let nominating = [0, 6, 0, 3, b'a', b':', b'b', 0, 0, 0x25, 0, 0];
    // DTLS alert "close_notify" in the clear, an RTCP goodbye, RTP, and nothing that is anything.
    let alert = vec![21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1, 0];
    let goodbye = vec![0x81, 203, 0, 1, 0, 0, 0, 1];
    let rtp = [&[0x80, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1][..], &[0; 100]].concat();
    vec![hello, request(&[]), request(&nominating), alert, goodbye, rtp, vec![0xff; 1200], vec![]]
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_stranger_who_knows_the_ports_of_a_call_changes_nothing_about_it() {
    let _machine = MACHINE.lock().await;
    let server = LocalServer::start();
    let anna = Participant::join(&server.url(), "strangers", "Anna").await;
    let ben = Participant::join(&server.url(), "strangers", "Ben").await;
    anna.until_peer("connected", "Ben", |peer| peer.state == PeerState::Connected).await;
    ben.until_peer("connected", "Anna", |peer| peer.state == PeerState::Connected).await;
    anna.picture_after("Ben", 0).await;
    let targets = udp_sockets();
    assert!(targets.len() >= 2, "{targets:?}");

    let stranger = tokio::net::UdpSocket::bind("0.0.0.0:0").await.unwrap();
    let packets = from_a_stranger();
    for _ in 0..60 {
        for target in &targets {
            for packet in &packets {
                let _ = stranger.send_to(packet, target).await; // full, or refused: as good as sent
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    let now = maru_tests::wait::now_ms();
    for (one, other) in [(&anna, "Ben"), (&ben, "Anna")] {
        one.picture_after(other, now).await;
        let report = one.engine().report().await.unwrap();
        let peer = report.peers.iter().find(|peer| peer.name == other).unwrap();
        assert_eq!((peer.state, peer.negotiations), (PeerState::Connected, 1));
        assert!(peer.video.frozen_ms < 1_000.0, "{:?}", peer.video);
    }
    // Nothing to be gained by asking: no answer to who has no keys.
    let mut buffer = [0; 2048];
    let answered = timeout(Duration::from_millis(100), stranger.recv_from(&mut buffer)).await;
    assert!(answered.is_err(), "a stranger was answered");
}
