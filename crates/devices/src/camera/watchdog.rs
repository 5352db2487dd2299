//! Notices that a camera delivers nothing any more, whatever its driver is doing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::worker::Stop;

/// How often it looks at least: the next sign of life may become due earlier than was said before.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Shared by the camera's thread, which shows life, and the watchdog, which waits for it.
#[derive(Default)]
pub struct Pulse {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When the next sign of life is due; `None` as long as the camera does not run.
    due: Option<Instant>,
    abandoned: bool,
}

impl Pulse {
    /// The camera lives, and shows life again by then. False when it was given up meanwhile.
    pub fn beat(&self, due: Instant) -> bool {
        let mut state = self.state.lock();
        state.due = Some(due);
        !state.abandoned
    }

    /// The camera came to an end by itself.
    pub fn rest(&self) {
        self.state.lock().due = None;
    }

    /// Waits until the camera is overdue: then true, and the camera is given up. False when asked to
    /// stop.
    pub fn watch(self: &Arc<Self>, stop: &Stop) -> bool {
        loop {
            let due = self.state.lock().due;
            let look = Instant::now() + LOOK_EVERY;
            if stop.wait_until(due.map_or(look, |due| due.min(look))) {
                return false;
            }
            let mut state = self.state.lock();
            if state.due.is_some_and(|due| Instant::now() >= due) {
                state.abandoned = true;
                return true;
            }
        }
    }
}
