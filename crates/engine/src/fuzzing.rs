//! Doors for `fuzz/` into what reads a peer's and a relay's bytes.

pub use crate::files::fuzzing as files;
pub use crate::peer::fuzzing as peer;
pub use crate::tunnel::fuzzing as tunnel;
