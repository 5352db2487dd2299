//! Rooms that span servers, with a real Redis.

mod faults;
mod meeting;
mod programs;
mod redis;

use std::time::{Duration, Instant};

use maru_protocol::{PeerId, ServerMessage};
use maru_signaling::{BusConfig, Config};
use serde_json::Value;

use crate::client::{Client, PATIENCE, Server, http_get};
use redis::Redis;

/// A setting for a server that meets others there.
fn at(redis: &Redis) -> Config {
    Config { bus: Some(BusConfig::new(&redis.url(), None).unwrap()), ..Config::default() }
}

/// Servers that see each other.
async fn nodes(redis: &Redis, count: usize) -> Vec<Server> {
    nodes_with(at(redis), count).await
}

async fn nodes_with(config: Config, count: usize) -> Vec<Server> {
    let mut servers = Vec::new();
    for _ in 0..count {
        servers.push(Server::with(config.clone()).await);
    }
    for server in &servers {
        bus_is(server.address, "up", count as u64).await;
    }
    servers
}

/// What a server reports of its bus.
async fn bus(address: std::net::SocketAddr) -> Value {
    let (status, body) = http_get(address, "/health", "").await;
    assert_eq!(status, 200);
    serde_json::from_str::<Value>(&body).unwrap()["bus"].take()
}

/// Waits until a server reports this.
async fn bus_is(address: std::net::SocketAddr, state: &str, nodes: u64) {
    let by = Instant::now() + PATIENCE;
    loop {
        let report = bus(address).await;
        if report["state"] == state && report["nodes"] == nodes {
            return;
        }
        assert!(Instant::now() < by, "not {state} with {nodes} nodes: {report}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Reads what a client gets until it is told this.
async fn hears(client: &mut Client, what: ServerMessage) {
    loop {
        let message = client.message().await;
        if message == what {
            return;
        }
    }
}

/// The sender of an offer that a test makes.
async fn meets(one: &mut Client, a: PeerId, other: &mut Client, b: PeerId) {
    one.signal(b, "there").await;
    assert_eq!(other.candidate().await, (a, "there".to_owned()));
    other.signal(a, "and back").await;
    assert_eq!(one.candidate().await, (b, "and back".to_owned()));
}
