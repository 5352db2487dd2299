//! Maru's signaling server.
