//! Keeps the computer awake during a call, and lets it sleep after.

use std::sync::mpsc::{Sender, channel};
use std::thread;

use crate::platform;

/// Holds the computer awake while it is wanted.
#[derive(Default)]
pub struct Awake {
    /// Dropped to let go.
    held: Option<Sender<()>>,
}

impl Awake {
    /// Wants the computer awake, or not any more. Blocks on nothing: the system may take its time.
    pub fn set(&mut self, wanted: bool, reason: &str) {
        if !wanted {
            self.held = None;
        } else if self.held.is_none() {
            let (held, released) = channel();
            self.held = Some(held);
            let reason = reason.to_owned();
            // A thread for the call's length: Windows counts the wish as the thread's that had it.
            let started = thread::Builder::new().name("awake".into()).spawn(move || {
                match platform::keep_awake(&reason) {
                    Ok(_kept) => {
                        let _ = released.recv(); // fails when it is let go
                    }
                    Err(problem) => tracing::info!("this computer may go to sleep in a call: {problem}"),
                }
            });
            if let Err(error) = started {
                tracing::warn!("this computer may go to sleep in a call: {error}");
            }
        }
    }
}
