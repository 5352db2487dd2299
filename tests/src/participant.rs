//! A participant without a window and without real devices: an engine inside the test.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use maru_devices::{Options, SystemDevices};
use maru_engine::{
    CallState, CallView, Choice, Command, Engine, EngineConfig, FixedServer, PeerView, VideoKind,
};
use maru_media::video::timecode;
use maru_media::voice::VoiceSettings;
use maru_media::{DeviceId, VideoCodec};
use maru_protocol::ClientInfo;
use tempfile::TempDir;
use tokio::time::timeout;

use crate::wait::eventually;

/// Ample on a busy machine with a debug build; what is waited for takes well under a second.
const LIMIT: Duration = Duration::from_secs(30);

/// Somebody in a room, with a test pattern for a camera.
pub struct Participant {
    engine: Engine,
    downloads: TempDir,
}

impl Participant {
    /// Enters a room.
    ///
    /// # Panics
    /// When it does not get in.
    pub async fn join(server: &str, room: &str, name: &str) -> Self {
        Self::join_with(server, room, name, |_| {}).await
    }

    /// Enters a room with a configuration that differs from the usual one.
    ///
    /// # Panics
    /// When it does not get in.
    pub async fn join_with(
        server: &str,
        room: &str,
        name: &str,
        adjust: impl FnOnce(&mut EngineConfig),
    ) -> Self {
        let device = |id: &str| Choice::Device(DeviceId::new(id));
        let downloads = TempDir::new().expect("a folder for downloads");
        let mut config = EngineConfig {
            devices: Arc::new(SystemDevices::new(Options { synthetic: true })),
            server: Arc::new(FixedServer::parse(server).expect("a server's URL")),
            client: ClientInfo { name: "maru-tests".into(), version: env!("CARGO_PKG_VERSION").into() },
            ice_servers: Vec::new(),
            addresses: Default::default(),
            token: None,
            video_codecs: VideoCodec::BUILT_IN.to_vec(),
            camera: device("test-pattern"),
            microphone: device("tone"),
            speaker: device("null"),
            muted: false,
            camera_off: false,
            // What is sent is compared with what was captured.
            voice: VoiceSettings::NOTHING,
            downloads: Some(downloads.path().to_owned()),
            decode: true,
        };
        adjust(&mut config);
        let participant = Self { engine: Engine::start(config).expect("an engine"), downloads };
        participant.command(Command::Join { room: room.into(), name: name.into() }).await;
        participant.until("in the room", |view| (view.call == CallState::InCall).then_some(())).await;
        participant
    }

    /// The engine itself.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Where files from others are saved, unless the configuration says otherwise.
    pub fn downloads(&self) -> &Path {
        self.downloads.path()
    }

    /// Does something.
    pub async fn command(&self, command: Command) {
        self.engine.command(command).await;
    }

    /// The first view in which `look` finds something.
    ///
    /// # Panics
    /// When there is none in time.
    pub async fn until<T>(&self, what: &str, mut look: impl FnMut(&CallView) -> Option<T>) -> T {
        let mut events = self.engine.events();
        let search = async {
            loop {
                if let Some(found) = look(&self.engine.view()) {
                    return found;
                }
                // Any event, a missed one included, is a reason to look again.
                let _ = events.recv().await;
            }
        };
        match timeout(LIMIT, search).await {
            Ok(found) => found,
            Err(_) => panic!("not within {LIMIT:?}: {what}; the view is {:?}", self.engine.view()),
        }
    }

    /// The first state of somebody by this name in which `look` finds something.
    ///
    /// # Panics
    /// When there is none in time.
    pub async fn until_peer(&self, what: &str, name: &str, look: impl Fn(&PeerView) -> bool) -> PeerView {
        let find = |view: &CallView| view.peers.iter().find(|peer| peer.name == name && look(peer)).cloned();
        self.until(what, find).await
    }

    /// Waits for a picture of somebody by this name that was taken after `after_ms` (UNIX milliseconds, by
    /// its time code), and gives when it was taken.
    ///
    /// # Panics
    /// When none comes in time.
    pub async fn picture_after(&self, name: &str, after_ms: u64) -> u64 {
        eventually("a newer picture with a time code", LIMIT, async || {
            let pictures = self.engine.pictures(VideoKind::Camera);
            let (_, _, picture) = pictures.iter().find(|(_, of, _)| of == name)?;
            timecode::read(picture).filter(|taken| *taken > after_ms)
        })
        .await
    }

    /// The own id in the room.
    pub fn id(&self) -> String {
        self.engine.view().me.id.map(|id| id.to_string()).unwrap_or_default()
    }

    /// Leaves the room and stops.
    pub async fn leave(self) {
        self.engine.shutdown().await;
    }
}
