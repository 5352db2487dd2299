//! Asks the system a question that may hang, on a thread of its own, and waits a bounded time for
//! the answer; when there is none, the last one has to do.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

/// Repeats a question on one thread, which lives as long as this does. The thread stays the same,
/// because some systems bind what they hand out to the thread that asked.
pub struct Poll<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    /// The number of the newest question asked.
    asked: u64,
    /// The number of the newest question answered.
    answered: u64,
    answer: T,
    closed: bool,
}

impl<T: Clone + Default + Send + 'static> Poll<T> {
    /// Starts the thread. `ask` is called whenever [`Poll::ask`] is.
    pub fn new(name: &str, mut ask: impl FnMut() -> T + Send + 'static) -> Self {
        let state = State { asked: 0, answered: 0, answer: T::default(), closed: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let mine = Arc::clone(&shared);
        let started = thread::Builder::new().name(name.to_owned()).spawn(move || mine.run(&mut ask));
        if let Err(error) = started {
            tracing::error!(%error, "cannot start a thread");
        }
        Self { shared }
    }

    /// Asks; the number is for [`Poll::answer`].
    pub fn ask(&self) -> u64 {
        let mut state = self.shared.state.lock();
        state.asked += 1;
        self.shared.changed.notify_all();
        state.asked
    }

    /// The answer to a question; the last one there was if none comes in time.
    pub fn answer(&self, number: u64, deadline: Instant) -> T {
        let mut state = self.shared.state.lock();
        while state.answered < number {
            if self.shared.changed.wait_until(&mut state, deadline).timed_out() {
                tracing::warn!("the system takes too long to list its devices");
                break;
            }
        }
        state.answer.clone()
    }
}

impl<T: Clone + Default> Shared<T> {
    fn run(&self, ask: &mut dyn FnMut() -> T) {
        let mut state = self.state.lock();
        loop {
            if state.closed {
                return;
            }
            if state.answered == state.asked {
                self.changed.wait(&mut state);
                continue;
            }
            let number = state.asked;
            drop(state);
            let answer = catch_unwind(AssertUnwindSafe(&mut *ask));
            state = self.state.lock();
            match answer {
                Ok(answer) => state.answer = answer,
                Err(_) => tracing::error!("the system's list of devices made its library panic"),
            }
            state.answered = number;
            self.changed.notify_all();
        }
    }
}

impl<T> Drop for Poll<T> {
    fn drop(&mut self) {
        self.shared.state.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn get<T: Clone + Default + Send + 'static>(poll: &Poll<T>, limit: Duration) -> T {
        poll.answer(poll.ask(), Instant::now() + limit)
    }

    #[test]
    fn each_question_gets_a_fresh_answer() {
        let mut count = 0;
        let poll = Poll::new("test", move || {
            count += 1;
            count
        });
        assert_eq!(get(&poll, LONG), 1);
        assert_eq!(get(&poll, LONG), 2);
    }

    #[test]
    fn a_system_that_hangs_leaves_the_last_answer() {
        let (release, hang) = mpsc::channel::<()>();
        let mut first = true;
        let poll = Poll::new("test", move || {
            if !std::mem::take(&mut first) {
                let _ = hang.recv_timeout(LONG);
                return "second";
            }
            "first"
        });
        assert_eq!(get(&poll, LONG), "first");
        assert_eq!(get(&poll, Duration::from_millis(10)), "first");
        drop(release);
        assert_eq!(get(&poll, LONG), "second");
    }

    #[test]
    fn a_library_that_panics_leaves_the_last_answer() {
        let mut first = true;
        let poll = Poll::new("test", move || match std::mem::take(&mut first) {
            true => "first",
            false => std::panic::resume_unwind(Box::new("bug")),
        });
        assert_eq!(get(&poll, LONG), "first");
        assert_eq!(get(&poll, LONG), "first");
    }
}
