/// Ends when the program gets Ctrl-C, or its console is closed.
pub async fn asked_to_end() {
    use tokio::signal::windows::{ctrl_c, ctrl_close};
    let (Ok(mut interrupt), Ok(mut close)) = (ctrl_c(), ctrl_close()) else {
        return std::future::pending().await; // no handlers: the system's default ends the program
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = close.recv() => {}
    }
}
