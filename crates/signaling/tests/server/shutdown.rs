//! A server that stops tells its clients, and does not wait for them for ever.

use std::time::{Duration, Instant};

use maru_protocol::{ClosingReason, ServerMessage};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::{PATIENCE, Server};

#[tokio::test]
async fn every_client_is_told_that_the_server_stops_and_when_to_come_back() {
    let server = Server::start().await;
    let (mut ada, _) = server.join("standup", "Ada").await;
    let (mut ben, _) = server.join("elsewhere", "Ben").await;
    let mut early = server.connect().await;
    server.request_stop();
    for client in [&mut ada, &mut ben, &mut early] {
        let closing = ServerMessage::Closing { reason: ClosingReason::Shutdown, retry_after: Some(1) };
        assert_eq!(client.next().await, Some(closing));
        assert_eq!(client.next().await, None);
    }
    server.stopped().await;
}

#[tokio::test]
async fn clients_that_do_not_react_do_not_keep_the_server_from_stopping() {
    let server = Server::start().await;
    let (_ada, _) = server.join("standup", "Ada").await;
    let _says_nothing = TcpStream::connect(server.address).await.unwrap();
    let started = Instant::now();
    server.request_stop();
    server.stopped().await;
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[tokio::test]
async fn after_stopping_the_port_is_free_again_at_once() {
    let server = Server::start().await;
    let address = server.address;
    let (mut ada, _) = server.join("standup", "Ada").await;
    server.request_stop();
    assert!(matches!(ada.message().await, ServerMessage::Closing { .. }));
    assert_eq!(ada.next().await, None);
    server.stopped().await;
    maru_signaling::listen(&address.to_string()).await.unwrap();
}

#[tokio::test]
async fn dropping_the_server_ends_its_connections() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(maru_signaling::run(listener, std::future::pending()));
    let mut stream = TcpStream::connect(address).await.unwrap();
    crate::client::http_get(address, "/health", "").await;
    task.abort();
    let end = timeout(PATIENCE, stream.read_u8()).await.unwrap();
    assert!(end.is_err(), "the connection is still open");
}
