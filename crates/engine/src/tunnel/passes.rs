//! More passes of a connection's driver, while what it says goes by a relay. It knows nothing of sockets and
//! messages.
//!
//! The driver of the webrtc crate (0.21) wraps what goes to a relay, and unwraps what comes from one, at the end of
//! a pass, and deals with the result in the next. But it makes the next pass only when something else happens: an
//! answer to a handshake's message lies for up to half a second. So a relay's message is followed by two more
//! passes, and every other pass, which may have written something, by one: a socket says that an empty datagram
//! came, which the driver takes for nothing. And no pass has more than one message of a relay: the driver hears of a
//! new track after it has thrown away what came on it in that pass, which would be the whole of a first picture.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::Context;

use futures_util::task::AtomicWaker;

/// To read what a relay's message held, and to send what answers it.
const AFTER_MESSAGE: u8 = 2;
/// To send what was written.
const AFTER_PASS: u8 = 1;
/// So many are made at most between two messages of a relay that is in use. One that is not says next to nothing,
/// and then no pass is made in vain.
const IN_USE: u8 = 250;

/// The passes that one connection's driver is still to make.
#[derive(Debug, Default)]
pub(super) struct Passes {
    owed: AtomicU8,
    /// The pass that is under way was owed: it makes for no other.
    made: AtomicBool,
    /// How many more are made until the relay counts as not in use.
    in_use: AtomicU8,
    driver: AtomicWaker,
}

impl Passes {
    /// A relay's message is given to the driver.
    pub fn came(&self) {
        self.in_use.store(IN_USE, Ordering::Relaxed);
        self.owed.fetch_max(AFTER_MESSAGE, Ordering::AcqRel);
    }

    /// A pass is at its end.
    pub fn ended(&self) {
        if !self.made.swap(false, Ordering::Relaxed) && self.in_use.load(Ordering::Relaxed) > 0 {
            self.owed.fetch_max(AFTER_PASS, Ordering::AcqRel);
            self.driver.wake();
        }
    }

    /// The driver waits: it is woken when there is a pass to be made.
    pub fn wait(&self, driver: &Context<'_>) {
        self.driver.register(driver.waker());
    }

    /// Whether there is one to be made.
    pub fn is_owed(&self) -> bool {
        self.owed.load(Ordering::Acquire) > 0
    }

    /// Makes one, if there is one to be made.
    pub fn make(&self) -> bool {
        let one_less = |left: u8| left.checked_sub(1);
        let makes = self.owed.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_less).is_ok();
        if makes {
            let _ = self.in_use.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less);
            self.made.store(true, Ordering::Relaxed);
        }
        makes
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::{Wake, Waker};

    use super::*;

    #[derive(Default)]
    struct Driver(AtomicUsize);

    impl Wake for Driver {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How often the driver has been woken, where it waited before this happened.
    fn woken(passes: &Passes, what: impl FnOnce(&Passes)) -> usize {
        let driver = Arc::new(Driver::default());
        passes.wait(&Context::from_waker(&Waker::from(Arc::clone(&driver))));
        what(passes);
        driver.0.load(Ordering::Relaxed)
    }

    /// Makes all passes that are to be made; says how many.
    fn make_all(passes: &Passes) -> usize {
        std::iter::from_fn(|| passes.make().then(|| passes.ended())).count()
    }

    #[test]
    fn a_relays_message_is_read_and_answered_and_that_is_all() {
        let passes = Passes::default();
        passes.came();
        passes.ended();
        assert_eq!(make_all(&passes), 2);
        assert!(!passes.is_owed());
    }

    #[test]
    fn a_pass_makes_for_another_where_a_relay_is_in_use_and_nowhere_else() {
        let passes = Passes::default();
        assert_eq!(woken(&passes, Passes::ended), 0);
        assert_eq!(make_all(&passes), 0);
        passes.came();
        make_all(&passes);
        assert_eq!(woken(&passes, Passes::ended), 1);
        assert_eq!(make_all(&passes), 1);
    }

    #[test]
    fn a_relay_that_says_nothing_any_more_is_not_in_use() {
        let passes = Passes::default();
        passes.came();
        let mut made = make_all(&passes);
        for _ in 0..2 * usize::from(IN_USE) {
            passes.ended();
            made += make_all(&passes);
        }
        assert_eq!(made, usize::from(IN_USE));
    }
}
