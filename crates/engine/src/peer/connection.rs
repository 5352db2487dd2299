//! One peer connection as an actor: orders in, news out, media in both directions beside it.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use maru_media::VideoCodec;
use maru_media::audio::SAMPLE_RATE_HZ;
use maru_media::audio::protection::{Protection, Understands};
use maru_media::video::CLOCK_RATE_HZ;
use maru_media::video::adapt::Adaptation;
use maru_protocol::{IceServer, SdpType};
use parking_lot::Mutex;
use rtc::peer_connection::transport::RTCIceCandidatePair;
use rtc::rtp_transceiver::RTCRtpSenderId;
use rtc::rtp_transceiver::rtp_sender::{RTCRtpCodecParameters, RtpCodecKind};
use rtc::statistics::StatsSelector;
use rtc::statistics::report::RTCStatsReportEntry;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use webrtc::data_channel::{DataChannel, DataChannelEvent};
use webrtc::error::Result as RtcResult;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::TrackRemote;
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionEventHandler, RTCIceCandidateInit, RTCIceGatheringState,
    RTCPeerConnectionIceEvent, RTCPeerConnectionState, RTCSessionDescription,
};
use webrtc::rtp_transceiver::RtpSender;

use super::captured::Ages;
use super::chat::{self, ChatWire};
use super::codec::{self, Format};
use super::feedback::{SenderReports, VoiceFeedback};
use super::files::FileChannel;
use super::losses::{Losses, Reported};
use super::setup::{Network, VoiceTypes};
use super::told::{told, without_candidates};
use super::{mdns, media, path, setup};
use crate::api::{AddressPolicy, VideoKind};
use crate::call::{ConnectionEvent, ConnectionOrder, Failure};
use crate::files::LABEL as FILES_LABEL;
use crate::receive::audio::PeerAudio;
use crate::receive::video::PeerVideo;
use crate::send::fanout::Fanout;
use crate::stats::PathStats;

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
    pub fanout: Arc<Fanout>,
    pub adaptation: Arc<Mutex<Adaptation>>,
    pub protection: Arc<Mutex<Protection>>,
    pub video: Arc<PeerVideo>,
    pub audio: Arc<PeerAudio>,
    /// The peer takes a second video section, for a screen.
    pub screen: Option<ScreenSection>,
}

/// What a second video section works with.
pub(crate) struct ScreenSection {
    pub fanout: Arc<Fanout>,
    pub adaptation: Arc<Mutex<Adaptation>>,
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

/// The path in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CandidatePair {
    pub local: String,
    pub remote: String,
    pub protocol: String,
}

/// A connection's figures at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectionStats {
    pub path: Option<PathStats>,
    /// In seconds.
    pub round_trip: Option<f64>,
    pub bytes_sent: u64,
    pub bytes_received: u64,
    /// Losses by the peer's reports, and by ours.
    pub sent: Reported,
    pub received: Reported,
    /// What pictures go out in.
    pub video_codec: Option<VideoCodec>,
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

/// What the webrtc crate calls back, as one queue.
enum Callback {
    Candidate(RTCPeerConnectionIceEvent),
    GatheringComplete,
    State(RTCPeerConnectionState),
    Track(Arc<dyn TrackRemote>),
    Channel(Arc<dyn DataChannel>),
    Chat(DataChannelEvent),
    /// A candidate of the peer's whose name was looked up.
    Resolved(RTCIceCandidateInit),
}

struct Handler(mpsc::Sender<Callback>);

impl Handler {
    fn forward(&self, callback: Callback) {
        // The webrtc driver calls this and must not wait; a full queue means that the actor is stuck.
        if self.0.try_send(callback).is_err() {
            tracing::warn!("a callback of a peer connection was dropped");
        }
    }
}

#[async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        self.forward(Callback::Candidate(event));
    }

    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.forward(Callback::GatheringComplete);
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.forward(Callback::State(state));
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        self.forward(Callback::Track(track));
    }

    async fn on_data_channel(&self, channel: Arc<dyn DataChannel>) {
        self.forward(Callback::Channel(channel));
    }
}

