//! What differs between operating systems: how a program is asked to stop, and
//! how many files it may have.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::{raise_file_limit, stop_requested};

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(crate) use windows::{raise_file_limit, stop_requested};
