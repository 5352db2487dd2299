//! A TURN client that says exactly what a test wants, over any transport, and the server it speaks to.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use maru_protocol::IceServer;
use maru_signaling::{Config, RelayConfig, Server};
use md5::{Digest as _, Md5};
use ring::hmac;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message as WebSocketMessage;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::client::{PATIENCE, Stream, join};

pub const BINDING: u16 = 0x001;
pub const ALLOCATE: u16 = 0x003;
pub const REFRESH: u16 = 0x004;
pub const SEND: u16 = 0x016;
pub const DATA_INDICATION: u16 = 0x017;
pub const CREATE_PERMISSION: u16 = 0x008;
pub const CHANNEL_BIND: u16 = 0x009;

pub const USERNAME: u16 = 0x0006;
pub const CHANNEL_NUMBER: u16 = 0x000C;
pub const LIFETIME: u16 = 0x000D;
pub const PEER: u16 = 0x0012;
pub const DATA: u16 = 0x0013;
pub const REALM: u16 = 0x0014;
pub const NONCE: u16 = 0x0015;
pub const RELAYED: u16 = 0x0016;
pub const FAMILY: u16 = 0x0017;
pub const TRANSPORT: u16 = 0x0019;
pub const MAPPED: u16 = 0x0020;

const COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];
pub const UDP: (u16, &[u8]) = (TRANSPORT, &[17, 0, 0, 0]);

/// A server with a relay on the loopback interface.
pub struct Relay {
    pub http: SocketAddr,
    pub servers: Vec<IceServer>,
    pub address: SocketAddr,
}

/// A relay whose peers may be on the loopback interface.
pub fn config() -> RelayConfig {
    RelayConfig {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        listen_tls: vec!["127.0.0.1:0".parse().unwrap()],
        allow: vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()],
        ..RelayConfig::default()
    }
}

impl Relay {
    pub async fn start() -> Self {
        Self::with(Config { relay: Some(config()), ..Config::default() }).await
    }

    /// With plain HTTP; runs until the test ends.
    pub async fn with(config: Config) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let http = listener.local_addr().unwrap();
        tokio::spawn(async move {
            Server::new(config).run(listener, None, std::future::pending()).await.unwrap();
        });
        let mut relay = Self { http, servers: Vec::new(), address: http };
        relay.servers = relay.ice_servers("Ada").await;
        relay.address = relay.url_address("turn:");
        relay
    }

    /// What somebody who joins is told.
    pub async fn ice_servers(&self, name: &str) -> Vec<IceServer> {
        let mut client = crate::client::Client::connect(&format!("ws://{}/ws", self.http)).await;
        // Whoever leaves without a word keeps its place for a while.
        static ROOMS: AtomicU32 = AtomicU32::new(0);
        let room = format!("room {}", ROOMS.fetch_add(1, Ordering::Relaxed));
        client.send(join(&room, name)).await;
        match client.message().await {
            maru_protocol::ServerMessage::Joined { ice_servers, .. } => ice_servers,
            other => panic!("not joined: {other:?}"),
        }
    }

    pub fn url_address(&self, scheme: &str) -> SocketAddr {
        let urls = self.servers.iter().flat_map(|server| &server.urls);
        let url = urls.filter_map(|url| url.strip_prefix(scheme)).next().expect("no such URL");
        url.split('?').next().unwrap().parse().unwrap()
    }

    /// Fresh credentials, of a participant of their own.
    pub async fn credentials(&self) -> (String, String) {
        let servers = self.ice_servers("Somebody").await;
        let server = servers.into_iter().find(|server| server.username.is_some()).expect("no credentials");
        (server.username.unwrap(), server.credential.unwrap())
    }

    pub async fn udp(&self) -> Turn {
        Turn::over(Wire::udp(self.address).await, self.credentials().await)
    }

    pub async fn tcp(&self) -> Turn {
        let stream = TcpStream::connect(self.address).await.unwrap();
        Turn::over(Wire::Stream(Box::new(stream)), self.credentials().await)
    }

    pub async fn websocket(&self) -> Turn {
        let mut request = format!("ws://{}/ws", self.http).into_client_request().unwrap();
        request.headers_mut().insert("Sec-WebSocket-Protocol", "maru.turn.v1".parse().unwrap());
        let (socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        Turn::over(Wire::WebSocket(Box::new(socket)), self.credentials().await)
    }
}

/// What a client speaks over.
pub enum Wire {
    Udp(UdpSocket),
    Stream(Box<dyn Stream>),
    WebSocket(Box<WebSocketStream<MaybeTlsStream<TcpStream>>>),
}

impl Wire {
    pub async fn udp(server: SocketAddr) -> Self {
        let any: SocketAddr =
            if server.is_ipv4() { "127.0.0.1:0".parse().unwrap() } else { "[::1]:0".parse().unwrap() };
        let socket = UdpSocket::bind(any).await.unwrap();
        socket.connect(server).await.unwrap();
        Self::Udp(socket)
    }

