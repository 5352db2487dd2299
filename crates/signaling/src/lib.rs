//! Maru's signaling server: rooms by name, and signals relayed between the members of one room.
//!
//! The caller owns the sockets and decides when to stop ([`Server`], [`run`]); [`automatic`] is the
//! server that needs no setting up. Browsers get the page with which they join as guests. Rooms, the rules of a connection and the rate limit are plain
//! state that is told the time; sockets and tasks are a thin shell around them.
//!
//! This crate refuses to know media, devices, and what is in a description or a candidate: signals
//! are relayed unread, and so is what passes through its TURN relay. It stores nothing (with `bus`, several servers
//! keep who is in which room in Redis): a server that starts again knows nobody, and lets everybody
//! back in as who they were (see [`maru_protocol::ResumeToken`]).

mod access;
mod addresses;
pub mod automatic;
mod bus;
mod config;
mod connection;
mod discard;
mod error;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod health;
mod hex;
mod http;
mod hub;
mod incoming;
mod links;
mod listen;
mod mailbox;
mod metrics;
mod page;
mod rate;
mod reach;
mod refusal;
mod relay;
mod rooms;
mod server;
mod session;
mod tls;
mod visitors;
mod web;

pub use bus::BusConfig;
pub use config::{Config, PerAddress, base_path};
pub use error::ServerError;
pub use listen::listen;
pub use relay::{CredentialsConfig, RELAY_PORT, RELAY_TLS_PORT, RelayConfig, RelaySecret};
pub use server::{Server, run, run_with};
pub use tls::{Acme, Tls, TlsError};
