//! What the page may ask: a thin skin over the engine, the settings and the video streams. Each
//! command that can fail fails with a sentence for the person.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use maru_engine::{CallView, Command, Event, NetworkCheck, NetworkFinding, Problem, Sentence, VideoKind};
use maru_media::{ScreenError, ScreenKind, ScreenSource};
use maru_protocol::ClientInfo;
use serde::Serialize;
use tauri::ipc::{Channel, InvokeResponseBody};
use tauri::{AppHandle, State, WebviewWindow};
use tauri_plugin_dialog::DialogExt as _;
use tokio::sync::oneshot;
use ts_rs::TS;

use crate::app::App;
use crate::drops::{self, FileDrop, Picked};
use crate::events;
use crate::frames::{Source, TileSize};
use crate::page::News;
use crate::settings::Settings;
use crate::support::{self, Diagnostics};
use crate::words::Words;
use crate::{leave_and_exit, platform, updates, windows};

/// What a freshly loaded page gets.
#[derive(Clone, Debug, Serialize, TS)]
#[ts(export_to = "shell.d.ts")]
pub struct Start {
    /// All there is to show now; what changes comes as events.
    pub view: Box<CallView>,
    /// The remembered settings.
    pub settings: Settings,
    /// The app's version.
    pub version: String,
}

type Answer<T = (), E = String> = Result<T, E>;

/// The page is there, new or reloaded: it gets events from now on, and whatever an earlier page had
/// open is closed.
#[tauri::command]
pub async fn start(
    app: State<'_, App>,
    words: Words,
    events: Channel<Event>,
    drops: Channel<FileDrop>,
    news: Channel<News>,
) -> Answer<Start> {
    app.streams.close_of(&app.engine, windows::MAIN);
    let forwarder = events::forward(&app.engine, events);
    if let Some(previous) = app.forwarder.lock().replace(forwarder) {
        previous.abort();
    }
    *app.drops.lock() = Some(drops);
    app.page.attach(news);
    app.desk.speak(words);
    Ok(what_there_is(&app))
}

/// The same for the page of the small window.
#[tauri::command]
pub async fn start_mini(app: State<'_, App>, events: Channel<Event>) -> Answer<Start> {
    app.streams.close_of(&app.engine, windows::MINI);
    let forwarder = events::forward(&app.engine, events);
    if let Some(previous) = app.mini_forwarder.lock().replace(forwarder) {
        previous.abort();
    }
    Ok(what_there_is(&app))
}

