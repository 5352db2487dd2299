//! What differs between systems.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub use other::asked_to_end;
#[cfg(unix)]
pub use unix::asked_to_end;
