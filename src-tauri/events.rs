//! Takes what the engine reports to the page, as long as the page listens.

use maru_engine::{Engine, Event};
use tauri::ipc::Channel;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;

/// Forwards events until the engine ends, the page is gone, or the task is aborted.
pub fn forward(engine: &Engine, page: Channel<Event>) -> JoinHandle<()> {
    // Subscribed here and not in the task: nothing may be lost between this and the view that the
    // page gets next.
    let mut events = engine.events();
    let engine = engine.clone();
    tokio::spawn(async move {
        loop {
            let event = match events.recv().await {
                Ok(event) => event,
                // The page fell behind. All it missed is in the view, chat included.
                Err(RecvError::Lagged(missed)) => {
                    tracing::debug!("the page missed {missed} events");
                    Event::View { view: Box::new((*engine.view()).clone()) }
                }
                Err(RecvError::Closed) => return,
            };
            if page.send(event).is_err() {
                return;
            }
        }
    })
}
