//! What the relay passes on, over every transport.

use std::net::SocketAddr;

use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::client::{ALLOCATE, BINDING, FAMILY, LIFETIME, MAPPED, REFRESH, RELAYED, Relay, Turn, UDP, Wire};
use crate::client::PATIENCE;

/// Somebody on the internet.
struct Peer(UdpSocket);

impl Peer {
    async fn on(ip: &str) -> Self {
        Self(UdpSocket::bind((ip, 0)).await.unwrap())
    }

    fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    async fn receive(&self) -> (Vec<u8>, SocketAddr) {
        let mut buffer = vec![0; 65_536];
        let (length, from) = timeout(PATIENCE, self.0.recv_from(&mut buffer)).await.unwrap().unwrap();
        buffer.truncate(length);
        (buffer, from)
    }
}

/// Data both ways, by indications and over a channel, and the allocation's end.
pub async fn passes_both_ways(mut turn: Turn) {
    let peer = Peer::on("127.0.0.1").await;
    let relayed = turn.allocate().await;
    turn.send(peer.address(), b"too early").await;
    assert_eq!(turn.permit(peer.address()).await.error(), 0);

    for size in [0, 1, 5, 1200, 8000] {
        let data = vec![size as u8; size];
        turn.send(peer.address(), &data).await;
        assert_eq!(peer.receive().await, (data.clone(), relayed), "and not what was sent too early");
        peer.0.send_to(&data, relayed).await.unwrap();
        assert_eq!(turn.indication().await, (peer.address(), data));
    }

    assert_eq!(turn.bind(0x4001, peer.address()).await.error(), 0);
    for size in [0, 1, 5, 1200, 8000] {
        let data = vec![size as u8; size];
        turn.send_on(0x4001, &data).await;
        assert_eq!(peer.receive().await, (data.clone(), relayed));
        peer.0.send_to(&data, relayed).await.unwrap();
        assert_eq!(turn.channel_data().await, (0x4001, data));
    }

    assert_eq!(turn.ask(REFRESH, &[]).await.number(LIFETIME), 600);
    let end = turn.ask(REFRESH, &[(LIFETIME, &[0; 4])]).await;
    assert_eq!((end.error(), end.number(LIFETIME)), (0, 0));
    peer.0.send_to(b"too late", relayed).await.unwrap();
    turn.send_on(0x4001, b"too late").await;
    turn.hears_nothing().await;
    assert_eq!(turn.ask(REFRESH, &[]).await.error(), 437);
}

#[tokio::test]
async fn data_pass_both_ways_over_udp() {
    passes_both_ways(Relay::start().await.udp().await).await;
}

#[tokio::test]
async fn data_pass_both_ways_over_tcp() {
    passes_both_ways(Relay::start().await.tcp().await).await;
}

#[tokio::test]
async fn data_pass_both_ways_over_a_websocket() {
    passes_both_ways(Relay::start().await.websocket().await).await;
}

#[tokio::test]
async fn a_client_learns_its_address_without_credentials() {
    let relay = Relay::start().await;
    assert_eq!(relay.url_address("stun:"), relay.address);
    let mut turn = Turn::over(Wire::udp(relay.address).await, Default::default());
    let answer = turn.ask(BINDING, &[]).await;
    let Wire::Udp(socket) = &turn.wire else { unreachable!() };
    assert_eq!(answer.address(MAPPED), socket.local_addr().unwrap());
    assert_eq!(Relay::start().await.tcp().await.ask(BINDING, &[]).await.kind, 0x101);
}

#[tokio::test]
async fn whoever_sends_without_permission_is_not_heard() {
    let relay = Relay::start().await;
    let mut turn = relay.udp().await;
    let (stranger, peer) = (Peer::on("127.0.0.2").await, Peer::on("127.0.0.1").await);
    let relayed = turn.allocate().await;
    turn.permit(peer.address()).await;
    stranger.0.send_to(b"let me in", relayed).await.unwrap();
    turn.hears_nothing().await;
    peer.0.send_to(b"hello", relayed).await.unwrap();
    assert_eq!(turn.indication().await.1, b"hello");
}

#[tokio::test]
async fn two_clients_that_can_only_relay_reach_each_other_over_any_two_transports() {
    let relay = Relay::start().await;
    let mut pairs = Vec::new();
    for _ in 0..2 {
        pairs.push((relay.udp().await, relay.tcp().await));
    }
    pairs.push((relay.websocket().await, relay.udp().await));
    for (mut ada, mut bob) in pairs {
        let (of_ada, of_bob) = (ada.allocate().await, bob.allocate().await);
        assert_eq!(ada.permit(of_bob).await.error(), 0);
        assert_eq!(bob.bind(0x4FFF, of_ada).await.error(), 0);
        ada.send(of_bob, b"from Ada").await;
        assert_eq!(bob.channel_data().await, (0x4FFF, b"from Ada".to_vec()));
        bob.send_on(0x4FFF, b"from Bob").await;
        assert_eq!(ada.indication().await, (of_bob, b"from Bob".to_vec()));
        assert_eq!(ada.bind(0x4000, of_bob).await.error(), 0);
        bob.send_on(0x4FFF, b"again").await;
        assert_eq!(ada.channel_data().await, (0x4000, b"again".to_vec()));
    }
}

#[tokio::test]
async fn behind_a_translation_of_addresses_peers_see_the_public_one_and_relays_meet_inside() {
    let public = "9.9.9.9".parse().unwrap();
    let config = maru_signaling::RelayConfig {
        public_addresses: vec![public],
        public_host: Some("127.0.0.1".into()),
        allow: Vec::new(),
        ..super::client::config()
    };
    let config = maru_signaling::Config { relay: Some(config), ..Default::default() };
    let relay = Relay::with(config).await;
    let (mut ada, mut bob) = (relay.udp().await, relay.tcp().await);
    let (of_ada, of_bob) = (ada.allocate().await, bob.allocate().await);
    assert_eq!((of_ada.ip(), of_bob.ip()), (public, public));
    ada.permit(of_bob).await;
    bob.permit(of_ada).await;
    ada.send(of_bob, b"hairpin").await;
    assert_eq!(bob.indication().await, (of_ada, b"hairpin".to_vec()));
}

#[tokio::test]
async fn ipv6_is_allocated_to_whoever_asks_for_it() {
    let relay = Relay::start().await;
    let mut turn = relay.udp().await;
    turn.greet().await;
    let answer = turn.ask(ALLOCATE, &[UDP, (FAMILY, &[2, 0, 0, 0])]).await;
    let relayed = answer.address(RELAYED);
    assert!(relayed.is_ipv6(), "{relayed}");
    let (peer, other) = (Peer::on("::1").await, Peer::on("127.0.0.1").await);
    assert_eq!(turn.permit(other.address()).await.error(), 443);
    assert_eq!(turn.permit(peer.address()).await.error(), 0);
    turn.send(peer.address(), b"six").await;
    assert_eq!(peer.receive().await, (b"six".to_vec(), relayed));
    peer.0.send_to(b"six", relayed).await.unwrap();
    assert_eq!(turn.indication().await, (peer.address(), b"six".to_vec()));
}

#[tokio::test]
async fn an_allocation_ends_with_its_connection() {
    let relay = Relay::start().await;
    let mut turn = relay.tcp().await;
    let relayed = turn.allocate().await;
    assert!(UdpSocket::bind(relayed).await.is_err(), "the port is taken");
    drop(turn);
    timeout(PATIENCE, async {
        while UdpSocket::bind(relayed).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("the port is never given back");
}
