//! STUN and TURN over real sockets.

mod attacks;
mod client;
mod passing;
mod secure;