fn what_there_is(app: &App) -> Start {
    Start {
        view: Box::new((*app.engine.view()).clone()),
        settings: app.settings.get(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// Something the person wants of the call.
#[tauri::command]
pub async fn command(app: State<'_, App>, command: Command) -> Answer {
    app.engine.command(command).await;
    Ok(())
}

/// Remembers settings. They hold at once; the sentence says what will not last.
#[tauri::command]
pub async fn save_settings(
    handle: AppHandle,
    app: State<'_, App>,
    settings: Settings,
) -> Answer<(), Problem> {
    let (settings, token) = settings.tidied();
    let kept = match &token {
        Some(token) => app.tokens.keep(&settings.server, token).await.map_err(Problem::from),
        None => Ok(()),
    };
    if settings.server != app.settings.get().server {
        app.server.forget_given();
    }
    if app.devices.offer_synthetic(settings.synthetic_devices || app.options.synthetic_devices) {
        app.engine.command(Command::RefreshDevices).await;
    }
    // Before the answer: a call that is joined after it has no connection that tells more.
    app.engine.command(Command::SetAddresses { addresses: settings.addresses }).await;
    // Keys that could not be had are told of when they are chosen, not with whatever is saved later.
    let keys = if settings.desktop == app.settings.get().desktop {
        Ok(())
    } else {
        app.shortcuts.apply(&handle, &settings.desktop)
    };
    let store = app.settings.clone();
    let saved = tokio::task::spawn_blocking(move || store.set(settings)).await;
    app.server.apply_find_on_network().await;
    app.desk.settings_changed();
    let applied = app.server.apply_guests_on_network().await;
    match saved {
        Ok(saved) => saved.map_err(Problem::from).and(kept).and(applied).and(keys),
        Err(error) => {
            let problem = error.to_string();
            let text = format!("The settings cannot be saved: {problem}.");
            Err(Problem::new(Sentence::SettingsNotSaved { problem }, text))
        }
    }
}

/// Opens a stream of pictures from `preview` or from a peer, of its camera or of its screen; the answer names the
/// stream. `decoded` asks for I420 of at most `width` × `height` device pixels instead of H.264; previews always are.
#[tauri::command]
#[allow(clippy::too_many_arguments)] // the page names each of them
pub async fn open_video(
    window: WebviewWindow,
    app: State<'_, App>,
    source: String,
    stream: VideoKind,
    decoded: bool,
    width: u32,
    height: u32,
    frames: Channel<InvokeResponseBody>,
) -> Answer<u32> {
    let source = Source::parse(&source, stream)?;
    app.streams.open(&app.engine, window.label(), source, decoded, TileSize::new(width, height), frames)
}

/// The tile of a stream has another size now, in device pixels.
#[tauri::command]
pub async fn resize_video(app: State<'_, App>, stream: u32, width: u32, height: u32) -> Answer {
    app.streams.resize(stream, TileSize::new(width, height));
    Ok(())
}

/// The page is done with one picture of a stream.
#[tauri::command]
pub async fn acknowledge_video(app: State<'_, App>, stream: u32) -> Answer {
    app.streams.acknowledge(stream);
    Ok(())
}

/// The page cannot decode without a key frame.
#[tauri::command]
pub async fn request_key_frame(app: State<'_, App>, stream: u32) -> Answer {
    app.streams.request_key_frame(&app.engine, stream);
    Ok(())
}

/// The page does not want a stream any more.
#[tauri::command]
pub async fn close_video(app: State<'_, App>, stream: u32) -> Answer {
    app.streams.close(&app.engine, stream);
    Ok(())
}

/// A screen or window to choose from.
#[derive(Clone, Debug, Serialize, TS)]
#[ts(export_to = "shell.d.ts")]
pub struct OfferedScreen {
    /// Which one.
    #[serde(flatten)]
    pub source: ScreenSource,
    /// What it shows, as a data URL; none where that could not be had in time.
    pub thumbnail: Option<String>,
}

/// The most that taking small pictures of all screens and windows may take.
const THUMBNAILS_LIMIT: Duration = Duration::from_secs(2);

/// What there is to share, screens first.
#[tauri::command]
pub async fn screen_sources(app: State<'_, App>) -> Answer<Vec<OfferedScreen>, Problem> {
    let devices = app.devices.clone();
    let look = move || -> Result<Vec<OfferedScreen>, ScreenError> {
        // Of what the system's own dialog offers there are none: it would open.
        let (dialogs, seen): (Vec<_>, Vec<_>) =
            devices.screens()?.into_iter().partition(|source| source.kind == ScreenKind::Portal);
        let ids: Vec<_> = seen.iter().map(|source| source.id.clone()).collect();
        let pngs = devices.screen_thumbnails(&ids, THUMBNAILS_LIMIT);
        let offered = seen.into_iter().zip(pngs).map(|(source, png)| {
            let thumbnail = png.map(|png| format!("data:image/png;base64,{}", BASE64.encode(png)));
            OfferedScreen { source, thumbnail }
        });
        let dialogs = dialogs.into_iter().map(|source| OfferedScreen { source, thumbnail: None });
        Ok(dialogs.chain(offered).collect())
    };
    let looked = tokio::task::spawn_blocking(look)
        .await
        .unwrap_or_else(|error| Err(ScreenError::Failed { name: String::new(), problem: error.to_string() }));
    looked.or_else(|error| Problem::screen(error).map_or_else(|| Ok(Vec::new()), Err))
}

/// Lets the person pick files to send. None are a change of mind.
#[tauri::command]
pub async fn pick_files(window: WebviewWindow, app: State<'_, App>) -> Answer<Picked> {
    let (answer, picked) = oneshot::channel();
    let dialog = window.dialog().file().set_parent(&window);
    dialog.pick_files(move |files| drop(answer.send(files))); // the command was given up
    let files = picked.await.ok().flatten().unwrap_or_default();
    Ok(drops::pick(&app.engine, files.into_iter().filter_map(|file| file.into_path().ok()).collect()).await)
}

/// Brings the call's window to the front.
#[tauri::command]
pub async fn show_window(handle: AppHandle) -> Answer {
    windows::show(&handle);
    Ok(())
}

/// Opens another window, for a call of its own.
#[tauri::command]
pub async fn new_window(handle: AppHandle) -> Answer<(), Problem> {
    windows::open_another(&handle)
}

/// Leaves the room and ends the app.
#[tauri::command]
pub async fn quit(handle: AppHandle) -> Answer {
    leave_and_exit(&handle);
    Ok(())
}

/// Opens the page of the system's settings on which the camera, or the microphone, is allowed.
#[tauri::command]
pub async fn privacy_settings(camera: bool) -> Answer {
    platform::open_privacy_settings(camera).map_err(|error| error.to_string())
}

/// What the page cannot know of the app, for a report.
#[tauri::command]
pub async fn diagnostics(app: State<'_, App>) -> Answer<Diagnostics> {
    let logs = app.paths.as_ref().map(|paths| paths.logs.clone());
    let collected = tokio::task::spawn_blocking(move || support::diagnostics(logs.as_deref())).await;
    collected.map_err(|error| error.to_string())
}

/// Tries what a call needs of the network, and tells of each thing as soon as it is known; ends the try before it.
#[tauri::command]
pub async fn check_network(app: State<'_, App>, found: Channel<NetworkFinding>) -> Answer {
    let client = ClientInfo { name: "maru".into(), version: env!("CARGO_PKG_VERSION").into() };
    let check = NetworkCheck { server: app.server.clone(), client };
    let tell = move |finding| drop(found.send(finding)); // nobody looks any more
    app.replace_check(Some(tokio::spawn(check.run(tell))));
    Ok(())
}

/// Ends the try that is under way.
#[tauri::command]
pub async fn cancel_check(app: State<'_, App>) -> Answer {
    app.replace_check(None);
    Ok(())
}

/// Opens the folder that the logs are in.
#[tauri::command]
pub async fn open_logs(app: State<'_, App>) -> Answer<(), Problem> {
    app.open_logs().await
}

/// Installs the version that there was news of.
#[tauri::command]
pub async fn install_update(handle: AppHandle) -> Answer<(), Problem> {
    updates::install(&handle).await
}

/// A QR code: `size` × `size` modules, row by row, true for dark; without the quiet zone around it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[ts(export_to = "shell.d.ts")]
pub struct QrCode {
    /// Modules in a row.
    pub size: usize,
    /// The modules.
    pub modules: Vec<bool>,
}

/// The text as a QR code; nothing for one that is too long for that.
#[tauri::command]
pub async fn qr_code(text: String) -> Answer<Option<QrCode>> {
    Ok(qrcodegen::QrCode::encode_text(&text, qrcodegen::QrCodeEcc::Medium).ok().map(|code| {
        let rows = 0..code.size();
        let modules = rows.clone().flat_map(|y| rows.clone().map(move |x| (x, y)));
        QrCode {
            size: usize::try_from(code.size()).unwrap_or_default(),
            modules: modules.map(|(x, y)| code.get_module(x, y)).collect(),
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_allowed_to_a_page() {
        // A command that is not fails only when somebody clicks.
        let (here, permissions) = (include_str!("commands.rs"), include_str!("permissions/call.toml"));
        let mut commands = 0;
        for command in here.split("#[tauri::command]\n").skip(1) {
            let (_, signature) = command.split_once("fn ").expect("a function");
            let name: String =
                signature.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            assert!(permissions.contains(&format!("\"{name}\",")), "{name}");
            commands += 1;
        }
        assert!(commands > 10);
    }

    #[tokio::test]
    async fn a_link_becomes_a_code_with_its_three_corners_and_a_novel_none() {
        let code = qr_code("https://192.168.1.5:6279/standup".into()).await.unwrap().unwrap();
        assert_eq!(code.modules.len(), code.size * code.size);
        // The pattern that scanners look for: in three corners, seven dark modules with a light ring inside.
        let row = |x: usize, y: usize| &code.modules[y * code.size + x..][..7];
        for (x, y) in [(0, 0), (code.size - 7, 0), (0, code.size - 7)] {
            assert_eq!(row(x, y), [true; 7]);
            assert_eq!(row(x, y + 1), [true, false, false, false, false, false, true]);
        }
        assert_eq!(qr_code("a".repeat(5000)).await.unwrap(), None);
    }
}
