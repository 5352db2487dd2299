//! Doors for `fuzz/` into what reads hostile bytes and is nobody else's business.

pub use crate::relay::fuzzing as relay;
