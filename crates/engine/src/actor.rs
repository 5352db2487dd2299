//! The one task that owns a participant's call: it feeds the state machine, does what that says,
//! and shows the result. All state changes happen here, one after the other.

mod chat;
mod chosen;
mod enter;
mod files;
mod media;
mod selection;
mod share;
mod shared;
mod speaker_test;
mod stats;
mod view;
mod volumes;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use maru_media::audio::protection::Protection;
use maru_media::video::adapt::Adaptation;
use maru_media::{DeviceList, LatestFrame, VideoCodec};
use maru_protocol::{Capabilities, IceServer, PeerId, ServerMessage, Status};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

pub(crate) use self::shared::Shared;

use self::chat::Chat;
use self::media::{MediaThreads, PeerMedia};
use self::selection::Selection;
use self::share::Share;
use self::speaker_test::SpeakerTest;
use self::volumes::Volumes;
use crate::api::{AddressPolicy, CallState, Command};
use crate::call::{Call, ConnectionEvent, Failure, Generation, Identity, Input, Output};
use crate::devices::{DeviceNews, DeviceThread, Outlets};
use crate::engine::EngineConfig;
use crate::files::{Files, Picked};
use crate::network::{self, NetworkChange, is_loopback};
use crate::notice::{Notice, NoticeCode, Problem, Sentence};
use crate::peer::{Connection, ConnectionConfig, ConnectionNews, Network, VideoSection, random_u32};
use crate::receive::playout::Playout;
use crate::report::CallReport;
use crate::send::audio::VoiceInput;
use crate::send::fanout::Fanout;
use crate::signaling::{Ahead, FixedServer, ServerLocator, SignalingClient, SignalingEvent};
use crate::tunnel::{Tunnels, names_relay};

/// Levels are shown, and slow changes looked for, this often.
const TICK: Duration = Duration::from_millis(100);
/// News of all peers together that may wait.
const NEWS_LIMIT: usize = 2048;
/// How long leaving may take at shutdown.
const LEAVE_TIMEOUT: Duration = Duration::from_millis(1200);

/// What the engine's owner sends.
pub(crate) enum Order {
    Command(Command),
    Report(oneshot::Sender<CallReport>),
    Shutdown(oneshot::Sender<()>),
}

type PeerNews = (PeerId, Generation, ConnectionNews);
/// With the number of the connection to the server.
type NumberedEvent = (u64, SignalingEvent);

pub(crate) struct Actor {
    shared: Arc<Shared>,
    orders: mpsc::Receiver<Order>,
    call: Call,
    locator: Arc<dyn ServerLocator>,
    /// That of the invite with which this call began.
    invited: Option<FixedServer>,
    configured_ice_servers: Vec<IceServer>,
    addresses: AddressPolicy,
    tunnels: Arc<Tunnels>,
    video_codecs: Vec<VideoCodec>,
    signaling: Option<SignalingClient>,
    /// Before a call.
    ahead: Ahead,
    /// Where the connection to the server begins.
    signaling_local: Option<IpAddr>,
    network: mpsc::Receiver<NetworkChange>,
    signaling_count: u64,
    signaling_events: (mpsc::Sender<NumberedEvent>, mpsc::Receiver<NumberedEvent>),
    server: Option<String>,
    connections: HashMap<PeerId, (Generation, Connection)>,
    peer_news: (mpsc::Sender<PeerNews>, mpsc::Receiver<PeerNews>),
    media: MediaThreads,
    adaptation: Arc<Mutex<Adaptation>>,
    protection: Arc<Mutex<Protection>>,
    devices: DeviceThread,
    share: Share,
    device_news: mpsc::Receiver<DeviceNews>,
    device_list: DeviceList,
    selection: Selection,
    volumes: Volumes,
    speaker_test: Option<SpeakerTest>,
    chat: Chat,
    files: Files,
    notice: Option<Notice>,
    name: String,
    in_call_since: Option<Instant>,
    /// When figures are taken next.
    stats_due: Option<Instant>,
}

