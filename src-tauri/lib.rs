//! The desktop shell: one window around the engine. It parses options, keeps settings and logs, and
//! carries commands, events and pictures between the page and the engine.
//!
//! The shell refuses to know how a call works: rooms, peers, codecs and devices are the engine's and
//! its crates'. If the page is gone or reloads, the call goes on.

mod app;
mod awake;
mod commands;
mod desk;
mod drops;
mod events;
mod frames;
mod instance;
mod links;
mod logging;
#[cfg(test)]
mod manual;
mod menu;
mod mini;
mod notify;
mod options;
mod page;
mod paths;
mod platform;
mod secrets;
mod server;
mod settings;
mod settings_file;
mod shortcut;
mod support;
mod tray;
#[cfg(test)]
mod types;
mod updates;
mod windows;
mod words;

use std::process::ExitCode;

use clap::Parser as _;
use tauri::{AppHandle, Manager as _, RunEvent, WindowEvent};
use tauri_plugin_window_state::StateFlags;

use app::App;
use options::Options;
use paths::Paths;
use settings::SettingsStore;

/// Runs the app until its window is closed.
pub fn run() -> ExitCode {
    let options = Options::parse();
    if let Some(sentence) = platform::no_display() {
        eprintln!("{sentence}");
        return ExitCode::FAILURE;
    }
    if !platform::has_graphics() {
        platform::paint_without_graphics();
    }
    let paths = Paths::find(options.data_dir.as_deref());
    let log_guard = logging::start(paths.as_ref().map(|paths| paths.logs.as_path()));
    tracing::info!("Maru {}", env!("CARGO_PKG_VERSION"));
    if paths.is_none() {
        tracing::warn!("there is no home directory: settings and logs last until the window is closed");
    }

    let mut builder = tauri::Builder::default();
    if options.gives_way() {
        // The first of all: who gives way does nothing else.
        builder = builder.plugin(instance::plugin());
    }
    if let Some(paths) = &paths {
        builder = builder.plugin(window_state(paths, options.new_window));
    }
    let built = builder
        .plugin(tauri_plugin_deep_link::init())
        .plugin(tauri_plugin_notification::init())
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
            commands::screen_sources,
            commands::qr_code,
            commands::pick_files,
            commands::start_mini,
            commands::show_window,
            commands::new_window,
            commands::quit,
            commands::privacy_settings,
            commands::install_update,
            commands::diagnostics,
            commands::open_logs,
            commands::check_network,
            commands::cancel_check,
        ])
        .on_menu_event(|handle, event| menu::chosen(handle, event.id().as_ref()))
        .setup(move |handle| set_up(handle.handle(), options, paths))
        .on_window_event(|window, event| match event {
            WindowEvent::CloseRequested { api, .. } if window.label() == windows::MAIN => {
                // Gone from the screen at once; the process follows when the room has been told.
                api.prevent_close();
                let _ = window.hide();
                leave_and_exit(window.app_handle());
            }
            WindowEvent::Focused(in_front) if window.label() == windows::MAIN => {
                if let Some(app) = window.try_state::<App>() {
                    app.desk.focus(*in_front);
                }
            }
            _ => {}
        })
        .build(tauri::generate_context!());

    let code = match built {
        Ok(app) => app.run_return(|handle, event| match event {
            // Quitting by the system, without the window being closed first.
            RunEvent::ExitRequested { code: None, api, .. } => {
                api.prevent_exit();
                leave_and_exit(handle);
            }
            // macOS, when its own menus or a log-out end the app: nothing can be put off any more.
            RunEvent::Exit => {
                if let Some(app) = handle.try_state::<App>()
                    && !app.begin_to_leave()
                {
                    tauri::async_runtime::block_on(app.leave());
                }
            }
            _ => {}
        }),
        Err(error) => {
            tracing::error!("Maru cannot start: {error}");
            1
        }
    };
    drop(log_guard);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

fn set_up(
    handle: &AppHandle,
    options: Options,
    paths: Option<Paths>,
) -> Result<(), Box<dyn std::error::Error>> {
    let link = options.link.clone();
    let first = !options.new_window;
    let (settings, problem) = SettingsStore::open(paths.as_ref().map(|paths| paths.config.as_path()));
    let desktop = settings.get().desktop;
    let (app, orders) = tauri::async_runtime::block_on(App::start(options, settings, paths.clone()))?;
    handle.manage(app);
    let app = handle.state::<App>();
    if let Some(problem) = problem {
        app.page.tell_problem(problem);
    }
    drops::watch(&windows::open(handle, paths.as_ref())?);
    desk::follow(handle, &app.engine, orders);
    links::listen(handle);
    notify::listen(handle);
    if let Some(link) = link {
        app.page.tell(links::news(&link));
    }
    if let Err(problem) = app.shortcuts.apply(handle, &desktop) {
        // Another window of Maru has them already: nobody has to know.
        if first {
            app.page.tell_problem(problem);
        }
    }
    updates::look(handle);
    let handle = handle.clone();
    tauri::async_runtime::spawn(async move {
        platform::asked_to_end().await;
        leave_and_exit(&handle);
    });
    Ok(())
}

/// Has the call's window where it was, and as large; in the middle of a screen that is there, where the one it was
/// on is gone.
fn window_state(paths: &Paths, another: bool) -> tauri::plugin::TauriPlugin<tauri::Wry> {
    // Another window right over the first one would look as if nothing had happened.
    let flags = if another {
        StateFlags::SIZE
    } else {
        StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED
    };
    // Written to at the end, when nobody can be told any more.
    if let Err(error) = std::fs::create_dir_all(&paths.config) {
        tracing::info!("where the window is will not be remembered: {error}");
    }
    tauri_plugin_window_state::Builder::new()
        .with_state_flags(flags)
        .with_filename(paths.config.join("window.json").to_string_lossy())
        .with_denylist(&[windows::MINI])
        .build()
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
