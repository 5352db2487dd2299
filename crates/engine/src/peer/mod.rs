//! One webrtc peer connection: the only place that knows the webrtc crate. It refuses to know the
//! room, the server and who offers when.

mod captured;
mod chat;
mod codec;
mod connection;
mod feedback;
mod files;
#[cfg(fuzzing)]
pub mod fuzzing;
mod losses;
mod mdns;
mod media;
mod path;
mod setup;
mod tap;
mod told;

pub(crate) use chat::{ChatGate, clean};
pub(crate) use connection::{
    CandidatePair, Connection, ConnectionConfig, ConnectionNews, ConnectionStats, VideoSection,
};
pub(crate) use files::{FileChannel, FileMessage};
pub(crate) use setup::Network;

/// A random number, from the seeds that the standard library takes from the system for its hash maps.
pub(crate) fn random_u32() -> u32 {
    use std::hash::{BuildHasher as _, Hasher as _};
    std::hash::RandomState::new().build_hasher().finish() as u32
}
