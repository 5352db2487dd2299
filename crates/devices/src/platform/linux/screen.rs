//! Screens and windows on Linux: of an X server directly; on Wayland by the desktop's portal only.

use maru_media::{ScreenError, ScreenSource, ScreenSourceId};

use super::{portal, x11};
use crate::screen::Grabber;

/// What there is to share, screens first.
///
/// # Errors
/// [`ScreenError`] when there is no session whose screens could be seen.
pub fn screen_sources() -> Result<Vec<ScreenSource>, ScreenError> {
    if is_wayland() {
        // X11 programs' windows could be seen there, but nobody could tell which those are.
        return Ok(vec![portal::source()]);
    }
    x11::sources()
}

/// Whether opening this asks the person, who may take long.
pub fn asks_person(id: &ScreenSourceId) -> bool {
    portal::is_portal(id)
}

/// Begins to take pictures, on this thread. Gives up when `is_wanted` does not say so any more.
///
/// # Errors
/// [`ScreenError`] when there is no such screen or window, or it cannot be shared.
pub fn open_screen(
    id: &ScreenSourceId,
    is_wanted: &dyn Fn() -> bool,
) -> Result<Box<dyn Grabber>, ScreenError> {
    if portal::is_portal(id) {
        return Ok(Box::new(portal::open(is_wanted)?));
    }
    Ok(Box::new(x11::open(id)?))
}

fn is_wayland() -> bool {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    set("WAYLAND_DISPLAY").is_some() || set("XDG_SESSION_TYPE").is_some_and(|kind| kind == "wayland")
}
