//! What differs between systems.

use std::env;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod mac_windows;
#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(target_os = "linux")]
pub use linux::{
    has_graphics, is_app_image, keep_awake, keys_stay_with_front_app, notification_body, open_folder,
    open_privacy_settings, paint_without_graphics,
};
#[cfg(not(target_os = "linux"))]
pub use mac_windows::{
    has_graphics, is_app_image, keep_awake, keys_stay_with_front_app, notification_body, open_folder,
    open_privacy_settings, paint_without_graphics,
};
#[cfg(not(unix))]
pub use other::asked_to_end;
#[cfg(unix)]
pub use unix::asked_to_end;

/// Why there can be no window, as a sentence; `None` where there can. Linux has machines without a
/// screen, and its window library ends the process there without a usable word.
pub fn no_display() -> Option<&'static str> {
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    (env::consts::OS == "linux" && !set("DISPLAY") && !set("WAYLAND_DISPLAY")).then_some(
        "There is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set). Start Maru on a desktop, \
         or join from this terminal with maru-cli.",
    )
}
