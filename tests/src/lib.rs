//! End-to-end tests: real server, engines and window.
//!
//! This package refuses to link Tauri: it meets the app as a program with a window.

#[cfg(target_os = "linux")]
pub mod browser;
#[cfg(target_os = "linux")]
mod delay;
#[cfg(target_os = "linux")]
pub mod faults;
#[cfg(unix)]
pub mod foreign;
#[cfg(target_os = "linux")]
pub mod guest;
#[cfg(target_os = "linux")]
pub mod lan;
#[cfg(target_os = "linux")]
mod namespaces;
pub mod order;
pub mod page;
pub mod participant;
#[cfg(unix)]
pub mod process;
#[cfg(unix)]
pub mod programs;
pub mod recording;
#[cfg(unix)]
pub mod relay;
#[cfg(target_os = "linux")]
pub mod routed;
pub mod server;
#[cfg(target_os = "linux")]
pub mod sound;
#[cfg(target_os = "linux")]
pub mod usage;
pub mod wait;
#[cfg(target_os = "linux")]
pub mod wayland;
pub mod webdriver;
#[cfg(target_os = "linux")]
pub mod window;
