use tokio::signal::unix::{SignalKind, signal};

/// Ends when the program gets SIGINT (Ctrl-C), SIGTERM or SIGHUP (the terminal is gone).
pub async fn asked_to_end() {
    let signals =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()), signal(SignalKind::hangup()));
    let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) = signals else {
        return std::future::pending().await; // no handlers: the system's default ends the program
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
}
