//! Screens and windows on Linux: of an X server directly; on Wayland by the desktop's portal only, which this
//! program does not speak yet.

use maru_media::{ScreenError, ScreenKind, ScreenSource, ScreenSourceId};

use super::SYSTEM;
use super::x11;
use crate::screen::Grabber;

/// What stands for the portal's own dialog.
const PORTAL: &str = "portal";

/// What there is to share, screens first.
///
/// # Errors
/// [`ScreenError`] when there is no session whose screens could be seen.
pub fn screen_sources() -> Result<Vec<ScreenSource>, ScreenError> {
    if is_wayland() {
        // X11 programs' windows could be seen there, but nobody could tell which those are.
        let (id, kind) = (ScreenSourceId::new(PORTAL), ScreenKind::Portal);
        return Ok(vec![ScreenSource { id, kind, name: String::new(), width: 0, height: 0 }]);
    }
    x11::sources()
}

/// Begins to take pictures, on this thread.
///
/// # Errors
/// [`ScreenError`] when there is no such screen or window, or it cannot be shared.
pub fn open_screen(id: &ScreenSourceId) -> Result<Box<dyn Grabber>, ScreenError> {
    if id.as_str() == PORTAL {
        let problem = "this version of Maru does not speak the portal's language yet".to_owned();
        return Err(ScreenError::Unsupported { system: SYSTEM, problem });
    }
    Ok(Box::new(x11::open(id)?))
}

fn is_wayland() -> bool {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    set("WAYLAND_DISPLAY").is_some() || set("XDG_SESSION_TYPE").is_some_and(|kind| kind == "wayland")
}
