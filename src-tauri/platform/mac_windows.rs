//! What macOS and Windows have in common, by the crates that know both.

use std::path::Path;
use std::process::{Command, Stdio};

use tauri::Env;

/// Keeps the computer and its screen awake until it is dropped, on the thread that asked.
pub type KeptAwake = keepawake::KeepAwake;

/// Keeps the computer awake for this reason, which macOS shows.
///
/// # Errors
/// When the system refuses.
pub fn keep_awake(reason: &str) -> Result<KeptAwake, String> {
    let mut wish = keepawake::Builder::default();
    wish.display(true).idle(true).app_name("Maru").app_reverse_domain("app.maru.desktop").reason(reason);
    wish.create().map_err(|error| error.to_string())
}

/// Whether only the app in front hears the keyboard. Not here.
pub fn keys_stay_with_front_app() -> bool {
    false
}

/// Whether there is a graphics card: these systems come with one, or with something as good for a window.
pub fn has_graphics() -> bool {
    true
}

/// Nothing to be done, as there is one.
pub fn paint_without_graphics() {}

/// A notification's text as the system takes it: as it is.
pub fn notification_body(text: &str) -> String {
    text.to_owned()
}

/// Opens the page of the system's settings on which a person lets apps use the camera, or the microphone.
///
/// # Errors
/// When it cannot be opened.
pub fn open_privacy_settings(camera: bool) -> std::io::Result<()> {
    let (program, page) = if cfg!(target_os = "macos") {
        let page = if camera { "Privacy_Camera" } else { "Privacy_Microphone" };
        ("/usr/bin/open", format!("x-apple.systempreferences:com.apple.preference.security?{page}"))
    } else {
        let page = if camera { "privacy-webcam" } else { "privacy-microphone" };
        ("explorer.exe", format!("ms-settings:{page}"))
    };
    let mut child = Command::new(program).arg(page).stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
    std::thread::spawn(move || {
        let _ = child.wait(); // so that it leaves no zombie behind
    });
    Ok(())
}

/// Opens a folder in the system's own program for folders.
///
/// # Errors
/// When it cannot be started.
pub fn open_folder(folder: &Path) -> std::io::Result<()> {
    let program = if cfg!(target_os = "macos") { "/usr/bin/open" } else { "explorer.exe" };
    let mut child = Command::new(program).arg(folder).stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
    std::thread::spawn(move || {
        let _ = child.wait(); // so that it leaves no zombie behind
    });
    Ok(())
}

/// AppImages are Linux' own.
pub fn is_app_image(_env: &Env) -> bool {
    false
}
