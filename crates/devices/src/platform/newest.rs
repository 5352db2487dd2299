//! The newest of what a system hands over on threads of its own, for the one thread that asks for it.

use std::time::{Duration, Instant};

use maru_media::ScreenError;
use parking_lot::{Condvar, Mutex};

/// Holds one thing at most: who asks too seldom misses what came in between, never what came last.
pub struct Newest<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    value: Option<T>,
    ended: Option<ScreenError>,
}

impl<T> Newest<T> {
    /// With nothing yet.
    pub fn new() -> Self {
        Self { state: Mutex::new(State { value: None, ended: None }), changed: Condvar::new() }
    }

    /// There is a newer one.
    pub fn put(&self, value: T) {
        let before = self.state.lock().value.replace(value);
        self.changed.notify_all();
        drop(before); // which may call the system: not while others wait for the lock
    }

    /// There will be no more. Only the first reason counts.
    pub fn end(&self, reason: ScreenError) {
        self.state.lock().ended.get_or_insert(reason);
        self.changed.notify_all();
    }

    /// The newest that was not taken yet; `None` when there is none for that long.
    ///
    /// # Errors
    /// Why there will be no more.
    pub fn wait(&self, limit: Duration) -> Result<Option<T>, ScreenError> {
        let deadline = Instant::now() + limit;
        let mut state = self.state.lock();
        loop {
            if let Some(reason) = &state.ended {
                return Err(reason.clone());
            }
            if let Some(value) = state.value.take() {
                return Ok(Some(value));
            }
            if self.changed.wait_until(&mut state, deadline).timed_out() {
                return Ok(state.value.take());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn of_several_only_the_newest_is_there_and_only_once() {
        let newest = Newest::new();
        newest.put(1);
        newest.put(2);
        assert_eq!(newest.wait(LONG), Ok(Some(2)));
        assert_eq!(newest.wait(Duration::ZERO), Ok(None));
    }

    #[test]
    fn who_waits_is_woken_by_what_comes_and_by_the_end() {
        let newest = Arc::new(Newest::new());
        let other = Arc::clone(&newest);
        let waiting = thread::spawn(move || (other.wait(LONG), other.wait(LONG)));
        newest.put(7);
        // Only once the other one has it: the end counts more than what is still there.
        while newest.state.lock().value.is_some() {
            thread::yield_now();
        }
        newest.end(ScreenError::Ended);
        newest.end(ScreenError::Unknown);
        assert_eq!(waiting.join().ok(), Some((Ok(Some(7)), Err(ScreenError::Ended))));
    }
}
