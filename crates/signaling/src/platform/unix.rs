//! Unix: SIGTERM of service managers, SIGINT of Ctrl-C, SIGHUP of a terminal that closes.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Listens for signals from now on; resolves to the name of the first that comes.
///
/// # Errors
/// The system's, when it does not let the program handle signals.
pub(crate) fn stop_requested() -> io::Result<impl Future<Output = &'static str>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
            _ = hangup.recv() => "SIGHUP",
        }
    })
}
