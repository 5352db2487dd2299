//! Who means harm gets nowhere, and the others go on undisturbed.

use std::net::SocketAddr;
use std::time::Duration;

use maru_protocol::{ErrorCode, Limits, ResumeToken, ServerMessage, Signal};
use maru_signaling::{Config, Server as Maru, Tls};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::client::{Client, PATIENCE, Server, http_get};

/// The longest that somebody may hold a connection by sending nothing useful.
const HELD: Duration = Duration::from_secs(25);

/// Two people who talk before, during and after an attack.
async fn two_people(server: &Server) -> (Client, Client, impl AsyncFn(&mut Client, &mut Client)) {
    let (mut ada, a) = server.join("standup", "Ada").await;
    let (ben, b) = server.join("standup", "Ben").await;
    ada.peer_joined().await;
    let talk = async move |ada: &mut Client, ben: &mut Client| {
        ada.signal(b.you, "are you there?").await;
        assert_eq!(ben.candidate().await, (a.you, "are you there?".to_owned()));
    };
    (ada, ben, talk)
}

#[tokio::test]
async fn a_request_with_an_endless_header_is_refused() {
    let server = Server::start().await;
    let (mut ada, mut ben, talk) = two_people(&server).await;
    for head in [
        format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(1024 * 1024)),
        format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(1024 * 1024)),
        format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(100_000)),
    ] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        // The server hangs up while this is still being sent.
        let _ = timeout(PATIENCE, stream.write_all(head.as_bytes())).await.unwrap();
        let mut answer = Vec::new();
        let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("it is still listening");
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    talk(&mut ada, &mut ben).await;
}

#[tokio::test]
async fn a_message_in_endless_fragments_ends_its_connection() {
    let server = Server::start().await;
    let (mut ada, mut ben, talk) = two_people(&server).await;
    let mut mallory = server.connect().await;
    for n in 0..1000 {
        let opcode = OpCode::Data(if n == 0 { Data::Text } else { Data::Continue });
        if mallory
            .send_raw(Message::Frame(Frame::message(vec![b' '; 16 * 1024], opcode, false)))
            .await
            .is_err()
        {
            break;
        }
    }
    assert_eq!(mallory.turned_away().await.0, ErrorCode::MessageTooLarge);
    talk(&mut ada, &mut ben).await;
}

#[tokio::test]
async fn many_small_fragments_without_an_end_are_no_sign_of_life() {
    let config = Config { join_timeout: Duration::from_millis(300), ..Config::default() };
    let server = Server::with(config).await;
    let mut mallory = server.connect().await;
    let drip = async {
        for n in 0.. {
            let opcode = OpCode::Data(if n == 0 { Data::Text } else { Data::Continue });
            if mallory.send_raw(Message::Frame(Frame::message(vec![b' '], opcode, false))).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, drip).await.expect("the server still listens");
}

/// Sends `beginning`, then one byte after the other, and returns when the server has hung up.
async fn drip(address: SocketAddr, beginning: &[u8], then: u8) {
    let began = Instant::now();
    let (mut reader, mut writer) = TcpStream::connect(address).await.unwrap().into_split();
    writer.write_all(beginning).await.unwrap();
    let dripping = async {
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            if writer.write_all(&[then]).await.is_err() {
                return std::future::pending::<()>().await;
            }
        }
    };
    let reading = async {
        let mut answer = Vec::new();
        let _ = reader.read_to_end(&mut answer).await;
    };
    tokio::select! {
        () = dripping => {}
        ended = timeout(HELD, reading) => ended.expect("the server still waits for more"),
    }
    assert!(began.elapsed() < HELD);
}

