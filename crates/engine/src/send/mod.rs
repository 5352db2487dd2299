//! From devices to packets, once for all peers: capture → encode → payloads. Each peer's connection
//! takes the finished payloads and only adds its own RTP headers.

pub(crate) mod audio;
pub(crate) mod fanout;
pub(crate) mod screen;
pub(crate) mod video;
mod voice;
