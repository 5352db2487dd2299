//! Against coturn, which shares no code with us: its client at our relay, and its server in our relay's
//! place.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use maru_signaling::{Config, CredentialsConfig, RelaySecret};
use tokio::net::UdpSocket;
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use super::client::{ALLOCATE, Relay, Turn, UDP, Wire, config};

const SECRET: &str = "what both of them know";

fn credentials(servers: Vec<String>) -> Option<CredentialsConfig> {
    Some(CredentialsConfig { secret: RelaySecret::new(SECRET), lifetime: Duration::from_secs(600), servers })
}

/// Sends everything back.
async fn echo() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 2000];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let _ = socket.send_to(&buffer[..length], from).await;
        }
    });
    address
}

#[tokio::test]
async fn coturns_client_loses_nothing_over_udp_and_tcp_by_channels_indications_and_between_relays() {
    let relay = Config { relay: Some(config()), credentials: credentials(Vec::new()), ..Config::default() };
    let (relay, peer) = (Relay::with(relay).await, echo().await);
    let (relay, peer) = (relay.address.port().to_string(), peer.port().to_string());
    let runs = ["", "-t", "-s", "-st", "-y", "-ty", "-x", "-D"].map(|mode| {
        let mut client = Command::new("turnutils_uclient");
        client.args(["-c", "-m", "2", "-n", "20", "-l", "1001", "-z", "5", "-u", "uclient", "-W", SECRET]);
        client.args(["-e", "127.0.0.1", "-r", &peer, "-p", &relay]);
        client.args(Some(mode).filter(|mode| !mode.is_empty())).arg("127.0.0.1");
        client.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let client =
            client.spawn().expect("turnutils_uclient does not start: install Debian's package coturn");
        (mode, client)
    });
    for (mode, client) in runs {
        let output = timeout(Duration::from_secs(60), client.wait_with_output()).await.expect("it hangs");
        let said = String::from_utf8(output.unwrap().stdout).unwrap();
        assert!(said.contains("Total lost packets 0 (0.000000%), total send dropped 0"), "{mode}: {said}");
        assert!(said.contains("tot_send_msgs=40"), "{mode}: {said}");
    }
}

#[tokio::test]
async fn coturn_takes_our_credentials_and_refuses_forged_ones() {
    // Below those that the system gives to whoever asks for any: another test's socket is never there first.
    let port = 20_000 + (std::process::id() % 10_000) as u16;
    let directory = tempfile::tempdir().unwrap();
    let mut turnserver = Command::new("turnserver");
    turnserver
        .args(["-n", "--use-auth-secret", "--realm=maru", "--allow-loopback-peers", "--no-cli", "--no-tls"])
        .args(["--no-dtls", "--log-file=stdout", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1"])
        .arg(format!("--static-auth-secret={SECRET}"))
        .arg(format!("--listening-port={port}"))
        .arg(format!("--pidfile={}", directory.path().join("pid").display()))
        .arg(format!("--userdb={}", directory.path().join("db").display()))
        .current_dir(directory.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let _turnserver = turnserver.spawn().expect("turnserver does not start: install Debian's package coturn");
    let coturn: SocketAddr = ([127, 0, 0, 1], port).into();
    // It listens for TCP first, and a little later for UDP: asked for our address (RFC 8489) until it answers.
    let ready = async {
        let probe = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        probe.connect(coturn).await.unwrap();
        let mut request = [0; 20];
        request[1] = 1;
        request[4..8].copy_from_slice(&0x2112_A442_u32.to_be_bytes());
        loop {
            let sent = probe.send(&request).await.is_ok();
            let answer = timeout(Duration::from_millis(100), probe.recv(&mut [0; 500])).await;
            if sent && matches!(answer, Ok(Ok(_))) {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(20), ready).await.expect("coturn does not listen");

    let url = format!("turn:127.0.0.1:{port}?transport=udp");
    let relay = Config { relay: None, credentials: credentials(vec![url.clone()]), ..Config::default() };
    let relay = Relay::with(relay).await;
    assert_eq!((relay.servers.len(), &relay.servers[0].urls), (1, &vec![url]), "ours is off");
    assert_eq!(relay.address, coturn);

    let (username, password) = relay.credentials().await;
    let mut forged = Turn::over(Wire::udp(coturn).await, (username.replace(':', "9:"), password.clone()));
    forged.greet().await;
    assert_eq!(forged.ask(ALLOCATE, &[UDP]).await.error(), 401);
    let mut turn = Turn::over(Wire::udp(coturn).await, (username, password));
    turn.allocate().await;
    let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    assert_eq!(turn.bind(0x4000, peer.local_addr().unwrap()).await.error(), 0);
    turn.send_on(0x4000, b"by way of coturn").await;
    let mut buffer = [0; 100];
    let length = timeout(Duration::from_secs(20), peer.recv(&mut buffer)).await.unwrap().unwrap();
    assert_eq!(&buffer[..length], b"by way of coturn");
}
