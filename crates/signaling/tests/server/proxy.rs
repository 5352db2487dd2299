//! The server behind a reverse proxy.

use maru_protocol::{ErrorCode, Limits, LinkScope, SUBPROTOCOL};
use maru_signaling::Config;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::client::{Client, Server, get, join};

/// A proxy as nginx and Caddy are: adds what it knows to the head of each connection's first request
/// and passes the rest on as it is, WebSockets included.
async fn proxy_to(server: &Server, client: &'static str) -> std::net::SocketAddr {
    let (target, listener) = (server.address, TcpListener::bind("127.0.0.1:0").await.unwrap());
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(near.read_u8().await?);
                }
                head.truncate(head.len() - 2);
                let said = format!(
                    "X-Forwarded-For: {client}\r\nX-Forwarded-Proto: https\r\n\
                     X-Forwarded-Host: call.example.org\r\n\r\n"
                );
                head.extend(said.as_bytes());
                let mut far = TcpStream::connect(target).await?;
                far.write_all(&head).await?;
                copy_bidirectional(&mut near, &mut far).await
            });
        }
    });
    address
}

fn trusting(limits: Limits) -> Config {
    Config { trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()], limits, ..Config::default() }
}

async fn from_page(proxy: std::net::SocketAddr, origin: &str) -> Client {
    let headers = [("Origin", origin), ("Sec-WebSocket-Protocol", SUBPROTOCOL)];
    Client::with_headers(&format!("ws://{proxy}/ws"), &headers).await
}

#[tokio::test]
async fn a_page_behind_a_trusted_proxy_joins_and_gets_links_with_the_proxys_name() {
    let server = Server::with(trusting(Limits::default())).await;
    let proxy = proxy_to(&server, "203.0.113.7").await;
    assert_eq!(get(proxy, "/standup", "").await.status, 200);

    let mut guest = from_page(proxy, "https://call.example.org").await;
    guest.send(join("standup", "Guest")).await;
    let links = guest.joined().await.links;
    let [link] = &links[..] else { panic!("{links:?}") };
    assert_eq!((&link.url[..], link.scope), ("https://call.example.org/standup", LinkScope::Public));
}

#[tokio::test]
async fn a_public_url_is_in_the_links_of_all() {
    let public_url = Some("https://meet.example.org/maru".to_owned());
    let server = Server::with(Config { public_url, ..trusting(Limits::default()) }).await;
    let proxy = proxy_to(&server, "203.0.113.7").await;
    let mut guest = from_page(proxy, "https://meet.example.org").await;
    guest.send(join("standup", "Guest")).await;
    assert_eq!(guest.joined().await.links[0].url, "https://meet.example.org/maru/standup");
    let (_ada, joined) = server.join("standup", "Ada").await;
    assert_eq!(joined.links[0].url, "https://meet.example.org/maru/standup");
    assert_eq!(joined.links[1].scope, LinkScope::Machine, "this one is on the machine itself");
}

#[tokio::test]
async fn connections_are_counted_per_client_and_not_per_proxy() {
    let limits = Limits { connections_per_address: 1, ..Limits::default() };
    let server = Server::with(trusting(limits)).await;
    let (first, second) = (proxy_to(&server, "203.0.113.7").await, proxy_to(&server, "203.0.113.8").await);
    let mut ada = Client::connect(&format!("ws://{first}/ws")).await;
    ada.send(join("standup", "Ada")).await;
    ada.joined().await;
    let mut ben = Client::connect(&format!("ws://{second}/ws")).await;
    ben.send(join("standup", "Ben")).await;
    ben.joined().await;

    let mut again = Client::connect(&format!("ws://{first}/ws")).await;
    assert_eq!(again.turned_away().await.0, ErrorCode::TooManyConnections);
}

#[tokio::test]
async fn a_proxy_that_the_server_was_not_told_of_is_a_client_like_any_other() {
    let server = Server::start().await;
    let proxy = proxy_to(&server, "203.0.113.7").await;
    let origin = [("Origin", "https://call.example.org")];
    let refused = tokio_tungstenite::connect_async(request(proxy, &origin)).await.unwrap_err();
    let tokio_tungstenite::tungstenite::Error::Http(response) = refused else { panic!("{refused}") };
    assert_eq!(response.status(), 403);

    let mut program = Client::connect(&format!("ws://{proxy}/ws")).await;
    program.send(join("standup", "Program")).await;
    let links = program.joined().await.links;
    assert!(links.iter().all(|link| link.scope == LinkScope::Machine), "{links:?}");
}

fn request(
    address: std::net::SocketAddr,
    headers: &[(&'static str, &str)],
) -> tokio_tungstenite::tungstenite::handshake::client::Request {
    use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
    let mut request = format!("ws://{address}/ws").into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    request
}
