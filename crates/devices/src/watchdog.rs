//! Notices that a device's thread shows no sign of life any more, whatever its driver is doing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use maru_media::DeviceError;
use parking_lot::Mutex;

use crate::lost::Lost;
use crate::worker::{OPEN_LIMIT, OpenError, Stop, Worker};

/// How often it looks at least: the next sign of life may become due earlier than was said before.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Shared by the device's thread, which shows life, and the watchdog, which waits for it.
#[derive(Default)]
pub struct Pulse {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When the next sign of life is due; `None` as long as the device does not run.
    due: Option<Instant>,
    abandoned: bool,
}

impl Pulse {
    /// The device lives, and shows life again by then. False when it was given up meanwhile.
    pub fn beat(&self, due: Instant) -> bool {
        let mut state = self.state.lock();
        state.due = Some(due);
        !state.abandoned
    }

    /// The device came to an end by itself.
    pub fn rest(&self) {
        self.state.lock().due = None;
    }

    /// Waits until the device is overdue: then true, and the device is given up. False when asked to
    /// stop.
    fn watch(&self, stop: &Stop) -> bool {
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

/// Starts a thread that reports the device lost, in these words, when it is overdue.
///
/// # Errors
/// When the system gives no thread.
pub fn start(
    name: &str,
    pulse: Arc<Pulse>,
    lost: Lost,
    gone: DeviceError,
) -> Result<Worker, OpenError<DeviceError>> {
    let (worker, ()) = Worker::open(name, OPEN_LIMIT, move |stop, ready| {
        ready.say(Ok(()));
        if pulse.watch(stop) {
            lost.report(gone);
        }
    })?;
    Ok(worker)
}
