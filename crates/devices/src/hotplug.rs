//! Tells when devices come and go: a thread that lists them every now and then, since no library that
//! is used here tells of its own accord. It ends when nobody wants to know any more.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use maru_media::DeviceList;
use maru_media::device::{DeviceWatch, OnDevices};
use parking_lot::{Condvar, Mutex};

/// How often it looks. With the time that listing takes, a person sees a new device within three seconds.
const EVERY: Duration = Duration::from_millis(1500);

/// Asks the thread to look or to end.
#[derive(Default)]
struct Wish {
    look: bool,
    end: bool,
}

#[derive(Default)]
struct Signal {
    wish: Mutex<Wish>,
    changed: Condvar,
}

impl Signal {
    fn raise(&self, change: impl FnOnce(&mut Wish)) {
        change(&mut self.wish.lock());
        self.changed.notify_one();
    }

    /// Sleeps until it is time to look again; false when it is time to end.
    fn sleep(&self, until: Instant) -> bool {
        let mut wish = self.wish.lock();
        while !wish.look && !wish.end && !self.changed.wait_until(&mut wish, until).timed_out() {}
        wish.look = false;
        !wish.end
    }
}

/// The thread, seen from outside.
struct Hotplug {
    signal: Arc<Signal>,
}

impl DeviceWatch for Hotplug {
    fn look(&self) {
        self.signal.raise(|wish| wish.look = true);
    }
}

impl Drop for Hotplug {
    /// Does not wait for the thread, which may be waiting for a system that hangs.
    fn drop(&mut self) {
        self.signal.raise(|wish| wish.end = true);
    }
}

/// Starts to look.
pub fn watch(
    list: impl Fn() -> DeviceList + Send + 'static,
    mut on_devices: OnDevices,
) -> Box<dyn DeviceWatch> {
    let signal = Arc::new(Signal::default());
    let asked = Arc::clone(&signal);
    let started = thread::Builder::new().name("device-watch".to_owned()).spawn(move || {
        let mut told = None;
        loop {
            let found = list();
            if asked.wish.lock().end {
                return;
            }
            if told.as_ref() != Some(&found) {
                on_devices(found.clone());
                told = Some(found);
            }
            if !asked.sleep(Instant::now() + EVERY) {
                return;
            }
        }
    });
    if let Err(error) = started {
        tracing::error!(%error, "cannot start a thread");
    }
    Box::new(Hotplug { signal })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, Receiver};

    use maru_media::{DeviceId, DeviceInfo};

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    fn list(ids: &[&str]) -> DeviceList {
        let camera = |id: &&str| DeviceInfo {
            id: DeviceId::new(*id),
            name: (*id).to_owned(),
            default: false,
            synthetic: false,
            follows_system: false,
        };
        DeviceList { cameras: ids.iter().map(camera).collect(), ..DeviceList::default() }
    }

    fn watched(now: &Arc<Mutex<DeviceList>>) -> (Box<dyn DeviceWatch>, Receiver<DeviceList>) {
        let (tell, told) = mpsc::channel();
        let now = Arc::clone(now);
        let on_devices = Box::new(move |list| tell.send(list).unwrap());
        (watch(move || now.lock().clone(), on_devices), told)
    }

    #[test]
    fn what_there_is_is_told_at_first_and_when_it_changes_within_three_seconds() {
        let now = Arc::new(Mutex::new(list(&["a"])));
        let (_watch, told) = watched(&now);
        assert_eq!(told.recv_timeout(LONG), Ok(list(&["a"])));
        *now.lock() = list(&["a", "b"]);
        assert_eq!(told.recv_timeout(Duration::from_secs(3)), Ok(list(&["a", "b"])));
    }

    #[test]
    fn who_asks_to_look_does_not_wait_and_is_not_told_the_same_twice() {
        let now = Arc::new(Mutex::new(list(&["a"])));
        let (watch, told) = watched(&now);
        assert_eq!(told.recv_timeout(LONG), Ok(list(&["a"])));
        for _ in 0..100 {
            watch.look();
            thread::sleep(Duration::from_millis(2));
        }
        *now.lock() = list(&[]);
        let asked = Instant::now();
        watch.look();
        assert_eq!(told.recv_timeout(LONG), Ok(list(&[])), "not the same list again");
        assert!(asked.elapsed() < EVERY, "at once");
    }

    #[test]
    fn the_thread_ends_with_its_owner() {
        let now = Arc::new(Mutex::new(list(&["a"])));
        let (watch, told) = watched(&now);
        assert!(told.recv_timeout(LONG).is_ok());
        drop(watch);
        // The thread's end of the channel goes with it.
        assert_eq!(told.recv_timeout(LONG), Err(mpsc::RecvTimeoutError::Disconnected));
    }
}
