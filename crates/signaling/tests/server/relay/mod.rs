//! STUN and TURN over real sockets.

mod attacks;
mod client;
#[cfg(target_os = "linux")]
mod coturn;
mod passing;
mod secure;
