//! What Maru promises of a call, measured: `cargo xtask bench` prints what the tests here do, each on a machine that
//! should do nothing else.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

#[cfg(feature = "browsers")]
mod browsers;
mod files;
mod share;
mod sheet;
mod stats;
