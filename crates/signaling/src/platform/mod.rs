//! What differs between operating systems: how a program is asked to stop.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::stop_requested;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(crate) use windows::stop_requested;
