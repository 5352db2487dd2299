//! What the relay refuses.

use std::time::Duration;

use maru_protocol::ErrorCode;
use maru_signaling::{Config, CredentialsConfig, RelayConfig, RelaySecret};
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::client::{ALLOCATE, Answer, CREATE_PERMISSION, NONCE, Relay, Turn, UDP, Wire, config};
use crate::client::{Client, Server};

/// As it is outside of tests: nothing is reached that is not public.
async fn closed() -> Relay {
    let relay = RelayConfig { allow: Vec::new(), ..config() };
    Relay::with(Config { relay: Some(relay), ..Config::default() }).await
}

#[tokio::test]
async fn this_machine_and_its_networks_cannot_be_reached_by_permission_channel_or_data() {
    let relay = closed().await;
    let mut turn = relay.udp().await;
    turn.allocate().await;
    let victim = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut forbidden: Vec<String> = ["0.0.0.0", "127.0.0.1", "127.9.9.9", "169.254.169.254", "10.0.0.1"]
        .into_iter()
        .chain(["172.16.0.1", "192.168.0.1", "100.64.0.1", "224.0.0.1", "255.255.255.255"])
        .map(|ip| format!("{ip}:80"))
        .collect();
    forbidden.push(victim.local_addr().unwrap().to_string());
    forbidden.extend([relay.address.to_string(), relay.http.to_string()]);
    for peer in forbidden {
        let peer = peer.parse().unwrap();
        assert_eq!(turn.permit(peer).await.error(), 403, "{peer}");
        assert_eq!(turn.bind(0x4000, peer).await.error(), 403, "{peer}");
        turn.send(peer, b"attack").await;
        turn.send_on(0x4000, b"attack").await;
    }
    turn.hears_nothing().await;
    let mut buffer = [0; 16];
    assert!(victim.try_recv(&mut buffer).is_err(), "something came through");
}

#[tokio::test]
async fn ipv6_addresses_that_mean_this_machine_cannot_be_reached_either() {
    let relay = closed().await;
    let mut turn = relay.udp().await;
    turn.greet().await;
    assert_eq!(turn.ask(ALLOCATE, &[UDP, (super::client::FAMILY, &[2, 0, 0, 0])]).await.error(), 0);
    for ip in ["::", "::1", "::ffff:127.0.0.1", "::127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1"]
        .into_iter()
        .chain(["2002:7f00:1::", "fe80::1", "fd00::1", "ff02::1"])
    {
        let peer = format!("[{ip}]:80").parse().unwrap();
        assert_eq!(turn.permit(peer).await.error(), 403, "{peer}");
        assert_eq!(turn.bind(0x4000, peer).await.error(), 403, "{peer}");
    }
}

#[tokio::test]
async fn a_permission_for_a_relayed_address_opens_no_other_port_of_the_machine() {
    let relay = closed().await;
    let (mut ada, mut bob) = (relay.udp().await, relay.udp().await);
    ada.allocate().await;
    let of_bob = bob.allocate().await;
    let victim = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    assert_eq!(ada.permit(of_bob).await.error(), 0);
    ada.send(victim.local_addr().unwrap(), b"attack").await;
    ada.hears_nothing().await;
    assert!(victim.try_recv(&mut [0; 16]).is_err(), "something came through");
}

#[tokio::test]
async fn forged_and_truncated_credentials_and_another_realm_are_refused() {
    let relay = Relay::start().await;
    let good = relay.credentials().await;
    let later = format!("9999999999{}", &good.0[10..]);
    for (username, password, realm) in [
        (good.0.clone(), "guess".to_owned(), "maru"),
        (later, good.1.clone(), "maru"),
        (good.0[..good.0.len() - 1].to_owned(), good.1.clone(), "maru"),
        (String::new(), good.1.clone(), "maru"),
        ("ada".to_owned(), good.1.clone(), "maru"),
        (good.0.clone(), good.1.clone(), "elsewhere"),
    ] {
        let mut turn = Turn::over(Wire::udp(relay.address).await, (username.clone(), password));
        turn.greet().await;
        turn.realm = realm.to_owned();
        let answer = turn.ask(ALLOCATE, &[UDP]).await;
        assert_eq!(answer.error(), 401, "{username:?} in {realm}");
        assert!(!answer.text(NONCE).is_empty(), "a client may try again");
    }
}

#[tokio::test]
async fn a_nonce_that_was_not_given_out_to_this_address_is_stale_and_a_fresh_one_works() {
    let relay = Relay::start().await;
    let mut turn = relay.udp().await;
    turn.greet().await;
    let good = turn.nonce.clone();
    for wrong in ["x".to_owned(), good.replacen(&good[..1], "0", 1), format!("{good}0")] {
        turn.nonce = wrong;
        let answer = turn.ask(ALLOCATE, &[UDP]).await;
        assert_eq!(answer.error(), 438);
        turn.nonce = answer.text(NONCE);
    }
    assert_eq!(turn.ask(ALLOCATE, &[UDP]).await.error(), 0);
}

#[tokio::test]
async fn expired_credentials_make_no_allocation() {
    let credentials = CredentialsConfig {
        secret: RelaySecret::new("a secret of this test"),
        lifetime: Duration::ZERO,
        servers: Vec::new(),
    };
    let config = Config { relay: Some(config()), credentials: Some(credentials), ..Config::default() };
    let relay = Relay::with(config).await;
    let mut turn = relay.udp().await;
    tokio::time::sleep(Duration::from_millis(2100)).await;
    turn.greet().await;
    assert_eq!(turn.ask(ALLOCATE, &[UDP]).await.error(), 401);
}

