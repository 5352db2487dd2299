//! A thread that owns a device: started with a bounded wait until the device is open, stopped with
//! a bounded wait until it is released. A driver that hangs costs a thread, never the caller.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use maru_media::{DeviceError, DeviceKind};
use parking_lot::{Condvar, Mutex};

/// How long the caller waits for a device to open.
pub const OPEN_LIMIT: Duration = Duration::from_secs(5);

/// How long the caller waits for a device to be released.
const RELEASE_LIMIT: Duration = Duration::from_secs(1);

/// Asks a thread to end, and lets it sleep until then.
#[derive(Default)]
pub struct Stop {
    raised: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    /// Asks the thread to end.
    pub fn raise(&self) {
        *self.raised.lock() = true;
        self.changed.notify_all();
    }

    /// Whether the thread was asked to end.
    pub fn is_raised(&self) -> bool {
        *self.raised.lock()
    }

    /// Sleeps until `deadline`, or until asked to end: then true, at once.
    pub fn wait_until(&self, deadline: Instant) -> bool {
        let mut raised = self.raised.lock();
        while !*raised && !self.changed.wait_until(&mut raised, deadline).timed_out() {}
        *raised
    }
}

/// Through which the thread says how opening went. Only the first word counts.
pub struct Ready<T, E> {
    said: SyncSender<Result<T, E>>,
}

impl<T, E> Ready<T, E> {
    /// Opening went like this.
    pub fn say(&self, result: Result<T, E>) {
        // Full: it was said before. Disconnected: the caller gave up waiting.
        let _ = self.said.try_send(result);
    }
}

/// Why a device did not open.
#[derive(Debug, PartialEq, Eq)]
pub enum OpenError<E> {
    /// The device said so.
    Refused(E),
    /// It did not answer in time; its thread is left to itself.
    TimedOut,
    /// Its thread came to an end, or could not be started.
    Died,
}

impl OpenError<DeviceError> {
    /// As the error of the device of this kind and name.
    pub fn for_device(self, kind: DeviceKind, name: &str) -> DeviceError {
        let problem = match self {
            Self::Refused(error) => return error,
            Self::TimedOut => "it does not answer; unplug it and plug it in again",
            Self::Died => "its driver failed; unplug it and plug it in again",
        };
        DeviceError::Failed { kind, name: name.to_owned(), problem: problem.to_owned() }
    }
}

/// A running thread. Dropping it asks the thread to end and waits a bounded time for it.
pub struct Worker {
    stop: Arc<Stop>,
    /// Disconnected when the thread has ended. Locked by nobody but its end.
    ended: Mutex<Receiver<()>>,
    name: String,
}

impl Worker {
    /// Starts a thread and waits, at most `limit`, until it said that the device is open.
    pub fn open<T, E, F>(name: &str, limit: Duration, body: F) -> Result<(Self, T), OpenError<E>>
    where
        T: Send + 'static,
        E: Send + 'static,
        F: FnOnce(&Arc<Stop>, &Ready<T, E>) + Send + 'static,
    {
        let stop = Arc::new(Stop::default());
        let (said, answer) = mpsc::sync_channel(1);
        let (alive, ended) = mpsc::sync_channel(0);
        let thread_stop = Arc::clone(&stop);
        let builder = thread::Builder::new().name(name.to_owned());
        let started = builder.spawn(move || {
            let _alive: SyncSender<()> = alive;
            let ready = Ready { said };
            // A driver library that panics must look like a device that failed.
            if catch_unwind(AssertUnwindSafe(|| body(&thread_stop, &ready))).is_err() {
                tracing::error!("a device thread panicked");
            }
        });
        if let Err(error) = started {
            tracing::error!(%error, "cannot start a thread");
            return Err(OpenError::Died);
        }
        let worker = Self { stop, ended: Mutex::new(ended), name: name.to_owned() };
        match answer.recv_timeout(limit) {
            Ok(Ok(value)) => Ok((worker, value)),
            Ok(Err(error)) => Err(OpenError::Refused(error)),
            Err(RecvTimeoutError::Disconnected) => Err(OpenError::Died),
            Err(RecvTimeoutError::Timeout) => {
                worker.stop.raise();
                // Not dropped, which would wait once more for a thread that hangs.
                std::mem::forget(worker);
                Err(OpenError::TimedOut)
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.raise();
        if self.ended.get_mut().recv_timeout(RELEASE_LIMIT) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!(thread = self.name, "a device does not let go; its thread is abandoned");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(60);

    type Opened = Result<(Worker, u8), OpenError<&'static str>>;

    #[test]
    fn an_opened_device_runs_until_its_worker_is_dropped() {
        let (report, ended) = mpsc::channel();
        let opened: Opened = Worker::open("test", LONG, move |stop, ready| {
            ready.say(Ok(7));
            report.send(stop.wait_until(Instant::now() + LONG)).unwrap();
        });
        let (worker, value) = opened.unwrap();
        assert_eq!(value, 7);
        assert!(ended.try_recv().is_err());
        drop(worker);
        assert_eq!(ended.try_recv(), Ok(true));
    }

    #[test]
    fn a_device_that_refuses_says_why() {
        let opened: Opened = Worker::open("test", LONG, |_, ready| ready.say(Err("busy")));
        assert_eq!(opened.err(), Some(OpenError::Refused("busy")));
    }

    #[test]
    fn a_driver_that_hangs_does_not_hang_the_caller() {
        let started = Instant::now();
        let (release, hang) = mpsc::channel::<()>();
        let opened: Opened = Worker::open("test", SOON, move |_, _| {
            let _ = hang.recv_timeout(LONG);
        });
        assert_eq!(opened.err(), Some(OpenError::TimedOut));
        assert!(started.elapsed() < LONG / 2);
        drop(release);
    }

    #[test]
    fn a_driver_that_panics_looks_like_one_that_died() {
        let opened: Opened = Worker::open("test", LONG, |_, _| {
            std::panic::resume_unwind(Box::new("driver bug"));
        });
        assert_eq!(opened.err(), Some(OpenError::Died));
    }
}
