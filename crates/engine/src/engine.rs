//! The engine as its owner sees it: start it, command it, watch it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use maru_media::voice::VoiceSettings;
use maru_media::{DeviceId, Devices, LatestFrame, VideoCodec, VideoFrame};
use maru_protocol::{ClientInfo, IceServer, PeerId};
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::actor::{Actor, Order, Shared};
use crate::api::{AddressPolicy, CallView, Command, Event, PickedFile, VideoKind};
use crate::files::Picked;
use crate::notice::Problem;
use crate::receive::video::VideoOutput;
use crate::report::CallReport;
use crate::signaling::ServerLocator;

/// Commands that may wait.
const COMMAND_LIMIT: usize = 256;
/// How long the engine may take to leave the room and to stop.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(3);

/// Which device to use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The system's default, or the first there is.
    #[default]
    Preferred,
    /// None at all.
    None,
    /// This one.
    Device(DeviceId),
}

/// What an engine needs to run.
pub struct EngineConfig {
    /// Where pictures and sound come from and go to.
    pub devices: Arc<dyn Devices>,
    /// Which server to use.
    pub server: Arc<dyn ServerLocator>,
    /// Which program this is.
    pub client: ClientInfo,
    /// STUN and TURN servers beside those that the server names.
    pub ice_servers: Vec<IceServer>,
    /// Access token of a private server.
    pub token: Option<String>,
    /// Which of this machine's addresses the others learn.
    pub addresses: AddressPolicy,
    /// Video codecs to offer and accept, the preferred one first: usually
    /// [`VideoCodec::BUILT_IN`]. What the build does not have is left out.
    pub video_codecs: Vec<VideoCodec>,
    /// The camera to begin with.
    pub camera: Choice,
    /// The microphone to begin with.
    pub microphone: Choice,
    /// The speaker to begin with.
    pub speaker: Choice,
    /// Begin muted.
    pub muted: bool,
    /// Begin with the camera off.
    pub camera_off: bool,
    /// What is done to the microphone's sound, to begin with.
    pub voice: VoiceSettings,
    /// The folder in which files from others are saved; `None` where there is none.
    pub downloads: Option<PathBuf>,
    /// Decode every peer's pictures without being asked, for programs without a screen.
    pub decode: bool,
}

/// A running participant. Clones are the same one.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
    picked: Picked,
    orders: mpsc::Sender<Order>,
}

impl Engine {
    /// Starts an idle engine. Needs a tokio runtime around it.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(config: EngineConfig) -> std::io::Result<Self> {
        let (orders, order_queue) = mpsc::channel(COMMAND_LIMIT);
        let picked = Picked::default();
        let (actor, shared) = Actor::new(config, order_queue, picked.clone())?;
        tokio::spawn(actor.run());
        Ok(Self { shared, picked, orders })
    }

    /// Does what a person wants; what comes of it shows in the view.
    pub async fn command(&self, command: Command) {
        let _ = self.orders.send(Order::Command(command)).await; // gone: nothing left to command
    }

    /// Takes in a file that the person picked, so that it can be offered by its handle. Blocks on the disk.
    ///
    /// # Errors
    /// When it is no file, may not be read, or is larger than [`FILE_MAX_BYTES`](crate::FILE_MAX_BYTES).
    pub fn pick_file(&self, path: PathBuf) -> Result<PickedFile, Problem> {
        self.picked.add(path)
    }

    /// The newest view.
    pub fn view(&self) -> Arc<CallView> {
        self.shared.view()
    }

    /// What happens from now on. Who is too slow misses some, and takes the newest view instead.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.shared.events()
    }

    /// The own camera's pictures.
    pub fn preview(&self) -> Arc<LatestFrame> {
        self.shared.preview()
    }

    /// Where a peer's pictures of its camera or of its screen go from now on; kept for peers that are not there
    /// yet.
    pub fn set_video_output(&self, peer: PeerId, kind: VideoKind, output: VideoOutput) {
        self.shared.set_video_output(peer, kind, output);
    }

    /// Asks a peer for a key frame of one of its streams.
    pub fn request_key_frame(&self, peer: PeerId, kind: VideoKind) {
        self.shared.request_key_frame(peer, kind);
    }

    /// The newest decoded picture, from camera or screen, of everybody who was in the room, with their names; only
    /// where the engine decodes by itself.
    pub fn pictures(&self, kind: VideoKind) -> Vec<(PeerId, String, Arc<VideoFrame>)> {
        self.shared.pictures(kind)
    }

    /// What the call was like so far; `None` when the engine has stopped.
    pub async fn report(&self) -> Option<CallReport> {
        let (reply, answer) = oneshot::channel();
        self.orders.send(Order::Report(reply)).await.ok()?;
        answer.await.ok()
    }

    /// Leaves the room, closes the devices and stops; at most a few seconds.
    pub async fn shutdown(&self) {
        let (reply, done) = oneshot::channel();
        if self.orders.send(Order::Shutdown(reply)).await.is_ok() {
            let _ = tokio::time::timeout(SHUTDOWN_TIMEOUT, done).await;
        }
    }
}