#[tokio::test]
async fn what_has_no_place_in_a_request_is_refused_by_its_name() {
    let relay = Relay::start().await;
    let mut turn = relay.udp().await;
    turn.greet().await;
    let tcp: (u16, &[u8]) = (super::client::TRANSPORT, &[6, 0, 0, 0]);
    let dont_fragment: (u16, &[u8]) = (0x001A, &[]);
    let family: (u16, &[u8]) = (super::client::FAMILY, &[3, 0, 0, 0]);
    for (attributes, code) in
        [(&[][..], 400), (&[tcp], 442), (&[UDP, dont_fragment], 420), (&[UDP, family], 440)]
    {
        assert_eq!(turn.ask(ALLOCATE, attributes).await.error(), code);
    }
    assert_eq!(turn.ask(CREATE_PERMISSION, &[]).await.error(), 437);
    turn.allocate().await;
    assert_eq!(turn.ask(ALLOCATE, &[UDP]).await.error(), 437);
    assert_eq!(turn.ask(CREATE_PERMISSION, &[]).await.error(), 400);
    (turn.username, turn.password) = relay.credentials().await;
    assert_eq!(turn.permit("127.0.0.1:9".parse().unwrap()).await.error(), 441, "another user");
}

#[tokio::test]
async fn a_user_and_the_whole_server_have_their_quotas() {
    let relay = RelayConfig { allocations: 3, allocations_per_user: 2, ..config() };
    let relay = Relay::with(Config { relay: Some(relay), ..Config::default() }).await;
    let (ada, bob) = (relay.credentials().await, relay.credentials().await);
    let mut kept = Vec::new();
    for (credentials, code) in [(&ada, 0), (&ada, 0), (&ada, 486), (&bob, 0), (&bob, 508)] {
        let mut turn = Turn::over(Wire::udp(relay.address).await, credentials.clone());
        turn.greet().await;
        assert_eq!(turn.ask(ALLOCATE, &[UDP]).await.error(), code);
        kept.push(turn);
    }
}

#[tokio::test]
async fn ports_come_from_the_range_and_when_it_is_used_up_that_is_said() {
    let relay = RelayConfig { ports: 43_210..=43_211, ..config() };
    let relay = Relay::with(Config { relay: Some(relay), ..Config::default() }).await;
    let mut kept = Vec::new();
    for _ in 0..2 {
        let mut turn = relay.udp().await;
        assert!((43_210..=43_211).contains(&turn.allocate().await.port()));
        kept.push(turn);
    }
    let mut third = relay.udp().await;
    third.greet().await;
    assert_eq!(third.ask(ALLOCATE, &[UDP]).await.error(), 508);
}

#[tokio::test]
async fn a_user_above_its_bandwidth_loses_packets() {
    let relay = RelayConfig { bytes_per_second_per_user: Some(1000), ..config() };
    let relay = Relay::with(Config { relay: Some(relay), ..Config::default() }).await;
    let mut turn = relay.udp().await;
    let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    turn.allocate().await;
    turn.bind(0x4000, peer.local_addr().unwrap()).await;
    let counting = tokio::spawn(async move {
        let (mut came, mut buffer) = (0, [0; 2000]);
        // Until there is nothing for a second.
        while let Ok(Ok(_)) = timeout(Duration::from_secs(1), peer.recv(&mut buffer)).await {
            came += 1;
        }
        came
    });
    for _ in 0..400 {
        turn.send_on(0x4000, &[0; 1000]).await;
        tokio::task::yield_now().await;
    }
    let came = counting.await.unwrap();
    // Some may get lost elsewhere, on a machine that does much else.
    assert!((10..=270).contains(&came), "{came} of 400 at a burst of 262");
}

#[tokio::test]
async fn random_bytes_and_truncated_requests_end_at_most_their_own_connection() {
    let relay = Relay::start().await;
    let mut seed = 7_u64;
    let mut noise = |length: usize| -> Vec<u8> {
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 56) as u8
        };
        (0..length).map(|_| next()).collect()
    };
    let mut model = relay.udp().await;
    model.greet().await;
    let request = model.message(ALLOCATE, &[UDP]);
    for round in 0..300 {
        let mut bytes = if round % 2 == 0 { noise(round * 5 % 1400) } else { request.clone() };
        if round % 2 == 1 {
            let at = round * 31 % bytes.len();
            bytes[at] ^= 1 << (round % 8);
            bytes.truncate(bytes.len() - round % 3);
        }
        model.wire.send(&bytes).await;
        if round % 10 == 0 {
            let stream = tokio::net::TcpStream::connect(relay.address).await.unwrap();
            let mut wire = Wire::Stream(Box::new(stream));
            wire.send(&bytes).await;
            let mut turn = relay.websocket().await;
            turn.wire.send(&bytes).await;
        }
    }
    // Some of it may have been answered; in the end there are no more answers, and it works as ever.
    let mut fresh = relay.udp().await;
    fresh.allocate().await;
    relay.tcp().await.allocate().await;
    relay.websocket().await.allocate().await;
    let _ = Answer::read(&request);
}

#[tokio::test]
async fn a_relay_that_could_not_have_its_port_is_reached_by_no_websocket_either() {
    let holder = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let relay = RelayConfig { listen: vec![holder.local_addr().unwrap()], optional: true, ..config() };
    let server = Server::with(Config { relay: Some(relay), ..Config::default() }).await;
    let mut client = Client::offering(&server.url(), Some("maru.turn.v1")).await;
    assert_eq!(client.turned_away().await.0, ErrorCode::UnsupportedVersion);
}
