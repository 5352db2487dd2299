//! An answer of the system that holds as long as the traces do that a change would leave: asking may wake devices up.

use std::time::{Duration, Instant};

/// The last answer.
pub struct Traced<T> {
    /// The traces, when they were seen, and the answer.
    last: Option<(String, Instant, T)>,
    good_for: Duration,
}

impl<T: Clone> Traced<T> {
    /// None yet; each is asked for again after this long in any case.
    pub fn new(good_for: Duration) -> Self {
        Self { last: None, good_for }
    }

    /// The answer, from `ask` unless the last one holds. Without traces none ever does.
    pub fn get(&mut self, traces: Option<String>, ask: impl FnOnce() -> Option<T>) -> Option<T> {
        if let (Some(traces), Some((before, at, answer))) = (&traces, &self.last)
            && traces == before
            && at.elapsed() < self.good_for
        {
            return Some(answer.clone());
        }
        let answer = ask()?;
        self.last = traces.map(|traces| (traces, Instant::now(), answer.clone()));
        Some(answer)
    }

    /// The last answer holds no more.
    pub fn forget(&mut self) {
        self.last = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_holds_as_long_as_its_traces_and_no_longer_than_it_may() {
        let mut traced = Traced::new(Duration::MAX);
        let mut get = |traces: Option<&str>, answer| traced.get(traces.map(str::to_owned), || answer);
        assert_eq!(get(Some("a"), Some(1)), Some(1));
        assert_eq!(get(Some("a"), Some(2)), Some(1));
        assert_eq!(get(Some("b"), Some(3)), Some(3));
        assert_eq!(get(Some("c"), None), None, "nobody answers");
        assert_eq!(get(None, Some(4)), Some(4));
        assert_eq!(get(None, Some(5)), Some(5));
        let mut short = Traced::new(Duration::ZERO);
        assert_eq!(short.get(Some("a".into()), || Some(1)), Some(1));
        assert_eq!(short.get(Some("a".into()), || Some(2)), Some(2));
    }

    #[test]
    fn what_is_forgotten_is_asked_for_again() {
        let mut traced = Traced::new(Duration::MAX);
        traced.get(Some("a".into()), || Some(1));
        traced.forget();
        assert_eq!(traced.get(Some("a".into()), || Some(2)), Some(2));
    }
}
