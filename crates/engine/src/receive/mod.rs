//! From packets to screens and speakers, per peer: the mirror image of `send`.

pub(crate) mod audio;
mod pace;
pub(crate) mod playout;
pub(crate) mod video;
