//! Windows: Ctrl-C, Ctrl-Break, a console window that closes, a session that ends.

use std::io;

use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_logoff, ctrl_shutdown};

/// Listens for console events from now on; resolves to the name of the first that comes.
///
/// # Errors
/// The system's, when it does not let the program handle console events.
pub(crate) fn stop_requested() -> io::Result<impl Future<Output = &'static str>> {
    let (mut ctrl_c, mut ctrl_break) = (ctrl_c()?, ctrl_break()?);
    let (mut close, mut logoff, mut shutdown) = (ctrl_close()?, ctrl_logoff()?, ctrl_shutdown()?);
    Ok(async move {
        tokio::select! {
            _ = ctrl_c.recv() => "Ctrl-C",
            _ = ctrl_break.recv() => "Ctrl-Break",
            _ = close.recv() => "the window was closed",
            _ = logoff.recv() => "the session ends",
            _ = shutdown.recv() => "the system shuts down",
        }
    })
}

/// Sockets are not counted among a process's files here.
pub(crate) fn raise_file_limit() -> usize {
    usize::MAX
}
