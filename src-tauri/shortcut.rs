//! Keys that work while another app is in front: mute, and hold to talk. Off until the person chooses some,
//! since any combination may be another app's; without them, nothing listens.

use std::sync::Arc;

use maru_engine::{Command, Engine, Problem, Sentence};
use parking_lot::Mutex;
use tauri::{AppHandle, Manager as _};
use tauri_plugin_global_shortcut::{
    Builder, GlobalShortcut, GlobalShortcutExt as _, Modifiers, Shortcut, ShortcutState,
};

use crate::app::App;
use crate::platform;
use crate::settings::DesktopSettings;

/// What is registered now: mute, and talk; `None` where not all of it could be had.
pub struct Shortcuts(Mutex<Option<[String; 2]>>);

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Mute,
    Talk,
}

/// Whether the microphone is on because a key is held.
#[derive(Default)]
struct Held(bool);

impl Default for Shortcuts {
    fn default() -> Self {
        Self(Mutex::new(Some(Default::default())))
    }
}

impl Shortcuts {
    /// Listens for these keys, and for no others any more.
    ///
    /// # Errors
    /// For the first of them that cannot be had; the other one holds.
    pub fn apply(&self, handle: &AppHandle, settings: &DesktopSettings) -> Result<(), Problem> {
        let wanted = [&settings.mute_shortcut, &settings.talk_shortcut].map(|keys| keys.trim().to_owned());
        let mut current = self.0.lock();
        if current.as_ref() == Some(&wanted) {
            return Ok(());
        }
        if let Some(shortcuts) = handle.try_state::<GlobalShortcut<tauri::Wry>>() {
            let _ = shortcuts.unregister_all();
        }
        let held = Arc::new(Mutex::new(Held::default()));
        let mut outcome = Ok(());
        for (keys, action) in wanted.iter().zip([Action::Mute, Action::Talk]) {
            if !keys.is_empty() {
                outcome = outcome.and(register(handle, keys, action, &held));
            }
        }
        *current = outcome.is_ok().then_some(wanted);
        outcome
    }
}

fn register(handle: &AppHandle, keys: &str, action: Action, held: &Arc<Mutex<Held>>) -> Result<(), Problem> {
    let said = keys.replace("Key", "").replace("Digit", "");
    let unknown = || {
        let text = format!("{said} cannot be used everywhere. Hold Ctrl, Alt or ⌘, and press one more key.");
        Problem::new(Sentence::ShortcutUnknown { shortcut: said.clone() }, text)
    };
    let shortcut: Shortcut = keys.parse().map_err(|_| unknown())?;
    if !leaves_typing_alone(&shortcut) {
        return Err(unknown());
    }
    if platform::keys_stay_with_front_app() {
        let text = "This desktop (Wayland) lets no app listen for keys while another one is in front. Keys for \
                    everywhere work on X11.";
        return Err(Problem::new(Sentence::ShortcutWayland {}, text));
    }
    let taken = |error: String| {
        tracing::info!("no shortcut: {error}");
        let text = format!("Another program has the keys {said}. Choose others.");
        Problem::new(Sentence::ShortcutTaken { shortcut: said.clone() }, text)
    };
    if handle.try_state::<GlobalShortcut<tauri::Wry>>().is_none() {
        handle.plugin(Builder::new().build()).map_err(|error| taken(error.to_string()))?;
    }
    let held = held.clone();
    let registered = handle.global_shortcut().on_shortcut(shortcut, move |handle, _, event| {
        let engine = handle.state::<App>().engine.clone();
        if let Some(muted) = held.lock().next(action, event.state, &engine) {
            tauri::async_runtime::spawn(async move { engine.command(Command::SetMuted { muted }).await });
        }
    });
    registered.map_err(|error| taken(error.to_string()))
}

/// Whether nobody types by these keys: they would be taken from every other app.
fn leaves_typing_alone(shortcut: &Shortcut) -> bool {
    let key = shortcut.key.to_string();
    let function_key = key.strip_prefix('F').is_some_and(|rest| rest.parse::<u8>().is_ok());
    function_key || shortcut.mods.intersects(Modifiers::CONTROL | Modifiers::ALT | Modifiers::SUPER)
}

impl Held {
    fn next(&mut self, action: Action, state: ShortcutState, engine: &Engine) -> Option<bool> {
        self.wanted(action, state == ShortcutState::Pressed, engine.view().me.muted)
    }

    /// What the microphone is to be after a key went down or up: muted, or not, or as it is.
    fn wanted(&mut self, action: Action, pressed: bool, muted: bool) -> Option<bool> {
        match (action, pressed) {
            (Action::Mute, true) => {
                self.0 = false; // from now on it is the person's choice
                Some(!muted)
            }
            (Action::Mute, false) => None,
            (Action::Talk, true) => {
                if muted {
                    self.0 = true;
                }
                muted.then_some(false)
            }
            (Action::Talk, false) => std::mem::take(&mut self.0).then_some(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_microphone_is_on_while_the_key_is_held_and_muted_after() {
        let mut held = Held::default();
        assert_eq!(held.wanted(Action::Talk, true, true), Some(false));
        assert_eq!(held.wanted(Action::Talk, true, false), None, "a key that repeats");
        assert_eq!(held.wanted(Action::Talk, false, false), Some(true));
        assert_eq!(held.wanted(Action::Talk, false, true), None);
    }

    #[test]
    fn holding_the_key_of_a_microphone_that_is_on_leaves_it_on() {
        let mut held = Held::default();
        assert_eq!(held.wanted(Action::Talk, true, false), None);
        assert_eq!(held.wanted(Action::Talk, false, false), None);
    }

    #[test]
    fn who_mutes_or_unmutes_while_talking_has_the_last_word() {
        let mut held = Held::default();
        assert_eq!(held.wanted(Action::Talk, true, true), Some(false));
        assert_eq!(held.wanted(Action::Mute, true, false), Some(true));
        assert_eq!(held.wanted(Action::Mute, false, true), None);
        assert_eq!(held.wanted(Action::Talk, false, true), None);
    }

    #[test]
    fn what_the_page_records_is_what_a_shortcut_is_called() {
        for keys in ["Ctrl+Shift+KeyM", "Alt+Space", "Super+Digit1", "F8", "Ctrl+Alt+ArrowUp"] {
            assert!(keys.parse().is_ok_and(|keys| leaves_typing_alone(&keys)), "{keys}");
        }
        for keys in ["KeyM", "Shift+KeyM", "Space", "ArrowUp"] {
            assert!(!keys.parse().is_ok_and(|keys| leaves_typing_alone(&keys)), "{keys}");
        }
    }
}
