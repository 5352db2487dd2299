//! STUN and TURN (RFC 8489, RFC 8656): lets clients learn their address, and relays packets for those
//! who cannot reach each other. Over UDP, TCP, TLS and the server's own WebSocket.
//!
//! What a request means and who may reach whom is plain state that is told the time ([`table`],
//! [`allocation`], [`requests`], [`auth`], [`filter`]); sockets are thin shells around it ([`udp`],
//! [`stream`], [`websocket`]) that meet in [`relay`].
//!
//! This module refuses to know rooms and participants: who has credentials may use it, and what passes
//! is not looked at. It is written here because the crates there are forward through channels and
//! queues of their own, know no quotas and filters, and want to be told their users beforehand.

mod allocation;
mod auth;
mod bandwidth;
mod config;
mod counters;
mod credentials;
mod filter;
mod frame;
#[cfg(fuzzing)]
pub mod fuzzing;
mod link;
mod listen;
mod offer;
mod own;
mod ports;
#[expect(clippy::module_inception, reason = "it is what the module is for")]
mod relay;
mod requests;
mod sockets;
mod strangers;
mod stream;
mod stun;
mod table;
mod udp;
mod websocket;

pub use config::{CredentialsConfig, RELAY_PORT, RELAY_TLS_PORT, RelayConfig};
pub(crate) use counters::RelayCounters;
pub use credentials::RelaySecret;
pub(crate) use offer::{Ice, IceOffer};
pub(crate) use own::OwnRelay;
