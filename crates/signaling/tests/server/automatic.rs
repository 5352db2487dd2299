//! The server that needs no setting up.

use maru_protocol::{LinkScope, ServerMessage};
use maru_signaling::automatic::find_or_start;
use maru_signaling::{ServerError, Tls};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::client::{Client, PATIENCE, Server, get, join};

/// A port that nobody listens on.
async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

/// Answers every connection with some bytes and hangs up.
async fn stranger(answer: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(answer).await;
            let _ = stream.shutdown().await;
        }
    });
    port
}

#[tokio::test]
async fn with_nobody_there_a_server_is_started_and_people_meet_on_it() {
    let server = find_or_start(0).await.unwrap();
    assert!(server.started_here());
    let mut ada = Client::connect(&server.url()).await;
    ada.send(join("standup", "Ada")).await;
    ada.joined().await;

    server.shutdown().await;
    assert!(matches!(ada.message().await, ServerMessage::Closing { .. }));
    assert_eq!(ada.next().await, None);
}

#[tokio::test]
async fn a_maru_server_that_listens_already_is_used_and_left_alone_afterwards() {
    let other = Server::start().await;
    let found = find_or_start(other.address.port()).await.unwrap();
    assert!(!found.started_here());
    assert_eq!(found.url(), other.url());
    found.shutdown().await;
    assert_eq!(other.counts().await, (0, 0));
}

#[tokio::test]
async fn asking_again_gives_the_server_that_runs_here_already() {
    let port = free_port().await;
    let first = find_or_start(port).await.unwrap();
    let again = find_or_start(port).await.unwrap();
    assert!(first.started_here() && again.started_here());
    assert_eq!(first.url(), again.url());

    // It runs for as long as somebody holds it.
    drop(first);
    let mut ada = Client::connect(&again.url()).await;
    ada.send(join("standup", "Ada")).await;
    ada.joined().await;
    drop(again);
    assert!(matches!(ada.message().await, ServerMessage::Closing { .. }));
    assert_eq!(ada.next().await, None);
}

#[tokio::test]
async fn everybody_who_starts_at_the_same_moment_ends_up_on_one_server() {
    let port = free_port().await;
    let all = (0..8).map(|_| tokio::spawn(find_or_start(port)));
    let mut servers = Vec::new();
    for task in all.collect::<Vec<_>>() {
        servers.push(task.await.unwrap().unwrap());
    }
    let mut clients = Vec::new();
    for (n, server) in servers.iter().enumerate() {
        let mut client = Client::connect(&server.url()).await;
        client.send(join("standup", &format!("number {n}"))).await;
        assert_eq!(client.joined().await.peers.len(), n);
        clients.push(client);
    }
}

#[tokio::test]
async fn when_the_server_ends_a_survivor_starts_the_next_one_and_everybody_keeps_their_id() {
    let port = free_port().await;
    let host = find_or_start(port).await.unwrap();
    let mut ada = Client::connect(&host.url()).await;
    ada.send(join("standup", "Ada")).await;
    let before = ada.joined().await;
    host.shutdown().await;
    drop(ada);

    let next = find_or_start(port).await.unwrap();
    assert!(next.started_here());
    let mut ada = Client::connect(&next.url()).await;
    let mut request = join("standup", "Ada");
    request["resume"] = json!(before.resume);
    ada.send(request).await;
    let after = ada.joined().await;
    assert_eq!((after.you, after.resumed), (before.you, false));
}

#[tokio::test]
async fn a_port_that_is_held_by_something_else_is_a_clear_error() {
    let web = b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nnope\n";
    let json = b"HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{\"service\":\"mail\"}";
    for answer in [&web[..], &json[..], b"220 mail.example.org ESMTP\r\n", b""] {
        let port = stranger(answer).await;
        let error = find_or_start(port).await.unwrap_err();
        assert!(matches!(error, ServerError::PortTaken { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains(&port.to_string()) && text.contains("Stop that program"), "{text}");
    }
}

#[tokio::test]
async fn a_maru_of_another_protocol_is_named_as_such() {
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 79\r\n\r\n\
        {\"service\":\"maru\",\"version\":\"9.0.0\",\"protocol\":\"maru.v9\",\"rooms\":1,\"peers\":2}   ";
    let error = find_or_start(stranger(answer).await).await.unwrap_err();
    assert!(matches!(&error, ServerError::OtherVersion { version } if version == "9.0.0"), "{error}");
}

#[tokio::test]
async fn browsers_on_the_network_may_join_while_the_person_wants_that() {
    let directory = tempfile::tempdir().unwrap();
    let server = find_or_start(0).await.unwrap();
    let door = async || {
        let mut client = Client::connect(&server.url()).await;
        client.send(join("standup", "Ada")).await;
        let links = client.joined().await.links;
        assert_eq!(links.last().unwrap().scope, LinkScope::Machine, "{links:?}");
        links.into_iter().find(|link| link.scope != LinkScope::Machine)
    };
    assert_eq!(door().await, None);

    server.let_network_join(true, directory.path()).await.unwrap();
    server.let_network_join(true, directory.path()).await.unwrap();
    // A machine without any network has no such link.
    let Some(link) = door().await else { return };
    assert!(link.url.starts_with("https://") && link.url.ends_with("/standup"), "{}", link.url);
    let own = Tls::self_signed(directory.path()).unwrap();
    assert_eq!(link.fingerprint.as_deref(), own.fingerprint());
    let port: u16 = link.url.rsplit(':').next().unwrap().split('/').next().unwrap().parse().unwrap();
    let address = ([127, 0, 0, 1], port).into();
    assert_eq!(get(address, "/", "").await.status, 308, "it speaks TLS");

    server.let_network_join(false, directory.path()).await.unwrap();
    let closed = async {
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, closed).await.expect("still open");
    assert_eq!(door().await, None);
}

#[tokio::test]
async fn a_certificate_that_cannot_be_kept_is_a_clear_error_and_the_server_goes_on() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let server = find_or_start(0).await.unwrap();
    let error = server.let_network_join(true, &file.path().join("below")).await.unwrap_err().to_string();
    assert!(error.contains("may write"), "{error}");
    let mut ada = Client::connect(&server.url()).await;
    ada.send(join("standup", "Ada")).await;
    ada.joined().await;
}
