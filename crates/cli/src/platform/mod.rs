//! How this system asks a program to end.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::asked_to_end;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::asked_to_end;
