//! The check before a call says what the network lets through, and what it does not.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use maru_engine::{FixedServer, NetworkCheck, NetworkFinding, RelayProtocol};
use maru_protocol::ClientInfo;
use maru_tests::relay::Relay;
use maru_tests::server::LocalServer;
use tokio::time::timeout;

/// Longer than all that the check itself allows.
const LIMIT: Duration = Duration::from_secs(40);

async fn check(server: &str) -> Vec<NetworkFinding> {
    let check = NetworkCheck {
        server: Arc::new(FixedServer::parse(server).unwrap()),
        client: ClientInfo { name: "maru-tests".into(), version: "0".into() },
    };
    let found = Mutex::new(Vec::new());
    timeout(LIMIT, check.run(|finding| found.lock().unwrap().push(finding)))
        .await
        .expect("the check ends in time");
    found.into_inner().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_a_relay_that_is_reached_by_udp_passes() {
    let relay = Relay::start().await;
    let server = LocalServer::start_with_relay(&relay);
    let found = check(&server.url()).await;
    assert!(matches!(found[0], NetworkFinding::Server { ms } if ms > 0.0), "{found:?}");
    assert!(found.contains(&NetworkFinding::Udp { answered: Some(true) }), "{found:?}");
    let lent = NetworkFinding::Relay { lent: true, protocol: Some(RelayProtocol::Udp), named: true };
    assert!(found.contains(&lent), "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_is_gone_is_said_to_be() {
    let relay = Relay::start().await;
    let server = LocalServer::start_with_relay(&relay);
    drop(relay);
    let found = check(&server.url()).await;
    assert!(matches!(found[0], NetworkFinding::Server { .. }), "{found:?}");
    assert!(found.contains(&NetworkFinding::Udp { answered: Some(false) }), "{found:?}");
    let not_lent =
        |finding: &NetworkFinding| matches!(finding, NetworkFinding::Relay { lent: false, named: true, .. });
    assert!(found.iter().any(not_lent), "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_gone_ends_the_check_with_a_sentence() {
    let mut server = LocalServer::start();
    server.kill().await;
    let found = check(&server.url()).await;
    let [NetworkFinding::NoServer { problem }] = &found[..] else { panic!("{found:?}") };
    assert!(problem.to_string().contains("cannot be reached"), "{problem}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_server_says_so() {
    let server = LocalServer::start_private("open-sesame");
    let found = check(&server.url()).await;
    let [NetworkFinding::NoServer { problem }] = &found[..] else { panic!("{found:?}") };
    assert!(problem.to_string().contains("token"), "{problem}");
}
