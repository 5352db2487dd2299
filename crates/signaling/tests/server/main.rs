//! The server over real sockets, as its clients see it.
#![allow(clippy::unwrap_used)]

#[cfg(target_os = "linux")]
mod acme;
mod attacks;
mod automatic;
mod bad_input;
#[cfg(target_os = "linux")]
mod bus;
mod client;
mod limits;
mod load;
mod meeting;
mod metrics;
mod names;
mod page;
mod program;
mod proxy;
mod relay;
mod resuming;
#[cfg(unix)]
mod running;
mod shutdown;
#[cfg(unix)]
mod signals;
mod tls;
mod web;
