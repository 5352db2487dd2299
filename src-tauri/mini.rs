//! The small window above all others while another app is in front: whoever speaks, mute, leave. It takes the
//! picture that it shows from the call's window and gives it back, so that nothing is decoded twice.

use tauri::{AppHandle, Manager as _};

use crate::app::App;
use crate::windows;

/// Whether it is there.
#[derive(Default)]
pub struct Mini {
    open: bool,
}

impl Mini {
    /// Opens the window, or closes it. Not from the main thread, which has to make it.
    pub fn set(&mut self, handle: &AppHandle, wanted: bool) {
        if wanted == self.open {
            return;
        }
        self.open = wanted;
        let app = handle.state::<App>();
        if wanted {
            if let Err(error) = windows::open_mini(handle, app.paths.as_ref()) {
                tracing::warn!("no small window: {error}");
            }
            return;
        }
        if let Some(window) = handle.get_webview_window(windows::MINI)
            && let Err(error) = window.destroy()
        {
            tracing::warn!("the small window stays: {error}");
        }
        if let Some(forwarder) = app.mini_forwarder.lock().take() {
            forwarder.abort();
        }
        app.streams.close_of(&app.engine, windows::MINI);
    }
}
