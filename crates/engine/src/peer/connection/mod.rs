//! One peer connection as an actor: orders in, news out, media in both directions beside it.

mod callbacks;
mod candidates;
mod channels;
mod negotiation;
mod sending;
mod stats;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use maru_media::VideoCodec;
use maru_media::audio::protection::Protection;
use maru_media::video::adapt::Adaptation;
use maru_protocol::IceServer;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use webrtc::data_channel::DataChannel;
use webrtc::error::Result as RtcResult;
use webrtc::peer_connection::{PeerConnection, RTCIceCandidateInit};

pub(crate) use self::stats::{CandidatePair, ConnectionStats};

use self::callbacks::{Callback, Handler};
use self::sending::{Sending, add_track};
use super::codec::Format;
use super::files::FileChannel;
use super::setup::{Network, Taps, VoiceTypes};
use super::{mdns, setup};
use crate::call::{ConnectionEvent, ConnectionOrder, Failure};
use crate::receive::audio::PeerAudio;
use crate::receive::video::PeerVideo;
use crate::send::fanout::Fanout;

/// Orders that may wait, candidates of a peer with many interfaces included.
const ORDER_LIMIT: usize = 256;
/// Candidates that may come before the description they belong to.
const EARLY_CANDIDATES: usize = 128;
/// Chat that may wait for the channel to open.
const EARLY_CHAT: usize = 32;
/// How long one step of negotiation may take.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// What a connection works with.
pub(crate) struct ConnectionConfig {
    pub network: Network,
    /// To offer and to accept, the preferred one first.
    pub video_codecs: Vec<VideoCodec>,
    /// The peer can take files.
    pub files: bool,
    pub protection: Arc<Mutex<Protection>>,
    pub audio: Arc<PeerAudio>,
    pub camera: VideoSection,
    /// The peer takes a second video section, for a screen.
    pub screen: Option<VideoSection>,
}

/// What a section of video works with.
#[derive(Clone)]
pub(crate) struct VideoSection {
    /// Our pictures.
    pub fanout: Arc<Fanout>,
    /// How they adapt to what is lost.
    pub adaptation: Arc<Mutex<Adaptation>>,
    /// The peer's.
    pub video: Arc<PeerVideo>,
}

/// What a connection reports.
pub(crate) enum ConnectionNews {
    /// For the call's state machine.
    Event(ConnectionEvent),
    /// The peer said something.
    Chat(String),
    /// There is a channel for files, which will open.
    Files(FileChannel),
}

enum Order {
    Negotiate(ConnectionOrder),
    Chat(String),
    Pair(oneshot::Sender<Option<CandidatePair>>),
    Stats(oneshot::Sender<ConnectionStats>),
    /// This machine has these addresses no more.
    Gone(Arc<[IpAddr]>),
    /// The same servers with other credentials, or others.
    Renew(Vec<IceServer>),
}

/// A running connection; dropping it closes it in the background.
pub(crate) struct Connection {
    orders: mpsc::Sender<Order>,
    cancel: CancellationToken,
}

impl Connection {
    /// Starts one; `news` is called for everything it reports, and must not block.
    pub fn start(config: ConnectionConfig, news: impl Fn(ConnectionNews) + Send + Sync + 'static) -> Self {
        let (orders, order_queue) = mpsc::channel(ORDER_LIMIT);
        let cancel = CancellationToken::new();
        let stop = cancel.clone();
        tokio::spawn(async move {
            if let Err(error) = run(config, order_queue, stop, &news).await {
                news(ConnectionNews::Event(ConnectionEvent::Failed(Failure::Other(error.to_string()))));
            }
        });
        Self { orders, cancel }
    }

    /// False when the connection is over, or so far behind that it must be given up.
    pub fn order(&self, order: ConnectionOrder) -> bool {
        self.orders.try_send(Order::Negotiate(order)).is_ok()
    }

    /// Says something. False when it cannot be taken.
    pub fn chat(&self, text: String) -> bool {
        self.orders.try_send(Order::Chat(text)).is_ok()
    }

    /// Uses these STUN servers and relays from now on, without giving up what is established.
    pub fn renew(&self, ice_servers: Vec<IceServer>) {
        let _ = self.orders.try_send(Order::Renew(ice_servers)); // full: it is given up for that soon
    }

    /// This machine has these addresses no more: `AddressGone` comes of it if the path began at one.
    pub fn addresses_gone(&self, gone: Arc<[IpAddr]>) {
        let _ = self.orders.try_send(Order::Gone(gone)); // full: it is given up for that soon
    }

    /// The path in use; `None` within the returned future when there is none.
    pub fn candidate_pair(&self) -> oneshot::Receiver<Option<CandidatePair>> {
        let (reply, answer) = oneshot::channel();
        let _ = self.orders.try_send(Order::Pair(reply)); // dropped: the receiver gets an error
        answer
    }