    pub async fn send(&mut self, packet: &[u8]) {
        match self {
            Self::Udp(socket) => {
                socket.send(packet).await.unwrap();
            }
            Self::Stream(stream) => {
                let mut padded = packet.to_vec();
                padded.resize(packet.len().next_multiple_of(4), 0);
                stream.write_all(&padded).await.unwrap();
            }
            Self::WebSocket(socket) => {
                socket.send(WebSocketMessage::binary(packet.to_vec())).await.unwrap();
            }
        }
    }

    /// One packet; `None` when the connection ended.
    pub async fn receive(&mut self) -> Option<Vec<u8>> {
        match self {
            Self::Udp(socket) => {
                let mut buffer = vec![0; 65_536];
                let length = socket.recv(&mut buffer).await.unwrap();
                buffer.truncate(length);
                Some(buffer)
            }
            Self::Stream(stream) => {
                let mut packet = vec![0; 4];
                stream.read_exact(&mut packet).await.ok()?;
                let length = usize::from(u16::from_be_bytes([packet[2], packet[3]]));
                let (whole, padded) = if packet[0] >= 0x40 {
                    (4 + length, 4 + length.next_multiple_of(4))
                } else {
                    (20 + length, 20 + length)
                };
                packet.resize(padded, 0);
                stream.read_exact(&mut packet[4..]).await.ok()?;
                packet.truncate(whole);
                Some(packet)
            }
            Self::WebSocket(socket) => loop {
                match socket.next().await? {
                    Ok(WebSocketMessage::Binary(bytes)) => return Some(bytes.to_vec()),
                    Ok(WebSocketMessage::Ping(_)) => {}
                    _ => return None,
                }
            },
        }
    }
}

/// A client.
pub struct Turn {
    pub wire: Wire,
    pub username: String,
    pub password: String,
    pub realm: String,
    pub nonce: String,
    transactions: u8,
}

/// An answer, or an indication.
#[derive(Debug)]
pub struct Answer {
    pub kind: u16,
    transaction: Vec<u8>,
    attributes: Vec<(u16, Vec<u8>)>,
}

impl Turn {
    pub fn over(wire: Wire, (username, password): (String, String)) -> Self {
        Self { wire, username, password, realm: String::new(), nonce: String::new(), transactions: 0 }
    }

