//! Notifications of the system, while another app is in front. A name is shown, what was written only if the
//! person wants it, and the room never: whoever reads a room's name over a shoulder could join.

use std::time::{Duration, Instant};

use maru_engine::ChatMessage;
use tauri::AppHandle;
use tauri_plugin_notification::NotificationExt as _;

use crate::settings::DesktopSettings;
use crate::words::Words;
use crate::{platform, windows};

/// Between two notifications about messages: whoever writes a lot is no alarm.
const BETWEEN_MESSAGES: Duration = Duration::from_secs(5);

/// Notifications about who joined, at once: a room that fills up is one event.
const JOINED_LIMIT: usize = 3;

/// Longer names and messages are cut.
const TEXT_CHARS: usize = 200;

/// Says what is to be said, told the time.
#[derive(Default)]
pub struct Notifier {
    last_message: Option<Instant>,
}

/// Brings the window to the front when a notification is clicked. On Linux; elsewhere each one that waits for its
/// click would cost a thread.
pub fn listen(handle: &AppHandle) {
    if cfg!(target_os = "linux") {
        let clicked = handle.clone();
        let _ = handle.notification().on_action(move |_| windows::show(&clicked));
    }
}

/// One notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    title: Option<String>,
    body: String,
}

impl Notifier {
    /// These came in.
    pub fn joined(&self, names: &[String], settings: &DesktopSettings, words: &Words) -> Vec<Notification> {
        let wanted = names.iter().filter(|_| settings.notify).take(JOINED_LIMIT);
        wanted.map(|name| Notification { title: None, body: words.joined(&cut(name)) }).collect()
    }

    /// Somebody else wrote this.
    pub fn wrote(
        &mut self,
        message: &ChatMessage,
        settings: &DesktopSettings,
        words: &Words,
        now: Instant,
    ) -> Option<Notification> {
        let soon = self.last_message.is_some_and(|last| now.duration_since(last) < BETWEEN_MESSAGES);
        if !settings.notify || soon {
            return None;
        }
        self.last_message = Some(now);
        Some(if settings.notify_text {
            Notification { title: Some(cut(&message.name)), body: cut(&message.text) }
        } else {
            Notification { title: None, body: words.wrote(&cut(&message.name)) }
        })
    }
}

impl Notification {
    /// Hands it to the system, which shows it or not.
    pub fn show(self, handle: &AppHandle) {
        let builder = handle.notification().builder();
        let builder = builder.title(self.title.unwrap_or_else(|| "Maru".to_owned()));
        let builder = builder.body(platform::notification_body(&self.body));
        // The system's service may be slow, or not be there.
        tauri::async_runtime::spawn_blocking(move || {
            if let Err(error) = builder.show() {
                tracing::debug!("no notification: {error}");
            }
        });
    }
}

fn cut(text: &str) -> String {
    let mut letters = text.chars();
    let mut cut: String = letters.by_ref().take(TEXT_CHARS).collect();
    if letters.next().is_some() {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::tests::words;

    fn message(text: &str) -> ChatMessage {
        serde_json::from_value(serde_json::json!({
            "sequence": 1, "from": null, "name": "Ada", "text": text, "at_ms": 0
        }))
        .unwrap()
    }

    #[test]
    fn a_message_is_told_without_its_text_unless_that_is_wanted() {
        let (words, now) = (words(), Instant::now());
        let told = |settings: DesktopSettings| {
            Notifier::default().wrote(&message("the safe is open"), &settings, &words, now)
        };
        let name_only = told(DesktopSettings::default()).unwrap();
        assert_eq!(name_only, Notification { title: None, body: "Ada wrote".into() });
        let whole = told(DesktopSettings { notify_text: true, ..Default::default() }).unwrap();
        assert_eq!(whole, Notification { title: Some("Ada".into()), body: "the safe is open".into() });
        assert_eq!(told(DesktopSettings { notify: false, ..Default::default() }), None);
    }

    #[test]
    fn many_messages_are_one_notification() {
        let (words, settings, mut notifier) = (words(), DesktopSettings::default(), Notifier::default());
        let now = Instant::now();
        let mut told = |after| notifier.wrote(&message("hi"), &settings, &words, now + after).is_some();
        assert!(told(Duration::ZERO));
        assert!(!told(Duration::from_secs(4)));
        assert!(told(Duration::from_secs(6)));
    }

    #[test]
    fn a_room_that_fills_up_is_told_of_three_times_and_nobody_after_who_wants_none() {
        let names: Vec<String> = (0..9).map(|number| format!("Guest {number}")).collect();
        let (words, notifier) = (words(), Notifier::default());
        let told = notifier.joined(&names, &DesktopSettings::default(), &words);
        assert_eq!(told.len(), JOINED_LIMIT);
        assert_eq!(told[0].body, "Guest 0 joined");
        let off = DesktopSettings { notify: false, ..Default::default() };
        assert_eq!(notifier.joined(&names, &off, &words), []);
    }
}
