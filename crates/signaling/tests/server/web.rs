//! What the server answers to plain HTTP, and to pages of other web sites.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::client::{PATIENCE, Server, ask, http_get};

#[tokio::test]
async fn the_health_report_says_who_it_is_and_counts_without_naming() {
    let server = Server::start().await;
    let (_ada, _) = server.join("a secret room", "Ada").await;
    let (_ben, _) = server.join("a secret room", "Ben").await;
    let (_cleo, _) = server.join("elsewhere", "Cleo").await;
    let (status, body) = http_get(server.address, "/health", "").await;
    assert_eq!(status, 200);
    assert_eq!(
        serde_json::from_str::<Value>(&body).unwrap(),
        json!({ "service": "maru", "version": env!("CARGO_PKG_VERSION"), "protocol": "maru.v1",
                "rooms": 2, "peers": 3, "status": "ready", "troubles": [] })
    );
}

#[tokio::test]
async fn who_looks_where_there_is_no_page_is_told_what_this_is() {
    let server = Server::start().await;
    for (path, expected) in [("/no/where", 404), ("/ws", 426)] {
        let (status, body) = http_get(server.address, path, "").await;
        assert_eq!(status, expected, "{path}");
        assert!(body.contains("This is a Maru server"), "{path}: {body}");
    }
    let stream = TcpStream::connect(server.address).await.unwrap();
    let answer = ask(stream, "POST /standup", "localhost", "Content-Length: 0\r\n").await;
    assert_eq!(answer.status, 405);
}

async fn connect_from(server: &Server, origin: &str) -> Result<(), Error> {
    let mut request = server.url().into_client_request().unwrap();
    request.headers_mut().insert("Origin", origin.parse().unwrap());
    request.headers_mut().insert("Sec-WebSocket-Protocol", "maru.v1".parse().unwrap());
    timeout(PATIENCE, connect_async(request)).await.unwrap().map(|_| ())
}

#[tokio::test]
async fn a_page_of_another_web_site_cannot_enter_rooms_on_this_machine() {
    let server = Server::start().await;
    for foreign in ["https://example.org", "null", "http://127.0.0.1:1"] {
        let Err(Error::Http(response)) = connect_from(&server, foreign).await else {
            panic!("{foreign} was let in")
        };
        assert_eq!(response.status(), 403);
    }
    connect_from(&server, &format!("http://{}", server.address)).await.unwrap();
}

#[tokio::test]
async fn what_is_not_http_is_answered_and_dropped() {
    let server = Server::start().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"\x16\x03\x01 this is not HTTP\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 400"), "{}", String::from_utf8_lossy(&answer));
    assert_eq!(http_get(server.address, "/health", "").await.0, 200);
}

#[tokio::test]
async fn a_connection_that_never_asks_anything_is_closed() {
    let server = Server::start().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let end = timeout(PATIENCE, stream.read_u8()).await.expect("still open");
    assert!(end.is_err());
}
