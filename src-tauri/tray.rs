//! The item in the tray or menu bar, there while a call is on: mute, share a screen, leave, back to the window. An
//! app that ends with its window has nothing to say there at other times.

use tauri::menu::{CheckMenuItem, Menu, MenuItem, PredefinedMenuItem};
use tauri::tray::TrayIconBuilder;
use tauri::{AppHandle, Wry};

use crate::menu::{LEAVE, MUTE, NEW_WINDOW, QUIT, SHOW, ShareEntry, Sharing};
use crate::words::Words;

/// Its name among the app's tray items.
const ID: &str = "call";

/// The item, if there is one now.
#[derive(Default)]
pub struct Tray(Option<tauri::Result<Entries>>);

/// The entries that change.
struct Entries {
    mute: CheckMenuItem<Wry>,
    muted: bool,
    share: ShareEntry,
}

impl Tray {
    /// Shows how the call stands. A desktop without a place for it shows nothing. Not from the main thread, which
    /// has to make it.
    pub fn show(&mut self, handle: &AppHandle, muted: bool, sharing: Sharing, words: &Words) {
        // What could not be made stays so: it is not tried again with every word that is said.
        let entries = self.0.get_or_insert_with(|| {
            build(handle, muted, words).inspect_err(|error| tracing::info!("no item in the tray: {error}"))
        });
        let Ok(entries) = entries else { return };
        if std::mem::replace(&mut entries.muted, muted) != muted {
            let _ = entries.mute.set_checked(muted);
        }
        entries.share.show(sharing, words);
    }

    /// Takes the item away.
    pub fn remove(&mut self, handle: &AppHandle) {
        if self.0.take().is_some() {
            drop(handle.remove_tray_by_id(ID));
        }
    }
}

fn build(handle: &AppHandle, muted: bool, words: &Words) -> tauri::Result<Entries> {
    let item = |id: &str, text: &str| MenuItem::with_id(handle, id, text, true, None::<&str>);
    let mute = CheckMenuItem::with_id(handle, MUTE, &words.mute, true, muted, None::<&str>)?;
    let share = ShareEntry::new(handle, words)?;
    let menu = Menu::with_items(
        handle,
        &[
            &mute,
            share.item(),
            &item(LEAVE, &words.leave)?,
            &PredefinedMenuItem::separator(handle)?,
            &item(SHOW, &words.show)?,
            &item(NEW_WINDOW, &words.new_window)?,
            &PredefinedMenuItem::separator(handle)?,
            &item(QUIT, &words.quit)?,
        ],
    )?;
    let mut tray = TrayIconBuilder::with_id(ID).tooltip("Maru").menu(&menu);
    if let Some(icon) = handle.default_window_icon() {
        tray = tray.icon(icon.clone());
    }
    tray.build(handle)?;
    Ok(Entries { mute, muted, share })
}
