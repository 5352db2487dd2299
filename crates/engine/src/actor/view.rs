//! What is shown, put together from everything the actor knows.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use maru_media::{DeviceKind, DeviceList};
use tokio::sync::oneshot;

use super::Actor;
use super::selection::Selection;
use crate::api::{CallState, CallView, MeView, PeerView};
use crate::call::is_connected;
use crate::report::{
    CallReport, EncodeReport, MeReport, SentAudioReport, SentReport, SentVideoReport, kbps, ms,
};
use crate::send::video::VideoSendStats;

/// The view before anything happened.
pub(super) fn initial(selection: &Selection) -> CallView {
    CallView {
        call: CallState::Idle,
        room: None,
        me: me(selection, None, ""),
        peers: Vec::new(),
        devices: DeviceList::default(),
        chat: Vec::new(),
        files: Vec::new(),
        notice: None,
        server: None,
        links: Vec::new(),
    }
}

fn me(selection: &Selection, id: Option<maru_protocol::PeerId>, name: &str) -> MeView {
    MeView {
        id,
        name: name.to_owned(),
        muted: selection.muted,
        camera_off: selection.camera_off,
        camera: selection.device(DeviceKind::Camera),
        microphone: selection.device(DeviceKind::Microphone),
        speaker: selection.device(DeviceKind::Speaker),
        camera_live: selection.is_open(DeviceKind::Camera),
        microphone_live: selection.is_open(DeviceKind::Microphone),
        speaker_test: selection.is_testing_speaker(),
        sharing: None,
    }
}

impl Actor {
    pub(super) fn show(&self) {
        let now = Instant::now();
        let peers = (self.call.peers().iter())
            .map(|peer| {
                let info = peer.info();
                let media = self.shared.media_of(peer.id());
                let live = media.as_ref().is_some_and(|media| media.camera.video.is_live(now));
                let screen = media.is_some_and(|media| media.screen.video.has_pictures());
                let heard = self.volumes.of(peer.id());
                PeerView {
                    id: peer.id(),
                    name: info.name.as_str().to_owned(),
                    state: peer.state(),
                    muted: info.status.muted,
                    camera_off: info.status.camera_off,
                    has_video: live && is_connected(peer.state()) && !info.status.camera_off,
                    volume: heard.volume,
                    muted_for_me: heard.muted,
                    takes_files: info.capabilities.files,
                    sharing: info.status.sharing,
                    has_screen: screen && is_connected(peer.state()) && info.status.sharing,
                }
            })
            .collect();
        self.shared.show(CallView {
            call: self.call.state(),
            room: self.call.room().cloned(),
            me: MeView { sharing: self.share.view(), ..me(&self.selection, self.call.me(), &self.name) },
            peers,
            devices: self.device_list.clone(),
            chat: self.chat.messages(),
            files: self.files.views(),
            notice: self.notice.clone(),
            server: self.server.clone(),
            links: self.call.links().to_vec(),
        });
    }

    pub(super) async fn report(&self, reply: oneshot::Sender<CallReport>) {
        let span = self.in_call_since.map_or(Duration::ZERO, |since| since.elapsed());
        let (video, audio) = (&self.media.video_stats, &self.media.audio_stats);
        let voice = *audio.voice.lock();
        let _ = reply.send(CallReport {
            room: self.call.room().cloned(),
            me: MeReport { id: self.call.me(), name: self.name.clone() },
            joined_ms: self.call.joined_after().map(ms),
            peers: self.shared.peer_reports(),
            sent: SentReport {
                video: sent_video(video, span),
                screen: sent_video(&self.media.screen.stats, span),
                audio: SentAudioReport {
                    kbps: kbps(audio.bytes.load(Ordering::Relaxed), span),
                    echo: voice.echo,
                    processing_delay_ms: ms(voice.delay),
                    processing_failures: voice.panics,
                },
            },
        });
    }
}

fn sent_video(stats: &VideoSendStats, span: Duration) -> SentVideoReport {
    SentVideoReport {
        encoders: stats.encoders_most.load(Ordering::Relaxed),
        encoders_now: stats.encoders.load(Ordering::Relaxed),
        frames: stats.frames.load(Ordering::Relaxed),
        bytes: stats.bytes.load(Ordering::Relaxed),
        kbps: kbps(stats.bytes.load(Ordering::Relaxed), span),
        encode_ms: EncodeReport::of(&stats.encode_ms.lock()),
        width: stats.width_px.load(Ordering::Relaxed),
        height: stats.height_px.load(Ordering::Relaxed),
    }
}
