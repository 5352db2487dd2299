//! What the app's menus do, and the menu bar where the system has one for all apps: macOS. Elsewhere a bar of
//! menus inside of a call's window would be unusual; the page has the same keys and buttons there.

use maru_engine::{CallView, Command, Engine};
use tauri::menu::{AboutMetadata, Menu, MenuItem, PredefinedMenuItem as Item, Submenu};
use tauri::{AppHandle, Manager as _, Wry};

use crate::app::App;
use crate::page::News;
use crate::words::Words;
use crate::{leave_and_exit, windows};

/// Mutes or unmutes.
pub const MUTE: &str = "mute";
/// Has the person pick a screen to share, or ends that.
const SHARE: &str = "share";
/// Leaves the room.
pub const LEAVE: &str = "leave";
/// Brings the window to the front.
pub const SHOW: &str = "show";
/// Opens another window.
pub const NEW_WINDOW: &str = "new-window";
/// Opens the folder of the logs.
pub const LOGS: &str = "logs";
/// Ends the app.
pub const QUIT: &str = "quit";

/// Somebody chose this item, in whichever menu.
pub fn chosen(handle: &AppHandle, item: &str) {
    let Some(app) = handle.try_state::<App>() else { return };
    match item {
        MUTE => command(&app.engine, Command::SetMuted { muted: !app.engine.view().me.muted }),
        SHARE => match Sharing::of(&app.engine.view()) {
            Sharing::On => command(&app.engine, Command::StopShare),
            Sharing::Off => {
                windows::show(handle);
                app.page.tell(News::Share);
            }
            Sharing::NoCall => {}
        },
        LEAVE => command(&app.engine, Command::Leave),
        SHOW => windows::show(handle),
        NEW_WINDOW => {
            if let Err(problem) = windows::open_another(handle) {
                app.page.tell_problem(problem);
            }
        }
        LOGS => {
            let handle = handle.clone();
            tauri::async_runtime::spawn(async move {
                let app = handle.state::<App>();
                if let Err(problem) = app.open_logs().await {
                    app.page.tell_problem(problem);
                }
            });
        }
        QUIT => leave_and_exit(handle),
        _ => {}
    }
}

fn command(engine: &Engine, command: Command) {
    let engine = engine.clone();
    tauri::async_runtime::spawn(async move { engine.command(command).await });
}

/// Whether one shares a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// There is nobody to share it with.
    NoCall,
    /// One could.
    Off,
    /// One does.
    On,
}

impl Sharing {
    /// As the call stands.
    pub fn of(view: &CallView) -> Self {
        match (view.call.is_in_room(), &view.me.sharing) {
            (false, _) => Self::NoCall,
            (true, None) => Self::Off,
            (true, Some(_)) => Self::On,
        }
    }
}

/// The entry of a menu that does what the page's button for sharing does.
pub struct ShareEntry {
    item: MenuItem<Wry>,
    shown: Sharing,
}

impl ShareEntry {
    /// For a menu that is being made, when there is no call.
    pub fn new(handle: &AppHandle, words: &Words) -> tauri::Result<Self> {
        let item = MenuItem::with_id(handle, SHARE, &words.share, false, None::<&str>)?;
        Ok(Self { item, shown: Sharing::NoCall })
    }

    /// For the menu.
    pub fn item(&self) -> &MenuItem<Wry> {
        &self.item
    }

    /// Says what it does now. Not from the main thread, which has to do it.
    pub fn show(&mut self, sharing: Sharing, words: &Words) {
        if std::mem::replace(&mut self.shown, sharing) == sharing {
            return;
        }
        let text = if sharing == Sharing::On { &words.stop_sharing } else { &words.share };
        // A menu that is gone needs no words.
        let _ = self.item.set_text(text);
        let _ = self.item.set_enabled(sharing != Sharing::NoCall);
    }
}

/// Sets the menu bar, where there is one, and gives its entry that changes.
///
/// # Errors
/// When the system refuses.
pub fn set_up(handle: &AppHandle, words: &Words) -> tauri::Result<Option<ShareEntry>> {
    if !cfg!(target_os = "macos") {
        return Ok(None);
    }
    let share = ShareEntry::new(handle, words)?;
    handle.set_menu(bar(handle, words, &share)?)?;
    Ok(Some(share))
}

fn bar(handle: &AppHandle, words: &Words, share: &ShareEntry) -> tauri::Result<Menu<Wry>> {
    let own = |id: &str, text: &str, keys: Option<&str>| MenuItem::with_id(handle, id, text, true, keys);
    let menu = &words.menu;
    let line = Item::separator(handle)?;
    let about = AboutMetadata {
        name: Some("Maru".to_owned()),
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        ..Default::default()
    };
    let app = Submenu::with_items(
        handle,
        "Maru",
        true,
        &[
            &Item::about(handle, Some(&menu.about), Some(about))?,
            &line,
            &Item::hide(handle, Some(&menu.hide))?,
            &Item::hide_others(handle, Some(&menu.hide_others))?,
            &Item::show_all(handle, Some(&menu.show_all))?,
            &line,
            // Not the system's own item, which would end the process before the room is told.
            &own(QUIT, &words.quit, Some("CmdOrCtrl+Q"))?,
        ],
    )?;
    let file = Submenu::with_items(
        handle,
        &menu.file,
        true,
        &[
            &own(NEW_WINDOW, &words.new_window, Some("CmdOrCtrl+N"))?,
            &Item::close_window(handle, Some(&menu.close))?,
        ],
    )?;
    let edit = Submenu::with_items(
        handle,
        &menu.edit,
        true,
        &[
            &Item::undo(handle, Some(&menu.undo))?,
            &Item::redo(handle, Some(&menu.redo))?,
            &line,
            &Item::cut(handle, Some(&menu.cut))?,
            &Item::copy(handle, Some(&menu.copy))?,
            &Item::paste(handle, Some(&menu.paste))?,
            &Item::select_all(handle, Some(&menu.select_all))?,
        ],
    )?;
    // Without keys: the page has them, and both would undo each other.
    let call = Submenu::with_items(
        handle,
        &menu.call,
        true,
        &[&own(MUTE, &words.mute, None)?, share.item(), &own(LEAVE, &words.leave, None)?],
    )?;
    let window = Submenu::with_items(
        handle,
        &menu.window,
        true,
        &[
            &Item::minimize(handle, Some(&menu.minimize))?,
            &Item::maximize(handle, Some(&menu.zoom))?,
            &Item::fullscreen(handle, Some(&menu.fullscreen))?,
        ],
    )?;
    let help = Submenu::with_items(handle, &menu.help, true, &[&own(LOGS, &menu.logs, None)?])?;
    Menu::with_items(handle, &[&app, &file, &edit, &call, &window, &help])
}
