//! Newer versions, signed by whoever publishes Maru. Off until the configuration has a public key to check them
//! with (`plugins.updater.pubkey` in `tauri.conf.json`); never in a call; installed only when the person says so.

use std::time::Duration;

use maru_engine::{CallState, Problem, Sentence};
use tauri::{AppHandle, Manager as _};
use tauri_plugin_updater::UpdaterExt as _;

use crate::app::App;
use crate::page::News;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// After the start, which has more urgent things to do.
const FIRST_LOOK: Duration = Duration::from_secs(30);

/// Looks for newer versions from now on, if there is a key.
pub fn look(handle: &AppHandle) {
    let config = handle.config().plugins.0.get("updater").cloned().unwrap_or_default();
    if !has_key(&config) {
        return;
    }
    if let Err(error) = handle.plugin(tauri_plugin_updater::Builder::new().build()) {
        tracing::warn!("no updates: {error}");
        return;
    }
    let handle = handle.clone();
    tauri::async_runtime::spawn(async move {
        tokio::time::sleep(FIRST_LOOK).await;
        loop {
            if idle(&handle) {
                match newer(&handle).await {
                    Ok(Some(update)) => {
                        handle.state::<App>().page.tell(News::Update { version: update.version.clone() });
                        return;
                    }
                    Ok(None) => {}
                    Err(error) => tracing::info!("no look for a newer version: {error}"),
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    });
}

/// Installs the newer version and starts it.
///
/// # Errors
/// In a call, and when it cannot be had or its signature is not right.
pub async fn install(handle: &AppHandle) -> Result<(), Problem> {
    let in_call =
        || Problem::new(Sentence::UpdateInCall {}, "Maru is not updated during a call. Leave it first.");
    let failed = |problem: String| {
        let text = format!("The update could not be installed ({problem}). Try again later.");
        Problem::new(Sentence::UpdateFailed { problem }, text)
    };
    if !idle(handle) {
        return Err(in_call());
    }
    let update = newer(handle).await.map_err(|error| failed(error.to_string()))?;
    let Some(update) = update else { return Ok(()) };
    let package = update.download(|_, _| {}, || {}).await.map_err(|error| failed(error.to_string()))?;
    // A call may have begun meanwhile.
    if !idle(handle) {
        return Err(in_call());
    }
    update.install(package).map_err(|error| failed(error.to_string()))?;
    handle.state::<App>().leave().await;
    handle.restart();
}

async fn newer(
    handle: &AppHandle,
) -> Result<Option<tauri_plugin_updater::Update>, tauri_plugin_updater::Error> {
    handle.updater()?.check().await
}

fn idle(handle: &AppHandle) -> bool {
    handle.state::<App>().engine.view().call == CallState::Idle
}

/// Whether updates could be checked at all.
fn has_key(config: &serde_json::Value) -> bool {
    config.get("pubkey").and_then(serde_json::Value::as_str).is_some_and(|key| !key.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_key_nothing_is_looked_for() {
        for (config, looked) in [
            (serde_json::json!(null), false),
            (serde_json::json!({ "endpoints": ["https://example.org/"] }), false),
            (serde_json::json!({ "pubkey": " " }), false),
            (serde_json::json!({ "pubkey": "RWQ" }), true),
        ] {
            assert_eq!(has_key(&config), looked, "{config}");
        }
    }
}