impl Actor {
    pub fn new(
        config: EngineConfig,
        orders: mpsc::Receiver<Order>,
        picked: Picked,
    ) -> std::io::Result<(Self, Arc<Shared>)> {
        let capture = LatestFrame::new();
        let fanout = Arc::new(Fanout::default());
        let voice = Arc::new(VoiceInput::default());
        let playout = Arc::new(Playout::default());
        let adaptation = Arc::new(Mutex::new(Adaptation::new()));
        let protection = Arc::new(Mutex::new(Protection::new()));
        voice.set(config.voice);
        let media = MediaThreads::start(&capture, &fanout, &voice, &playout, &adaptation, &protection)?;
        let selection = Selection::new(&config);
        let (news, device_news) = mpsc::channel(64);
        let outlets = Outlets { capture: Arc::clone(&capture), voice, playout };
        let share = Share::new(Arc::clone(&config.devices), Arc::clone(&media.screen.capture));
        let devices = DeviceThread::start(config.devices, outlets, news)?;

        let video_codecs: Vec<_> =
            config.video_codecs.into_iter().filter(|codec| VideoCodec::BUILT_IN.contains(codec)).collect();
        let identity = Identity {
            client: config.client,
            capabilities: Capabilities {
                video_codecs: video_codecs.iter().copied().map(announced).collect(),
                chat: true,
                files: true,
                screen: true,
            },
            token: config.token,
        };
        let status = Status { muted: config.muted, camera_off: config.camera_off, sharing: false };
        let seed = u64::from(random_u32()) << 32 | u64::from(random_u32());
        let call = Call::new(identity, status, seed);
        let shared = Arc::new(Shared::new(capture, config.decode, view::initial(&selection)));
        let actor = Self {
            shared: Arc::clone(&shared),
            orders,
            call,
            locator: config.server,
            invited: None,
            configured_ice_servers: config.ice_servers,
            addresses: config.addresses,
            tunnels: Arc::default(),
            video_codecs,
            signaling: None,
            ahead: Ahead::default(),
            signaling_local: None,
            network: network::watch(),
            signaling_count: 0,
            signaling_events: mpsc::channel(NEWS_LIMIT),
            server: None,
            connections: HashMap::new(),
            peer_news: mpsc::channel(NEWS_LIMIT),
            media,
            adaptation,
            protection,
            devices,
            share,
            device_news,
            device_list: DeviceList::default(),
            selection,
            volumes: Volumes::default(),
            speaker_test: None,
            chat: Chat::default(),
            files: Files::start(config.downloads, picked, random_u32()),
            notice: None,
            name: String::new(),
            in_call_since: None,
            stats_due: None,
        };
        Ok((actor, shared))
    }

