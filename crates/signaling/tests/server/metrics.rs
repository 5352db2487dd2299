//! What Prometheus reads.

use std::net::SocketAddr;

use maru_protocol::ServerMessage;
use maru_signaling::{Config, Server as Maru};
use serde_json::json;
use tokio::net::TcpListener;

use crate::client::{Client, get, http_get, join};

/// A server, and where its metrics are.
async fn server(config: Config) -> (String, SocketAddr) {
    let (public, private) =
        (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let (url, address) = (format!("ws://{}/ws", public.local_addr().unwrap()), private.local_addr().unwrap());
    let server = Maru::new(config);
    let metrics = server.clone();
    tokio::spawn(async move { metrics.serve_metrics(private).await });
    tokio::spawn(async move { server.run(public, None, std::future::pending()).await });
    (url, address)
}

async fn read(address: SocketAddr) -> String {
    let answer = get(address, "/metrics", "").await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    answer.text().to_owned()
}

/// The number on the line that begins with this name and labels.
fn number(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

#[tokio::test]
async fn what_happens_on_the_server_is_counted() {
    let (url, metrics) = server(Config::default()).await;
    let before = read(metrics).await;
    assert_eq!(number(&before, "maru_rooms"), Some(0.0));
    assert!(before.ends_with("# EOF\n"), "Prometheus takes it for whole");

    let mut ada = Client::connect(&url).await;
    ada.send(join("a secret room", "Ada Secret")).await;
    let a = ada.joined().await;
    let mut ben = Client::connect(&url).await;
    ben.send(join("a secret room", "Ben Secret")).await;
    let b = ben.joined().await;
    ada.peer_joined().await;
    for _ in 0..3 {
        ada.signal(b.you, "x").await;
        ben.candidate().await;
    }
    ada.hears_nothing().await;
    ben.vanish();
    assert!(matches!(ada.message().await, ServerMessage::PeerAway { .. }));
    let mut ben = Client::connect(&url).await;
    let mut again = join("a secret room", "Ben Secret");
    again["resume"] = json!(b.resume);
    ben.send(again).await;
    assert!(ben.joined().await.resumed);

    let text = read(metrics).await;
    for (name, expected) in [
        ("maru_rooms", 1.0),
        ("maru_participants", 2.0),
        ("maru_signals_total", 3.0),
        ("maru_resumed_total", 1.0),
        ("maru_refusals_total{code=\"no_such_peer\"}", 1.0),
        ("maru_join_seconds_count", 3.0),
        ("maru_slow_readers_total", 0.0),
        ("maru_accept_errors_total", 0.0),
        ("maru_turned_away_total", 0.0),
    ] {
        assert_eq!(number(&text, name), Some(expected), "{name} in {text}");
    }
    // Three joins, three signals and the question; a pong more when the machine is slow.
    assert!(number(&text, "maru_messages_received_total").unwrap() >= 7.0);
    assert!(number(&text, "maru_messages_sent_total").unwrap() >= 8.0);
    assert!(number(&text, "maru_connections").unwrap() >= 2.0);
    for secret in ["secret", "Secret", "127.0.0.1", &format!("{:?}", a.you)] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}

#[tokio::test]
async fn two_servers_in_one_process_count_for_themselves() {
    let ((first, first_metrics), (_, second_metrics)) =
        (server(Config::default()).await, server(Config::default()).await);
    let mut ada = Client::connect(&first).await;
    ada.send(join("standup", "Ada")).await;
    ada.joined().await;
    assert_eq!(number(&read(first_metrics).await, "maru_participants"), Some(1.0));
    assert_eq!(number(&read(second_metrics).await, "maru_participants"), Some(0.0));
}

#[tokio::test]
async fn the_public_port_says_nothing_of_them_and_theirs_nothing_else() {
    let (url, metrics) = server(Config::default()).await;
    let public: SocketAddr = url["ws://".len()..].trim_end_matches("/ws").parse().unwrap();
    let (_, text) = http_get(public, "/metrics", "").await;
    assert!(!text.contains("maru_rooms"), "{text}");
    for path in ["/", "/ws", "/health", "/standup"] {
        assert_eq!(http_get(metrics, path, "").await.0, 404, "{path}");
    }
}
