//! Linux and macOS.

use tokio::signal::unix::{SignalKind, signal};

/// Waits until the system or a terminal asks this process to end. Without signal handlers (never
/// seen) it waits for ever, and the process ends as it would without us.
pub async fn asked_to_end() {
    let handlers =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()), signal(SignalKind::hangup()));
    let (Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)) = handlers else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = hangup.recv() => {}
    }
}
