//! Files that the person picked in a dialog of the system's or dropped on the window. Their paths stay here: the
//! page gets handles, so that nothing it does can have another file read.

use std::path::PathBuf;

use maru_engine::{Engine, PickedFile, Problem};
use serde::Serialize;
use tauri::{DragDropEvent, Manager as _, WebviewWindow, WindowEvent};
use ts_rs::TS;

use crate::app::App;

/// Files that the person picked.
#[derive(Clone, Debug, Default, Serialize, TS)]
#[ts(export_to = "shell.d.ts")]
pub struct Picked {
    /// Those that can be offered.
    pub files: Vec<PickedFile>,
    /// What is wrong with one that cannot.
    #[ts(type = "{ key: string, values: Record<string, string | number | boolean>, text: string } | null")]
    pub problem: Option<Problem>,
}

/// Something is dragged over the window.
#[derive(Clone, Debug, Serialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
#[ts(export_to = "shell.d.ts")]
pub enum FileDrop {
    /// Files are over the window.
    Over,
    /// They are not any more.
    Left,
    /// They were let go.
    Dropped {
        /// What was dropped.
        picked: Picked,
    },
}

/// Takes in what a person picked.
pub async fn pick(engine: &Engine, paths: Vec<PathBuf>) -> Picked {
    let engine = engine.clone();
    let looked = tokio::task::spawn_blocking(move || {
        let mut picked = Picked::default();
        for path in paths {
            match engine.pick_file(path) {
                Ok(file) => picked.files.push(file),
                Err(problem) => picked.problem = Some(problem),
            }
        }
        picked
    });
    looked.await.unwrap_or_default()
}

/// Tells the page what is dragged over its window, from now on.
pub fn watch(window: &WebviewWindow) {
    let handle = window.app_handle().clone();
    window.on_window_event(move |event| {
        let WindowEvent::DragDrop(event) = event else { return };
        let app = handle.state::<App>();
        match event {
            DragDropEvent::Enter { paths, .. } if !paths.is_empty() => tell(&app, FileDrop::Over),
            DragDropEvent::Leave => tell(&app, FileDrop::Left),
            DragDropEvent::Drop { paths, .. } => {
                let (handle, paths) = (handle.clone(), paths.clone());
                tauri::async_runtime::spawn(async move {
                    let app = handle.state::<App>();
                    let picked = pick(&app.engine, paths).await;
                    tell(&app, FileDrop::Dropped { picked });
                });
            }
            _ => {}
        }
    });
}

fn tell(app: &App, drop: FileDrop) {
    if let Some(page) = &*app.drops.lock() {
        let _ = page.send(drop); // the page is gone
    }
}
