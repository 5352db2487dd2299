//! Maru's signaling server: rooms by name, and signals relayed between the members of one room.
//!
//! The caller owns the socket and decides when to stop ([`run`], [`run_with`]); [`automatic`] is the
//! server that needs no setting up. Rooms, the rules of a connection and the rate limit are plain
//! state that is told the time; sockets and tasks are a thin shell around them.
//!
//! This crate refuses to know media, devices, and what is in a description or a candidate: signals
//! are relayed unread. It stores nothing: a server that starts again knows nobody, and lets everybody
//! back in as who they were (see [`maru_protocol::ResumeToken`]).

mod access;
mod addresses;
pub mod automatic;
mod config;
mod connection;
mod discard;
mod error;
mod health;
mod hub;
mod incoming;
mod listen;
mod mailbox;
mod rate;
mod refusal;
mod rooms;
mod server;
mod session;
mod web;

pub use config::Config;
pub use error::ServerError;
pub use listen::listen;
pub use server::{run, run_with};
