//! What the actor and the engine's owner both reach: the view, the events, the peers' media.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use maru_media::audio::level::Speaking;
use maru_media::{LatestFrame, VideoFrame};
use maru_protocol::PeerId;
use parking_lot::Mutex;
use tokio::sync::{broadcast, oneshot};

use super::media::{MediaThreads, PeerMedia};
use crate::api::{CallView, Event, Levels, PeerLevel, VideoKind};
use crate::call::Peer;
use crate::peer::CandidatePair;
use crate::receive::video::VideoOutput;
use crate::report::{self, AudioReport, PairReport, PeerReport, ScreenReport, VideoReport};

/// Events that a slow watcher may be behind.
const EVENT_LIMIT: usize = 256;
/// Departed peers whose numbers are kept for the report.
const DEPARTED_LIMIT: usize = 64;
/// Departed peers whose last picture is kept as well: one of 720p is 1.4 MB.
const DEPARTED_PICTURES: usize = 4;
/// Below this there is silence, which is shown once and not ten times a second.
const SILENCE_DBFS: f32 = -70.0;
const PAIR_TIMEOUT: Duration = Duration::from_millis(500);

pub(crate) struct Shared {
    view: Mutex<Arc<CallView>>,
    events: broadcast::Sender<Event>,
    preview: Arc<LatestFrame>,
    decode: bool,
    peers: Mutex<Peers>,
    silent: AtomicBool,
    speaking: Mutex<Speaking>,
}

/// Of the camera and of the screen.
type LastPictures = [Option<Arc<VideoFrame>>; 2];

#[derive(Default)]
struct Peers {
    media: HashMap<PeerId, Arc<PeerMedia>>,
    /// What the owner asked for, also for peers that are not there yet.
    outputs: HashMap<(PeerId, VideoKind), VideoOutput>,
    departed: Vec<(PeerReport, LastPictures)>,
}

impl Shared {
    pub fn new(preview: Arc<LatestFrame>, decode: bool, view: CallView) -> Self {
        Self {
            view: Mutex::new(Arc::new(view)),
            events: broadcast::Sender::new(EVENT_LIMIT),
            preview,
            decode,
            peers: Mutex::default(),
            silent: AtomicBool::new(true),
            speaking: Mutex::default(),
        }
    }

    pub fn view(&self) -> Arc<CallView> {
        Arc::clone(&self.view.lock())
    }

    /// Shows a view, if anything in it is new.
    pub fn show(&self, view: CallView) {
        {
            let mut current = self.view.lock();
            if **current == view {
                return;
            }
            *current = Arc::new(view.clone());
        }
        self.emit(Event::View { view: Box::new(view) });
    }

    pub fn emit(&self, event: Event) {
        let _ = self.events.send(event); // nobody watches: fine
    }

    /// Whether anybody would get an event.
    pub fn is_watched(&self) -> bool {
        self.events.receiver_count() > 0
    }

    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    pub fn preview(&self) -> Arc<LatestFrame> {
        Arc::clone(&self.preview)
    }

    pub fn set_video_output(&self, peer: PeerId, kind: VideoKind, output: VideoOutput) {
        let media = {
            let mut peers = self.peers.lock();
            match output {
                VideoOutput::Off => peers.outputs.remove(&(peer, kind)),
                _ => peers.outputs.insert((peer, kind), output.clone()),
            };
            peers.media.get(&peer).cloned()
        };
        if let Some(media) = media {
            media.pictures(kind).video.set_output(output); // waits for a decoder thread: not under the lock
        }
    }

    pub fn request_key_frame(&self, peer: PeerId, kind: VideoKind) {
        if let Some(media) = self.peers.lock().media.get(&peer) {
            media.pictures(kind).video.request_key_frame();
        }
    }

    /// A peer's media, made at its first connection.
    pub fn peer_media(&self, peer: PeerId, make: impl FnOnce() -> PeerMedia) -> Arc<PeerMedia> {
        let mut peers = self.peers.lock();
        if let Some(media) = peers.media.get(&peer) {
            return Arc::clone(media);
        }
        let media = Arc::new(make());
        for kind in VideoKind::BOTH {
            let pictures = media.pictures(kind);
            pictures.video.set_output(match peers.outputs.get(&(peer, kind)) {
                Some(output) => output.clone(),
                None if self.decode => VideoOutput::Decoded(Arc::clone(&pictures.slot)),
                None => VideoOutput::Off,
            });
        }
        // Who is back is not departed.
        peers.departed.retain(|(report, _)| report.id != peer);
        peers.media.insert(peer, Arc::clone(&media));
        media
    }

    pub fn media_of(&self, peer: PeerId) -> Option<Arc<PeerMedia>> {
        self.peers.lock().media.get(&peer).cloned()
    }

