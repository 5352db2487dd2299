//! The threads that every participant has, and what belongs to one peer.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Instant;

use maru_media::LatestFrame;
use maru_media::audio::protection::Protection;
use maru_media::video::adapt::Adaptation;
use maru_media::voice::far_end::far_end;
use maru_protocol::Status;
use parking_lot::Mutex;

use crate::api::{PeerState, VideoKind};
use crate::peer::CandidatePair;
use crate::receive::audio::PeerAudio;
use crate::receive::playout::Playout;
use crate::receive::video::{PeerVideo, VideoOutput};
use crate::send::audio::{self, AudioSendStats, VoiceInput};
use crate::send::fanout::Fanout;
use crate::send::screen;
use crate::send::video::{self, VideoSendStats};
use crate::stats::PeerStats;

/// Encoder, voice and playout threads with what they share.
pub(crate) struct MediaThreads {
    pub capture: Arc<LatestFrame>,
    /// Camera and microphone.
    pub fanout: Arc<Fanout>,
    pub screen: Arc<ScreenSending>,
    pub voice: Arc<VoiceInput>,
    pub playout: Arc<Playout>,
    pub video_stats: Arc<VideoSendStats>,
    pub audio_stats: Arc<AudioSendStats>,
    threads: Vec<JoinHandle<()>>,
}

impl MediaThreads {
    pub fn start(
        capture: &Arc<LatestFrame>,
        fanout: &Arc<Fanout>,
        voice: &Arc<VoiceInput>,
        playout: &Arc<Playout>,
        adaptation: &Arc<Mutex<Adaptation>>,
        protection: &Arc<Mutex<Protection>>,
    ) -> std::io::Result<Self> {
        let mut media = Self {
            capture: Arc::clone(capture),
            fanout: Arc::clone(fanout),
            screen: Arc::default(),
            voice: Arc::clone(voice),
            playout: Arc::clone(playout),
            video_stats: Arc::default(),
            audio_stats: Arc::default(),
            threads: Vec::new(),
        };
        let spawn = |name: &str, body: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new().name(name.into()).spawn(body)
        };
        let room = audio::Room { protection: Arc::clone(protection), adaptation: Arc::clone(adaptation) };
        let (capture, fanout, adaptation) = (Arc::clone(capture), Arc::clone(fanout), Arc::clone(adaptation));
        let stats = Arc::clone(&media.video_stats);
        media
            .threads
            .push(spawn("encode", Box::new(move || video::run(&capture, &fanout, &adaptation, &stats)))?);
        let sending = Arc::clone(&media.screen);
        media.threads.push(spawn(
            "encode-screen",
            Box::new(move || {
                screen::run(&sending.capture, &sending.fanout, &sending.adaptation, &sending.stats)
            }),
        )?);
        // What the speaker plays is what the microphone must not send.
        let (far_writer, far_reader) = far_end();
        let (voice, fanout, stats) =
            (Arc::clone(voice), Arc::clone(&media.fanout), Arc::clone(&media.audio_stats));
        media
            .threads
            .push(spawn("voice", Box::new(move || audio::run(&voice, &fanout, far_reader, &room, &stats)))?);
        let playout = Arc::clone(playout);
        media.threads.push(spawn("playout", Box::new(move || playout.run(far_writer)))?);
        Ok(media)
    }

    /// Whether the microphone's sound goes to the peers.
    pub fn set_sending(&self, sending: bool) {
        self.voice.sending.store(sending, Ordering::Relaxed);
    }

    fn close(&self) {
        self.capture.close();
        self.screen.capture.close();
        self.voice.close();
        self.playout.close();
    }

    /// Ends all threads, `also` that one, without blocking the runtime.
    pub async fn stop(&mut self, also: Option<JoinHandle<()>>) {
        self.close();
        let threads: Vec<_> = self.threads.drain(..).chain(also).collect();
        let _ = tokio::task::spawn_blocking(move || {
            for thread in threads {
                if thread.join().is_err() {
                    tracing::error!("a media thread panicked");
                }
            }
        })
        .await;
    }
}

impl Drop for MediaThreads {
    fn drop(&mut self) {
        self.close();
    }
}

/// What a shared screen's pictures go through on their way to the peers.
pub(crate) struct ScreenSending {
    pub capture: Arc<screen::Capture>,
    pub fanout: Arc<Fanout>,
    pub adaptation: Arc<Mutex<Adaptation>>,
    pub stats: Arc<VideoSendStats>,
}

impl Default for ScreenSending {
    fn default() -> Self {
        Self {
            capture: Arc::default(),
            fanout: Arc::default(),
            adaptation: Arc::new(Mutex::new(Adaptation::of_screen())),
            stats: Arc::default(),
        }
    }
}

/// What belongs to one peer, over all its connections.
pub(crate) struct PeerMedia {
    pub camera: PeerPictures,
    pub screen: PeerPictures,
    pub audio: Arc<PeerAudio>,
    pub pair: Mutex<Option<CandidatePair>>,
    /// The newest.
    pub stats: Mutex<Option<PeerStats>>,
    pub about: Mutex<About>,
}

/// One of a peer's two streams of pictures.
pub(crate) struct PeerPictures {
    pub video: Arc<PeerVideo>,
    /// Where the engine itself decodes to.
    pub slot: Arc<LatestFrame>,
}

impl PeerPictures {
    fn new(sound: Option<Arc<PeerAudio>>) -> Self {
        Self { video: PeerVideo::new(VideoOutput::Off, sound), slot: LatestFrame::new() }
    }
}

/// What is told about a peer in the report.
#[derive(Clone)]
pub(crate) struct About {
    pub name: String,
    pub state: PeerState,
    pub since: Instant,
    pub connected_ms: Option<f64>,
    pub negotiations: u32,
    pub status: Status,
}

impl PeerMedia {
    pub fn new(audio: Arc<PeerAudio>) -> Self {
        Self {
            camera: PeerPictures::new(Some(Arc::clone(&audio))),
            // Nobody's lips are on it: it is shown as it comes.
            screen: PeerPictures::new(None),
            audio,
            pair: Mutex::new(None),
            stats: Mutex::new(None),
            about: Mutex::new(About {
                name: String::new(),
                state: PeerState::New,
                since: Instant::now(),
                connected_ms: None,
                negotiations: 0,
                status: Status::default(),
            }),
        }
    }

    pub fn pictures(&self, kind: VideoKind) -> &PeerPictures {
        match kind {
            VideoKind::Camera => &self.camera,
            VideoKind::Screen => &self.screen,
        }
    }
}