    /// Runs until it is told to stop, or nobody is left to tell it anything.
    pub async fn run(mut self) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let stopped = loop {
            let deadline = self.call.next_deadline();
            tokio::select! {
                order = self.orders.recv() => match order {
                    Some(Order::Command(command)) => self.command(command),
                    Some(Order::Report(reply)) => self.report(reply).await,
                    Some(Order::Shutdown(reply)) => break Some(reply),
                    None => break None,
                },
                Some((number, event)) = self.signaling_events.1.recv() => self.signaling(number, event),
                Some((peer, generation, news)) = self.peer_news.1.recv() => self.peer_news(peer, generation, news),
                Some(change) = self.network.recv() => self.network_changed(change),
                Some(news) = self.device_news.recv() => self.device_news(news),
                Some(news) = self.share.next() => self.share_news(news),
                notice = self.files.changed() => if notice.is_some() { self.notice = notice },
                () = sleep_until(deadline) => {
                    self.call.handle_timeout(Instant::now());
                    self.drain();
                }
                _ = tick.tick() => self.tick(),
            }
            self.show();
        };
        self.stop().await;
        if let Some(reply) = stopped {
            let _ = reply.send(());
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Preview { on } => self.selection.preview = on,
            Command::Expect { room } => return self.expect(room.as_deref()),
            Command::Join { room, name } => return self.join(&room, &name),
            Command::Leave => self.input(Input::Leave),
            Command::SetMuted { muted } => self.selection.set_muted(muted),
            Command::SetCameraOff { camera_off } => self.selection.set_camera_off(camera_off),
            Command::SelectDevice { kind, id } => {
                self.selection.choose(kind, id);
                if self.notice.as_ref().is_some_and(|notice| notice.code == kind.into()) {
                    self.notice = None;
                }
            }
            Command::SetAddresses { addresses } => self.set_addresses(addresses),
            Command::SetVoice { voice } => self.media.voice.set(voice),
            Command::SetPeerVolume { peer, volume } => {
                self.want_volume(peer, |wanted| wanted.volume = volume)
            }
            Command::SetPeerMuted { peer, muted } => self.want_volume(peer, |wanted| wanted.muted = muted),
            Command::RefreshDevices => self.devices.refresh(),
            Command::TestSpeaker => self.test_speaker(),
            Command::SendChat { text } => self.send_chat(&text),
            Command::OfferFile { handle } => self.offer_file(handle),
            Command::AcceptFile { id } => self.files.accept(id),
            Command::CancelFile { id } => self.files.cancel(id),
            Command::StartShare { source } => self.start_share(source),
            Command::StopShare => self.stop_share(),
            Command::DismissNotice => self.notice = None,
        }
        self.update_devices();
    }

    fn input(&mut self, input: Input) {
        self.call.handle(Instant::now(), input);
        self.drain();
    }

    /// Does what the state machine says, then brings media and devices in line with the new state.
    fn drain(&mut self) {
        self.perform();
        self.follow_peers();
        self.update_devices();
    }

    fn perform(&mut self) {
        while let Some(output) = self.call.poll() {
            match output {
                Output::OpenSignaling => {
                    let Some(room) = self.call.room().cloned() else { continue };
                    self.signaling_count += 1;
                    self.signaling = Some(SignalingClient::connect(
                        self.signaling_count,
                        Arc::clone(&self.locator),
                        room,
                        self.invited.clone(),
                        self.ahead.take(),
                        self.signaling_events.0.clone(),
                    ));
                }
                Output::CloseSignaling => {
                    if let Some(signaling) = &self.signaling {
                        signaling.close();
                    }
                }
                Output::ProbeSignaling => {
                    if let Some(signaling) = &self.signaling {
                        signaling.probe();
                    }
                }
                Output::RenewIceServers => {
                    let ice_servers = self.ice_servers();
                    for (_, connection) in self.connections.values() {
                        connection.renew(ice_servers.clone());
                    }
                }
                Output::Send(message) => {
                    if let Some(signaling) = &self.signaling {
                        signaling.send(message);
                    }
                }
                Output::OpenConnection { peer, generation } => self.open_connection(peer, generation),
                Output::Order { peer, generation, order } => {
                    if let Some((current, connection)) = self.connections.get(&peer)
                        && *current == generation
                        && !connection.order(order)
                    {
                        let failed = ConnectionEvent::Failed(Failure::Overrun);
                        self.report_to_self(peer, generation, ConnectionNews::Event(failed));
                    }
                }
                Output::CloseConnection { peer, generation } => {
                    if self.connections.get(&peer).is_some_and(|(current, _)| *current == generation) {
                        self.connections.remove(&peer);
                    }
                }
                Output::Notice(notice) => self.notice = Some(notice),
            }
        }
    }

    fn report_to_self(&self, peer: PeerId, generation: Generation, news: ConnectionNews) {
        if self.peer_news.0.try_send((peer, generation, news)).is_err() {
            tracing::warn!("news of a peer was dropped");
        }
    }

    /// STUN servers and relays, the relays under their placeholders.
    fn ice_servers(&self) -> Vec<IceServer> {
        let named = self.call.ice_servers();
        self.tunnels.stand_in(&self.configured_ice_servers, named, self.server.as_deref())
    }

    fn set_addresses(&mut self, addresses: AddressPolicy) {
        if self.addresses == addresses {
            return; // what was said about it and taken off the screen is not said again
        }
        self.addresses = addresses;
        self.note_missing_relay();
    }

    /// Says so, while there is a call, where nobody can be reached: by a relay only, and there is none.
    fn note_missing_relay(&mut self) {
        self.notice.take_if(|notice| notice.sentence == Sentence::NoRelay {});
        let relayed = self.call.state().is_in_room() && self.addresses == AddressPolicy::RelayOnly;
        if relayed && !names_relay(&self.configured_ice_servers) && !names_relay(self.call.ice_servers()) {
            self.notice = Some(Problem::no_relay().notice(NoticeCode::Server));
        }
    }

    fn open_connection(&mut self, peer: PeerId, generation: Generation) {
        let media = self.shared.peer_media(peer, || PeerMedia::new(self.media.playout.add(peer)));
        self.apply_volume(peer);
        let config = ConnectionConfig {
            network: Network {
                ice_servers: self.ice_servers(),
                tunnels: Arc::clone(&self.tunnels),
                addresses: self.addresses,
                loopback: self.server.as_deref().is_some_and(is_loopback),
            },
            video_codecs: self.video_codecs.clone(),
            files: self.takes_files(peer),
            protection: Arc::clone(&self.protection),
            audio: Arc::clone(&media.audio),
            camera: VideoSection {
                fanout: Arc::clone(&self.media.fanout),
                adaptation: Arc::clone(&self.adaptation),
                video: Arc::clone(&media.camera.video),
            },
            screen: self.takes_screen(peer).then(|| VideoSection {
                fanout: Arc::clone(&self.media.screen.fanout),
                adaptation: Arc::clone(&self.media.screen.adaptation),
                video: Arc::clone(&media.screen.video),
            }),
        };
        let sender = self.peer_news.0.clone();
        let connection = Connection::start(config, move |news| {
            if sender.try_send((peer, generation, news)).is_err() {
                tracing::warn!("news of a peer was dropped");
            }
        });
        self.connections.insert(peer, (generation, connection));
    }

    fn signaling(&mut self, number: u64, event: SignalingEvent) {
        if self.signaling.as_ref().is_none_or(|current| current.number() != number) {
            return; // of a connection that was given up
        }
        match event {
            SignalingEvent::Open { url, local } => {
                self.server = Some(url);
                self.signaling_local = local;
                self.input(Input::SignalingOpen);
            }
            SignalingEvent::Moved { url, local } => {
                self.server = Some(url);
                self.signaling_local = local;
                self.input(Input::SignalingMoved);
            }
            SignalingEvent::Message(message) => {
                let relays = matches!(*message, ServerMessage::Joined { .. });
                self.input(Input::Server(*message));
                if relays {
                    // The ways to the relays are looked for before somebody needs them.
                    let _ = self.ice_servers();
                    self.note_missing_relay();
                }
            }
            SignalingEvent::Alive => self.input(Input::ServerAlive),
            SignalingEvent::Closed { problem } => {
                self.signaling = None;
                self.input(Input::SignalingClosed(problem));
            }
        }
    }

    /// First the server, over which a peer would be asked for another path.
    fn network_changed(&mut self, change: NetworkChange) {
        tracing::info!(
            gone = change.gone.len(),
            came = change.came.len(),
            "this machine's addresses changed"
        );
        self.tunnels.forget();
        self.ahead.renew();
        let signaling_gone = self.signaling_local.is_some_and(|address| change.gone.contains(&address));
        self.input(Input::NetworkChanged { signaling_gone, came: !change.came.is_empty() });
        if !change.gone.is_empty() {
            let gone: Arc<[IpAddr]> = change.gone.into();
            for (_, connection) in self.connections.values() {
                connection.addresses_gone(Arc::clone(&gone));
            }
        }
    }

    fn peer_news(&mut self, peer: PeerId, generation: Generation, news: ConnectionNews) {
        match news {
            ConnectionNews::Event(event) => {
                let connected = event == ConnectionEvent::Connected;
                self.input(Input::Connection(peer, generation, event));
                if connected && let Some((_, connection)) = self.connections.get(&peer) {
                    self.shared.learn_pair(peer, connection.candidate_pair());
                }
            }
            ConnectionNews::Chat(text) => self.chat_received(peer, text),
            ConnectionNews::Files(channel) => self.file_channel(peer, generation, channel),
        }
    }

    /// Peers that left take their media with them; their numbers stay for the report.
    fn follow_peers(&mut self) {
        let call = &self.call;
        self.shared.retain_peers(
            |id| call.peers().iter().any(|peer| peer.id() == id),
            |id| {
                self.media.playout.remove(id);
                self.files.gone(id);
            },
        );
        for peer in call.peers() {
            self.shared.describe_peer(peer);
        }
        let in_call = call.state().is_in_room();
        if in_call && self.in_call_since.is_none() {
            self.in_call_since = Some(Instant::now());
        } else if !in_call {
            self.in_call_since = None;
        }
    }

    fn tick(&mut self) {
        let now = Instant::now();
        self.shared.send_levels(now, &self.media);
        self.send_stats(now);
        if self.selection.tick(now) | self.end_speaker_test(now) {
            self.update_devices();
        }
    }

    async fn stop(&mut self) {
        self.input(Input::Leave);
        let left = async {
            while self.call.state() != CallState::Idle {
                match self.signaling_events.1.recv().await {
                    Some((number, event)) => self.signaling(number, event),
                    None => return,
                }
            }
        };
        let _ = tokio::time::timeout(LEAVE_TIMEOUT, left).await;
        self.ahead = Ahead::default();
        self.connections.clear();
        self.files.close().await;
        self.show();
        let device_thread = self.devices.close();
        self.media.stop(device_thread).await;
    }
}

/// A codec by its name in the protocol.
fn announced(codec: VideoCodec) -> maru_protocol::VideoCodec {
    match codec {
        VideoCodec::H264 => maru_protocol::VideoCodec::H264,
        VideoCodec::Vp8 => maru_protocol::VideoCodec::Vp8,
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