    /// The figures of this moment.
    pub fn stats(&self) -> oneshot::Receiver<ConnectionStats> {
        let (reply, answer) = oneshot::channel();
        let _ = self.orders.try_send(Order::Stats(reply)); // as above
        answer
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

struct Actor<'a> {
    config: ConnectionConfig,
    news: &'a (dyn Fn(ConnectionNews) + Send + Sync),
    pc: Arc<dyn PeerConnection>,
    video: Sending,
    audio: Sending,
    /// Made up front, like the others, and silent until somebody shares.
    screen: Option<Sending>,
    /// Made by who offers first and announced in-band, so that it is open on both sides before the
    /// first message: a channel that both sides make by agreement loses what comes too early.
    chat: Option<Arc<dyn DataChannel>>,
    chat_open: bool,
    early_chat: VecDeque<String>,
    /// The channel for files is there; it is made like the chat's, where the peer takes files.
    has_files: bool,
    has_remote: bool,
    early_candidates: VecDeque<RTCIceCandidateInit>,
    /// Ends the media tasks with the connection.
    stop: CancellationToken,
    callbacks: mpsc::Sender<Callback>,
    sending: bool,
    /// The negotiated video codecs; the first is what is sent.
    formats: Arc<Mutex<Vec<Format>>>,
    /// What a screen is sent in, where the second section was agreed on.
    screen_format: Option<Format>,
    taps: Taps,
    /// The peer can make use of Opus's deep redundancy.
    understands_redundancy: bool,
    /// The payload types that the peer's voice may have.
    voice_types: VoiceTypes,
    /// What stands for our private addresses.
    names: mdns::Names,
}

async fn run(
    config: ConnectionConfig,
    mut orders: mpsc::Receiver<Order>,
    cancel: CancellationToken,
    news: &(dyn Fn(ConnectionNews) + Send + Sync),
) -> RtcResult<()> {
    let (callback_in, mut callbacks) = mpsc::channel(ORDER_LIMIT);
    let handler = Arc::new(Handler(callback_in.clone()));
    let taps = Taps::default();
    let pc = setup::connection(&config.network, &config.video_codecs, &taps, handler).await?;
    let stop = CancellationToken::new();
    let _stop_on_return = stop.clone().drop_guard();
    let result = async {
        let stream = format!("maru-{:08x}", super::random_u32());
        let first = config.video_codecs.first().copied().unwrap_or(VideoCodec::H264);
        // In the order of their sections. The screen is of another stream: nobody's lips are on it.
        let audio = add_track(&*pc, setup::track("audio", None, &stream)).await?;
        let video = add_track(&*pc, setup::track("video", Some(first), &stream)).await?;
        let screen = match &config.screen {
            None => None,
            Some(_) => {
                let track = setup::track("screen", Some(first), &format!("{stream}-screen"));
                Some(add_track(&*pc, track).await?)
            }
        };
        let mut actor = Actor {
            config,
            news,
            pc: Arc::clone(&pc),
            video,
            audio,
            screen,
            chat: None,
            chat_open: false,
            early_chat: VecDeque::new(),
            has_files: false,
            has_remote: false,
            early_candidates: VecDeque::new(),
            stop,
            callbacks: callback_in,
            sending: false,
            formats: Arc::default(),
            screen_format: None,
            taps,
            understands_redundancy: false,
            voice_types: VoiceTypes::default(),
            names: mdns::Names::default(),
        };
        for pictures in actor.pictures() {
            actor.prefer(pictures, Vec::new()).await?; // all of ours, not just the track's
        }
        loop {
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                order = orders.recv() => match order {
                    Some(order) => actor.order(order).await?,
                    None => return Ok(()),
                },
                Some(callback) = callbacks.recv() => actor.callback(callback).await,
            }
        }
    }
    .await;
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, pc.close()).await;
    result
}

impl Actor<'_> {
    fn event(&self, event: ConnectionEvent) {
        (self.news)(ConnectionNews::Event(event));
    }

    /// Runs until it is done, or the connection over.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        tokio::spawn(async move {
            let _ = stop.run_until_cancelled(task).await;
        });
    }

    async fn order(&mut self, order: Order) -> RtcResult<()> {
        match order {
            Order::Negotiate(order) => {
                match tokio::time::timeout(STEP_TIMEOUT, self.negotiate(order)).await {
                    Ok(result) => result?,
                    Err(_) => return Err(webrtc::error::Error::Other("negotiation took too long".into())),
                }
            }
            Order::Chat(text) if self.chat_open => self.say(&text).await,
            Order::Chat(text) => {
                if self.early_chat.len() == EARLY_CHAT {
                    self.early_chat.pop_front();
                }
                self.early_chat.push_back(text);
            }
            Order::Gone(gone) => {
                if self.path_begins_at().await.is_some_and(|address| gone.contains(&address)) {
                    self.event(ConnectionEvent::AddressGone);
                }
            }
            Order::Renew(ice_servers) => {
                let addresses = self.config.network.addresses;
                let renewed = self.pc.set_configuration(setup::configuration(&ice_servers, addresses)).await;
                if let Err(error) = renewed {
                    tracing::warn!(%error, "a connection keeps its old relay credentials");
                }
            }
            Order::Pair(reply) => {
                let _ = reply.send(self.candidate_pair().await);
            }
            Order::Stats(reply) => {
                let _ = reply.send(self.stats().await);
            }
        }
        Ok(())
    }
}
