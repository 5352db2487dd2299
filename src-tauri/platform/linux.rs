//! Linux desktops, by D-Bus.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tauri::Env;
use zbus::blocking::{Connection, Proxy};

/// Keeps the computer and its screen awake until it is dropped, by the desktop's own word for that
/// (<https://specifications.freedesktop.org/idle-inhibit-spec/latest/>). A desktop takes a program's wish back when
/// the program ends in whatever way.
pub struct KeptAwake {
    screen_saver: Proxy<'static>,
    cookie: u32,
}

/// Keeps the computer awake for this reason, which the desktop may show. Waits for the desktop.
///
/// # Errors
/// When there is no desktop that could.
pub fn keep_awake(reason: &str) -> Result<KeptAwake, String> {
    let ask = || {
        let session = Connection::session()?;
        let name = "org.freedesktop.ScreenSaver";
        let screen_saver = Proxy::new(&session, name, "/org/freedesktop/ScreenSaver", name)?;
        let cookie = screen_saver.call("Inhibit", &("app.maru.desktop", reason))?;
        Ok(KeptAwake { screen_saver, cookie })
    };
    ask().map_err(|error: zbus::Error| error.to_string())
}

impl Drop for KeptAwake {
    fn drop(&mut self) {
        if let Err(error) = self.screen_saver.call::<_, _, ()>("UnInhibit", &self.cookie) {
            tracing::debug!("the desktop forgot that this computer was kept awake: {error}");
        }
    }
}

/// Whether only the app in front hears the keyboard: what Wayland is about.
pub fn keys_stay_with_front_app() -> bool {
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    set("WAYLAND_DISPLAY") && env::var("GDK_BACKEND").as_deref() != Ok("x11")
}

/// Whether there is a graphics card that programs may draw with.
pub fn has_graphics() -> bool {
    let devices = std::fs::read_dir("/dev/dri").into_iter().flatten().flatten();
    devices.into_iter().any(|device| device.file_name().as_encoded_bytes().starts_with(b"renderD"))
}

/// Has the window painted by the processor, and only what changed of it: what stands in for a graphics card puts all
/// of it together anew for every picture. To be called before anything else runs.
pub fn paint_without_graphics() {
    const SWITCH: &str = "WEBKIT_DISABLE_COMPOSITING_MODE";
    if env::var_os(SWITCH).is_none() {
        // SAFETY: no other thread runs yet that could read the environment.
        unsafe { env::set_var(SWITCH, "1") };
    }
}

/// A notification's text as the system takes it. Desktops read it as markup, and what others wrote is none.
pub fn notification_body(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// There is no such page that all desktops have.
pub fn open_privacy_settings(_camera: bool) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

/// Opens a folder in whatever shows folders on this desktop. Waits for it, but not for long.
///
/// # Errors
/// When there is no such program, or it says that it cannot.
pub fn open_folder(folder: &Path) -> std::io::Result<()> {
    let mut command = Command::new("xdg-open");
    command.arg(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn()?;
    // Some wait for the window to be closed: then it is open.
    for _ in 0..20 {
        match child.try_wait()? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(std::io::Error::other(status.to_string())),
            None => std::thread::sleep(Duration::from_millis(100)),
        }
    }
    std::thread::spawn(move || {
        let _ = child.wait(); // so that it leaves no zombie behind
    });
    Ok(())
}

/// Whether the app runs from an AppImage, a file that nobody installed.
pub fn is_app_image(env: &Env) -> bool {
    env.appimage.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_no_markup() {
        assert_eq!(notification_body("<b>5 & 6</b>"), "&lt;b&gt;5 &amp; 6&lt;/b&gt;");
    }
}
