//! A room moves from one server to another in mid-call: nobody sees or hears anything of it.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use maru_engine::{CallState, Event, PeerState, Problem, ServerAddress, ServerLocator};
use maru_protocol::RoomName;
use maru_signaling::{Config, Server, Tls};
use maru_tests::participant::Participant;
use maru_tests::server::LocalServer;
use maru_tests::wait::now_ms;
use tokio::net::TcpListener;
use tokio::sync::watch;

const ROOM: &str = "nomads";

/// Where the room is: changes for everybody at once.
struct Place(watch::Receiver<ServerAddress>);

#[async_trait]
impl ServerLocator for Place {
    async fn locate(&self, _room: &RoomName) -> Result<ServerAddress, Problem> {
        Ok(self.0.borrow().clone())
    }

    async fn moved(&self, from: &ServerAddress) -> ServerAddress {
        let mut place = self.0.clone();
        let elsewhere = place.wait_for(|place| place != from).await.map(|place| place.clone());
        match elsewhere {
            Ok(place) => place,
            Err(_) => std::future::pending().await,
        }
    }
}

/// A server with TLS and a certificate that nobody vouches for.
async fn secure_server() -> (ServerAddress, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let tls = Tls::self_signed(directory.path()).unwrap();
    let mut fingerprint = [0; 32];
    for (byte, digits) in fingerprint.iter_mut().zip(tls.fingerprint().unwrap().split(':')) {
        *byte = u8::from_str_radix(digits, 16).unwrap();
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("wss://{}/ws", listener.local_addr().unwrap());
    tokio::spawn(async move {
        Server::new(Config::default()).run(listener, Some(tls), std::future::pending()).await
    });
    (ServerAddress { url, fingerprint: Some(fingerprint) }, directory)
}

async fn join(place: &watch::Receiver<ServerAddress>, name: &str) -> Participant {
    let url = place.borrow().url.clone();
    let place = place.clone();
    Participant::join_with(&url, ROOM, name, |config| config.server = Arc::new(Place(place))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_moves_to_another_server_and_pictures_go_on() {
    let first = LocalServer::start();
    let (second, _directory) = secure_server().await;
    let (moves, place) = watch::channel(ServerAddress::from(first.url()));
    let (ada, bo) = (join(&place, "Ada").await, join(&place, "Bo").await);
    let before = ada.until_peer("connected", "Bo", |peer| peer.state == PeerState::Connected).await;
    ada.picture_after("Bo", 0).await;

    let mut views = ada.engine().events();
    moves.send(second.clone()).unwrap();
    // Who comes now knows of the second server only, and meets both.
    let cy = join(&place, "Cy").await;
    for name in ["Ada", "Bo"] {
        cy.until_peer("met at the new place", name, |peer| peer.state == PeerState::Connected).await;
    }
    ada.picture_after("Bo", now_ms()).await;
    let report = ada.engine().report().await.unwrap();
    let of_bo = report.peers.iter().find(|peer| peer.id == before.id).unwrap();
    assert_eq!(of_bo.negotiations, 1, "the connection is the first one still");
    while let Ok(event) = views.try_recv() {
        if let Event::View { view } = event {
            assert_eq!(view.call, CallState::InCall);
            let bo = view.peers.iter().find(|peer| peer.id == before.id);
            assert!(bo.is_some_and(|bo| bo.state == PeerState::Connected), "{view:?}");
        }
    }
    // And back to the first one.
    moves.send(first.url().into()).unwrap();
    let dora = Participant::join(&first.url(), ROOM, "Dora").await;
    for person in [&ada, &bo, &cy] {
        person.until_peer("met again", "Dora", |peer| peer.state == PeerState::Connected).await;
    }
    for name in ["Ada", "Bo", "Cy"] {
        dora.until_peer("met again", name, |peer| peer.state == PeerState::Connected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_another_certificate_than_the_known_one_is_not_moved_to() {
    let first = LocalServer::start();
    let (mut second, _directory) = secure_server().await;
    // Somebody else's certificate.
    second.fingerprint.as_mut().unwrap()[0] ^= 1;
    let (moves, place) = watch::channel(ServerAddress::from(first.url()));
    let ada = join(&place, "Ada").await;
    moves.send(second.clone()).unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let bo = Participant::join(&first.url(), ROOM, "Bo").await;
    ada.until_peer("still here", "Bo", |peer| peer.state == PeerState::Connected).await;
    bo.leave().await;
}
