//! Chat between two peers: what goes over the data channel, and how much of it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::api::{CHAT_MAX_BYTES, CHAT_RATE_MESSAGES, CHAT_RATE_SECONDS};

/// The data channel's label.
pub(super) const LABEL: &str = "maru.chat";

/// A message on the channel: JSON, one per data channel message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum ChatWire {
    /// Somebody said something.
    Text {
        /// What.
        text: String,
    },
    /// Of a later version; ignored.
    #[serde(other)]
    Unknown,
}

impl ChatWire {
    /// Reads what a peer sent; `None` for anything that is not a chat text of allowed size.
    pub fn parse(data: &[u8]) -> Option<String> {
        // JSON may write each byte as `\u00xx`.
        if data.len() > CHAT_MAX_BYTES * 6 + 64 {
            return None;
        }
        match serde_json::from_slice(data).ok()? {
            Self::Text { text } => clean(&text),
            Self::Unknown => None,
        }
    }
}

/// A text as it is shown: without surrounding white space and control characters other than line breaks and tabs.
pub(crate) fn clean(text: &str) -> Option<String> {
    let text: String = text.trim().chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    (!text.is_empty() && text.len() <= CHAT_MAX_BYTES).then_some(text)
}

/// Lets [`CHAT_RATE_MESSAGES`] through in any [`CHAT_RATE_SECONDS`].
#[derive(Debug, Default)]
pub(crate) struct ChatGate {
    recent: VecDeque<Instant>,
}

impl ChatGate {
    /// Whether one more is allowed now.
    pub fn admit(&mut self, now: Instant) -> bool {
        let span = Duration::from_secs(CHAT_RATE_SECONDS);
        while self.recent.front().is_some_and(|at| now.saturating_duration_since(*at) >= span) {
            self.recent.pop_front();
        }
        let allowed = self.recent.len() < CHAT_RATE_MESSAGES;
        if allowed {
            self.recent.push_back(now);
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_survives_the_wire() {
        let wire = serde_json::to_vec(&ChatWire::Text { text: " 안녕\n<b>\u{7}".into() }).unwrap();
        assert_eq!(ChatWire::parse(&wire).as_deref(), Some("안녕\n<b>"));
    }

    #[test]
    fn garbage_too_much_and_nothing_are_dropped() {
        let long = serde_json::to_vec(&ChatWire::Text { text: "x".repeat(CHAT_MAX_BYTES + 1) }).unwrap();
        let empty = serde_json::to_vec(&ChatWire::Text { text: "  ".into() }).unwrap();
        for data in
            [b"{".as_slice(), b"\xff\xfe", &long, &empty, br#"{"type":"later"}"#, &vec![b' '; 1 << 20]]
        {
            assert_eq!(ChatWire::parse(data), None);
        }
    }

    #[test]
    fn the_gate_counts_over_a_sliding_span() {
        let (mut gate, start) = (ChatGate::default(), Instant::now());
        for _ in 0..CHAT_RATE_MESSAGES {
            assert!(gate.admit(start));
        }
        assert!(!gate.admit(start + Duration::from_secs(CHAT_RATE_SECONDS) - Duration::from_millis(1)));
        assert!(gate.admit(start + Duration::from_secs(CHAT_RATE_SECONDS)));
    }
}
