//! Starting an engine and waiting for what it does.

use std::sync::Arc;
use std::time::Duration;

use maru_engine::{CallState, CallView, Command, Engine, EngineConfig, Event, ServerLocator};
use maru_media::VideoCodec;
use maru_media::voice::VoiceSettings;
use maru_protocol::ClientInfo;
use tokio::sync::broadcast::error::RecvError;

/// What the program calls itself towards servers and peers.
pub fn client_info() -> ClientInfo {
    ClientInfo { name: "maru-cli".into(), version: env!("CARGO_PKG_VERSION").into() }
}

/// A configuration with everything at its default, that decodes by itself.
pub fn config(devices: Arc<dyn maru_media::Devices>, server: Arc<dyn ServerLocator>) -> EngineConfig {
    EngineConfig {
        devices,
        server,
        client: client_info(),
        ice_servers: Vec::new(),
        addresses: Default::default(),
        token: None,
        video_codecs: VideoCodec::BUILT_IN.to_vec(),
        camera: Default::default(),
        microphone: Default::default(),
        speaker: Default::default(),
        muted: false,
        camera_off: false,
        voice: VoiceSettings::default(),
        downloads: None,
        decode: true,
    }
}

/// Waits until the view is as wanted; `None` after `timeout`, or when the engine stopped.
pub async fn wait_for(
    engine: &Engine,
    timeout: Duration,
    wanted: impl Fn(&CallView) -> bool,
) -> Option<Arc<CallView>> {
    let mut events = engine.events();
    let wait = async {
        loop {
            let view = engine.view();
            if wanted(&view) {
                return Some(view);
            }
            match events.recv().await {
                Ok(Event::View { .. } | Event::Levels { .. } | Event::Stats { .. } | Event::Chat { .. }) => {}
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    };
    tokio::time::timeout(timeout, wait).await.ok().flatten()
}

/// Joins and waits for the answer.
pub async fn join(engine: &Engine, room: &str, name: &str) -> anyhow::Result<Arc<CallView>> {
    engine.command(Command::Join { room: room.into(), name: name.into() }).await;
    // The engine's own bound is shorter.
    let answered = |view: &CallView| match view.call {
        CallState::InCall => true,
        CallState::Idle => view.notice.is_some(),
        CallState::Joining | CallState::Reconnecting | CallState::Leaving => false,
    };
    match wait_for(engine, Duration::from_secs(15), answered).await {
        Some(view) if view.call == CallState::InCall => Ok(view),
        Some(view) => {
            anyhow::bail!(view.notice.as_ref().map_or_else(String::new, |notice| notice.text.clone()))
        }
        None => anyhow::bail!("The server does not answer. Try again, or use another server."),
    }
}
