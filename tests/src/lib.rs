//! End-to-end tests: real server, engines and window.
//!
//! This package refuses to link Tauri: it meets the app as a program with a window.

pub mod participant;
pub mod server;
pub mod wait;
#[cfg(target_os = "linux")]
pub mod window;