/// Whether a candidate's line is one of UDP (RFC 8839, section 5.1).
fn is_udp(candidate: &str) -> bool {
    candidate.split(' ').nth(2).is_some_and(|transport| transport.eq_ignore_ascii_case("udp"))
}

/// A track of ours.
struct Sending {
    track: Arc<TrackLocalStaticRTP>,
    /// The synchronisation source of its packets.
    ssrc: u32,
    sender: RTCRtpSenderId,
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
    reports: Arc<SenderReports>,
    ages: Arc<Ages>,
    losses: Arc<Losses>,
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
    let (reports, ages) = (Arc::new(SenderReports::default()), Arc::new(Ages::default()));
    let losses = Arc::new(Losses::default());
    let pc = setup::connection(
        &config.network,
        &config.video_codecs,
        Arc::clone(&reports),
        Arc::clone(&ages),
        Arc::clone(&losses),
        handler,
    )
    .await?;
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
            reports,
            ages,
            losses,
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

async fn add_track(
    pc: &dyn PeerConnection,
    (track, ssrc): (Arc<TrackLocalStaticRTP>, u32),
) -> RtcResult<Sending> {
    let sender = pc.add_track(Arc::clone(&track) as Arc<dyn TrackLocal>).await?.id();
    Ok(Sending { track, ssrc, sender })
}

impl Actor<'_> {
    fn event(&self, event: ConnectionEvent) {
        (self.news)(ConnectionNews::Event(event));
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

    async fn negotiate(&mut self, order: ConnectionOrder) -> RtcResult<()> {
        match order {
            ConnectionOrder::Offer { restart, number } => {
                if self.chat.is_none() {
                    let channel = self.pc.create_data_channel(chat::LABEL, None).await?;
                    self.use_channel(channel);
                }
                if self.config.files && !self.has_files {
                    let channel = self.pc.create_data_channel(FILES_LABEL, None).await?;
                    self.use_file_channel(channel);
                }
                if restart {
                    self.pc.restart_ice().await?;
                }
                let offer = self.pc.create_offer(None).await?;
                self.local(SdpType::Offer, offer, Some(number)).await
            }
            ConnectionOrder::Remote { sdp_type, sdp, offer } => {
                self.understands_redundancy = setup::understands_redundancy(&sdp);
                self.voice_types = setup::voice_types(&sdp);
                let description = match sdp_type {
                    SdpType::Offer => {
                        self.accept(&sdp).await?;
                        RTCSessionDescription::offer(sdp)?
                    }
                    SdpType::Answer => {
                        self.settle(&sdp).await?;
                        RTCSessionDescription::answer(sdp)?
                    }
                };
                self.pc.set_remote_description(description).await?;
                self.has_remote = true;
                if sdp_type == SdpType::Offer {
                    self.put_ours_first().await?;
                    let answer = self.pc.create_answer(None).await?;
                    self.settle(&answer.sdp).await?;
                    self.local(SdpType::Answer, answer, offer).await?;
                }
                while let Some(candidate) = self.early_candidates.pop_front() {
                    self.add_candidate(candidate).await;
                }
                Ok(())
            }
            ConnectionOrder::Candidate { candidate, sdp_mid, sdp_m_line_index } => {
                let candidate = RTCIceCandidateInit {
                    candidate,
                    sdp_mid,
                    sdp_mline_index: sdp_m_line_index,
                    username_fragment: None,
                    url: None,
                };
                if self.has_remote {
                    self.add_candidate(candidate).await;
                } else if self.early_candidates.len() < EARLY_CANDIDATES {
                    self.early_candidates.push_back(candidate);
                }
                Ok(())
            }
        }
    }

    /// Our video tracks, in the order of their sections.
    fn pictures(&self) -> impl Iterator<Item = &Sending> {
        std::iter::once(&self.video).chain(&self.screen)
    }

    /// What sends one of our tracks; `None` once it was given up.
    async fn sender(&self, of: &Sending) -> Option<Arc<dyn RtpSender>> {
        self.pc.get_senders().await.into_iter().find(|sender| sender.id() == of.sender)
    }

    /// Which of a peer's two streams of pictures a track is: the one in the section of ours.
    async fn stream_of(&self, track: &Arc<dyn TrackRemote>) -> Option<VideoKind> {
        for transceiver in self.pc.get_transceivers().await {
            let receiver = transceiver.receiver().await.ok().flatten();
            if !receiver.is_some_and(|receiver| Arc::ptr_eq(receiver.track(), track)) {
                continue;
            }
            let sender = transceiver.sender().await.ok().flatten()?.id();
            let is = |of: &Sending| of.sender == sender;
            return match (is(&self.video), self.screen.as_ref().is_some_and(is)) {
                (true, _) => Some(VideoKind::Camera),
                (false, true) => Some(VideoKind::Screen),
                (false, false) => None,
            };
        }
        None
    }

    /// Negotiates these video codecs, in this order; none means all that were registered.
    async fn prefer(&self, pictures: &Sending, codecs: Vec<RTCRtpCodecParameters>) -> RtcResult<()> {
        for transceiver in self.pc.get_transceivers().await {
            if transceiver.sender().await?.is_some_and(|sender| sender.id() == pictures.sender) {
                return transceiver.set_codec_preferences(codecs).await;
            }
        }
        Ok(())
    }

    /// An offer's order would be the answer's: ours counts, so that one encoder serves as many as can be.
    async fn put_ours_first(&self) -> RtcResult<()> {
        for pictures in self.pictures() {
            let Some(sender) = self.sender(pictures).await else { continue };
            let mut codecs = sender.get_parameters().await?.rtp_parameters.codecs;
            let ours = &self.config.video_codecs;
            codecs.sort_by_key(|parameters| {
                let name = parameters.rtp_codec.mime_type.trim_start_matches("video/");
                let place = ours.iter().position(|codec| codec.name().eq_ignore_ascii_case(name));
                place.unwrap_or(ours.len()) // what repairs them comes behind them
            });
            self.prefer(pictures, codecs).await?;
        }
        Ok(())
    }

    /// An offer came: without a common codec our video would keep it from being answered.
    async fn accept(&mut self, offer: &str) -> RtcResult<()> {
        match codec::video_sections(offer, &self.config.video_codecs).first() {
            Some(formats) if formats.is_empty() => self.give_video_up().await,
            _ => Ok(()),
        }
    }

    /// An answer, ours or the peer's, is about to be applied: it decides on the codec.
    async fn settle(&mut self, answer: &str) -> RtcResult<()> {
        let mut sections = codec::video_sections(answer, &self.config.video_codecs).into_iter();
        let Some(formats) = sections.next() else { return Ok(()) };
        let Some(first) = formats.first().copied() else { return self.give_video_up().await };
        let screen = sections.next().and_then(|formats| formats.first().copied());
        self.screen_format = screen.filter(|_| self.screen.is_some());
        let before = std::mem::replace(&mut *self.formats.lock(), formats).first().copied();
        if before.is_some() {
            return Ok(());
        }
        for (pictures, format) in self.pictures().zip([Some(first), self.screen_format]) {
            if let (Some(sender), Some(format)) = (self.sender(pictures).await, format) {
                let track = pictures.track.track().await;
                sender.replace_track(setup::with_codec(&track, format.codec)).await?;
            }
        }
        Ok(())
    }

    /// No common codec: sound and chat go on.
    async fn give_video_up(&mut self) -> RtcResult<()> {
        self.formats.lock().clear();
        self.screen_format = None;
        let mut had_video = false;
        for pictures in self.pictures() {
            if let Some(sender) = self.sender(pictures).await {
                self.pc.remove_track(&sender).await?;
                had_video = true;
            }
        }
        if had_video {
            self.event(ConnectionEvent::NoCommonCodec);
        }
        Ok(())
    }

    /// Sets a description of our own, which starts the gathering, and sends it at once: candidates trickle.
    async fn local(
        &self,
        sdp_type: SdpType,
        description: RTCSessionDescription,
        offer: Option<u32>,
    ) -> RtcResult<()> {
        let sdp = match self.config.network.addresses {
            AddressPolicy::All => description.sdp.clone(),
            AddressPolicy::HidePrivate | AddressPolicy::RelayOnly => without_candidates(&description.sdp),
        };
        self.pc.set_local_description(description).await?;
        self.event(ConnectionEvent::Description { sdp_type, sdp, offer });
        Ok(())
    }

    /// A bad candidate is one path less, not the end of the connection.
    async fn add_candidate(&self, candidate: RTCIceCandidateInit) {
        if !is_udp(&candidate.candidate) {
            return; // all our sockets are UDP; or the empty line that some end their candidates with
        }
        if mdns::name(&candidate.candidate).is_some() {
            return self.look_up(candidate);
        }
        if let Err(error) = self.pc.add_ice_candidate(candidate).await {
            tracing::debug!(%error, "a peer's candidate cannot be used");
        }
    }

    /// Takes up the candidate again once its name is known.
    fn look_up(&self, candidate: RTCIceCandidateInit) {
        let (stop, callbacks) = (self.stop.clone(), self.callbacks.clone());
        tokio::spawn(async move {
            let look_up = async {
                if let Some(line) = mdns::resolve(&candidate.candidate).await {
                    let resolved = RTCIceCandidateInit { candidate: line, ..candidate };
                    let _ = callbacks.send(Callback::Resolved(resolved)).await;
                }
            };
            let _ = stop.run_until_cancelled(look_up).await;
        });
    }

    async fn callback(&mut self, callback: Callback) {
        match callback {
            Callback::Candidate(event) => match event.candidate.to_json() {
                Ok(init) => self.tell(init),
                Err(error) => tracing::debug!(%error, "a candidate of ours cannot be written"),
            },
            Callback::GatheringComplete => self.event(ConnectionEvent::EndOfCandidates),
            Callback::State(state) => match state {
                RTCPeerConnectionState::Connected => {
                    self.start_sending().await;
                    self.event(ConnectionEvent::Connected);
                }
                RTCPeerConnectionState::Disconnected => self.event(ConnectionEvent::Disconnected),
                RTCPeerConnectionState::Failed => self.event(ConnectionEvent::Failed(Failure::PathLost)),
                RTCPeerConnectionState::Closed => self.event(ConnectionEvent::Failed(Failure::ClosedThere)),
                _ => {}
            },
            Callback::Track(track) => {
                let stop = self.stop.clone();
                let (camera, audio) = (Arc::clone(&self.config.video), Arc::clone(&self.config.audio));
                let pictures = match self.stream_of(&track).await {
                    Some(VideoKind::Camera) => Some(Arc::clone(&camera)),
                    Some(VideoKind::Screen) => {
                        self.config.screen.as_ref().map(|screen| Arc::clone(&screen.video))
                    }
                    None => None, // sound, or of a section that we have none of
                };
                let formats = Arc::clone(&self.formats);
                let reports = Arc::clone(&self.reports);
                let voice = self.voice_types.clone();
                tokio::spawn(async move {
                    match track.kind().await {
                        RtpCodecKind::Video => {
                            let Some(video) = pictures else { return };
                            video.restart();
                            let _ = stop
                                .run_until_cancelled(media::receive_video(track, video, formats, reports))
                                .await;
                        }
                        RtpCodecKind::Audio => {
                            audio.restart();
                            let receive = media::receive_audio(track, audio, camera, reports, voice);
                            let _ = stop.run_until_cancelled(receive).await;
                        }
                        _ => {}
                    }
                });
            }
            Callback::Channel(channel) => match channel.label().await {
                Ok(label) if label == chat::LABEL && self.chat.is_none() => self.use_channel(channel),
                Ok(label) if label == FILES_LABEL && self.config.files && !self.has_files => {
                    self.use_file_channel(channel)
                }
                // Of a later version, or one too many.
                _ => {
                    let _ = channel.close().await;
                }
            },
            Callback::Chat(event) => self.chat_event(event).await,
            Callback::Resolved(candidate) => self.add_candidate(candidate).await,
        }
    }

    /// Tells the peer one of our candidates, or as much of it as the person wants to be told.
    fn tell(&mut self, candidate: RTCIceCandidateInit) {
        let names = &mut self.names;
        let line = told(&candidate.candidate, self.config.network.addresses, |address| names.of(address));
        if let Some(candidate_line) = line {
            self.event(ConnectionEvent::Candidate {
                candidate: candidate_line,
                sdp_mid: candidate.sdp_mid,
                sdp_m_line_index: candidate.sdp_mline_index,
            });
        }
    }

    /// From now on the chat goes over this channel.
    fn use_channel(&mut self, channel: Arc<dyn DataChannel>) {
        self.chat = Some(Arc::clone(&channel));
        let (stop, callbacks) = (self.stop.clone(), self.callbacks.clone());
        tokio::spawn(async move {
            let forward = async {
                while let Some(event) = channel.poll().await {
                    // Waits when we are behind: the channel is reliable, so the sender has to wait too.
                    if callbacks.send(Callback::Chat(event)).await.is_err() {
                        return;
                    }
                }
            };
            let _ = stop.run_until_cancelled(forward).await;
        });
    }

    /// What files are about is not this actor's business.
    fn use_file_channel(&mut self, channel: Arc<dyn DataChannel>) {
        self.has_files = true;
        (self.news)(ConnectionNews::Files(FileChannel::new(channel, self.stop.clone())));
    }

    /// Once there is a path: from the first connection on, through restarts, until it is closed.
    async fn start_sending(&mut self) {
        if std::mem::replace(&mut self.sending, true) {
            // A restarted path: what was sent while there was none is lost.
            let video = self.formats.lock().first().copied();
            if let (Some(screen), Some(format)) = (&self.config.screen, self.screen_format) {
                screen.fanout.request_key_frame(Some(format.codec));
            }
            return self.config.fanout.request_key_frame(video.map(|format| format.codec));
        }
        let video = self.formats.lock().first().copied();
        let audio = match self.sender(&self.audio).await {
            Some(sender) => sender.get_parameters().await.ok(),
            None => None,
        };
        let voice = audio.and_then(|audio| setup::outgoing_voice(&audio.rtp_parameters.codecs));
        let video_codec = video.map(|format| format.codec);
        let subscription = self.config.fanout.subscribe(video_codec);
        let out = |of: &Sending, payload_type: u8, rate_hz| {
            let (ages, track) = (Arc::clone(&self.ages), Arc::clone(&of.track));
            media::Outgoing::new(track, of.ssrc, payload_type, rate_hz, ages)
        };
        let stop = self.stop.clone();
        let send = media::send(
            subscription,
            video.map(|format| out(&self.video, format.payload_type, CLOCK_RATE_HZ)),
            voice.map(|types| {
                let stream = out(&self.audio, types.0, SAMPLE_RATE_HZ);
                media::OutgoingVoice::new(stream, types, Arc::clone(&self.config.protection))
            }),
        );
        tokio::spawn(async move {
            let _ = stop.run_until_cancelled(send).await;
        });
        let mut screen = None;
        if let (Some(section), Some(sending), Some(format)) =
            (&self.config.screen, &self.screen, self.screen_format)
        {
            let (fanout, adaptation) = (Arc::clone(&section.fanout), Arc::clone(&section.adaptation));
            let subscription = fanout.subscribe(Some(format.codec));
            let send = media::send_screen(subscription, out(sending, format.payload_type, CLOCK_RATE_HZ));
            let stop = self.stop.clone();
            tokio::spawn(async move {
                let _ = stop.run_until_cancelled(send).await;
            });
            screen = Some((sending.ssrc, media::Pictures { fanout, codec: Some(format.codec), adaptation }));
        }
        let camera = media::Pictures {
            fanout: Arc::clone(&self.config.fanout),
            codec: video_codec,
            adaptation: Arc::clone(&self.config.adaptation),
        };
        let understands = Understands {
            deep_redundancy: self.understands_redundancy,
            repeats: voice.is_some_and(|(_, red)| red.is_some()),
        };
        for Sending { track, .. } in self.pictures().chain([&self.audio]) {
            let stop = self.stop.clone();
            let feedback = media::read_feedback(
                Arc::clone(track),
                camera.clone(),
                screen.clone(),
                VoiceFeedback::new(&self.config.protection, self.audio.ssrc, understands),
            );
            tokio::spawn(async move {
                let _ = stop.run_until_cancelled(feedback).await;
            });
        }
    }

    async fn chat_event(&mut self, event: DataChannelEvent) {
        match event {
            DataChannelEvent::OnOpen => {
                self.chat_open = true;
                while let Some(text) = self.early_chat.pop_front() {
                    self.say(&text).await;
                }
            }
            DataChannelEvent::OnMessage(message) => match ChatWire::parse(&message.data) {
                Some(text) => (self.news)(ConnectionNews::Chat(text)),
                None => tracing::debug!("a peer's message is no chat"),
            },
            DataChannelEvent::OnClose | DataChannelEvent::OnError => {
                self.chat_open = false;
                self.event(ConnectionEvent::ChannelClosed);
            }
            _ => {}
        }
    }

    async fn say(&self, text: &str) {
        let Ok(wire) = serde_json::to_string(&ChatWire::Text { text: text.to_owned() }) else { return };
        let Some(chat) = &self.chat else { return };
        if let Err(error) = chat.try_send_text(&wire).await {
            tracing::warn!(%error, "a chat message was not sent to one peer");
        }
    }

    /// This machine's address that the path begins at.
    async fn path_begins_at(&self) -> Option<IpAddr> {
        let pair = self.selected_pair().await?;
        let local = pair.local();
        // Reflexive and relayed candidates are based on an address of this machine (RFC 8445, section 5.1.1).
        let base = if local.related_address.is_empty() { &local.address } else { &local.related_address };
        base.parse().ok()
    }

    async fn selected_pair(&self) -> Option<RTCIceCandidatePair> {
        let ice = self.pc.sctp().await?.transport().ice_transport();
        ice.get_selected_candidate_pair().await.ok()?
    }

    async fn stats(&self) -> ConnectionStats {
        let report = self.pc.get_stats(Instant::now(), StatsSelector::None).await;
        let pair = self.selected_pair().await;
        let round_trip = pair.as_ref().and_then(|pair| {
            let id = format!("RTCIceCandidatePair_{}_{}", pair.local().id, pair.remote().id);
            match report.get(&id)? {
                RTCStatsReportEntry::IceCandidatePair(pair) => Some(pair.current_round_trip_time),
                _ => None,
            }
        });
        let way = self.config.network.tunnels.way();
        let bytes_sent = report.outbound_rtp_streams().map(|stream| stream.sent_rtp_stream_stats.bytes_sent);
        ConnectionStats {
            path: pair.map(|pair| path::describe(pair.local(), pair.remote(), way)),
            round_trip: round_trip.filter(|seconds| *seconds > 0.0), // 0 before the first answer
            bytes_sent: bytes_sent.sum(),
            bytes_received: report.inbound_rtp_streams().map(|stream| stream.bytes_received).sum(),
            sent: self.losses.sent(),
            received: self.losses.received(),
            video_codec: self.formats.lock().first().map(|format| format.codec),
        }
    }

    async fn candidate_pair(&self) -> Option<CandidatePair> {
        let pair = self.selected_pair().await?;
        Some(CandidatePair {
            local: pair.local().typ.to_string(),
            remote: pair.remote().typ.to_string(),
            protocol: pair.local().protocol.to_string().to_lowercase(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::is_udp;

    #[test]
    fn only_candidates_of_udp_are_tried() {
        assert!(is_udp("candidate:1 1 UDP 2113937151 192.168.1.5 50000 typ host"));
        for other in ["", "candidate:1 1", "candidate:1 1 tcp 1 192.168.1.5 9 typ host tcptype active"] {
            assert!(!is_udp(other), "{other}");
        }
    }
}
