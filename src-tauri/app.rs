//! What lives as long as the app: engine, server, settings, streams. The page comes and goes.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use maru_devices::{Options as DeviceOptions, SystemDevices};
use maru_engine::{Choice, Engine, EngineConfig, Problem};
use maru_media::{DeviceId, VideoCodec};
use maru_protocol::ClientInfo;
use parking_lot::Mutex;
use tauri::ipc::Channel;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::desk::{Desk, Orders, desk};
use crate::drops::FileDrop;
use crate::frames::Streams;
use crate::options::Options;
use crate::page::PageLine;
use crate::paths::Paths;
use crate::secrets::{Tokens, split_token};
use crate::server::Server;
use crate::settings::SettingsStore;
use crate::shortcut::Shortcuts;
use crate::support;

/// Time for goodbyes to the room and to the clients of the embedded server.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(1);

/// The app's state, which the commands work on.
pub struct App {
    pub options: Options,
    /// `None` where this user has no home.
    pub paths: Option<Paths>,
    pub engine: Engine,
    pub server: Arc<Server>,
    pub devices: Arc<SystemDevices>,
    pub settings: Arc<SettingsStore>,
    pub tokens: Arc<Tokens>,
    pub streams: Streams,
    /// To the page, for what is not the engine's to report.
    pub page: PageLine,
    pub desk: Desk,
    pub shortcuts: Shortcuts,
    /// Send events to the pages that are there now: the call's, and the small one's.
    pub forwarder: Mutex<Option<JoinHandle<()>>>,
    /// Tells the page that is there now what is dragged over it.
    pub drops: Mutex<Option<Channel<FileDrop>>>,
    pub mini_forwarder: Mutex<Option<JoinHandle<()>>>,
    /// The try of the network that is under way.
    check: Mutex<Option<JoinHandle<()>>>,
    leaving: AtomicBool,
}

impl App {
    /// Starts the engine, with a place for what belongs to this machine; it opens no device until the page asks for a preview or a call.
    /// The orders are for the desk's task.
    ///
    /// # Errors
    /// When the system gives the engine no thread.
    pub async fn start(
        options: Options,
        settings: SettingsStore,
        paths: Option<Paths>,
    ) -> anyhow::Result<(Self, Orders)> {
        let settings = Arc::new(settings);
        let remembered = settings.get();
        let tokens = Tokens::default();
        let given = options.server.as_deref().map(split_token);
        if let Some((address, Some(token))) = &given
            && let Err(error) = tokens.keep(address, token).await
        {
            tracing::warn!("{error}");
        }
        let tokens = Arc::new(tokens);
        let given = given.map(|(address, _)| address);
        let data = paths.as_ref().map(|paths| paths.data.clone());
        let server = Arc::new(Server::new(settings.clone(), tokens.clone(), given, data, options.no_lan));
        let synthetic = options.synthetic_devices || remembered.synthetic_devices;
        let devices = Arc::new(SystemDevices::new(DeviceOptions { synthetic }));
        let engine = Engine::start(EngineConfig {
            devices: devices.clone(),
            server: server.clone(),
            client: ClientInfo { name: "maru".into(), version: env!("CARGO_PKG_VERSION").into() },
            ice_servers: Vec::new(),
            addresses: remembered.addresses,
            token: None, // the locator knows it
            video_codecs: VideoCodec::BUILT_IN.to_vec(),
            camera: choice(remembered.camera),
            microphone: choice(remembered.microphone),
            speaker: choice(remembered.speaker),
            muted: remembered.muted,
            camera_off: remembered.camera_off,
            voice: remembered.voice,
            downloads: downloads(),
            decode: false,
        })
        .context("the call cannot be set up")?;
        let (desk, orders) = desk();
        let app = Self {
            options,
            paths,
            engine,
            server,
            devices,
            settings,
            tokens,
            streams: Streams::new(crate::platform::has_graphics()),
            page: PageLine::default(),
            desk,
            shortcuts: Shortcuts::default(),
            forwarder: Mutex::new(None),
            drops: Mutex::new(None),
            mini_forwarder: Mutex::new(None),
            check: Mutex::new(None),
            leaving: AtomicBool::new(false),
        };
        Ok((app, orders))
    }

    /// From now on this is the try of the network; the one before it ends.
    pub fn replace_check(&self, check: Option<JoinHandle<()>>) {
        if let Some(before) = std::mem::replace(&mut *self.check.lock(), check) {
            before.abort();
        }
    }

    /// Opens the folder that the logs are in.
    ///
    /// # Errors
    /// With where it is, when it cannot be opened.
    pub async fn open_logs(&self) -> Result<(), Problem> {
        let logs = self.paths.as_ref().map(|paths| paths.logs.clone());
        tokio::task::spawn_blocking(move || support::open_logs(logs)).await.unwrap_or(Ok(()))
    }

    /// Whether the app is on its way out; sets that it is.
    pub fn begin_to_leave(&self) -> bool {
        self.leaving.swap(true, Ordering::SeqCst)
    }

    /// Leaves the call and stops the embedded server, within a second.
    pub async fn leave(&self) {
        let goodbye = async {
            self.streams.close_all(&self.engine);
            self.engine.shutdown().await;
            self.server.shutdown().await;
        };
        if timeout(LEAVE_TIMEOUT, goodbye).await.is_err() {
            tracing::warn!("not everybody could be told goodbye in time");
        }
    }
}

/// The person's folder for downloads.
fn downloads() -> Option<PathBuf> {
    let folders = directories::UserDirs::new()?;
    Some(folders.download_dir().map_or_else(|| folders.home_dir().join("Downloads"), Into::into))
}

/// What the settings say where a person chose no device at all.
const NO_DEVICE: &str = "none";

fn choice(device: Option<DeviceId>) -> Choice {
    match device {
        None => Choice::Preferred,
        Some(id) if id.as_str() == NO_DEVICE => Choice::None,
        Some(id) => Choice::Device(id),
    }
}
