//! Over real sockets, with a relay that answers STUN and sends everything else back.

use std::io::IoSliceMut;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::BytesMut;
use futures_util::{SinkExt as _, StreamExt as _};
use maru_protocol::TUNNEL_SUBPROTOCOL;
use rtc::stun::message::{BINDING_REQUEST, BINDING_SUCCESS, Message};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message as WsMessage;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Runtime as _};

use super::*;

const LIMIT: Duration = Duration::from_secs(10);
/// Channel data (RFC 8656, section 12.4) of five bytes.
const DATA: &[u8] = &[0x40, 0x01, 0, 5, b'h', b'e', b'l', b'l', b'o'];

#[test]
fn a_relay_among_the_servers_is_found_and_stun_is_none() {
    let servers = |urls: &[&[&str]]| -> Vec<IceServer> {
        let urls = urls.iter().map(|urls| urls.iter().map(|&url| url.to_owned()).collect());
        urls.map(|urls| IceServer { urls, username: None, credential: None }).collect()
    };
    assert!(!names_relay(&[]));
    assert!(!names_relay(&servers(&[&[], &["stun:a.example", "stuns:turn.example"]])));
    assert!(names_relay(&servers(&[&["stun:a.example"], &["stun:b.example", "turn:b.example"]])));
    assert!(names_relay(&servers(&[&["turns:a.example?transport=tcp"]])));
}

/// What the relay says to a message.
fn answer(message: &[u8]) -> Vec<u8> {
    let mut request = Message { raw: message.to_vec(), ..Message::default() };
    if request.decode().is_ok() && request.typ == BINDING_REQUEST {
        let mut answer = Message::new();
        answer.build(&[Box::new(BINDING_SUCCESS), Box::new(request.transaction_id)]).unwrap();
        return answer.raw;
    }
    message.to_vec()
}

async fn udp_relay() -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 2048];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let _ = socket.send_to(&answer(&buffer[..length]), from).await;
        }
    });
    address
}

/// Takes datagrams and says nothing, as a network that blocks them.
async fn udp_nowhere() -> (SocketAddr, UdpSocket) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    (socket.local_addr().unwrap(), socket)
}

async fn tcp_relay() -> SocketAddr {
    relay_that_may_break(Arc::default()).await
}

/// Where `breaks`, it closes one stream after the first message on it that is not STUN.
async fn relay_that_may_break(breaks: Arc<AtomicBool>) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let breaks = Arc::clone(&breaks);
            tokio::spawn(async move {
                let mut received = BytesMut::new();
                while stream.read_buf(&mut received).await.is_ok_and(|length| length > 0) {
                    let mut out = Vec::new();
                    let mut broken = false;
                    while let Some(message) = framing::take(&mut received).unwrap() {
                        framing::put(&mut out, &answer(&message));
                        broken |= message == DATA && breaks.swap(false, Ordering::AcqRel);
                    }
                    stream.write_all(&out).await.unwrap();
                    if broken {
                        return;
                    }
                }
            });
        }
    });
    address
}

/// An address where nobody listens.
async fn closed() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    listener.local_addr().unwrap()
}

async fn websocket_relay() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve_websocket(stream));
        }
    });
    address
}

#[allow(clippy::result_large_err, reason = "the library's type of a refusal")]
async fn serve_websocket(stream: TcpStream) {
    let agree = |request: &Request, mut response: Response| {
        let wanted = request.headers()["Sec-WebSocket-Protocol"].clone();
        assert_eq!(wanted, TUNNEL_SUBPROTOCOL);
        response.headers_mut().insert("Sec-WebSocket-Protocol", wanted);
        Ok(response)
    };
    let mut socket = tokio_tungstenite::accept_hdr_async(stream, agree).await.unwrap();
    while let Some(Ok(WsMessage::Binary(message))) = socket.next().await {
        socket.send(WsMessage::binary(answer(&message))).await.unwrap();
    }
}

fn server(urls: &[String]) -> IceServer {
    IceServer { urls: urls.to_vec(), username: Some("u".into()), credential: Some("c".into()) }
}

/// A connection's socket, and where it finds the relay.
async fn socket_to(urls: &[String], signaling: Option<&str>) -> (Arc<dyn AsyncUdpSocket>, SocketAddr) {
    let tunnels = Arc::new(Tunnels::default());
    let stand_ins = tunnels.stand_in(&[], &[server(urls)], signaling);
    let [stand_in] = &stand_ins[..] else { panic!("{stand_ins:?}") };
    assert_eq!((stand_in.username.as_deref(), stand_in.credential.as_deref()), (Some("u"), Some("c")));
    let host = stand_in.urls[0].trim_start_matches("turn:").split('?').next().unwrap();
    let runtime = SocketRuntime::new(tunnels);
    let addresses = runtime.resolve_host(host).await.unwrap();
    let relay = addresses.into_iter().find(SocketAddr::is_ipv4).unwrap();
    let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    (runtime.wrap_udp_socket(socket).unwrap(), relay)
}

/// Sends until it comes back, as TURN does with what gets lost, and says where it came back from.
async fn echo(socket: &dyn AsyncUdpSocket, relay: SocketAddr) -> SocketAddr {
    let mut buffer = [0; 2048];
    let repeating = async {
        loop {
            socket.send_to(DATA, relay).await.unwrap();
            if let Ok(came) = timeout(Duration::from_millis(200), socket.recv_from(&mut buffer)).await {
                let (length, from) = came.unwrap();
                if length == 0 {
                    continue; // only so that a driver makes another pass
                }
                assert_eq!(&buffer[..length], DATA);
                return from;
            }
        }
    };
    timeout(LIMIT, repeating).await.expect("an echo")
}

