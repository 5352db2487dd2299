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
                let live =
                    self.shared.media_of(peer.id()).is_some_and(|media| media.camera.video.is_live(now));
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
                    has_screen: false,
                }
            })
            .collect();
        self.shared.show(CallView {
            call: self.call.state(),
            room: self.call.room().cloned(),
            me: me(&self.selection, self.call.me(), &self.name),
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
                video: SentVideoReport {
                    encoders: video.encoders_most.load(Ordering::Relaxed),
                    encoders_now: video.encoders.load(Ordering::Relaxed),
                    frames: video.frames.load(Ordering::Relaxed),
                    kbps: kbps(video.bytes.load(Ordering::Relaxed), span),
                    encode_ms: EncodeReport::of(&video.encode_ms.lock()),
                    width: video.width_px.load(Ordering::Relaxed),
                    height: video.height_px.load(Ordering::Relaxed),
                },
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
