//! Keeps a stage that panics from taking the call with it: its frame passes untouched, and a moment
//! later the stage is built anew.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Frames (10 ms) that pass untouched before a stage that panicked is built anew: building costs more
/// than a frame's time, and what made it panic may still be there.
const REST_FRAMES: u32 = 50;

/// A stage, and how to build it.
pub(super) struct Contained<T> {
    make: fn() -> T,
    stage: Option<T>,
    rest: u32,
    panics: u32,
}

impl<T> Contained<T> {
    /// Built when it is first used.
    pub fn new(make: fn() -> T) -> Self {
        Self { make, stage: None, rest: 0, panics: 0 }
    }

    /// Lets the stage work on a frame; `None` when it panicked, or rests after having done so.
    pub fn run<R>(&mut self, work: impl FnOnce(&mut T) -> R) -> Option<R> {
        if self.rest > 0 {
            self.rest -= 1;
            return None;
        }
        let (stage, make) = (&mut self.stage, self.make);
        // The stage is not looked at again after a panic: nothing half-done is seen.
        let done = catch_unwind(AssertUnwindSafe(|| work(stage.get_or_insert_with(make))));
        if done.is_err() {
            // Even taking it down may panic.
            let broken = self.stage.take();
            let _ = catch_unwind(AssertUnwindSafe(|| drop(broken)));
            self.rest = REST_FRAMES;
            self.panics = self.panics.saturating_add(1);
        }
        done.ok()
    }

    /// Forgets what the stage learnt.
    pub fn reset(&mut self) {
        self.stage = None;
    }

    /// How often it panicked.
    pub fn panics(&self) -> u32 {
        self.panics
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_that_panics_is_built_anew_and_works_again() {
        let mut stage = Contained::new(|| 5_u32);
        let add = |stage: &mut u32| {
            *stage += 1;
            *stage
        };
        assert_eq!((stage.run(add), stage.run(add)), (Some(6), Some(7)));
        assert_eq!(stage.run(|_| -> u32 { std::panic::resume_unwind(Box::new("bug")) }), None);
        for _ in 0..REST_FRAMES {
            assert_eq!(stage.run(add), None, "it rests");
        }
        assert_eq!(stage.run(add), Some(6), "new, with nothing of the old one");
        assert_eq!(stage.panics(), 1);
    }

    #[test]
    fn a_stage_that_cannot_even_be_built_or_dropped_does_no_harm() {
        struct Bad;
        impl Drop for Bad {
            fn drop(&mut self) {
                std::panic::resume_unwind(Box::new("bug"));
            }
        }
        let mut stage = Contained::new(|| Bad);
        assert_eq!(stage.run(|_| -> () { std::panic::resume_unwind(Box::new("bug")) }), None);
        let mut unborn: Contained<u8> = Contained::new(|| std::panic::resume_unwind(Box::new("bug")));
        assert_eq!(unborn.run(|stage| *stage), None);
        assert_eq!((stage.panics(), unborn.panics()), (1, 1));
    }
}
