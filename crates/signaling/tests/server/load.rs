//! More than the server takes, from one address or in all: it says so and when to come back, and others
//! are not concerned.

use maru_protocol::{ClosingReason, ErrorCode, ServerMessage};
use maru_signaling::{Config, PerAddress};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::client::{Client, Server, get, join};

/// A server that believes its clients about their addresses.
async fn server(per_address: PerAddress) -> Server {
    let trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    Server::with(Config { per_address, trusted_proxies, ..Config::default() }).await
}

/// A client from some address.
async fn from(server: &Server, address: &str) -> Client {
    let headers = [("Sec-WebSocket-Protocol", "maru.v1"), ("X-Forwarded-For", address)];
    Client::with_headers(&server.url(), &headers).await
}

/// Is told to come back, and hung up on; gives back why and in how many seconds.
async fn postponed(client: &mut Client) -> (ErrorCode, u32) {
    let (code, message) = client.refused().await;
    let ServerMessage::Closing { reason: ClosingReason::Busy, retry_after: Some(seconds) } =
        client.message().await
    else {
        panic!("not told when to come back")
    };
    assert!(message.contains(&format!("{seconds} seconds")), "{message}");
    assert_eq!(client.next().await, None);
    (code, seconds)
}

#[tokio::test]
async fn a_flood_of_joins_from_one_address_is_told_to_come_back_later() {
    let per_address = PerAddress { joins_per_minute: 5, new_rooms_per_minute: 0, ..Default::default() };
    let server = server(per_address).await;
    for _ in 0..10 {
        let mut client = from(&server, "203.0.113.7").await;
        client.send(join("standup", "Mallory")).await;
        client.joined().await;
        client.send(json!({ "type": "leave" })).await;
    }
    let mut one_more = from(&server, "203.0.113.7").await;
    one_more.send(join("standup", "Mallory")).await;
    let (code, seconds) = postponed(&mut one_more).await;
    assert_eq!(code, ErrorCode::TooManyJoins);
    assert!((1..=13).contains(&seconds), "{seconds}");

    let mut other = from(&server, "203.0.113.8").await;
    other.send(join("standup", "Ada")).await;
    other.joined().await;
}

#[tokio::test]
async fn who_guesses_names_of_rooms_is_slowed_and_then_sent_away_while_real_rooms_stay_open() {
    let server = server(PerAddress { new_rooms_per_minute: 2, ..Default::default() }).await;
    let (_ada, _) = server.join("standup", "Ada").await;
    let began = Instant::now();
    for n in 0..6 {
        let mut guesser = from(&server, "2001:db8::1").await;
        guesser.send(join(&format!("guess {n}"), "Mallory")).await;
        guesser.joined().await;
        guesser.send(json!({ "type": "leave" })).await;
    }
    // Half a second and more, about one, and one and a half: the later half of six.
    assert!(began.elapsed().as_millis() > 1500, "{:?}", began.elapsed());
    // Of the same network: an address has no end of these.
    let mut again = from(&server, "2001:db8::2").await;
    again.send(join("guess 7", "Mallory")).await;
    let (code, seconds) = postponed(&mut again).await;
    assert_eq!(code, ErrorCode::TooManyJoins);
    assert!(seconds > 15, "{seconds}");

    let mut invited = from(&server, "2001:db8::3").await;
    invited.send(join("standup", "Ben")).await;
    invited.joined().await;
}

#[tokio::test]
async fn a_flood_over_many_connections_of_one_address_is_complained_about_and_the_others_are_not_concerned() {
    let server = server(PerAddress { messages_per_second: 20, ..Default::default() }).await;
    let mut flood = Vec::new();
    for _ in 0..5 {
        let mut client = from(&server, "203.0.113.7").await;
        client.send(join("standup", "Mallory")).await;
        client.joined().await;
        flood.push(client);
    }
    for n in 0..30 {
        for client in &mut flood {
            // None of them is too fast by itself.
            client.send(json!({ "type": "status", "muted": n % 2 == 0 })).await;
        }
    }
    let message = loop {
        match flood[0].message().await {
            ServerMessage::Error { code, message, .. } => {
                assert_eq!(code, ErrorCode::TooManyMessages);
                break message;
            }
            _ => continue,
        }
    };
    assert!(message.contains("20 a second from all its connections"), "{message}");
    let mut ada = from(&server, "203.0.113.8").await;
    ada.send(join("elsewhere", "Ada")).await;
    ada.joined().await;
    ada.hears_nothing().await;
}

#[tokio::test]
async fn a_full_server_says_when_to_come_back_and_takes_others_when_somebody_left() {
    let server = Server::with(Config { max_connections: 2, ..Config::default() }).await;
    let (mut ada, _) = server.join("standup", "Ada").await;
    let (ben, _) = server.join("standup", "Ben").await;
    let mut third = server.connect().await;
    let (code, seconds) = postponed(&mut third).await;
    assert_eq!(code, ErrorCode::Overloaded);
    assert!((3..=10).contains(&seconds), "{seconds}");

    let page = get(server.address, "/standup", "").await;
    assert_eq!(page.status, 503);
    let seconds: u32 = page.header("retry-after").unwrap().parse().unwrap();
    assert!(
        (3..=10).contains(&seconds) && page.text().contains(&format!("{seconds} seconds")),
        "{}",
        page.text()
    );
    let health = get(server.address, "/health", "").await;
    let report: Value = serde_json::from_str(health.text()).unwrap();
    assert_eq!((health.status, &report["status"]), (503, &json!("degraded")));
    assert_eq!((&report["service"], &report["troubles"]), (&json!("maru"), &json!(["full"])));

    drop((ben, third));
    ada.peer_joined().await;
    assert!(matches!(ada.message().await, ServerMessage::PeerAway { .. }));
    loop {
        let health = get(server.address, "/health", "").await;
        let report: Value = serde_json::from_str(health.text()).unwrap();
        if health.status == 200 {
            break assert_eq!((&report["status"], &report["troubles"]), (&json!("ready"), &json!([])));
        }
    }
}

#[tokio::test]
async fn a_server_with_as_many_rooms_as_it_takes_opens_no_other_but_lets_people_into_those() {
    let server = Server::with(Config { max_rooms: 1, ..Config::default() }).await;
    let (_ada, _) = server.join("standup", "Ada").await;
    let mut client = server.connect().await;
    client.send(join("elsewhere", "Ben")).await;
    assert_eq!(postponed(&mut client).await.0, ErrorCode::Overloaded);
    server.join("standup", "Ben").await;
}

#[tokio::test]
async fn more_connections_than_can_be_told_so_are_dropped_without_a_word() {
    let server = Server::with(Config { max_connections: 2, ..Config::default() }).await;
    let mut flood = Vec::new();
    for _ in 0..200 {
        flood.push(TcpStream::connect(server.address).await.unwrap());
    }
    let mut open = 0;
    for stream in &mut flood {
        let mut byte = [0];
        let read = tokio::time::timeout(std::time::Duration::from_millis(20), stream.peek(&mut byte)).await;
        open += usize::from(read.is_err());
    }
    assert!((2..=66).contains(&open), "{open} are open");
}
