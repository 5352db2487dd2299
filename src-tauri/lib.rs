//! The desktop shell: one window around the engine. It parses options, keeps settings and logs, and
//! carries commands, events and pictures between the page and the engine.
//!
//! The shell refuses to know how a call works: rooms, peers, codecs and devices are the engine's and
//! its crates'. If the page is gone or reloads, the call goes on.

mod app;
mod commands;
mod drops;
mod events;
mod frames;
mod logging;
#[cfg(test)]
mod manual;
mod options;
mod page;
mod paths;
mod platform;
mod secrets;
mod server;
mod settings;
mod settings_file;
#[cfg(test)]
mod types;

use std::process::ExitCode;

use clap::Parser as _;
use tauri::{AppHandle, Manager as _, RunEvent, WebviewUrl, WebviewWindowBuilder, WindowEvent};

use app::App;
use options::Options;
use paths::Paths;
use settings::SettingsStore;

/// The window's label; `capabilities/main.json` names it.
const WINDOW: &str = "main";

/// Runs the app until its window is closed.
pub fn run() -> ExitCode {
    let options = Options::parse();
    if let Some(sentence) = platform::no_display() {
        eprintln!("{sentence}");
        return ExitCode::FAILURE;
    }
    let paths = Paths::find(options.data_dir.as_deref());
    let log_guard = logging::start(paths.as_ref().map(|paths| paths.logs.as_path()));
    tracing::info!("Maru {}", env!("CARGO_PKG_VERSION"));
    if paths.is_none() {
        tracing::warn!("there is no home directory: settings and logs last until the window is closed");
    }

    let built = tauri::Builder::default()
        // For the shell's own use: the page may not call it.
        .plugin(tauri_plugin_dialog::init())
        .invoke_handler(tauri::generate_handler![
            commands::start,
            commands::command,
            commands::save_settings,
            commands::open_video,
            commands::resize_video,
            commands::acknowledge_video,
            commands::request_key_frame,
            commands::close_video,
            commands::qr_code,
            commands::pick_files,
        ])
        .setup(move |handle| {
            let data = paths.as_ref().map(|paths| paths.data.clone());
            let (settings, problem) = SettingsStore::open(paths.as_ref().map(|paths| paths.config.as_path()));
            let app = tauri::async_runtime::block_on(App::start(options, settings, data))?;
            if let Some(problem) = problem {
                app.page.tell_problem(problem);
            }
            handle.manage(app);
            open_window(handle.handle(), paths)?;
            let handle = handle.handle().clone();
            tauri::async_runtime::spawn(async move {
                platform::asked_to_end().await;
                leave_and_exit(&handle);
            });
            Ok(())
        })
        .on_window_event(|window, event| {
            if let WindowEvent::CloseRequested { api, .. } = event {
                // Gone from the screen at once; the process follows when the room has been told.
                api.prevent_close();
                let _ = window.hide();
                leave_and_exit(window.app_handle());
            }
        })
        .build(tauri::generate_context!());

    let code = match built {
        Ok(app) => app.run_return(|handle, event| {
            // Quitting by menu or by the system, without the window being closed first.
            if let RunEvent::ExitRequested { code: None, api, .. } = event {
                api.prevent_exit();
                leave_and_exit(handle);
            }
        }),
        Err(error) => {
            tracing::error!("Maru cannot start: {error}");
            1
        }
    };
    drop(log_guard);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

fn open_window(handle: &AppHandle, paths: Option<Paths>) -> tauri::Result<()> {
    let mut window = WebviewWindowBuilder::new(handle, WINDOW, WebviewUrl::App("index.html".into()))
        .title("Maru")
        .inner_size(1100.0, 720.0)
        .min_inner_size(360.0, 480.0)
        .center()
        // The page is ours and stays: no link, drop or script leads the window elsewhere.
        .on_navigation(|url| url.scheme() == "tauri" || url.host_str() == Some("tauri.localhost"));
    if let Some(directory) = paths.and_then(|paths| paths.webview) {
        window = window.data_directory(directory);
    }
    drops::watch(&window.build()?);
    Ok(())
}

/// Says goodbye and ends the process; a second call changes nothing.
fn leave_and_exit(handle: &AppHandle) {
    let Some(app) = handle.try_state::<App>() else {
        handle.exit(0);
        return;
    };
    if app.begin_to_leave() {
        return;
    }
    let handle = handle.clone();
    tauri::async_runtime::spawn(async move {
        handle.state::<App>().leave().await;
        handle.exit(0);
    });
}
