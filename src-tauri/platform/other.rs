//! Windows: a window is closed by messages, which the webview's library handles; only a console
//! can interrupt.

/// Waits until a console asks this process to end.
pub async fn asked_to_end() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
