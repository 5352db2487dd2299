//! The texts that the system shows on the app's behalf: menus, notifications, the reason for staying awake.
//! They come from the page, which has the dictionaries and knows the language.

use serde::Deserialize;
use ts_rs::TS;

/// What stands for a participant's name in a sentence.
const NAME: &str = "{name}";

/// Texts in the page's language.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, TS)]
#[ts(export_to = "shell.d.ts")]
pub struct Words {
    /// The microphone's switch, checked while it is muted.
    pub mute: String,
    /// Has the person pick a screen to share.
    pub share: String,
    /// Ends that.
    pub stop_sharing: String,
    /// Leaves the room.
    pub leave: String,
    /// Brings the window to the front.
    pub show: String,
    /// Opens another window.
    pub new_window: String,
    /// Ends the app.
    pub quit: String,
    /// A notification: `{name}` is in the room now.
    pub joined: String,
    /// A notification: `{name}` wrote.
    pub wrote: String,
    /// Why this computer does not go to sleep.
    pub awake: String,
    /// The menu bar, where the system has one.
    pub menu: MenuWords,
}

/// What the menu bar says beside [`Words`]; each is called what it says in English.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, TS)]
#[ts(export_to = "shell.d.ts")]
pub struct MenuWords {
    pub about: String,
    pub hide: String,
    pub hide_others: String,
    pub show_all: String,
    pub file: String,
    pub close: String,
    pub edit: String,
    pub undo: String,
    pub redo: String,
    pub cut: String,
    pub copy: String,
    pub paste: String,
    pub select_all: String,
    pub call: String,
    pub window: String,
    pub minimize: String,
    pub zoom: String,
    pub fullscreen: String,
    pub help: String,
    pub logs: String,
}

impl Words {
    /// The notification about who joined.
    pub fn joined(&self, name: &str) -> String {
        self.joined.replace(NAME, name)
    }

    /// The notification about who wrote.
    pub fn wrote(&self, name: &str) -> String {
        self.wrote.replace(NAME, name)
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// English, in short.
    pub fn words() -> Words {
        let text = |text: &str| text.to_owned();
        Words {
            mute: text("Mute"),
            share: text("Share"),
            stop_sharing: text("Stop sharing"),
            leave: text("Leave"),
            show: text("Show"),
            new_window: text("New window"),
            quit: text("Quit"),
            joined: text("{name} joined"),
            wrote: text("{name} wrote"),
            awake: text("A call"),
            menu: MenuWords {
                about: text("About"),
                hide: text("Hide"),
                hide_others: text("Hide others"),
                show_all: text("Show all"),
                file: text("File"),
                close: text("Close"),
                edit: text("Edit"),
                undo: text("Undo"),
                redo: text("Redo"),
                cut: text("Cut"),
                copy: text("Copy"),
                paste: text("Paste"),
                select_all: text("Select all"),
                call: text("Call"),
                window: text("Window"),
                minimize: text("Minimize"),
                zoom: text("Zoom"),
                fullscreen: text("Full screen"),
                help: text("Help"),
                logs: text("Logs"),
            },
        }
    }

    #[test]
    fn a_name_goes_where_the_sentence_has_its_place() {
        assert_eq!(words().joined("Ada"), "Ada joined");
        assert_eq!(words().wrote("{name}"), "{name} wrote");
    }
}
