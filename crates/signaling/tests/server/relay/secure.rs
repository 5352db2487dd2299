//! The relay over TLS, and its credentials in time.

use std::time::Duration;

use maru_protocol::ServerMessage;
use maru_signaling::{Config, CredentialsConfig, RelayConfig, RelaySecret, Server, Tls};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use super::client::{ALLOCATE, Relay, Turn, UDP, Wire, config};
use super::passing::passes_both_ways;
use crate::client::{Client, join};
use crate::tls::{connect, write_pair};

#[tokio::test]
async fn data_pass_both_ways_over_tls_with_the_servers_own_certificate() {
    let directory = tempfile::tempdir().unwrap();
    let certificate = write_pair(directory.path());
    let tls = Tls::from_files(&directory.path().join("cert.pem"), &directory.path().join("key.pem")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let server = Server::new(Config { relay: Some(config()), ..Config::default() });
        server.run(listener, Some(tls), std::future::pending()).await.unwrap();
    });

    let mut request = format!("wss://localhost:{}/ws", address.port()).into_client_request().unwrap();
    request.headers_mut().insert("Sec-WebSocket-Protocol", "maru.v1".parse().unwrap());
    let mut client = Client::over(request, connect(address, &certificate).await.unwrap()).await;
    client.send(join("standup", "Ada")).await;
    let ServerMessage::Joined { ice_servers, .. } = client.message().await else { panic!("not joined") };
    let server = ice_servers.into_iter().find(|server| server.username.is_some()).unwrap();
    let url = server.urls.iter().find_map(|url| url.strip_prefix("turns:localhost:")).expect("no TLS");
    let port = url.strip_suffix("?transport=tcp").unwrap().parse().unwrap();

    let stream = connect(([127, 0, 0, 1], port).into(), &certificate).await.unwrap();
    let credentials = (server.username.unwrap(), server.credential.unwrap());
    passes_both_ways(Turn::over(Wire::Stream(Box::new(stream)), credentials)).await;
}

#[tokio::test]
async fn members_get_fresh_credentials_before_theirs_expire_and_allocations_outlive_the_old_ones() {
    let credentials = CredentialsConfig {
        secret: RelaySecret::random(),
        lifetime: Duration::from_secs(4),
        servers: Vec::new(),
    };
    let relay = RelayConfig { allocations_per_user: 2, ..config() };
    let relay = Config { relay: Some(relay), credentials: Some(credentials), ..Config::default() };
    let relay = Relay::with(relay).await;
    let mut ada = Client::connect(&format!("ws://{}/ws", relay.http)).await;
    ada.send(join("standup", "Ada")).await;
    let ServerMessage::Joined { ice_servers: first, .. } = ada.message().await else { panic!("not joined") };
    let of = |servers: &[maru_protocol::IceServer]| {
        let server = servers.iter().find(|server| server.username.is_some()).unwrap();
        (server.username.clone().unwrap(), server.credential.clone().unwrap())
    };
    let mut early = Turn::over(Wire::udp(relay.address).await, of(&first));
    early.allocate().await;

    let ServerMessage::IceServers { ice_servers: second } = ada.message().await else {
        panic!("no rotation")
    };
    assert_ne!(of(&first).0, of(&second).0);
    let mut late = Turn::over(Wire::udp(relay.address).await, of(&second));
    late.allocate().await;
    let mut third = Turn::over(Wire::udp(relay.address).await, of(&second));
    third.greet().await;
    assert_eq!(third.ask(ALLOCATE, &[UDP]).await.error(), 486, "a rotation gives no second quota");

    let ServerMessage::IceServers { .. } = ada.message().await else { panic!("no second rotation") };
    assert_eq!(early.ask(super::client::REFRESH, &[]).await.error(), 0, "what there is goes on");
    assert_eq!(early.permit("127.0.0.1:9".parse().unwrap()).await.error(), 0);
    let mut again = Turn::over(Wire::udp(relay.address).await, of(&first));
    again.greet().await;
    assert_eq!(again.ask(ALLOCATE, &[UDP]).await.error(), 401, "but nothing new");
}
