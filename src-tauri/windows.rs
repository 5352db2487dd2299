//! The app's windows: the call's own, the small one beside it, and other calls' in other processes.

use std::process::{Command, Stdio};

use maru_engine::{Problem, Sentence};
use tauri::webview::WebviewWindow;
use tauri::{AppHandle, Manager as _, WebviewUrl, WebviewWindowBuilder};

use crate::app::App;
use crate::paths::Paths;

/// The call's window; `capabilities/main.json` names it.
pub const MAIN: &str = "main";

/// The small window; `capabilities/mini.json` names it.
pub const MINI: &str = "mini";

/// The small window's size in logical pixels.
const MINI_SIZE: (f64, f64) = (304.0, 220.0);

/// Between it and the corner of the screen.
const MINI_MARGIN: f64 = 24.0;

/// Opens the call's window.
///
/// # Errors
/// When the system gives none.
pub fn open(handle: &AppHandle, paths: Option<&Paths>) -> tauri::Result<WebviewWindow> {
    builder(handle, MAIN, "index.html", paths)
        .inner_size(1100.0, 720.0)
        .min_inner_size(360.0, 480.0)
        .center()
        .build()
}

/// Opens the small window above all others, in the corner of the screen that the call's window is on.
///
/// # Errors
/// When the system gives none.
pub fn open_mini(handle: &AppHandle, paths: Option<&Paths>) -> tauri::Result<WebviewWindow> {
    let (width, height) = MINI_SIZE;
    let mut window = builder(handle, MINI, "mini/index.html", paths)
        .inner_size(width, height)
        .resizable(false)
        .maximizable(false)
        .minimizable(false)
        .always_on_top(true)
        .visible_on_all_workspaces(true)
        .skip_taskbar(true)
        .focused(false);
    let monitor = handle.get_webview_window(MAIN).and_then(|main| main.current_monitor().ok().flatten());
    if let Some(monitor) = monitor {
        let scale = monitor.scale_factor();
        let area = monitor.work_area();
        let (position, size) = (area.position.to_logical::<f64>(scale), area.size.to_logical::<f64>(scale));
        window = window.position(
            position.x + size.width - width - MINI_MARGIN,
            position.y + size.height - height - 2.0 * MINI_MARGIN,
        );
    }
    window.build()
}

fn builder<'a>(
    handle: &'a AppHandle,
    label: &str,
    page: &str,
    paths: Option<&Paths>,
) -> WebviewWindowBuilder<'a, tauri::Wry, AppHandle> {
    let window = WebviewWindowBuilder::new(handle, label, WebviewUrl::App(page.into()))
        .title("Maru")
        // The page is ours and stays: no link, drop or script leads the window elsewhere.
        .on_navigation(|url| url.scheme() == "tauri" || url.host_str() == Some("tauri.localhost"));
    match paths.and_then(|paths| paths.webview.clone()) {
        Some(directory) => window.data_directory(directory),
        None => window,
    }
}

/// Brings the call's window to the front.
pub fn show(handle: &AppHandle) {
    let Some(window) = handle.get_webview_window(MAIN) else { return };
    for step in [window.unminimize(), window.show(), window.set_focus()] {
        if let Err(error) = step {
            tracing::debug!("the window does not come to the front: {error}");
        }
    }
}

/// Opens another window, for a call of its own. It is a process of its own: a process has one engine, with
/// one camera and one microphone, and a call that crashes takes no other one with it.
///
/// # Errors
/// When it cannot be started.
pub fn open_another(handle: &AppHandle) -> Result<(), Problem> {
    let options = &handle.state::<App>().options;
    let problem = |error: std::io::Error| {
        let problem = error.to_string();
        let text = format!("No other window could be opened ({problem}). Start Maru anew with --new-window.");
        Problem::new(Sentence::WindowNotOpened { problem }, text)
    };
    let program = tauri::process::current_binary(&handle.env()).map_err(problem)?;
    let mut command = Command::new(program);
    command.arg("--new-window").args(options.for_another_window());
    if let Some(server) = &options.server {
        command.env("MARU_SERVER", server);
    }
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().map_err(problem)?;
    // Waited for, so that it leaves no zombie behind.
    std::thread::spawn(move || {
        let mut child = child;
        let _ = child.wait();
    });
    Ok(())
}
