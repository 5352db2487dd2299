//! Progress: numbered steps with the time since the start.

use std::time::{Duration, Instant};

/// Counts steps.
pub struct Steps {
    total: usize,
    done: usize,
    started: Instant,
}

impl Steps {
    /// For this many steps.
    pub fn new(total: usize) -> Self {
        Self { total, done: 0, started: Instant::now() }
    }

    /// Says what begins now.
    pub fn begin(&mut self, what: &str) {
        self.done += 1;
        eprintln!("\n[{}/{}  {}] {what}", self.done, self.total, clock(self.started.elapsed()));
    }

    /// Time since the start, for the last line.
    pub fn elapsed(&self) -> String {
        clock(self.started.elapsed())
    }
}

/// Minutes and seconds.
fn clock(time: Duration) -> String {
    format!("{}:{:02}", time.as_secs() / 60, time.as_secs() % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_shows_minutes_and_two_digits_of_seconds() {
        assert_eq!(clock(Duration::from_secs(5)), "0:05");
        assert_eq!(clock(Duration::from_secs(3725)), "62:05");
    }
}