    /// Keeps for the report what the call knows of a peer.
    pub fn describe_peer(&self, peer: &Peer) {
        let Some(media) = self.media_of(peer.id()) else { return };
        let mut about = media.about.lock();
        about.name = peer.info().name.as_str().to_owned();
        about.since = peer.since();
        about.state = peer.state();
        about.negotiations = peer.negotiations();
        about.connected_ms = peer.connected_after().map(report::ms);
        let status = peer.info().status;
        if status.camera_off && !about.status.camera_off {
            media.camera.video.pause();
        }
        if !status.sharing && about.status.sharing {
            media.screen.video.pause();
        }
        about.status = status;
    }

    /// Takes out the media of peers that are no more.
    pub fn retain_peers(&self, stays: impl Fn(PeerId) -> bool, removed: impl Fn(PeerId)) {
        let gone: Vec<_> = self.peers.lock().media.extract_if(|id, _| !stays(*id)).collect();
        for (id, media) in gone {
            removed(id);
            let (_, report) = peer_report(id, &media);
            let last = VideoKind::BOTH.map(|kind| {
                let pictures = media.pictures(kind);
                pictures.video.set_output(VideoOutput::Off);
                pictures.slot.peek()
            });
            let mut peers = self.peers.lock();
            if peers.departed.len() == DEPARTED_LIMIT {
                peers.departed.remove(0);
            }
            peers.departed.push((report, last));
            if let Some(older) = peers.departed.len().checked_sub(DEPARTED_PICTURES + 1) {
                peers.departed[older].1 = LastPictures::default();
            }
        }
    }

    /// A new call begins: the last one's departed are of no interest.
    pub fn forget_departed(&self) {
        self.peers.lock().departed.clear();
    }

    /// Notes the path that a new connection uses, once it says.
    pub fn learn_pair(self: &Arc<Self>, peer: PeerId, answer: oneshot::Receiver<Option<CandidatePair>>) {
        let Some(media) = self.media_of(peer) else { return };
        tokio::spawn(async move {
            if let Ok(Ok(Some(pair))) = tokio::time::timeout(PAIR_TIMEOUT, answer).await {
                *media.pair.lock() = Some(pair);
            }
        });
    }

    pub fn peer_reports(&self) -> Vec<PeerReport> {
        let peers = self.peers.lock();
        let mut reports: Vec<_> = peers.departed.iter().map(|(report, _)| report.clone()).collect();
        let mut present: Vec<_> = peers.media.iter().map(|(id, media)| peer_report(*id, media)).collect();
        present.sort_by_key(|(since, report)| (*since, report.id));
        reports.extend(present.into_iter().map(|(_, report)| report));
        reports
    }

    pub fn pictures(&self, kind: VideoKind) -> Vec<(PeerId, String, Arc<VideoFrame>)> {
        let peers = self.peers.lock();
        let departed = peers.departed.iter().filter_map(|(report, last)| {
            Some((report.id, report.name.clone(), last[kind as usize].clone()?))
        });
        let present = peers.media.iter().filter_map(|(id, media)| {
            let picture = media.pictures(kind).slot.peek()?;
            Some((*id, media.about.lock().name.clone(), picture))
        });
        departed.chain(present).collect()
    }

    /// Tells how loud everybody is, while there is anything to hear.
    pub fn send_levels(&self, now: Instant, threads: &MediaThreads) {
        let microphone_dbfs = threads.audio_stats.level.lock().take_dbfs();
        let speaking = self.speaking.lock().update(now, microphone_dbfs);
        let peers: Vec<_> = (self.peers.lock().media.iter())
            .map(|(id, media)| {
                let (dbfs, speaking) = media.audio.take_level(now);
                PeerLevel { id: *id, dbfs, speaking }
            })
            .collect();
        let silent = microphone_dbfs < SILENCE_DBFS
            && !speaking
            && peers.iter().all(|peer| peer.dbfs < SILENCE_DBFS && !peer.speaking);
        if !(self.silent.swap(silent, Ordering::Relaxed) && silent) {
            self.emit(Event::Levels { levels: Levels { microphone_dbfs, speaking, peers } });
        }
    }
}

/// With the moment from which the peer's times count.
fn peer_report(id: PeerId, media: &PeerMedia) -> (Instant, PeerReport) {
    let about = media.about.lock().clone();
    let video = media.camera.video.stats();
    let report = PeerReport {
        id,
        name: about.name,
        state: about.state,
        connected_ms: about.connected_ms,
        negotiations: about.negotiations,
        first_frame_ms: report::after(about.since, video.first_frame),
        candidate_pair: media.pair.lock().clone().map(|pair| PairReport {
            local: pair.local,
            remote: pair.remote,
            protocol: pair.protocol,
        }),
        stats: media.stats.lock().clone(),
        video: VideoReport::of(&video),
        screen: ScreenReport::of(&media.screen.video.stats()),
        audio: AudioReport::of(&media.audio.stats()),
    };
    (about.since, report)
}