    /// The bytes of a message, signed if there is a nonce.
    pub fn message(&mut self, kind: u16, attributes: &[(u16, &[u8])]) -> Vec<u8> {
        self.transactions += 1;
        let transaction = [self.transactions; 12];
        let mut bytes = kind.to_be_bytes().to_vec();
        bytes.extend([0, 0]);
        bytes.extend(COOKIE);
        bytes.extend(transaction);
        let mut add = |kind: u16, value: &[u8]| {
            bytes.extend(kind.to_be_bytes());
            bytes.extend((value.len() as u16).to_be_bytes());
            bytes.extend(value);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        };
        for (kind, value) in attributes {
            add(*kind, value);
        }
        let sign = !self.nonce.is_empty() && kind & 0x10 == 0;
        if sign {
            add(USERNAME, self.username.as_bytes());
            add(REALM, self.realm.as_bytes());
            add(NONCE, self.nonce.as_bytes());
        }
        let length = bytes.len() - 20 + if sign { 24 } else { 0 };
        bytes[2..4].copy_from_slice(&(length as u16).to_be_bytes());
        if sign {
            let text = format!("{}:{}:{}", self.username, self.realm, self.password);
            let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &Md5::digest(text.as_bytes()));
            let signature = hmac::sign(&key, &bytes);
            bytes.extend([0, 8, 0, 20]);
            bytes.extend(signature.as_ref());
        }
        bytes
    }

    /// Asks and waits for the answer.
    pub async fn ask(&mut self, method: u16, attributes: &[(u16, &[u8])]) -> Answer {
        let request = self.message(method, attributes);
        self.ask_raw(&request).await
    }

    pub async fn ask_raw(&mut self, request: &[u8]) -> Answer {
        self.wire.send(request).await;
        let answer = Answer::read(&self.next().await).expect("not a message");
        assert_eq!(answer.transaction, request[8..20]);
        answer
    }

    /// The next packet.
    pub async fn next(&mut self) -> Vec<u8> {
        timeout(PATIENCE, self.wire.receive()).await.expect("no answer").expect("the connection ended")
    }

    /// Nothing comes: what was asked before would have been answered before a Binding request is.
    pub async fn hears_nothing(&mut self) {
        let nonce = std::mem::take(&mut self.nonce);
        // Time for what takes a detour.
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(self.ask(BINDING, &[]).await.kind, 0x101);
        self.nonce = nonce;
    }

    /// Learns realm and nonce.
    pub async fn greet(&mut self) {
        self.nonce.clear();
        let answer = self.ask(ALLOCATE, &[UDP]).await;
        assert_eq!(answer.error(), 401);
        self.realm = answer.text(REALM);
        self.nonce = answer.text(NONCE);
    }

    /// Makes an allocation.
    pub async fn allocate(&mut self) -> SocketAddr {
        self.greet().await;
        let answer = self.ask(ALLOCATE, &[UDP]).await;
        assert_eq!(answer.kind, 0x103, "{answer:?}");
        answer.address(RELAYED)
    }

    pub async fn permit(&mut self, peer: SocketAddr) -> Answer {
        let value = self.peer(peer);
        self.ask(CREATE_PERMISSION, &[(PEER, &value)]).await
    }

    pub async fn bind(&mut self, number: u16, peer: SocketAddr) -> Answer {
        let (value, number) = (self.peer(peer), (u32::from(number) << 16).to_be_bytes());
        self.ask(CHANNEL_BIND, &[(CHANNEL_NUMBER, &number), (PEER, &value)]).await
    }

    pub async fn send(&mut self, peer: SocketAddr, data: &[u8]) {
        let value = self.peer(peer);
        let message = self.message(SEND, &[(PEER, &value), (DATA, data)]);
        self.wire.send(&message).await;
    }

    pub async fn send_on(&mut self, channel: u16, data: &[u8]) {
        let mut packet = channel.to_be_bytes().to_vec();
        packet.extend((data.len() as u16).to_be_bytes());
        packet.extend(data);
        self.wire.send(&packet).await;
    }

    /// The peer and the data of an indication.
    pub async fn indication(&mut self) -> (SocketAddr, Vec<u8>) {
        let indication = Answer::read(&self.next().await).expect("not a message");
        assert_eq!(indication.kind, DATA_INDICATION);
        (indication.address(PEER), indication.value(DATA).to_vec())
    }

    /// The channel and the data.
    pub async fn channel_data(&mut self) -> (u16, Vec<u8>) {
        let packet = self.next().await;
        let length = usize::from(u16::from_be_bytes([packet[2], packet[3]]));
        (u16::from_be_bytes([packet[0], packet[1]]), packet[4..4 + length].to_vec())
    }

    /// An address for the next message.
    fn peer(&self, peer: SocketAddr) -> Vec<u8> {
        let pad: Vec<u8> = COOKIE.into_iter().chain([self.transactions + 1; 12]).collect();
        let (family, octets) = match peer.ip() {
            IpAddr::V4(ip) => (1, ip.octets().to_vec()),
            IpAddr::V6(ip) => (2, ip.octets().to_vec()),
        };
        let mut value = vec![0, family];
        value.extend((peer.port() ^ 0x2112).to_be_bytes());
        value.extend(octets.iter().zip(pad).map(|(byte, pad)| byte ^ pad));
        value
    }
}

impl Answer {
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let kind = u16::from_be_bytes(bytes.get(..2)?.try_into().unwrap());
        let mut rest = bytes.get(20..)?;
        let mut attributes = Vec::new();
        while rest.len() >= 4 {
            let length = usize::from(u16::from_be_bytes([rest[2], rest[3]]));
            attributes.push((u16::from_be_bytes([rest[0], rest[1]]), rest.get(4..4 + length)?.to_vec()));
            rest = rest.get(4 + length.next_multiple_of(4)..)?;
        }
        Some(Self { kind, transaction: bytes[8..20].to_vec(), attributes })
    }

    pub fn value(&self, kind: u16) -> &[u8] {
        let found = self.attributes.iter().find(|(known, _)| *known == kind);
        &found.unwrap_or_else(|| panic!("no {kind:#x} in {self:?}")).1
    }

    pub fn text(&self, kind: u16) -> String {
        String::from_utf8(self.value(kind).to_vec()).unwrap()
    }

    pub fn number(&self, kind: u16) -> u32 {
        u32::from_be_bytes(self.value(kind).try_into().unwrap())
    }

    /// The error's code; 0 when it is none.
    pub fn error(&self) -> u16 {
        if self.kind & 0x110 != 0x110 {
            return 0;
        }
        let value = self.value(9);
        u16::from(value[2]) * 100 + u16::from(value[3])
    }

    pub fn address(&self, kind: u16) -> SocketAddr {
        let value = self.value(kind);
        let pad: Vec<u8> = COOKIE.into_iter().chain(self.transaction.iter().copied()).collect();
        let octets: Vec<u8> = value[4..].iter().zip(pad).map(|(byte, pad)| byte ^ pad).collect();
        let ip: IpAddr = match octets.len() {
            4 => <[u8; 4]>::try_from(octets).unwrap().into(),
            _ => <[u8; 16]>::try_from(octets).unwrap().into(),
        };
        SocketAddr::new(ip, u16::from_be_bytes([value[2], value[3]]) ^ 0x2112)
    }
}