#[tokio::test]
async fn a_relay_that_answers_over_udp_is_reached_from_the_socket_itself() {
    let address = udp_relay().await;
    let tcp = tcp_relay().await;
    let urls = [format!("turn:{address}"), format!("turn:{tcp}?transport=tcp")];
    let (socket, relay) = socket_to(&urls, None).await;
    assert_eq!(echo(&*socket, relay).await, relay);
}

#[tokio::test]
async fn a_relays_messages_come_one_to_a_pass_and_two_passes_more_follow() {
    let urls = [format!("turn:{}", udp_relay().await)];
    let (socket, relay) = socket_to(&urls, None).await;
    echo(&*socket, relay).await;
    for _ in 0..3 {
        socket.send_to(DATA, relay).await.unwrap();
    }
    // What the driver is given each time it asks: a message's length, or nothing.
    let mut given = Vec::new();
    let (mut messages, mut buffer) = (0, [0; 2048]);
    let deadline = tokio::time::Instant::now() + LIMIT;
    while messages < 3 || given.iter().rev().take_while(|length| **length != Some(DATA.len())).count() < 20 {
        assert!(tokio::time::Instant::now() < deadline, "{messages} of 3 messages came");
        let mut meta = [RecvMeta::default()];
        let asked = socket.poll_recv(
            &mut Context::from_waker(Waker::noop()),
            &mut [IoSliceMut::new(&mut buffer)],
            &mut meta,
        );
        given.push(asked.is_ready().then_some(meta[0].len));
        messages += usize::from(asked.is_ready() && meta[0].len == DATA.len());
        tokio::task::yield_now().await;
    }
    let alone = |pair: &[Option<usize>]| pair[0] != Some(DATA.len()) || pair[1].is_none();
    assert!(given.windows(2).all(alone), "more than a message in one pass: {given:?}");
    let last = given.iter().rposition(|length| *length == Some(DATA.len())).unwrap();
    assert_eq!(given[last..].iter().filter(|length| **length == Some(0)).count(), 2, "{given:?}");
}

#[tokio::test]
async fn where_udp_is_blocked_messages_go_over_tcp_and_come_from_the_same_address() {
    let (blocked, _socket) = udp_nowhere().await;
    let address = tcp_relay().await;
    let urls = [format!("turn:{blocked}"), format!("turn:{address}?transport=tcp")];
    let (socket, relay) = socket_to(&urls, None).await;
    assert_eq!(echo(&*socket, relay).await, relay);
}

#[tokio::test]
async fn where_only_the_servers_own_port_is_open_messages_go_over_its_websocket() {
    let (blocked, _socket) = udp_nowhere().await;
    let closed = closed().await;
    let signaling = format!("ws://{}/ws", websocket_relay().await);
    let urls = [format!("turn:{blocked}"), format!("turn:{closed}?transport=tcp")];
    let (socket, relay) = socket_to(&urls, Some(&signaling)).await;
    assert_eq!(echo(&*socket, relay).await, relay);
}

#[tokio::test]
async fn a_stream_that_breaks_is_replaced() {
    let breaks = Arc::new(AtomicBool::new(true));
    let address = relay_that_may_break(Arc::clone(&breaks)).await;
    let (socket, relay) = socket_to(&[format!("turn:{address}?transport=tcp")], None).await;
    assert_eq!(echo(&*socket, relay).await, relay);
    assert!(!breaks.load(Ordering::Acquire), "the first stream broke behind the first answer");
    assert_eq!(echo(&*socket, relay).await, relay, "over the next stream");
}

#[tokio::test]
async fn a_relay_that_no_way_leads_to_is_given_up_and_the_socket_goes_on() {
    let closed = closed().await;
    let (socket, relay) = socket_to(&[format!("turn:{closed}?transport=tcp")], None).await;
    socket.send_to(DATA, relay).await.unwrap();
    let direct = udp_relay().await;
    assert_eq!(echo(&*socket, direct).await, direct, "everything else goes as before");
}

#[test]
fn stun_servers_stay_as_they_are_and_a_relay_keeps_its_place_when_its_credentials_change() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _within = runtime.enter();
    let tunnels = Tunnels::default();
    let named = |credential: &str| IceServer {
        urls: vec![
            "stun:127.0.0.1:9".into(),
            "turn:127.0.0.1:9".into(),
            "turn:127.0.0.1:9?transport=tcp".into(),
        ],
        username: Some("u".into()),
        credential: Some(credential.into()),
    };
    let first = tunnels.stand_in(&[], &[named("one")], None);
    assert_eq!(first[0].urls, ["stun:127.0.0.1:9"]);
    assert_eq!(first[0].username, None, "STUN has no credentials");
    let second = tunnels.stand_in(&[], &[named("two")], None);
    assert_eq!(second[1].urls, first[1].urls);
    assert_eq!(second[1].credential.as_deref(), Some("two"));
    let other = tunnels.stand_in(&[server(&["turn:127.0.0.1:10".into()])], &[], None);
    assert_ne!(other[0].urls, first[1].urls);
}
