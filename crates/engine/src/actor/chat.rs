//! What was said in this call.

use std::collections::{HashMap, VecDeque};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use maru_protocol::PeerId;

use super::Actor;
use crate::api::{CHAT_MAX_BYTES, CHAT_RATE_MESSAGES, CHAT_RATE_SECONDS, ChatMessage, Event};
use crate::notice::{NoticeCode, Problem, Sentence};
use crate::peer::{ChatGate, clean};

/// Messages kept for a webview that is reloaded.
const HISTORY: usize = 500;

#[derive(Default)]
pub(super) struct Chat {
    messages: VecDeque<ChatMessage>,
    sequence: u64,
    own_gate: ChatGate,
    peer_gates: HashMap<PeerId, ChatGate>,
}

impl Chat {
    pub fn clear(&mut self) {
        self.messages.clear();
        self.peer_gates.clear();
    }

    pub fn messages(&self) -> Vec<ChatMessage> {
        self.messages.iter().cloned().collect()
    }

    fn add(&mut self, from: Option<PeerId>, name: String, text: String) -> ChatMessage {
        self.sequence += 1;
        let at_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
        let message = ChatMessage { sequence: self.sequence, from, name, text, at_ms };
        if self.messages.len() == HISTORY {
            self.messages.pop_front();
        }
        self.messages.push_back(message.clone());
        message
    }
}

impl Actor {
    pub(super) fn send_chat(&mut self, text: &str) {
        let refused = |sentence, text: String| Some(Problem::new(sentence, text).notice(NoticeCode::Chat));
        if !self.call.state().is_in_room() {
            self.notice = refused(
                Sentence::ChatNotInARoom {},
                "You are not in a room, so nobody can read this. Join a room first.".into(),
            );
            return;
        }
        let Some(text) = clean(text) else {
            if text.len() > CHAT_MAX_BYTES {
                let bytes = text.len();
                self.notice = refused(
                    Sentence::ChatTooLong { bytes, limit: CHAT_MAX_BYTES },
                    format!("The message has {bytes} bytes. {CHAT_MAX_BYTES} is the most: send it in parts."),
                );
            }
            return;
        };
        if !self.chat.own_gate.admit(Instant::now()) {
            self.notice = refused(
                Sentence::ChatTooFast { messages: CHAT_RATE_MESSAGES, seconds: CHAT_RATE_SECONDS },
                format!(
                    "That was too fast: at most {CHAT_RATE_MESSAGES} messages in {CHAT_RATE_SECONDS} seconds. \
                     Send it again in a moment."
                ),
            );
            return;
        }
        for (_, connection) in self.connections.values() {
            if !connection.chat(text.clone()) {
                tracing::warn!("a chat message was not taken by one peer's connection");
            }
        }
        let name = self.name.clone();
        let message = self.chat.add(None, name, text);
        self.shared.emit(Event::Chat { message });
    }

    pub(super) fn chat_received(&mut self, from: PeerId, text: String) {
        let Some(peer) = self.call.peers().iter().find(|peer| peer.id() == from) else { return };
        if !self.chat.peer_gates.entry(from).or_default().admit(Instant::now()) {
            tracing::debug!("a peer sends chat faster than allowed");
            return;
        }
        let name = peer.info().name.as_str().to_owned();
        let message = self.chat.add(Some(from), name, text);
        self.shared.emit(Event::Chat { message });
    }
}