#[tokio::test]
async fn whoever_sends_drop_by_drop_is_hung_up_on() {
    let directory = tempfile::tempdir().unwrap();
    let tls = Tls::self_signed(directory.path()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let secure = listener.local_addr().unwrap();
    tokio::spawn(async move {
        Maru::new(Config::default()).run(listener, Some(tls), std::future::pending()).await
    });
    let server = Server::start().await;
    tokio::join!(
        drip(server.address, b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b'x'),
        drip(server.address, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n", b'x'),
        drip(server.address, b"POST /ws HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", b'1'),
        // A handshake record of 512 bytes that never comes to its end.
        drip(secure, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 0),
        drip(secure, b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b'x'),
    );
    assert_eq!(http_get(server.address, "/health", "").await.0, 200);
}

#[tokio::test]
async fn a_flood_of_connections_from_one_address_is_cut_off() {
    let limits = Limits { connections_per_address: 2, ..Limits::default() };
    let server = Server::with(Config { limits, ..Config::default() }).await;
    let (mut ada, mut ben, talk) = two_people(&server).await;
    let mut flood = Vec::new();
    for _ in 0..500 {
        flood.push(TcpStream::connect(server.address).await.unwrap());
    }
    talk(&mut ada, &mut ben).await;
    let mut open = 0;
    for stream in &mut flood {
        // Those that were let in wait for a request; the others were closed at once.
        let closed = timeout(Duration::from_millis(20), stream.read_u8()).await;
        open += usize::from(closed.is_err());
    }
    assert!((1..=28).contains(&open), "{open} connections of one address are open");

    #[cfg(target_os = "linux")]
    {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        let stream = socket.connect(server.address).await.unwrap();
        let answer = crate::client::ask(stream, "GET /health", "a", "").await;
        assert_eq!(answer.status, 200, "other addresses are not concerned");
    }
}

#[tokio::test]
async fn a_sender_is_who_it_is_whatever_it_claims() {
    let server = Server::start().await;
    let (mut ada, a) = server.join("standup", "Ada").await;
    let (mut ben, b) = server.join("standup", "Ben").await;
    let (mut mallory, m) = server.join("standup", "Mallory").await;
    ada.peer_joined().await;
    ada.peer_joined().await;
    ben.peer_joined().await;
    mallory
        .send(json!({ "type": "signal", "to": b.you, "from": a.you, "you": a.you,
                      "signal": { "kind": "candidate", "candidate": "x", "from": a.you } }))
        .await;
    assert_eq!(ben.candidate().await, (m.you, "x".to_owned()));
    mallory.send(json!({ "type": "status", "from": a.you, "muted": true })).await;
    let ServerMessage::Status { from, .. } = ben.message().await else { panic!("no status") };
    assert_eq!(from, m.you);
    // What only the server says is nothing in the mouth of a client.
    mallory.send(json!({ "type": "peer_left", "peer": a.you, "reason": "left" })).await;
    mallory.send(json!({ "type": "closing", "reason": "shutdown", "retry_after": 1 })).await;
    mallory.hears_nothing().await;
    ben.hears_nothing().await;
}

#[tokio::test]
async fn nobody_in_another_room_can_be_reached_by_a_known_id() {
    let server = Server::start().await;
    let (mut ada, a) = server.join("standup", "Ada").await;
    let (mut mallory, _) = server.join("elsewhere", "Mallory").await;
    mallory.signal(a.you, "x").await;
    let (code, message) = mallory.refused().await;
    assert_eq!(code, ErrorCode::NoSuchPeer);
    assert!(message.contains("not in the room"), "{message}");
    // Nor after a place in the victim's room has been given up.
    mallory.send(json!({ "type": "leave" })).await;
    mallory.send(json!({ "type": "signal", "to": a.you, "signal": { "kind": "restart" } })).await;
    assert_eq!(mallory.next().await, None);
    ada.hears_nothing().await;
}

#[tokio::test]
async fn a_guessed_token_takes_nobodys_place() {
    let server = Server::start().await;
    let (mut ada, mut ben, talk) = two_people(&server).await;
    for _ in 0..20 {
        let (mut guesser, found) = server.resume("standup", "Mallory", &ResumeToken::random()).await;
        assert!(!found.resumed);
        guesser.send(json!({ "type": "leave" })).await;
        for client in [&mut ada, &mut ben] {
            client.peer_joined().await;
            assert!(matches!(client.message().await, ServerMessage::PeerLeft { .. }));
        }
    }
    talk(&mut ada, &mut ben).await;
}

#[tokio::test]
async fn a_thousand_candidates_at_once_reach_the_other_as_far_as_the_rate_allows() {
    let server = Server::start().await;
    let (mut ada, a) = server.join("standup", "Ada").await;
    let (mut ben, b) = server.join("standup", "Ben").await;
    let (mut cleo, _) = server.join("standup", "Cleo").await;
    ada.peer_joined().await;
    ada.peer_joined().await;
    ben.peer_joined().await;
    for n in 0..1000 {
        let signal = json!({ "kind": "candidate", "candidate": n.to_string() });
        let message = json!({ "type": "signal", "to": b.you, "signal": signal });
        if ada.send_raw(Message::text(message.to_string())).await.is_err() {
            break;
        }
    }
    let mut passed = 0_u32;
    loop {
        match ben.message().await {
            ServerMessage::Signal { from, signal: Signal::Candidate { candidate, .. } } => {
                assert_eq!(from, a.you);
                if passed < 290 {
                    assert_eq!(candidate, passed.to_string(), "none is lost and none overtakes");
                }
                passed += 1;
            }
            ServerMessage::PeerLeft { peer, .. } => break assert_eq!(peer, a.you),
            other => panic!("{other:?}"),
        }
    }
    assert!((290..700).contains(&passed), "{passed} candidates of a thousand");
    assert!(matches!(cleo.message().await, ServerMessage::PeerLeft { .. }));
    cleo.hears_nothing().await;
}

#[tokio::test]
async fn ten_thousand_random_frames_bring_nothing_down() {
    let config =
        Config { limits: Limits { messages_per_second: 10_000, ..Limits::default() }, ..Config::default() };
    let server = Server::with(config).await;
    let (mut ada, mut ben, talk) = two_people(&server).await;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let upgrade = format!(
        "GET /ws HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: maru.v1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        server.address
    );
    for _ in 0..200 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(upgrade.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        timeout(PATIENCE, stream.read_exact(&mut answer)).await.unwrap().unwrap();
        assert_eq!(&answer, b"HTTP/1.1 101");
        for _ in 0..50 {
            // Mostly a plausible head: what is refused at once tests nothing behind it.
            let opcode = if random(4) == 0 { random(16) } else { [0, 1, 1, 2, 9, 10][random(6) as usize] };
            let (fin, reserved) = (u64::from(random(4) > 0), if random(20) == 0 { random(8) } else { 0 });
            let (masked, length) = (u64::from(random(20) > 0), random(126));
            let mut frame = vec![(fin << 7 | reserved << 4 | opcode) as u8, (masked << 7 | length) as u8];
            let bytes = if random(20) == 0 { random(126) } else { length + 4 * masked };
            frame.extend((0..bytes).map(|_| random(256) as u8));
            // The server may hang up on the way.
            if timeout(PATIENCE, stream.write_all(&frame)).await.unwrap().is_err() {
                break;
            }
        }
    }
    talk(&mut ada, &mut ben).await;
    assert_eq!(server.counts().await, (1, 2), "none of it joined");
}
